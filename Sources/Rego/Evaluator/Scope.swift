/// What an evaluation sees: input, data and replaced functions; and the documents computed from them so far.
///
/// `with` makes another scope, and drops it afterwards.
final class Scope {
  enum State: UInt8 {
    case unknown
    case undefined
    case defined
    case running
  }

  var input: Value?
  var data: Value
  var builtinMocks: [Int: Program.Mock] = [:]
  var functionMocks: [Int: Program.Mock] = [:]
  /// Paths below `data` that `with` replaced: rules there do not count.
  var replaced: [(path: [RegoString], value: Value)] = []
  var states: [State]
  var values: [Value]
  let hasMocks: Bool

  init(input: Value?, data: Value, groupCount: Int) {
    self.input = input
    self.data = data
    states = Array(repeating: .unknown, count: groupCount)
    values = Array(repeating: .null, count: groupCount)
    hasMocks = false
  }

  /// A scope with everything but the documents of `base`.
  init(_ base: Scope, targets: [Program.WithTarget], values replacements: [Value], groups: [Program.Group]) {
    input = base.input
    data = base.data
    builtinMocks = base.builtinMocks
    functionMocks = base.functionMocks
    replaced = base.replaced
    states = Array(repeating: .unknown, count: groups.count)
    values = Array(repeating: .null, count: groups.count)
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
    hasMocks = !builtinMocks.isEmpty || !functionMocks.isEmpty
    guard !replaced.isEmpty else { return }
    for (index, group) in groups.enumerated() where group.kind != .function {
      guard replaced.contains(where: { group.path.starts(with: $0.path) }) else { continue }
      if let value = Scope.lookup(data, group.path) {
        states[index] = .defined
        values[index] = value
      } else {
        states[index] = .undefined
      }
    }
  }

  /// A scope in which every function is itself, for the evaluation of what replaces one of them.
  init(withoutMocks base: Scope) {
    input = base.input
    data = base.data
    replaced = base.replaced
    states = base.states.map { $0 == .running ? .unknown : $0 }
    values = base.values
    hasMocks = false
  }

  static func lookup(_ value: Value, _ path: some Sequence<RegoString>) -> Value? {
    var value = value
    for key in path {
      guard let next = value.lookup(.string(key)) else { return nil }
      value = next
    }
    return value
  }

  static func replacing(_ value: Value, _ path: ArraySlice<RegoString>, with replacement: Value) -> Value {
    guard let key = path.first else { return replacement }
    let object = value.object ?? ObjectValue()
    let inner = object[key] ?? .object(ObjectValue())
    return .object(object.inserting(.string(key), replacing(inner, path.dropFirst(), with: replacement)))
  }
}
