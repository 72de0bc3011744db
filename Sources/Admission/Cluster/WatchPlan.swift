import Connectivity
import Kubernetes
import Rego

/// Which kinds of the cluster are followed for which policies, and which policies refer to what cannot be followed.
struct WatchPlan: Sendable, Equatable {
  /// By kind, the names of the policies and templates that refer to it; none where Gatekeeper's configuration alone names it.
  private(set) var kinds: [GroupVersionKind: Set<String>] = [:]
  /// The kinds without which a built-in policy cannot be judged by.
  private(set) var required: Set<GroupVersionKind> = []
  /// By policy or template, why what it refers to cannot be followed.
  private(set) var uncovered: [String: String] = [:]
  /// The kinds of which the whole of `status` is kept.
  private(set) var keepsStatus: Set<GroupVersionKind> = []
  /// The policies and templates that read it.
  private(set) var statusReaders: Set<String> = []
  /// The policies and templates that leave it to Gatekeeper's configuration what they read.
  private(set) var configured: Set<String> = []
  /// The names of kinds that are referred to in no version, and stand for none that is known: the server may offer some.
  private(set) var unresolved: Set<RegoString> = []

  /// What the plan depends on besides the policies.
  struct Surroundings: Sendable, Equatable {
    /// What Gatekeeper's Config and SyncSets name.
    var synced: Set<GroupVersionKind> = []
    var allowed = FollowedKinds.standard
    /// The preferred version of each group that the server offers.
    var versions: [RegoString: RegoString] = [:]
    /// What the server offers of kinds that no table knows, by name.
    var offered: [RegoString: Set<GroupVersionKind>] = [:]
  }

  init() {}

  init(_ policies: PolicySet, _ surroundings: Surroundings, table: KindTable = .builtin) {
    for kind in surroundings.synced where surroundings.allowed.allows(group: kind.group, kind: kind.kind) {
      kinds[kind] = []
    }
    for policy in policies.policies where policy.readsInventory || !policy.clusterFunctions.isEmpty {
      let model =
        policy.clusterFunctions.isEmpty
        ? [] : Self.model(of: policy.clusterFunctions, policies.enforcedKinds)
      let kinds = add(
        policy.inventoryNeeds, of: policy.name, kinds: model, isDeclared: policy.isBuiltin,
        advice: "write the kinds into the reference", surroundings, table)
      if policy.isBuiltin { required.formUnion(kinds) }
    }
    for template in policies.constraints.templates where template.readsInventory {
      let demanded = template.syncRequirements.flatMap(\.alternatives)
      add(
        template.inventoryNeeds, of: template.name, kinds: Set(demanded),
        // Whoever says what is needed is believed: the template itself or, as in Gatekeeper, whoever says what there is to be.
        isDeclared: !demanded.isEmpty || !surroundings.synced.isEmpty,
        advice:
          "name the kinds in \(SyncRequirement.annotation) of the template, or in a Config or SyncSet of Gatekeeper",
        surroundings, table)
    }
    if policies.constraints.readsNamespaces {
      let namespace = GroupVersionKind(group: "", version: "v1", kind: "Namespace")
      for template in policies.constraints.templates { kinds[namespace, default: []].insert(template.name) }
    }
    // Whoever may read any kind may read the status of any.
    if !configured.isDisjoint(with: statusReaders) { keepsStatus = Set(kinds.keys) }
  }

  @discardableResult
  private mutating func add(
    _ needs: InventoryNeeds, of policy: String, kinds declared: Set<GroupVersionKind>, isDeclared: Bool,
    advice: String, _ surroundings: Surroundings, _ table: KindTable
  ) -> Set<GroupVersionKind> {
    var wanted = declared
    var open: [InventoryNeeds.Reach] = []
    for reach in needs.reaches {
      let found = Self.kinds(of: reach, surroundings, table)
      if found.isEmpty {
        open.append(reach)
        if reach.apiVersion == nil, let kind = reach.kind { unresolved.insert(kind) }
      }
      wanted.formUnion(found)
    }
    if let place = needs.anywhere, !isDeclared {
      uncovered[policy] =
        "what it reads of data.inventory is known only when it runs (\(place.file):\(place.line):\(place.column)): "
        + advice
    } else if let reach = open.sorted(by: { $0.description < $1.description }).first, !isDeclared {
      uncovered[policy] =
        "it reads \(reach), which stands for no kind that is known: "
        + advice
    }
    let forbidden = wanted.filter { !surroundings.allowed.allows(group: $0.group, kind: $0.kind) }
    if let kind = forbidden.min(by: { $0.description < $1.description }) {
      uncovered[policy] = "it reads \(kind), which inventoryKinds in the configuration does not allow"
    }
    if uncovered[policy] != nil { return [] }
    for kind in wanted { kinds[kind, default: []].insert(policy) }
    if needs.anywhere != nil || !open.isEmpty { configured.insert(policy) }
    if needs.readsStatus {
      statusReaders.insert(policy)
      keepsStatus.formUnion(wanted)
    }
    return wanted
  }

  /// The kinds that a model of the network is made of.
  private static func model(
    of functions: Set<String>, _ enforcedKinds: Set<RegoString>?
  ) -> Set<GroupVersionKind> {
    var kinds: [(group: RegoString, version: RegoString, kind: RegoString)] = []
    // Calico's objects are read where they are kept: its own API server, which offers them too, may not run.
    let policies: [(name: RegoString, group: RegoString, version: RegoString, kind: RegoString)] = [
      ("NetworkPolicy", "networking.k8s.io", "v1", "NetworkPolicy"),
      ("AdminNetworkPolicy", "policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy"),
      ("BaselineAdminNetworkPolicy", "policy.networking.k8s.io", "v1alpha1", "BaselineAdminNetworkPolicy"),
      ("ClusterNetworkPolicy", "policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy"),
      ("CiliumNetworkPolicy", "cilium.io", "v2", "CiliumNetworkPolicy"),
      ("CiliumClusterwideNetworkPolicy", "cilium.io", "v2", "CiliumClusterwideNetworkPolicy"),
      ("CalicoNetworkPolicy", "crd.projectcalico.org", "v1", "NetworkPolicy"),
      ("GlobalNetworkPolicy", "crd.projectcalico.org", "v1", "GlobalNetworkPolicy"),
    ]
    for policy in policies where enforcedKinds?.contains(policy.name) ?? true {
      kinds.append((policy.group, policy.version, policy.kind))
    }
    kinds.append(("", "v1", "Namespace"))
    if NetworkPolicyBuiltins.needPods(functions) {
      kinds += [
        ("", "v1", "Pod"), ("", "v1", "ReplicationController"), ("", "v1", "Service"),
        ("apps", "v1", "DaemonSet"), ("apps", "v1", "Deployment"), ("apps", "v1", "ReplicaSet"),
        ("apps", "v1", "StatefulSet"), ("batch", "v1", "CronJob"), ("batch", "v1", "Job"),
        ("networking.k8s.io", "v1", "Ingress"), ("route.openshift.io", "v1", "Route"),
      ]
    }
    return Set(kinds.map { GroupVersionKind(group: $0.group, version: $0.version, kind: $0.kind) })
  }

  /// The kinds that a reference can lead to: one, or those that are known of what it leaves open.
  private static func kinds(
    of reach: InventoryNeeds.Reach, _ surroundings: Surroundings, _ table: KindTable
  ) -> Set<GroupVersionKind> {
    if let apiVersion = reach.apiVersion, let kind = reach.kind {
      return GroupVersionKind(apiVersion: apiVersion, kind: kind).map { [$0] } ?? []
    }
    var found: Set<GroupVersionKind> = []
    if let kind = reach.kind {
      for known in table.all where known.kind == kind {
        let version = known.group.utf8Count == 0 ? "v1" : surroundings.versions[known.group]
        if let version { found.insert(GroupVersionKind(group: known.group, version: version, kind: kind)) }
      }
      if found.isEmpty { found = surroundings.offered[kind] ?? [] }
    } else if let apiVersion = reach.apiVersion {
      for known in table.all where surroundings.allowed.allows(group: known.group, kind: known.kind) {
        let kind = GroupVersionKind(apiVersion: apiVersion, kind: known.kind)
        if let kind, kind.group == known.group { found.insert(kind) }
      }
    }
    return found
  }
}
