import Kubernetes
import Rego

/// A policy of Cilium or Calico, as far as it is understood: which pods it isolates, and in which directions.
///
/// What its rules allow is not modelled.
public struct ForeignPolicy: Sendable {
  enum Pods: Sendable, Equatable {
    /// Labels as Cilium sees them, which include the namespace's.
    case cilium(LabelSelector)
    case calico(pods: CalicoSelector, namespaces: CalicoSelector)
  }

  public let reference: ObjectReference
  public let location: Location?
  public let isolates: Set<Direction>
  /// Nil for policies that are the cluster's.
  let namespace: RegoString?
  let pods: Pods

  /// The API groups of these policies.
  static let groups: Set<RegoString> = ["cilium.io", "projectcalico.org", "crd.projectcalico.org"]

  /// Whether two are the same but for where they stand.
  func isSame(as other: ForeignPolicy) -> Bool {
    isolates == other.isolates && namespace == other.namespace && pods == other.pods
  }

  func selects(_ labels: ObjectValue, in namespace: NamespaceModel) -> Bool {
    if let own = self.namespace, own != namespace.name { return false }
    switch pods {
    case .cilium(let selector): return selector.matches(Self.ciliumLabels(labels, in: namespace))
    case .calico(let pods, let namespaces):
      return namespaces.matches(namespace.labels) && pods.matches(labels)
    }
  }

  /// Reads the policies of a Cilium or Calico object; nothing of any other (and for host firewalls, which are not about pods).
  ///
  /// - Throws: `Misfit` where it cannot be understood which pods they select.
  static func read(
    _ object: ObjectValue, reference: ObjectReference, location: Location?
  ) throws -> [ForeignPolicy]? {
    switch (reference.kind.group.string, reference.kind.kind.string) {
    case ("cilium.io", "CiliumNetworkPolicy"), ("cilium.io", "CiliumClusterwideNetworkPolicy"):
      return try cilium(object, reference: reference, location: location)
    case ("projectcalico.org", "NetworkPolicy"), ("crd.projectcalico.org", "NetworkPolicy"),
      ("projectcalico.org", "GlobalNetworkPolicy"), ("crd.projectcalico.org", "GlobalNetworkPolicy"):
      return try [calico(object, reference: reference, location: location)].compactMap { $0 }
    default: return nil
    }
  }

  // Cilium (Cilium documentation, "Policy Enforcement Modes" and "Layer 3 Policies").

  private static func cilium(
    _ object: ObjectValue, reference: ObjectReference, location: Location?
  ) throws -> [ForeignPolicy] {
    let reader = FieldReader(object)
    var policies: [ForeignPolicy] = []
    func add(_ spec: FieldReader) throws {
      // One with a nodeSelector is about nodes.
      guard let selector = try spec.object("endpointSelector") else { return }
      var isolates: Set<Direction> = []
      let defaults = FieldReader(try spec.object("enableDefaultDeny") ?? ObjectValue())
      for (direction, rules, denials) in [
        (Direction.ingress, "ingress", "ingressDeny"), (.egress, "egress", "egressDeny"),
      ] as [(Direction, RegoString, RegoString)] {
        let hasRules =
          try !((spec.array(rules) ?? []) + (spec.array(denials) ?? [])).isEmpty
        if try defaults.boolean(rules) ?? hasRules { isolates.insert(direction) }
      }
      policies.append(
        ForeignPolicy(
          reference: reference, location: location, isolates: isolates,
          namespace: reference.kind.kind == "CiliumNetworkPolicy" ? reference.namespace ?? "default" : nil,
          pods: .cilium(try at("endpointSelector") { try LabelSelector(withoutSources(selector)) })))
    }
    if let spec = try reader.object("spec") { try at("spec") { try add(FieldReader(spec)) } }
    _ = try Policy.elements(reader, "specs") { _, spec in try add(spec) }
    return policies
  }

  /// The selector with its labels' sources, as in `k8s:app`, taken off.
  private static func withoutSources(_ selector: ObjectValue) -> Value {
    func plain(_ key: Value) -> Value {
      guard case .string(let key) = key else { return key }
      for source in ["k8s:", "any:"] where key.string.utf8.starts(with: source.utf8) {
        return .string(RegoString(String(Substring(key.string.utf8.dropFirst(source.utf8.count)))))
      }
      return .string(key)
    }
    return .object(
      ObjectValue(
        selector.map { name, value in
          switch (name, value) {
          case ("matchLabels", .object(let labels)):
            return (name, Value.object(ObjectValue(labels.map { (plain($0), $1) })))
          case ("matchExpressions", .array(let expressions)):
            return (
              name,
              .array(
                expressions.map { expression in
                  guard case .object(let members) = expression, let key = members["key"] else {
                    return expression
                  }
                  return .object(members.inserting("key", plain(key)))
                })
            )
          default: return (name, value)
          }
        }))
  }

  private static func ciliumLabels(_ labels: ObjectValue, in namespace: NamespaceModel) -> ObjectValue {
    var pairs = Array(labels)
    pairs.append(("io.kubernetes.pod.namespace", .string(namespace.name)))
    for case (.string(let key), let value) in namespace.labels {
      pairs.append((.string(RegoString("io.cilium.k8s.namespace.labels.\(key)")), value))
    }
    return ObjectValue(pairs)
  }

  // Calico (Calico documentation, "Network policy" and "Global network policy").

  private static func calico(
    _ object: ObjectValue, reference: ObjectReference, location: Location?
  ) throws -> ForeignPolicy? {
    let spec = FieldReader(try FieldReader(object).object("spec") ?? ObjectValue())
    return try at("spec") {
      for name in ["doNotTrack", "preDNAT"] as [RegoString] {
        if try spec.boolean(name) ?? false { return nil }
      }
      let hasIngress = try !(spec.array("ingress") ?? []).isEmpty
      let hasEgress = try !(spec.array("egress") ?? []).isEmpty
      let types = try spec.strings("types") ?? []
      let isolates: Set<Direction> =
        types.isEmpty
        ? (hasEgress ? (hasIngress ? [.ingress, .egress] : [.egress]) : [.ingress])
        : Set(types.compactMap { Direction(rawValue: $0.string) })
      let isGlobal = reference.kind.kind == "GlobalNetworkPolicy"
      func selector(_ name: RegoString) throws -> CalicoSelector {
        let text = try spec.string(name)?.string ?? ""
        return try at(name.string) { try CalicoSelector(text) }
      }
      return ForeignPolicy(
        reference: reference, location: location, isolates: isolates,
        namespace: isGlobal ? nil : reference.namespace ?? "default",
        pods: .calico(
          pods: try selector("selector"),
          namespaces: isGlobal ? try selector("namespaceSelector") : .everything))
    }
  }
}
