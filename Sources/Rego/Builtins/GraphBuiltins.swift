/// Builtins on graphs and trees (OPA documentation, "Graph").
enum GraphBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let vertices = RegoType.union([.anyArray, .anySet])
  private static let graph = RegoType.object(.any, vertices)

  static let all: [Builtin] = [
    Builtin(
      "graph.reachable", category: "graph", "The vertices that can be reached from some, these included.",
      [
        Parameter("graph", graph, "the neighbours of each vertex"),
        Parameter("initial", vertices, "the vertices to start from"),
      ],
      returns: Parameter("output", .anySet, "the vertices that are in the graph"), .contextual(reachable)),
    Builtin(
      "graph.reachable_paths", category: "graph",
      "The paths that can be taken from some vertices until they end or would come back to themselves.",
      [
        Parameter("graph", graph, "the neighbours of each vertex"),
        Parameter("initial", vertices, "the vertices to start from"),
      ],
      returns: Parameter("output", .set(of: .anyArray), "the paths"), .contextual(reachablePaths)),
    Builtin(
      "walk", category: "graph", "Every path into a value, with what is there; the result has many values.",
      [Parameter("x", .any, "the value")],
      returns: Parameter(
        "output", .array(leading: [.anyArray, .any], rest: nil), "a path and the value there"),
      .contextual(walk)),
  ]

  /// The vertices of an array or set; none for other values.
  private static func elements(_ value: Value?) -> [Value] {
    switch value {
    case .array(let elements): elements
    case .set(let set): set.elements
    default: []
    }
  }

  private static func reachable(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value?
  {
    let graph = try operands[0].object(operand: 1)
    var reached: Set<Value> = []
    var waiting = elements(operands[1])
    while let vertex = waiting.popLast() {
      guard let neighbours = graph[vertex], reached.insert(vertex).inserted else { continue }
      if reached.count & 1023 == 0 { try context.checkDeadline() }
      waiting += elements(neighbours).filter { !reached.contains($0) }
    }
    return .set(SetValue(reached))
  }

  private static func reachablePaths(
    _ context: BuiltinContext, _ operands: [Value]
  ) throws(BuiltinError) -> Value? {
    let graph = try operands[0].object(operand: 1)
    var paths: [Value] = []
    var total = 0
    func commit(_ path: some Collection<Value>) throws(BuiltinError) {
      paths.append(.array(Array(path)))
      total += path.count
      if paths.count & 1023 == 0 { try context.checkDeadline() }
      if total > BuiltinLimits.elements { throw .cancelled }
    }
    for start in elements(operands[1]) {
      guard let neighbours = graph[start] else { continue }
      let first = elements(neighbours)
      if first.isEmpty { try commit([start]) }
      for neighbour in first {
        // Vertices that were left for another are not entered again, even by another path: OPA's results depend on it.
        var left: Set<Value> = [start]
        // The path so far, and for each vertex after the start what is still to be tried from there.
        var path = [start]
        var untried: [ArraySlice<Value>] = [[neighbour]]
        while let next = untried.last?.first {
          untried[untried.count - 1].removeFirst()
          if untried.count > 1, left.contains(next) {
            try commit(path)
          } else if let neighbours = graph[next] {
            if untried.count > 1, let last = path.last { left.insert(last) }
            path.append(next)
            let following = elements(neighbours)
            if following.isEmpty { try commit(path) }
            untried.append(following[...])
          } else {
            if untried.count > 1, let last = path.last { left.insert(last) }
            try commit(path)
          }
          while untried.last?.isEmpty == true {
            untried.removeLast()
            path.removeLast()
          }
        }
      }
    }
    return .set(SetValue(paths))
  }

  private static func walk(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    var pairs: [Value] = []
    var path: [Value] = []
    func visit(_ value: Value) throws(BuiltinError) {
      pairs.append([.array(path), value])
      if pairs.count & 1023 == 0 { try context.checkDeadline() }
      if pairs.count > BuiltinLimits.elements { throw .cancelled }
      func descend(_ key: Value, _ child: Value) throws(BuiltinError) {
        path.append(key)
        try visit(child)
        path.removeLast()
      }
      switch value {
      case .array(let elements):
        for (index, element) in elements.enumerated() { try descend(.int(index), element) }
      case .object(let object):
        for (key, child) in object { try descend(key, child) }
      case .set(let set):
        for element in set { try descend(element, element) }
      default: break
      }
    }
    try visit(operands[0])
    return .array(pairs)
  }
}
