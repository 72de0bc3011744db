/// What an evaluation sees: input, data and replaced functions; and the documents computed from them so far.
///
/// `with` makes another scope, and drops it afterwards. Its values stand where they are until then.
final class Scope {
  enum State: UInt8 {
    case unknown
    case undefined
    case defined
    case running
  }

  /// The input, where there is one; the data; then the document of each group that is `defined`.
  private let memory: UnsafeMutablePointer<Value>
  let states: UnsafeMutablePointer<State>
  let groupCount: Int
  private let hasInput: Bool
  /// Where the documents that are `defined` lie: of a thousand policies most were not asked for.
  private var firstDefined = Int.max
  private var endDefined = 0
  let builtinMocks: [Int: Program.Mock]
  let functionMocks: [Int: Program.Mock]
  /// Paths below `data` that `with` replaced: rules there do not count.
  let replaced: [(path: [RegoString], value: Value)]
  let hasMocks: Bool

  private init(
    input: Value?, data: Value, groupCount: Int, builtinMocks: [Int: Program.Mock] = [:],
    functionMocks: [Int: Program.Mock] = [:], replaced: [(path: [RegoString], value: Value)] = []
  ) {
    self.groupCount = groupCount
    self.builtinMocks = builtinMocks
    self.functionMocks = functionMocks
    self.replaced = replaced
    hasMocks = !builtinMocks.isEmpty || !functionMocks.isEmpty
    memory = .allocate(capacity: groupCount + 2)
    states = .allocate(capacity: max(groupCount, 1))
    states.initialize(repeating: .unknown, count: groupCount)
    hasInput = input != nil
    memory.initialize(to: input ?? .null)
    (memory + 1).initialize(to: data)
  }

  convenience init(input: Value?, data: Value, groupCount: Int) {
    self.init(input: input, data: data, groupCount: groupCount, builtinMocks: [:])
  }

  deinit {
    var index = firstDefined
    while index < endDefined {
      if states[index] == .defined { (documents + index).deinitialize(count: 1) }
      index += 1
    }
    memory.deinitialize(count: 2)
    memory.deallocate()
    states.deallocate()
  }

  /// Where the input is; nil where it is undefined.
  var input: Place? { hasInput ? Place(memory) : nil }
  var data: Place { Place(memory + 1) }
  /// Where the documents of the groups are, of those that are `defined`.
  var documents: UnsafeMutablePointer<Value> { memory + 2 }

  /// Sets the document of a group that had none.
  func define(_ index: Int, as value: Value) {
    (documents + index).initialize(to: value)
    states[index] = .defined
    if index < firstDefined { firstDefined = index }
    if index >= endDefined { endDefined = index + 1 }
  }

  /// A scope with everything but the documents of `base`.
  convenience init(
    _ base: Scope, targets: [Program.WithTarget], values replacements: [Value], groups: [Program.Group]
  ) {
    var input = base.input?.pointee
    var data = base.data.pointee
    var builtinMocks = base.builtinMocks
    var functionMocks = base.functionMocks
    var replaced = base.replaced
    var next = 0
    func take() -> Value {
      defer { next += 1 }
      return replacements[next]
    }
    for target in targets {
      switch target {
      case .input(let path): input = Scope.replacing(input ?? .object(ObjectValue()), path[...], with: take())
      case .data(let path):
        let value = take()
        data = Scope.replacing(data, path[...], with: value)
        replaced.removeAll { $0.path.starts(with: path) }
        replaced.append((path, value))
      case .builtin(let builtin, let mock): builtinMocks[builtin] = mock ?? .value(take())
      case .function(let group, let mock): functionMocks[group] = mock ?? .value(take())
      }
    }
    self.init(
      input: input, data: data, groupCount: groups.count, builtinMocks: builtinMocks,
      functionMocks: functionMocks, replaced: replaced)
    guard !replaced.isEmpty else { return }
    for (index, group) in groups.enumerated() where group.kind != .function {
      guard replaced.contains(where: { group.path.starts(with: $0.path) }) else { continue }
      if let value = Scope.lookup(data, group.path) {
        define(index, as: value)
      } else {
        states[index] = .undefined
      }
    }
  }

  /// A scope in which every function is itself, for the evaluation of what replaces one of them.
  convenience init(withoutMocks base: Scope) {
    self.init(
      input: base.input?.pointee, data: base.data.pointee, groupCount: base.groupCount,
      replaced: base.replaced)
    for index in 0..<groupCount {
      switch base.states[index] {
      case .defined: define(index, as: base.documents[index])
      case .undefined: states[index] = .undefined
      case .unknown, .running: break
      }
    }
  }

  static func lookup(_ value: Value, _ path: some Sequence<RegoString>) -> Value? {
    var value = value
    for key in path {
      guard let next = value.lookup(.string(key)) else { return nil }
      value = next
    }
    return value
  }

  static func lookup(_ place: Place, _ path: some Sequence<RegoString>) -> Place? {
    var place = place
    for key in path {
      let found = withUnsafePointer(to: Value.string(key)) { key -> Place? in
        // The keys' own values are where they are looked up; a set is not below data.
        if case .set = place.pointee { nil } else { place.lookup(key) }
      }
      guard let found else { return nil }
      place = found
    }
    return place
  }

  static func replacing(_ value: Value, _ path: ArraySlice<RegoString>, with replacement: Value) -> Value {
    guard let key = path.first else { return replacement }
    let object = value.object ?? ObjectValue()
    let inner = object[key] ?? .object(ObjectValue())
    return .object(object.inserting(.string(key), replacing(inner, path.dropFirst(), with: replacement)))
  }
}
