import Rego

/// Pods of a group.
struct GroupTest: PeerTest {
  let group: Int
  /// Whether what cannot be told counts as possible, or as no match.
  let bounds: Bool

  func match(_ rule: CompiledRule) -> Match {
    if rule.rule.peers.isEverything || rule.groups.contains(group) { return .certain }
    return bounds && rule.possibleGroups.contains(group) ? .possible : .no
  }
}

/// Addresses outside of the cluster, which no block of a policy tells apart.
struct AddressTest: PeerTest {
  let range: AddressRange
  let bounds: Bool

  func match(_ rule: CompiledRule) -> Match {
    let peers = rule.rule.peers
    if peers.isEverything || peers.addresses.contains(range) { return .certain }
    return bounds && (!peers.unmodelled.isEmpty || peers.addresses.overlaps(range)) ? .possible : .no
  }
}

/// A pod that is not there: its labels are given.
struct LabelTest: PeerTest {
  let namespace: RegoString
  let namespaceLabels: ObjectValue
  let labels: ObjectValue

  func match(_ rule: CompiledRule) -> Match {
    if rule.rule.peers.isEverything { return .certain }
    return rule.rule.peers.pods.contains(where: isSelected) ? .certain : .no
  }

  func isSelected(by peer: PodPeer) -> Bool {
    switch peer.namespaces {
    case .own(let own): own == namespace && peer.pods.matches(labels)
    case .matching(let selector): selector.matches(namespaceLabels) && peer.pods.matches(labels)
    }
  }
}

/// Pods of a group in a model whose selectors have not been looked up.
struct PodTest: PeerTest {
  let group: PodGroup
  let namespace: NamespaceModel
  let reading: Analysis.Reading
  let bounds: Bool

  func match(_ rule: CompiledRule) -> Match {
    let peers = rule.rule.peers
    if peers.isEverything { return .certain }
    if reading.hostNetworkIsNode && group.traits.isHostNetwork {
      // Such as `nodes`, of which this may be one.
      if bounds && !peers.unmodelled.isEmpty { return .possible }
    } else {
      for peer in peers.pods where peer.selects(group.labels, in: namespace) { return .certain }
    }
    if peers.addresses.isEmpty || !(peers.addressesMatchPods || reading.blocksMatchPods) { return .no }
    let match = peers.matchByAddress(group)
    return match == .possible && !bounds ? .no : match
  }
}

extension PodPeer {
  func selects(_ labels: ObjectValue, in namespace: NamespaceModel) -> Bool {
    switch namespaces {
    case .own(let own): own == namespace.name && pods.matches(labels)
    case .matching(let selector): selector.matches(namespace.labels) && pods.matches(labels)
    }
  }
}

extension RulePeers {
  /// Whether the rule's blocks are about pods of a group: for certain where all their addresses are known to be inside, or where the
  /// blocks are all of IPv4. An `ipBlock` is taken to be about addresses that pods are known to have, and no others: else each pod that
  /// is yet to come would be in every block.
  func matchByAddress(_ group: PodGroup) -> Match {
    let inside = group.addresses.count { addresses.contains($0) }
    let isKnown = !group.addresses.isEmpty && group.addresses.count >= group.podCount
    // "If you Allow or Deny traffic to 0.0.0.0/0, that will allow or deny all IPv4 pod-to-pod traffic as well."
    if addressesMatchPods && (isKnown ? inside == group.addresses.count : addresses.contains(.allV4)) {
      return .certain
    }
    return inside > 0 || !isKnown && addressesMatchPods ? .possible : .no
  }
}
