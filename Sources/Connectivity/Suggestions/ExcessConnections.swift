import Kubernetes
import Rego

extension Analysis {
  /// What suggested policies allow beyond the wanted connections, since labels do not tell the workloads apart.
  ///
  /// Of workloads that were isolated before only what the policies add counts. What keeps names resolvable does not count, nor what
  /// connections from an ingress controller open to every pod, and nothing about ends on their node's network.
  ///
  /// - Parameter after: this one with the policies added.
  public func excess(over wanted: [WantedConnection], in after: Analysis) -> [WantedConnection] {
    ExcessFinder(before: self, after: after, wanted: wanted).find()
  }
}

private struct ExcessFinder {
  private struct Pair: Hashable {
    let source: Endpoint
    let destination: Endpoint
  }

  private let before: Analysis
  private let after: Analysis
  private var wanted: [Pair: ConnectionSet] = [:]
  private var ranges: [Direction: [Workload: [(AddressRange, ConnectionSet)]]] = [:]

  private static let dns = ConnectionSet(tcp: PortSet(53, 53), udp: PortSet(53, 53))

  init(before: Analysis, after: Analysis, wanted: [WantedConnection]) {
    self.before = before
    self.after = after
    for element in wanted {
      switch (element.source, element.destination) {
      case (.addresses(let range), .workload(let workload)):
        ranges[.ingress, default: [:]][workload, default: []].append((range, element.connections))
      case (.workload(let workload), .addresses(let range)):
        ranges[.egress, default: [:]][workload, default: []].append((range, element.connections))
      default:
        let pair = Pair(source: element.source, destination: element.destination)
        self.wanted[pair] = (self.wanted[pair] ?? .none).union(element.connections)
      }
    }
  }

  /// How a workload's isolation in a direction differs.
  private struct Isolation {
    var isNew = false
    var hasMore = false
  }

  private func isolations(_ direction: Direction) -> [Isolation] {
    before.workloads.map { _, members in
      Isolation(
        isNew: !before.isIsolated(direction, members) && after.isIsolated(direction, members),
        hasMore: members.contains {
          after.profile(direction, of: $0).networkPolicies.count
            > before.profile(direction, of: $0).networkPolicies.count
        })
    }
  }

  func find() -> [WantedConnection] {
    let ingress = isolations(.ingress)
    let egress = isolations(.egress)
    var found: [WantedConnection] = []
    for (position, element) in before.workloads.enumerated() {
      if before.isOnNodeNetwork(.workload(element.workload)) { continue }
      if ingress[position].hasMore { found += outside(element, .ingress, isNew: ingress[position].isNew) }
      if egress[position].hasMore { found += outside(element, .egress, isNew: egress[position].isNew) }
    }
    for (from, source) in before.workloads.enumerated()
    where !before.isOnNodeNetwork(.workload(source.workload)) {
      for (to, destination) in before.workloads.enumerated() where from != to {
        if !egress[from].hasMore && !ingress[to].hasMore { continue }
        let allowed = after.allowed(from: source.groups, to: destination.groups)
        if allowed.isEmpty || before.isOnNodeNetwork(.workload(destination.workload)) { continue }
        let end = Endpoint.workload(destination.workload)
        let pair = Pair(source: .workload(source.workload), destination: end)
        var expected = (wanted[pair] ?? .none)
          .union(wanted[Pair(source: .ingressController, destination: end)] ?? .none)
        if egress[from].hasMore { expected = expected.union(Self.dns) }
        if !egress[from].isNew && !ingress[to].isNew {
          expected = expected.union(before.allowed(from: source.groups, to: destination.groups))
        }
        let excess = allowed.subtracting(expected)
        if excess.isEmpty { continue }
        found.append(WantedConnection(source: pair.source, destination: end, connections: excess))
      }
    }
    return found
  }

  private func outside(
    _ element: (workload: Workload, groups: Range<Int>), _ direction: Direction, isNew: Bool
  ) -> [WantedConnection] {
    let own = ranges[direction]?[element.workload] ?? []
    let blocks = element.groups.flatMap { group in
      after.profile(direction, of: group).rules.flatMap(\.rule.peers.blocks)
    }
    let partition = AddressPartition(cutBy: blocks + own.map { $0.0.asSet }, alwaysV6: true)
    var bySame: [ConnectionSet: AddressSet] = [:]
    for part in partition.ranges {
      var expected = isNew ? ConnectionSet.none : before.allowed(direction, element.groups, with: part)
      for (range, connections) in own where range.asSet.contains(part) {
        expected = expected.union(connections)
      }
      let excess = after.allowed(direction, element.groups, with: part).subtracting(expected)
      if !excess.isEmpty { bySame[excess] = (bySame[excess] ?? .none).union(part.asSet) }
    }
    let end = Endpoint.workload(element.workload)
    return bySame.flatMap { excess, addresses in addresses.ranges.map { ($0, excess) } }
      .sorted { $0.0 < $1.0 }.map { range, excess in
        WantedConnection(
          source: direction == .ingress ? .addresses(range) : end,
          destination: direction == .ingress ? end : .addresses(range), connections: excess)
      }
  }
}
