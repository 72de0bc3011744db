import Kubernetes
import Rego

/// Collects objects into a ``ClusterModel``, and what is wrong with them.
///
/// Objects of kinds that decide nothing are passed over.
public struct ClusterModelBuilder {
  private struct Namespace {
    var labels: ObjectValue?
    var workloads: [Workload: WorkloadObject] = [:]
    var pods: [RegoString: WorkloadObject] = [:]
    var policies: [RegoString: Policy] = [:]
    var services: [RegoString: Service] = [:]
  }

  private var namespaces: [RegoString: Namespace] = [:]
  private var clusterPolicies: [ObjectReference: Policy] = [:]
  private var foreignPolicies: [ObjectReference: [ForeignPolicy]] = [:]
  private var gateways: [ObjectReference: Gateway] = [:]
  /// The kinds of policies that the cluster's network enforces; nil for all.
  private let enforcedKinds: Set<RegoString>?
  /// In the order in which they were found.
  public private(set) var problems: [Problem] = []

  /// - Parameter enforcedKinds: the kinds of policies that the cluster's network enforces, as `NetworkPolicy`; nil for all that are
  ///   known. Others count for nothing.
  public init(enforcedKinds: Set<RegoString>? = nil) { self.enforcedKinds = enforcedKinds }

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
      if namespaces[reference.name]?.labels != nil { throw Misfit(Self.twice) }
      namespaces[reference.name, default: Namespace()].labels = metadata.labels
    case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
      let policy = try Policy.networkPolicy(object, reference: reference, location: location)
      if namespaces[namespace, default: Namespace()].policies.updateValue(policy, forKey: reference.name)
        != nil
      {
        throw Misfit(Self.twice)
      }
    case ("policy.networking.k8s.io", _):
      guard let kind = AdminPolicyKind(kind) else { return }
      var reader = AdminPolicyReader(kind, reference: reference, location: location)
      let policy = try reader.read(object)
      problems += reader.warnings
      if clusterPolicies.updateValue(policy, forKey: reference) != nil { throw Misfit(Self.twice) }
    case ("", "Service"):
      namespaces[namespace, default: Namespace()].services[reference.name] = try Service(
        object, name: reference.name)
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
      let replaced =
        workload.isPod
        ? namespaces[namespace, default: Namespace()].pods.updateValue(workload, forKey: reference.name)
        : namespaces[namespace, default: Namespace()].workloads.updateValue(workload, forKey: workload.own)
      if replaced != nil {
        problems.append(
          Problem(.warning, reference, at: location, "there is another one of this name; the last one counts")
        )
      }
    }
  }

  private static let twice =
    "there is another one of this kind and name, and which of the two the cluster has cannot be told"

  /// The model of what has been added so far.
  public func build() -> ClusterModel {
    var model = ClusterModel()
    for (name, namespace) in namespaces {
      model.namespaces[name] = NamespaceModel(
        name: name, labels: namespace.labels, groups: Self.groups(of: namespace),
        policies: namespace.policies.values.sorted { $0.reference.name < $1.reference.name })
      if !namespace.services.isEmpty {
        model.services[name] = namespace.services.values.sorted { $0.name < $1.name }
      }
    }
    model.clusterPolicies = clusterPolicies.values.sorted(by: Policy.precedes)
    model.foreignPolicies = foreignPolicies.sorted { $0.key.description < $1.key.description }
      .flatMap(\.value)
    model.gateways = gateways.values.sorted { $0.reference.description < $1.reference.description }
    return model
  }

  /// Pods and templates by workload: a pod belongs to the topmost of its owners of which there is an object.
  private static func groups(of namespace: Namespace) -> [PodGroup] {
    struct Key: Hashable {
      let workload: Workload
      let traits: PodTraits
    }
    var groups: [Key: PodGroup] = [:]
    func top(_ workload: Workload) -> Workload {
      var top = workload
      // Owners of owners end, but what is written need not.
      for _ in 0..<8 {
        guard let owner = namespace.workloads[top]?.owner, namespace.workloads[owner] != nil else { break }
        top = owner
      }
      return top
    }
    for object in Array(namespace.workloads.values) + Array(namespace.pods.values) {
      let workload = object.isPod ? top(object.owner ?? object.own) : top(object.own)
      let key = Key(workload: workload, traits: object.traits)
      var group =
        groups[key]
        ?? PodGroup(
          workload: workload, traits: object.traits, addresses: [], podCount: 0, example: object.own.name)
      group.addresses += object.addresses
      group.podCount += object.isPod ? 1 : 0
      groups[key] = group
    }
    return groups.values.sorted { left, right in
      left.workload == right.workload
        ? Value.object(left.labels).compare(.object(right.labels)) < 0 : left.workload < right.workload
    }
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
