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
