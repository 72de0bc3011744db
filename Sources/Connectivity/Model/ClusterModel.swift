import Kubernetes
import Rego

/// All that decides which connections are possible, as of one moment.
public struct ClusterModel: Sendable {
  /// By name.
  public internal(set) var namespaces: [RegoString: NamespaceModel] = [:]
  /// The policies that are the cluster's: by tier and priority, then by name.
  public internal(set) var clusterPolicies: [Policy] = []
  /// By ``ObjectReference/key``, as all that follows.
  var clusterPoliciesByKey: [ObjectReference: Policy] = [:]
  /// Those of Cilium and Calico that are the cluster's.
  var clusterForeignPolicies: [ObjectReference: [ForeignPolicy]] = [:]
  /// Where there are others of theirs.
  var namespacesWithForeignPolicies: Set<RegoString> = []
  /// What policies that are the cluster's could not be read for.
  var misread: [ObjectReference: Problem] = [:]
  /// The cluster's policies by direction, each that has a say in it.
  private(set) var clusterIngress: [CompiledPolicy] = []
  private(set) var clusterEgress: [CompiledPolicy] = []
  var ingressIndex = ReachIndex()
  var egressIndex = ReachIndex()
  /// The kinds of policies that the cluster's network enforces; nil for all.
  let enforcedKinds: Set<RegoString>?
  /// Whether pods that have run to their end are left out.
  let isLive: Bool

  init(enforcedKinds: Set<RegoString>? = nil, isLive: Bool = false) {
    self.enforcedKinds = enforcedKinds
    self.isLive = isLive
  }

  mutating func setClusterPolicies(_ policies: [ObjectReference: Policy]) {
    clusterPoliciesByKey = policies
    clusterPolicies = policies.values.sorted(by: Policy.precedes)
    clusterIngress = clusterPolicies.compactMap { CompiledPolicy(unresolved: $0, .ingress) }
    clusterEgress = clusterPolicies.compactMap { CompiledPolicy(unresolved: $0, .egress) }
  }

  func clusterPolicies(_ direction: Direction) -> [CompiledPolicy] {
    direction == .ingress ? clusterIngress : clusterEgress
  }

  func index(_ direction: Direction) -> ReachIndex { direction == .ingress ? ingressIndex : egressIndex }

  /// Policies of Cilium and Calico, which count as coverage only.
  public var foreignPolicies: [ForeignPolicy] {
    (clusterForeignPolicies.values.joined()
      + orderedNamespaces.flatMap { $0.content.foreignPolicies.values.joined() })
      .sorted { $0.reference.description.utf8.lexicographicallyPrecedes($1.reference.description.utf8) }
  }

  /// What lets connections from outside reach workloads through an ingress controller.
  public var gateways: [Gateway] {
    orderedNamespaces.flatMap(\.content.gateways.values)
      .sorted { $0.reference.description.utf8.lexicographicallyPrecedes($1.reference.description.utf8) }
  }

  /// All policies, the cluster's first.
  public var policies: [Policy] {
    clusterPolicies + orderedNamespaces.flatMap(\.policies)
  }

  var orderedNamespaces: [NamespaceModel] { namespaces.values.sorted { $0.name < $1.name } }
}

extension ObjectReference {
  /// The same for every version of the object, by which it is found.
  var key: ObjectReference {
    var key = self
    key.kind.version = Self.none
    // What was in this group is in the other now.
    if key.kind.group == Self.extensions { key.kind.group = Self.networking }
    return key
  }

  private static let none: RegoString = ""
  private static let extensions: RegoString = "extensions"
  private static let networking: RegoString = "networking.k8s.io"
}
