extension PathShape {
  /// A shape that is being made of many paths: a tree that grows in place, where ``union(_:)`` makes every node again for each path.
  struct Draft {
    private final class Node {
      var isAll = false
      var isShallow = false
      var members: [RegoString: Node] = [:]
      /// What is read of all members and elements.
      var any: Node?

      var hasParts: Bool { any != nil || !members.isEmpty }
    }

    private let root = Node()
    private var nodeCount = 1

    /// Adds what a reference with these steps reads: whether the value is there and, where it is a scalar, the value; or all of it.
    mutating func add(_ steps: some Sequence<Step>, isShallow: Bool) {
      var node = root
      for step in steps {
        if node.isAll { return }
        let next =
          switch step {
          case .key(let key): node.members[key]
          case .any: node.any
          }
        if let next {
          node = next
          continue
        }
        let child = Node()
        nodeCount += 1
        switch step {
        case .key(let key): node.members[key] = child
        case .any: node.any = child
        }
        node = child
      }
      if isShallow {
        node.isShallow = true
      } else {
        node.isAll = true
      }
    }

    /// What all of the paths together need.
    var shape: PathShape {
      // Paths such as `a[_][_]`, `_[b][_]` and `_[_][c]` need as many nodes as there are choices of them. Whoever writes many of
      // these gets some parts whole.
      var nodesLeft = 1_000 + 8 * nodeCount
      return Self.shape(of: [root], &nodesLeft)
    }

    /// What is needed of a value that all of these nodes stand for.
    private static func shape(of nodes: [Node], _ nodesLeft: inout Int) -> PathShape {
      if nodes.contains(where: \.isAll) { return .all }
      guard nodes.contains(where: \.hasParts) else {
        return nodes.contains(where: \.isShallow) ? .shallow : .none
      }
      nodesLeft -= 1
      if nodesLeft < 0 { return .all }
      let others = nodes.compactMap(\.any)
      let othersShape = shape(of: others, &nodesLeft)
      var members: [RegoString: PathShape] = [:]
      for key in Set(nodes.flatMap(\.members.keys)).sorted() {
        members[key] = shape(of: nodes.compactMap { $0.members[key] } + others, &nodesLeft)
      }
      return .parts(PathShape.Node(members, others: othersShape, elements: othersShape))
    }
  }
}
