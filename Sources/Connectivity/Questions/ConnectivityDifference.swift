import Rego

/// How what is allowed between two ends differs between two models.
public struct ChangedConnections: Sendable, Hashable {
  public enum Change: String, Sendable, Hashable, CaseIterable {
    /// Something was allowed before, and something else is now.
    case changed
    case added
    case removed
  }

  public let change: Change
  public let source: Endpoint
  public let destination: Endpoint
  public let old: ConnectionSet
  public let new: ConnectionSet
  /// The ends that are workloads of one model only.
  public let newOrGone: [Workload]
}

extension ChangedConnections: CustomStringConvertible {
  /// The line of the suite's text.
  public var description: String {
    var line =
      "diff-type: \(change.rawValue), source: \(source), destination: \(destination), ref1: \(old), ref2: \(new)"
    if !newOrGone.isEmpty {
      let names = newOrGone.map(\.description).joined(separator: " and ")
      line += ", workloads-diff-info: workload \(names) \(change.rawValue)"
    }
    return line
  }
}

/// The differences between the connections of two models.
public struct ConnectivityDifference: Sendable {
  /// Changed ones first, then added, then removed; those of an ingress controller last.
  public let changes: [ChangedConnections]

  private struct Ends: Hashable {
    let source: Endpoint
    let destination: Endpoint
  }

  /// One end is a workload and the other is outside.
  private struct Outside: Hashable {
    let workload: Workload
    let direction: Direction
  }

  private struct Pair: Hashable {
    var old = ConnectionSet.none
    var new = ConnectionSet.none
  }

  /// - Parameters:
  ///   - old: the connections of the first model; `oldWorkloads` are all that it has.
  ///   - new: those of the second.
  public init(
    from old: [AllowedConnections], to new: [AllowedConnections], oldWorkloads: Set<Workload>,
    newWorkloads: Set<Workload>
  ) {
    var pairs: [Ends: Pair] = [:]
    var outside: [Outside: (old: [(AddressRange, ConnectionSet)], new: [(AddressRange, ConnectionSet)])] = [:]
    for (list, isOld) in [(old, true), (new, false)] {
      for element in list {
        let place: (Outside, AddressRange)? =
          switch (element.source, element.destination) {
          case (.addresses(let range), .workload(let workload)):
            (Outside(workload: workload, direction: .ingress), range)
          case (.workload(let workload), .addresses(let range)):
            (Outside(workload: workload, direction: .egress), range)
          default: nil
          }
        if let (key, range) = place {
          if isOld {
            outside[key, default: ([], [])].old.append((range, element.connections))
          } else {
            outside[key, default: ([], [])].new.append((range, element.connections))
          }
        } else {
          let ends = Ends(source: element.source, destination: element.destination)
          if isOld {
            pairs[ends, default: Pair()].old = element.connections
          } else {
            pairs[ends, default: Pair()].new = element.connections
          }
        }
      }
    }
    for (key, lists) in outside {
      for (range, pair) in Self.merged(lists.old, lists.new) {
        let ends =
          key.direction == .ingress
          ? Ends(source: .addresses(range), destination: .workload(key.workload))
          : Ends(source: .workload(key.workload), destination: .addresses(range))
        pairs[ends] = pair
      }
    }
    let both = oldWorkloads.intersection(newWorkloads)
    changes = pairs.filter { $0.value.old != $0.value.new }.map { ends, pair in
      let change: ChangedConnections.Change =
        pair.old.isEmpty ? .added : pair.new.isEmpty ? .removed : .changed
      let workloads = [ends.source, ends.destination].compactMap { end -> Workload? in
        guard case .workload(let workload) = end, change != .changed, !both.contains(workload) else {
          return nil
        }
        return workload
      }
      return ChangedConnections(
        change: change, source: ends.source, destination: ends.destination, old: pair.old, new: pair.new,
        newOrGone: workloads)
    }.sorted(by: Self.precedes)
  }

  /// The widest ranges on which both lists say the same.
  private static func merged(
    _ old: [(AddressRange, ConnectionSet)], _ new: [(AddressRange, ConnectionSet)]
  ) -> [(AddressRange, Pair)] {
    let partition = AddressPartition(cutBy: (old + new).map { $0.0.asSet })
    let before = old.sorted { $0.0 < $1.0 }
    let after = new.sorted { $0.0 < $1.0 }
    var bySame: [Pair: AddressSet] = [:]
    var (left, right) = (0, 0)
    /// Ranges of a list are apart and ascend, and so do the partition's.
    func connections(
      _ list: [(AddressRange, ConnectionSet)], _ position: inout Int, _ part: AddressRange
    ) -> ConnectionSet {
      while position < list.count {
        if list[position].0.asSet.contains(part) { return list[position].1 }
        if part < list[position].0 { return .none }
        position += 1
      }
      return .none
    }
    for part in partition.ranges {
      let pair = Pair(
        old: connections(before, &left, part), new: connections(after, &right, part))
      if pair.old.isEmpty && pair.new.isEmpty { continue }
      bySame[pair] = bySame[pair, default: .none].union(part.asSet)
    }
    return bySame.flatMap { pair, addresses in addresses.ranges.map { ($0, pair) } }
  }

  private static func precedes(_ left: ChangedConnections, _ right: ChangedConnections) -> Bool {
    let (a, b) = (left.order, right.order)
    if a != b { return a < b }
    return left.source == right.source
      ? left.destination.isListed(before: right.destination) : left.source.isListed(before: right.source)
  }
}

extension ChangedConnections {
  fileprivate var order: Int {
    let place =
      switch change {
      case .changed: 0
      case .added: 1
      case .removed: 2
      }
    return place + (source == .ingressController ? 3 : 0)
  }
}

extension ConnectivityDifference {
  /// As the suite prints differences; nothing where there are none.
  public var lines: [String] {
    changes.isEmpty ? [] : ["Connectivity diff:"] + changes.map(\.description)
  }
}
