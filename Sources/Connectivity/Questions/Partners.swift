import Kubernetes
import Rego

extension LiveModel {
  /// The namespaces with pods to which those of a side may be connected in a direction: all that are, and some that are not.
  ///
  /// Where the side is isolated these are the namespaces that its rules name, as far as their own policies may let it in (or out to
  /// it); else all of the latter.
  func partnerNamespaces(of side: Side, _ direction: Direction) -> Set<RegoString> {
    let willing = willingNamespaces(side, direction.opposite)
    if side.profile.networkPolicies.isEmpty || !side.profile.foreign.isEmpty { return willing }
    return namedNamespaces(side.profile, among: willing) ?? willing
  }

  /// The namespaces whose policies of a direction may let a side in: those with pods that none isolates, and those with a rule that is
  /// about it.
  private func willingNamespaces(_ side: Side, _ direction: Direction) -> Set<RegoString> {
    var found = model.index(direction).namespaces(
      for: side.group, in: side.namespace, blocksMatchPods: reading.blocksMatchPods)
    let test = PodTest(group: side.group, namespace: side.namespace, reading: reading, bounds: bounds)
    for policy in model.clusterPolicies(direction)
    where policy.rules.contains(where: { $0.rule.action == .allow && test.match($0) != .no }) {
      forEachNamespace(of: policy.policy.subject) { found.insert($0.name) }
    }
    // What their policies allow is not known.
    if model.clusterForeignPolicies.isEmpty {
      found.formUnion(model.namespacesWithForeignPolicies)
    } else {
      found.formUnion(model.namespaces.keys)
    }
    return found
  }

  /// The namespaces that rules of isolated pods name; nil where a rule is about all of the cluster.
  private func namedNamespaces(_ profile: Profile, among willing: Set<RegoString>) -> Set<RegoString>? {
    var found: Set<RegoString> = []
    for policy in Array(profile.admin.joined()) + profile.networkPolicies {
      for rule in policy.rules where rule.rule.action == .allow && !rule.rule.failsClosed {
        let peers = rule.rule.peers
        if peers.isEverything || !peers.unmodelled.isEmpty || peers.pods.contains(where: \.isWholeCluster) {
          return nil
        }
        for peer in peers.pods {
          forEachNamespace(of: peer, among: willing) { found.insert($0.name) }
        }
        // Which pods a block is about, addresses decide: of each one.
        if peers.areAboutPodsByAddress(reading) {
          for name in willing where model.namespaces[name]?.pods.mayHaveAddresses(in: peers) ?? false {
            found.insert(name)
          }
        }
      }
    }
    return found
  }

  /// Calls `body` with the namespaces that a peer is about.
  func forEachNamespace(
    of peer: PodPeer, among wanted: Set<RegoString>? = nil, _ body: (NamespaceModel) -> Void
  ) {
    func visit(_ name: RegoString, if holds: (NamespaceModel) -> Bool) {
      if wanted?.contains(name) ?? true, let namespace = model.namespaces[name], holds(namespace) {
        body(namespace)
      }
    }
    switch peer.namespaces {
    case .own(let name): visit(name) { _ in true }
    case .matching(let selector):
      let named = selector.selector.requirements.first { $0.key == Self.metadataName && $0.operation == .in }
      if let named {
        for name in Set(named.values) { visit(name) { selector.matches($0.labels) } }
      } else if let wanted {
        for name in wanted { visit(name) { selector.matches($0.labels) } }
      } else {
        for namespace in model.namespaces.values where selector.matches(namespace.labels) { body(namespace) }
      }
    }
  }

  private static let metadataName: RegoString = "kubernetes.io/metadata.name"

  /// Adds the workloads that a peer is about.
  func add(_ peer: PodPeer, to workloads: inout Set<Workload>) {
    forEachNamespace(of: peer) { namespace in
      namespace.index.candidates(for: peer.pods.selector) { position in
        if peer.pods.matches(namespace.groups[position].labels) {
          workloads.insert(namespace.groups[position].workload)
        }
      }
    }
  }
}
