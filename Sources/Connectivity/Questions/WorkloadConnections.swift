import Kubernetes
import Rego

/// What is allowed between a workload's pods and another end, and through which rules.
public struct WorkloadConnection: Sendable {
  public let source: Endpoint
  public let destination: Endpoint
  public let connections: ConnectionSet
  /// The source's first; nothing for a side that no policy restricts.
  public let rules: [RuleReference]
}

extension LiveModel {
  /// What may be allowed in a direction between pods and everybody else, in the order of the other ends.
  ///
  /// - Throws: ``ModelChange/Interruption`` where there are more than `limit`, or where it was told to give up.
  func connections(
    _ direction: Direction, of workload: Workload, _ groups: [PodGroup], in namespace: NamespaceModel,
    limit: Int,
    isCancelled: () -> Bool
  ) throws(ModelChange.Interruption) -> [WorkloadConnection] {
    let own = sides(of: groups, in: namespace, direction)
    var found: [WorkloadConnection] = []
    func add(_ other: Endpoint, _ connections: ConnectionSet, _ rules: [RuleReference]) {
      let end = Endpoint.workload(workload)
      found.append(
        WorkloadConnection(
          source: direction == .ingress ? other : end, destination: direction == .ingress ? end : other,
          connections: connections, rules: rules))
    }
    var names: Set<RegoString> = []
    for side in own { names.formUnion(partnerNamespaces(of: side, direction)) }
    for name in names {
      guard let partners = model.namespaces[name] else { continue }
      if isCancelled() { throw .cancelled }
      for range in partners.pods.classes.flatMap(\.members) {
        let groups = partners.groups[range]
        let other = groups[range.lowerBound].workload
        if other == workload { continue }
        let others = sides(of: groups, in: partners, direction.opposite)
        let connections = allowed(direction, of: own, with: others).upper
        if connections.isEmpty { continue }
        if found.count >= limit { throw .tooMany(limit: limit) }
        add(.workload(other), connections, rules(direction, of: own, with: others, connections))
      }
    }
    let blocks = own.flatMap { $0.profile.rules.flatMap(\.rule.peers.blocks) }
    for range in AddressPartition(cutBy: blocks).ranges {
      let connections = allowed(direction, of: own, with: range).upper
      if connections.isEmpty { continue }
      add(.addresses(range), connections, rules(direction, of: own, with: range, connections))
    }
    return found.sorted { left, right in
      direction == .ingress ? left.source < right.source : left.destination < right.destination
    }
  }
}
