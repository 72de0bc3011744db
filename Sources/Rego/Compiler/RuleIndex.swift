/// Finds, of the many definitions of one document, those that can hold of an input: by the scalar at one path of the input that most
/// of them test for equality.
struct RuleIndex: Sendable {
  /// Where in the input it is decided.
  let path: [Value]
  /// The definitions that can hold for each scalar that some definition tests for, in their order.
  private let candidates: [Value: [Int]]
  /// Those that can hold for any other, or for none.
  private let others: [Int]

  /// So few definitions are as quickly run as looked up.
  private static let minimum = 4

  /// - Parameter requirements: for each definition what must be so of the input for it to hold.
  /// - Returns: nil where too few definitions test the same path.
  init?(_ requirements: [Set<InputPath.Guard>]) {
    guard requirements.count >= RuleIndex.minimum else { return nil }
    var counts: [[RegoString]: Int] = [:]
    for guards in requirements {
      for path in Set(guards.compactMap(\.inputPath)) { counts[path, default: 0] += 1 }
    }
    let best = counts.max { a, b in
      a.value == b.value ? b.key.lexicographicallyPrecedes(a.key) : a.value < b.value
    }
    guard let best, best.value >= RuleIndex.minimum else { return nil }
    path = best.key.map(Value.string)
    // A definition that tests the path twice holds only for what both tests admit.
    let admitted = requirements.map { guards -> Set<Value>? in
      let tests = guards.filter { $0.inputPath == best.key }.map(\.values)
      return tests.dropFirst().reduce(tests.first) { $0?.intersection($1) }
    }
    others = admitted.indices.filter { admitted[$0] == nil }
    var lists: [Value: [Int]] = [:]
    for (definition, values) in admitted.enumerated() {
      for value in values ?? [] { lists[value, default: []].append(definition) }
    }
    let others = others
    candidates = others.isEmpty ? lists : lists.mapValues { ($0 + others).sorted() }
  }

  /// The definitions that can hold of an input.
  func definitions(for input: Place?) -> [Int] {
    guard var place = input else { return others }
    for position in path.indices {
      guard let found = path.base.flatMap({ place.lookup($0 + position) }) else { return others }
      place = found
    }
    return candidates[place.pointee] ?? others
  }
}

extension InputPath.Guard {
  fileprivate var inputPath: [RegoString]? { if case .input(let path) = scalar { path } else { nil } }
}
