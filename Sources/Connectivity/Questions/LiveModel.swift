import Kubernetes
import Rego

/// Pods of a group, and what decides about their connections of one direction.
struct Side {
  let group: PodGroup
  let namespace: NamespaceModel
  let profile: Profile

  /// Whether Cilium's or Calico's policies isolate the pods.
  var hasForeign: Bool { !profile.foreign.isEmpty }

  /// Whether an address decides about what may be connected to the pods.
  func asksForAddresses(_ reading: Analysis.Reading) -> Bool {
    profile.rules.contains { $0.rule.peers.areAboutPodsByAddress(reading) }
  }
}

extension RulePeers {
  /// Whether the rule's blocks are about pods, too.
  func areAboutPodsByAddress(_ reading: Analysis.Reading) -> Bool {
    !addresses.isEmpty && (addressesMatchPods || reading.blocksMatchPods)
  }
}

extension Profile {
  /// All that are modelled.
  var policies: [CompiledPolicy] { admin.joined() + networkPolicies + baseline.joined() }

  /// The rules of all policies.
  var rules: [CompiledRule] { policies.flatMap(\.rules) }
}

/// A model that is asked about a few connections: selectors are looked up as they are met.
struct LiveModel {
  let model: ClusterModel
  let reading: Analysis.Reading
  /// Whether what cannot be told counts as possible.
  let bounds: Bool

  init(_ model: ClusterModel, reading: Analysis.Reading = .admission, bounds: Bool = true) {
    self.model = model
    self.reading = reading
    self.bounds = bounds
  }

  /// Whether policies can select the pods at all.
  func isSelectable(_ traits: PodTraits) -> Bool { !(reading.hostNetworkIsNode && traits.isHostNetwork) }

  func profile(_ direction: Direction, of traits: PodTraits, in namespace: NamespaceModel) -> Profile {
    var profile = Profile(direction)
    if !isSelectable(traits) { return profile }
    for policy in model.clusterPolicies(direction)
    where policy.policy.subject.selects(traits.labels, in: namespace) {
      profile.append(policy)
    }
    for policy in namespace.policies(direction) where policy.policy.subject.pods.matches(traits.labels) {
      profile.append(policy)
    }
    forEachForeignPolicy(of: namespace) { policy in
      if policy.isolates.contains(direction), policy.selects(traits.labels, in: namespace) {
        profile.foreign.append(policy.reference)
      }
    }
    // They are not kept in an order.
    if profile.foreign.count > 1 {
      profile.foreign.sort { $0.description.utf8.lexicographicallyPrecedes($1.description.utf8) }
    }
    return profile
  }

  func profiles(
    _ direction: Direction, of groups: some Sequence<PodGroup>, in namespace: NamespaceModel
  ) -> [Profile] {
    groups.map { profile(direction, of: $0.traits, in: namespace) }
  }

  func sides(
    of groups: some Sequence<PodGroup>, in namespace: NamespaceModel, _ direction: Direction
  ) -> [Side] {
    groups.map { group in
      Side(group: group, namespace: namespace, profile: profile(direction, of: group.traits, in: namespace))
    }
  }

  private func test(_ side: Side) -> PodTest {
    PodTest(group: side.group, namespace: side.namespace, reading: reading, bounds: bounds)
  }

  /// What may be allowed between some pods of two workloads, and what is allowed for certain.
  ///
  /// - Parameters:
  ///   - own: with what decides about a direction.
  ///   - others: with what decides about the other one.
  func allowed(_ direction: Direction, of own: [Side], with others: [Side]) -> (
    upper: ConnectionSet, lower: ConnectionSet
  ) {
    var upper = ConnectionSet.none
    var lower = ConnectionSet.none
    for side in own {
      for other in others {
        let ports = (direction == .ingress ? side : other).group.traits.ports
        var evaluation = Evaluation(test(other), ports: ports)
        let one = evaluation.run(side.profile)
        if one.allowed.isEmpty { continue }
        var back = Evaluation(test(side), ports: ports)
        let two = back.run(other.profile)
        if two.allowed.isEmpty { continue }
        upper = upper.union(one.allowed.intersection(two.allowed))
        lower = lower.union(ConnectionSet.all.subtracting(one.denied).subtracting(two.denied))
      }
    }
    return (upper, lower)
  }

  /// What may be allowed between pods of a workload and addresses, and what is for certain.
  func allowed(
    _ direction: Direction, of own: [Side], with range: AddressRange
  ) -> (upper: ConnectionSet, lower: ConnectionSet) {
    var upper = ConnectionSet.none
    var lower = ConnectionSet.none
    for side in own {
      let ports = direction == .ingress ? side.group.traits.ports : []
      var evaluation = Evaluation(AddressTest(range: range, bounds: bounds), ports: ports)
      let verdict = evaluation.run(side.profile)
      upper = upper.union(verdict.allowed)
      lower = lower.union(ConnectionSet.all.subtracting(verdict.denied))
    }
    return (upper, lower)
  }

  /// The rules through which connections are allowed, on either side; nothing for a side that no policy restricts. Those of the
  /// source come first.
  func rules(
    _ direction: Direction, of own: [Side], with others: [Side], _ connections: ConnectionSet
  ) -> [RuleReference] {
    var found: [Direction: [RuleReference]] = [:]
    for side in own {
      for other in others {
        let ports = (direction == .ingress ? side : other).group.traits.ports
        collect(side.profile, test(other), ports, connections, into: &found[direction, default: []])
        collect(
          other.profile, test(side), ports, connections, into: &found[direction.opposite, default: []])
      }
    }
    return (found[.egress] ?? []) + (found[.ingress] ?? [])
  }

  func rules(
    _ direction: Direction, of own: [Side], with range: AddressRange, _ connections: ConnectionSet
  ) -> [RuleReference] {
    var found: [RuleReference] = []
    for side in own {
      let ports = direction == .ingress ? side.group.traits.ports : []
      collect(side.profile, AddressTest(range: range, bounds: bounds), ports, connections, into: &found)
    }
    return found
  }

  private func collect(
    _ profile: Profile, _ test: some PeerTest, _ ports: [ContainerPort], _ connections: ConnectionSet,
    into rules: inout [RuleReference]
  ) {
    var evaluation = Evaluation(test, ports: ports, explaining: true)
    _ = evaluation.run(profile)
    for reason in evaluation.reasons ?? [] where reason.isAllowed {
      guard case .rule(let rule) = reason.cause, !rules.contains(rule),
        !reason.connections.intersection(connections).isEmpty
      else { continue }
      rules.append(rule)
    }
  }
}

extension Direction {
  var opposite: Direction { self == .ingress ? .egress : .ingress }
}
