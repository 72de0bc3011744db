import Kubernetes
import Rego

/// Collects objects into a ``ClusterModel``, and what is wrong with them.
///
/// Objects of kinds that decide nothing are passed over.
public struct ClusterModelBuilder {
  /// What the model is made from; empty at first.
  private let base: ClusterModel
  /// The namespaces that differ from those of the base.
  private var changed: [RegoString: NamespaceContent] = [:]
  private var clusterPolicies: [ObjectReference: Policy] = [:]
  private var foreignPolicies: [ObjectReference: [ForeignPolicy]] = [:]
  private var gateways: [ObjectReference: Gateway] = [:]
  /// The kinds of policies that the cluster's network enforces; nil for all.
  private let enforcedKinds: Set<RegoString>?
  /// In the order in which they were found.
  public private(set) var problems: [Problem] = []

  /// - Parameter enforcedKinds: the kinds of policies that the cluster's network enforces, as `NetworkPolicy`; nil for all that are
  ///   known. Others count for nothing.
  public init(enforcedKinds: Set<RegoString>? = nil) {
    self.init(ClusterModel(enforcedKinds: enforcedKinds))
  }

  /// A builder that starts with what is in a model. What is added or removed costs as much as its namespace holds.
  public init(_ model: ClusterModel) {
    base = model
    enforcedKinds = model.enforcedKinds
    clusterPolicies = model.clusterPoliciesByReference
    foreignPolicies = model.foreignPoliciesByReference
    gateways = model.gatewaysByReference
  }

  private mutating func change(
    _ namespace: RegoString, _ body: (inout NamespaceContent) throws -> Void
  ) rethrows {
    var content = changed[namespace] ?? base.namespaces[namespace]?.content ?? NamespaceContent()
    // Not held twice, so that changing it copies nothing.
    changed[namespace] = nil
    defer { changed[namespace] = content }
    try body(&content)
  }

  /// The kinds of policies that are known.
  public static let policyKinds: Set<RegoString> = [
    "NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy",
    "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "CalicoNetworkPolicy", "GlobalNetworkPolicy",
  ]

  private func isEnforced(_ kind: GroupVersionKind) -> Bool {
    guard let enforcedKinds else { return true }
    // Calico calls its own kind as Kubernetes does.
    let isCalico = kind.group.utf8.reversed().starts(with: "projectcalico.org".utf8.reversed())
    let name: RegoString = isCalico && kind.kind == "NetworkPolicy" ? "CalicoNetworkPolicy" : kind.kind
    return !Self.policyKinds.contains(name) || enforcedKinds.contains(name)
  }

  /// Adds the object of a manifest.
  public mutating func add(_ manifest: Manifest) {
    add(
      manifest.object, reference: manifest.reference, metadata: manifest.metadata, location: manifest.location
    )
  }

  /// Adds an object as the API server shows it.
  public mutating func add(
    _ object: Value, reference: ObjectReference, metadata: ObjectMetadata, location: Location? = nil
  ) {
    guard let members = object.object else { return }
    do {
      try add(members, reference, metadata, location)
    } catch {
      problems.append(Problem(.error, reference, at: location, Misfit(error).sentence))
    }
  }

  private mutating func add(
    _ object: ObjectValue, _ reference: ObjectReference, _ metadata: ObjectMetadata, _ location: Location?
  ) throws {
    let kind = reference.kind
    let namespace = reference.namespace ?? "default"
    if !isEnforced(kind) { return }
    switch (kind.group.string, kind.kind.string) {
    case ("", "Namespace"):
      try change(reference.name) { content in
        if content.labels != nil { throw Misfit(Self.twice) }
        content.labels = metadata.labels
      }
    case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
      let policy = try Policy.networkPolicy(object, reference: reference, location: location)
      try change(namespace) { content in
        if content.policies.updateValue(policy, forKey: reference.name) != nil { throw Misfit(Self.twice) }
      }
    case ("policy.networking.k8s.io", _):
      guard let kind = AdminPolicyKind(kind) else { return }
      var reader = AdminPolicyReader(kind, reference: reference, location: location)
      let policy = try reader.read(object)
      problems += reader.warnings
      if clusterPolicies.updateValue(policy, forKey: reference) != nil { throw Misfit(Self.twice) }
    case ("", "Service"):
      let service = try Service(object, name: reference.name)
      change(namespace) { $0.services[reference.name] = service }
    case ("networking.k8s.io", "Ingress"), ("extensions", "Ingress"):
      gateways[reference] = try Gateway.ingress(object, reference: reference, location: location)
    case ("route.openshift.io", "Route"):
      gateways[reference] = try Gateway.route(object, reference: reference, location: location)
    case ("cilium.io", _), ("projectcalico.org", _), ("crd.projectcalico.org", _):
      guard let policies = try ForeignPolicy.read(object, reference: reference, location: location) else {
        return
      }
      foreignPolicies[reference] = policies
      problems.append(
        Problem(
          .warning, reference, at: location,
          "its rules are not modelled yet: it counts as coverage, and not in connections"))
    default:
      guard KindTable.builtin[kind]?.podTemplatePath != nil else { return }
      let workload = try WorkloadObject(.object(object), reference: reference, metadata: metadata)
      var isReplaced = false
      change(namespace) { content in
        isReplaced =
          workload.isPod
          ? content.pods.updateValue(workload, forKey: reference.name) != nil
          : content.workloads.updateValue(workload, forKey: workload.own) != nil
      }
      if isReplaced {
        problems.append(
          Problem(.warning, reference, at: location, "there is another one of this name; the last one counts")
        )
      }
    }
  }

  /// Takes an object out, where it is in.
  public mutating func remove(_ reference: ObjectReference) {
    let namespace = reference.namespace ?? "default"
    switch (reference.kind.group.string, reference.kind.kind.string) {
    case ("", "Namespace"): change(reference.name) { $0.labels = nil }
    case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
      change(namespace) { $0.policies[reference.name] = nil }
    case ("", "Service"): change(namespace) { $0.services[reference.name] = nil }
    case ("", "Pod"): change(namespace) { $0.pods[reference.name] = nil }
    default:
      if clusterPolicies.removeValue(forKey: reference) != nil { return }
      if foreignPolicies.removeValue(forKey: reference) != nil { return }
      if gateways.removeValue(forKey: reference) != nil { return }
      guard KindTable.builtin[reference.kind]?.podTemplatePath != nil else { return }
      let workload = Workload(namespace: namespace, name: reference.name, kind: reference.kind.kind)
      change(namespace) { $0.workloads[workload] = nil }
    }
  }

  private static let twice =
    "there is another one of this kind and name, and which of the two the cluster has cannot be told"

  /// The model of what has been added so far.
  public func build() -> ClusterModel {
    var model = base
    for (name, content) in changed {
      model.namespaces[name] = content.isEmpty ? nil : NamespaceModel(name: name, content: content)
    }
    model.clusterPoliciesByReference = clusterPolicies
    model.foreignPoliciesByReference = foreignPolicies
    model.gatewaysByReference = gateways
    model.clusterPolicies = clusterPolicies.values.sorted(by: Policy.precedes)
    return model
  }
}

extension Policy {
  /// The order of the cluster's policies: the Admin tier by priority, then the Baseline tier, then by name.
  static func precedes(_ left: Policy, _ right: Policy) -> Bool {
    let a = left.rank
    let b = right.rank
    return a == b ? left.reference.name < right.reference.name : a < b
  }

  /// Smaller numbers go first; policies of one rank are of undefined order.
  var rank: Int {
    switch tier {
    case .admin(let priority): priority
    case .networkPolicy: 10_000
    case .baseline(let priority): 20_000 + priority
    }
  }
}
