/// Which groups of rules mention which: says in which order to look at them, and which of them depend on themselves.
struct DependencyGraph {
  /// For each group the groups that it mentions.
  private var edges: [Set<Int>]

  init(count: Int) { edges = Array(repeating: [], count: count) }

  mutating func add(_ target: Int, to group: Int) { edges[group].insert(target) }

  /// The groups, each after those that it mentions, as far as none depends on itself.
  var order: [Int] {
    var order: [Int] = []
    order.reserveCapacity(edges.count)
    var isSeen = Array(repeating: false, count: edges.count)
    for start in edges.indices where !isSeen[start] {
      walk(from: start, isSeen: &isSeen) { order.append($0) }
    }
    return order
  }

  /// Depth first with a stack of its own, since chains of rules can be long; `finish` gets each group after what it leads to.
  private func walk(from start: Int, isSeen: inout [Bool], finish: (Int) -> Void) {
    isSeen[start] = true
    var path = [(group: start, next: edges[start].sorted(by: >))]
    while let top = path.last {
      guard let target = top.next.last else {
        finish(top.group)
        path.removeLast()
        continue
      }
      path[path.count - 1].next.removeLast()
      if !isSeen[target] {
        isSeen[target] = true
        path.append((target, edges[target].sorted(by: >)))
      }
    }
  }

  /// For groups that depend on themselves the way from each back to it, in the order of the groups.
  ///
  /// - Parameter limit: how many to find at most.
  func cycles(limit: Int) -> [[Int]] {
    var cycles: [[Int]] = []
    for group in cyclic where cycles.count < limit {
      if let cycle = way(from: group) { cycles.append(cycle) }
    }
    return cycles
  }

  /// The groups that may depend on themselves: those that are left where what leads nowhere, and what nothing leads to, is taken
  /// away again and again.
  private var cyclic: [Int] {
    var sources: [[Int]] = Array(repeating: [], count: edges.count)
    for (group, targets) in edges.enumerated() { for target in targets { sources[target].append(group) } }
    var outgoing = edges.map(\.count)
    var incoming = sources.map(\.count)
    var isGone = Array(repeating: false, count: edges.count)
    var rest = edges.indices.filter { outgoing[$0] == 0 || incoming[$0] == 0 }
    for group in rest { isGone[group] = true }
    while let group = rest.popLast() {
      for source in sources[group] where !isGone[source] {
        outgoing[source] -= 1
        if outgoing[source] == 0 {
          isGone[source] = true
          rest.append(source)
        }
      }
      for target in edges[group] where !isGone[target] {
        incoming[target] -= 1
        if incoming[target] == 0 {
          isGone[target] = true
          rest.append(target)
        }
      }
    }
    return edges.indices.filter { !isGone[$0] }
  }

  /// The groups on a way from a group back to it, which is first and last; nil where there is none.
  private func way(from start: Int) -> [Int]? {
    var isSeen = Array(repeating: false, count: edges.count)
    isSeen[start] = true
    var path = [(group: start, next: edges[start].sorted(by: >))]
    while let target = path.last?.next.last {
      path[path.count - 1].next.removeLast()
      if target == start { return path.map(\.group) + [start] }
      if !isSeen[target] {
        isSeen[target] = true
        path.append((target, edges[target].sorted(by: >)))
      }
      while path.last?.next.isEmpty == true { path.removeLast() }
    }
    return nil
  }
}
