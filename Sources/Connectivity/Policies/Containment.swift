import Kubernetes
import Rego

// Whether one part of a policy says all that another says, by what is written: it may do so without being found to.

extension Selector {
  /// Whether whatever the other selects this one selects too: each requirement of this one is one of the other's.
  func covers(_ other: Selector) -> Bool {
    selector.requirements.allSatisfy { requirement in
      other.selector.requirements.contains { $0.implies(requirement) }
    }
  }
}

extension LabelSelector.Requirement {
  fileprivate func implies(_ other: LabelSelector.Requirement) -> Bool {
    if key != other.key { return false }
    return switch (operation, other.operation) {
    case (.in, .in): Set(values).isSubset(of: other.values)
    case (.in, .notIn): Set(values).isDisjoint(with: other.values)
    case (.notIn, .notIn): Set(values).isSuperset(of: other.values)
    case (.in, .exists), (.exists, .exists), (.doesNotExist, .doesNotExist), (.doesNotExist, .notIn): true
    default: false
    }
  }
}

extension PodPeer {
  func covers(_ other: PodPeer) -> Bool {
    guard pods.covers(other.pods) else { return false }
    switch (namespaces, other.namespaces) {
    case (.matching(let selector), .matching(let others)): return selector.covers(others)
    case (.own(let name), .own(let other)): return name == other
    case (.matching(let selector), .own): return selector.matchesAll
    case (.own(let name), .matching):
      guard case .named(let other) = Representative(other).namespaces else { return false }
      return name == other
    }
  }
}

extension PolicyRule {
  /// Whether the rule matches all that the other matches.
  func covers(_ other: PolicyRule) -> Bool {
    if failsClosed || other.failsClosed || !other.peers.unmodelled.isEmpty { return false }
    guard other.ports.numbered.isSubset(of: ports.numbered),
      ports.numbered.isAll || Set(other.ports.named).isSubset(of: ports.named)
    else { return false }
    if peers.isEverything { return true }
    if other.peers.isEverything { return false }
    return other.peers.addresses.subtracting(peers.addresses).isEmpty
      && other.peers.pods.allSatisfy { pods in peers.pods.contains { $0.covers(pods) } }
  }
}

extension Policy {
  /// Whether a NetworkPolicy isolates its pods only to allow them all that there is (of IPv4, at least).
  var allowsEverything: Bool {
    !isolates.isEmpty
      && isolates.allSatisfy { direction in
        let wide = rules(direction).filter(\.ports.numbered.isAll)
        if wide.contains(where: \.peers.isEverything) { return true }
        let addresses = wide.reduce(AddressSet.none) { $0.union($1.peers.addresses) }
        return addresses.contains(.allV4) && wide.contains { $0.peers.pods.contains(where: \.isWholeCluster) }
      }
  }

  /// Whether the cluster would be the same without the other policy: NetworkPolicies only.
  func makesNeedless(_ other: Policy) -> Bool {
    guard tier == .networkPolicy, other.tier == .networkPolicy, subject.covers(other.subject),
      other.isolates.isSubset(of: isolates)
    else { return false }
    let isCovered = other.isolates.allSatisfy { direction in
      other.rules(direction).allSatisfy { rule in rules(direction).contains { $0.covers(rule) } }
    }
    guard isCovered else { return false }
    // Of two that say the same the first counts.
    let isMutual =
      other.subject.covers(subject) && isolates.isSubset(of: other.isolates)
      && isolates.allSatisfy { direction in
        rules(direction).allSatisfy { rule in other.rules(direction).contains { $0.covers(rule) } }
      }
    return !isMutual || reference.name < other.reference.name
  }

  /// Rules of the cluster's policies that an earlier rule leaves nothing to do, each with that rule.
  func unreachableRules(_ direction: Direction) -> [(PolicyRule, PolicyRule)] {
    if tier == .networkPolicy { return [] }
    let rules = rules(direction)
    return rules.compactMap { rule in
      rules.prefix(rule.index).first { $0.covers(rule) }.map { (rule, $0) }
    }
  }
}
