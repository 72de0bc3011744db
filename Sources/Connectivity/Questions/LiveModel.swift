import Kubernetes
import Rego

/// A model that is asked about a few connections: selectors are looked up as they are met.
struct LiveModel {
  let model: ClusterModel
  let reading: Analysis.Reading
  /// Whether what cannot be told counts as possible.
  let bounds: Bool
  private let members = Members()
  private let clusterIngress: [CompiledPolicy]
  private let clusterEgress: [CompiledPolicy]

  init(_ model: ClusterModel, reading: Analysis.Reading, bounds: Bool) {
    self.model = model
    self.reading = reading
    self.bounds = bounds
    clusterIngress = model.clusterPolicies.compactMap { CompiledPolicy(unresolved: $0, .ingress) }
    clusterEgress = model.clusterPolicies.compactMap { CompiledPolicy(unresolved: $0, .egress) }
  }

  func clusterPolicies(_ direction: Direction) -> [CompiledPolicy] {
    direction == .ingress ? clusterIngress : clusterEgress
  }

  /// The groups of a workload, where it is there.
  func groups(of workload: Workload) -> [PodGroup] {
    model.namespaces[workload.namespace]?.groups(of: workload) ?? []
  }

  /// Whether policies can select the pods at all.
  func isSelectable(_ group: PodGroup) -> Bool { !(reading.hostNetworkIsNode && group.traits.isHostNetwork) }

  func profile(_ direction: Direction, of group: PodGroup, in namespace: NamespaceModel) -> Profile {
    var profile = Profile()
    if !isSelectable(group) { return profile }
    for policy in clusterPolicies(direction) where policy.policy.subject.selects(group.labels, in: namespace)
    {
      profile.append(policy)
    }
    for policy in direction == .ingress ? namespace.ingressPolicies : namespace.egressPolicies
    where policy.policy.subject.pods.matches(group.labels) {
      profile.append(policy)
    }
    return profile
  }

  /// Groups of workloads with what decides about them, each looked up once.
  private final class Members {
    struct Key: Hashable {
      let workload: Workload
      let direction: Direction
    }

    var known: [Key: [(group: PodGroup, profile: Profile)]] = [:]
  }

  private func members(
    of workload: Workload, _ direction: Direction, in namespace: NamespaceModel
  ) -> [(group: PodGroup, profile: Profile)] {
    let key = Members.Key(workload: workload, direction: direction)
    if let known = members.known[key] { return known }
    let found = namespace.groups(of: workload).map { ($0, profile(direction, of: $0, in: namespace)) }
    members.known[key] = found
    return found
  }

  /// What may be allowed between some pods of two workloads, and what is allowed for certain.
  func allowed(from source: Workload, to destination: Workload) -> (
    upper: ConnectionSet, lower: ConnectionSet
  ) {
    guard let sources = model.namespaces[source.namespace],
      let destinations = model.namespaces[destination.namespace]
    else { return (.none, .none) }
    var upper = ConnectionSet.none
    var lower = ConnectionSet.none
    for (destination, incoming) in members(of: destination, .ingress, in: destinations) {
      let ports = destination.traits.ports
      for (source, outgoing) in members(of: source, .egress, in: sources) {
        var evaluation = Evaluation(test(source, in: sources), ports: ports)
        let inwards = evaluation.run(incoming)
        if inwards.allowed.isEmpty { continue }
        var other = Evaluation(test(destination, in: destinations), ports: ports)
        let outwards = other.run(outgoing)
        upper = upper.union(inwards.allowed.intersection(outwards.allowed))
        lower = lower.union(ConnectionSet.all.subtracting(inwards.denied).subtracting(outwards.denied))
      }
    }
    return (upper, lower)
  }

  private func test(_ group: PodGroup, in namespace: NamespaceModel) -> PodTest {
    PodTest(group: group, namespace: namespace, reading: reading, bounds: bounds)
  }

  /// What may be allowed between pods of a workload and addresses, and what is for certain.
  func allowed(
    _ direction: Direction, of workload: Workload, _ range: AddressRange
  ) -> (upper: ConnectionSet, lower: ConnectionSet) {
    guard let namespace = model.namespaces[workload.namespace] else { return (.none, .none) }
    var upper = ConnectionSet.none
    var lower = ConnectionSet.none
    for (group, profile) in members(of: workload, direction, in: namespace) {
      let ports = direction == .ingress ? group.traits.ports : []
      var evaluation = Evaluation(AddressTest(range: range, bounds: bounds), ports: ports)
      let verdict = evaluation.run(profile)
      upper = upper.union(verdict.allowed)
      lower = lower.union(ConnectionSet.all.subtracting(verdict.denied))
    }
    return (upper, lower)
  }

  /// The rules through which connections between two ends are allowed, on either side; nothing for a side that no policy restricts.
  func rules(from source: Endpoint, to destination: Endpoint, _ connections: ConnectionSet) -> [RuleReference]
  {
    var rules: [RuleReference] = []
    func collect(_ reasons: [Reason]?) {
      for reason in reasons ?? [] where reason.isAllowed {
        guard case .rule(let rule) = reason.cause, !rules.contains(rule),
          !reason.connections.intersection(connections).isEmpty
        else { continue }
        rules.append(rule)
      }
    }
    for (direction, own, peer) in [(Direction.egress, source, destination), (.ingress, destination, source)] {
      guard case .workload(let workload) = own, let namespace = model.namespaces[workload.namespace] else {
        continue
      }
      for group in namespace.groups(of: workload) {
        let profile = profile(direction, of: group, in: namespace)
        switch peer {
        case .addresses(let range):
          let ports = direction == .ingress ? group.traits.ports : []
          var evaluation = Evaluation(
            AddressTest(range: range, bounds: bounds), ports: ports, explaining: true)
          _ = evaluation.run(profile)
          collect(evaluation.reasons)
        case .workload(let other):
          guard let others = model.namespaces[other.namespace] else { continue }
          for pod in others.groups(of: other) {
            let ports = (direction == .ingress ? group : pod).traits.ports
            var evaluation = Evaluation(test(pod, in: others), ports: ports, explaining: true)
            _ = evaluation.run(profile)
            collect(evaluation.reasons)
          }
        case .ingressController: continue
        }
      }
    }
    return rules
  }
}

extension NamespaceModel {
  /// The groups of a workload; they stand together.
  func groups(of workload: Workload) -> [PodGroup] {
    var low = 0
    var high = groups.count
    while low < high {
      let middle = (low + high) / 2
      if groups[middle].workload < workload { low = middle + 1 } else { high = middle }
    }
    return Array(groups[low...].prefix { $0.workload == workload })
  }
}
