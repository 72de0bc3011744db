import Rego

extension LiveModel {
  /// Workloads to which pods of a group may be connected in a direction: all that are, and some that are not.
  ///
  /// Where the group is isolated these are the peers of its rules; else those whose own policies let the group in (or to it).
  func partners(of group: PodGroup, in namespace: NamespaceModel, _ direction: Direction) -> Set<Workload> {
    let profile = profile(direction, of: group, in: namespace)
    if !profile.networkPolicies.isEmpty, let peers = peers(of: profile) { return peers }
    return willing(group, in: namespace, direction == .ingress ? .egress : .ingress)
  }

  /// The workloads that rules of an isolated group name; nil where a rule is about all of the cluster.
  private func peers(of profile: Profile) -> Set<Workload>? {
    var peers: Set<Workload> = []
    for policy in Array(profile.admin.joined()) + profile.networkPolicies {
      for rule in policy.rules where rule.rule.action == .allow && !rule.rule.failsClosed {
        let found = rule.rule.peers
        if found.isEverything || found.pods.contains(where: \.isWholeCluster) { return nil }
        // Which pods a block is about, addresses decide: of each one.
        if !found.addresses.isEmpty && (found.addressesMatchPods || reading.blocksMatchPods) {
          addByAddress(found, to: &peers)
        }
        for peer in found.pods { add(peer, to: &peers) }
      }
    }
    return peers
  }

  private func addByAddress(_ peers: RulePeers, to workloads: inout Set<Workload>) {
    for namespace in model.namespaces.values where namespace.mayHaveAddresses(in: peers) {
      for group in namespace.groups where peers.matchByAddress(group) != .no {
        workloads.insert(group.workload)
      }
    }
  }

  func add(_ peer: PodPeer, to workloads: inout Set<Workload>) {
    func add(_ namespace: NamespaceModel) {
      namespace.index.candidates(for: peer.pods.selector) { position in
        if peer.pods.matches(namespace.groups[position].labels) {
          workloads.insert(namespace.groups[position].workload)
        }
      }
    }
    switch peer.namespaces {
    case .own(let name): if let namespace = model.namespaces[name] { add(namespace) }
    case .matching(let selector):
      for namespace in model.namespaces.values where selector.matches(namespace.labels) { add(namespace) }
    }
  }

  /// The workloads whose policies of a direction may let a group in: those that none isolates, and those that a rule of theirs names it to.
  private func willing(_ group: PodGroup, in namespace: NamespaceModel, _ direction: Direction) -> Set<
    Workload
  > {
    let test = PodTest(group: group, namespace: namespace, reading: reading, bounds: bounds)
    var workloads: Set<Workload> = []
    for other in model.namespaces.values {
      for position in direction == .ingress ? other.openToIngress : other.openToEgress {
        workloads.insert(other.groups[position].workload)
      }
      if reading.hostNetworkIsNode {
        for group in other.groups where group.traits.isHostNetwork { workloads.insert(group.workload) }
      }
      for policy in direction == .ingress ? other.ingressPolicies : other.egressPolicies
      where policy.rules.contains(where: { test.match($0) != .no }) {
        add(policy.policy.subject, to: &workloads)
      }
    }
    for policy in clusterPolicies(direction)
    where policy.rules.contains(where: { $0.rule.action == .allow && test.match($0) != .no }) {
      add(policy.policy.subject, to: &workloads)
    }
    return workloads
  }
}
