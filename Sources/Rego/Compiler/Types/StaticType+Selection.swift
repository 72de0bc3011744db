// What lies within the values of a type.

extension StaticType {
  /// The type of the keys that a reference can use; nil where the values hold nothing.
  var keys: StaticType? {
    switch self {
    case .unknown: return .any
    case .null, .boolean, .number, .string, .function: return nil
    case .array: return .number
    case .object(let known, let rest):
      let type = known.reduce(StaticType.unknown) { $0.or(StaticType($1.key)) }
      return type.or(rest?.key ?? .unknown)
    case .set(let element): return element
    case .union(let types): return StaticType.union(of: types, \.keys)
    }
  }

  /// The type of what lies under the keys; nil where the values hold nothing.
  var values: StaticType? {
    switch self {
    case .unknown: return .any
    case .null, .boolean, .number, .string, .function: return nil
    case .array(let leading, let rest):
      return leading.reduce(StaticType.unknown) { $0.or($1) }.or(rest ?? .unknown)
    case .object(let known, let rest):
      return known.reduce(StaticType.unknown) { $0.or($1.type) }.or(rest?.value ?? .unknown)
    case .set(let element): return element
    case .union(let types): return StaticType.union(of: types, \.values)
    }
  }

  private static func union(of types: [StaticType], _ part: (StaticType) -> StaticType?) -> StaticType? {
    if types.isEmpty { return .any }
    let parts = types.compactMap(part)
    return parts.isEmpty ? nil : parts.reduce(.unknown) { $0.or($1) }
  }

  /// The type of what lies under a constant key; nil where nothing can.
  func selecting(_ key: Value) -> StaticType? {
    switch self {
    case .unknown: return .any
    case .null, .boolean, .number, .string, .function: return nil
    case .array:
      guard let index = key.int else { return nil }
      return element(index)
    case .object(let known, let rest):
      if let member = StaticType.find(key, in: known) { return member.type }
      if let rest, rest.key.contains(StaticType(key)) { return rest.value }
      return nil
    case .set(let element): return element.contains(StaticType(key)) ? StaticType(key) : nil
    case .union(let types): return StaticType.union(of: types) { $0.selecting(key) }
    }
  }

  /// The type of an array's element.
  func element(_ index: Int) -> StaticType? {
    guard case .array(let leading, let rest) = self, index >= 0 else { return nil }
    return index < leading.count ? leading[index] : rest
  }

  private static func find(_ key: Value, in members: [Member]) -> Member? {
    var (low, high) = (0, members.count)
    while low < high {
      let middle = (low + high) / 2
      let order = members[middle].key.compare(key)
      if order == 0 { return members[middle] }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  private func contains(_ type: StaticType) -> Bool {
    if case .union(let types) = self { return types.isEmpty || types.contains(type) }
    return self == type || self == .unknown
  }

  /// The keys that are known, in Rego's order.
  var knownKeys: [Value] {
    switch self {
    case .object(let known, _): return known.map(\.key)
    case .union(let types):
      return SetValue(types.flatMap(\.knownKeys)).elements
    default: return []
    }
  }
}

// MARK: Unification

extension StaticType {
  /// Whether some value can have both types.
  func unifies(with other: StaticType) -> Bool {
    switch (self, other) {
    case (.unknown, _), (_, .unknown): return true
    case (.union(let types), _):
      return types.isEmpty || types.contains { $0.unifies(with: other) }
    case (_, .union(let types)):
      return types.isEmpty || types.contains { $0.unifies(with: self) }
    case (.null, .null), (.boolean, .boolean), (.number, .number), (.string, .string): return true
    case (.array(let a, let restA), .array(let b, let restB)):
      for index in 0..<max(a.count, b.count) {
        guard let x = element(index), let y = other.element(index), x.unifies(with: y) else { return false }
      }
      guard let restA, let restB else { return true }
      return restA.unifies(with: restB)
    case (.object(let a, let restA), .object(let b, let restB)):
      for member in a {
        guard let type = other.selecting(member.key), type.unifies(with: member.type) else { return false }
      }
      for member in b {
        guard let type = selecting(member.key), type.unifies(with: member.type) else { return false }
      }
      guard let restA, let restB else { return true }
      return restA.value.unifies(with: restB.value)
    case (.set(let a), .set(let b)): return a.unifies(with: b)
    case (.function(let a), .function(let b)):
      return a.parameters.count == b.parameters.count
        && zip(a.parameters, b.parameters).allSatisfy { $0.unifies(with: $1) }
    default: return false
    }
  }
}

// MARK: Arguments

extension StaticType {
  /// Whether a parameter of this type takes an argument of another. Unlike in unification, the keys that a type with other keys
  /// names may be missing: they are options.
  func admits(_ argument: StaticType) -> Bool {
    switch (self, argument) {
    case (.unknown, _), (_, .unknown): return true
    case (.union(let types), _): return types.isEmpty || types.contains { $0.admits(argument) }
    case (_, .union(let types)): return types.isEmpty || types.contains { admits($0) }
    case (.array(let a, let restA), .array(let b, let restB)):
      for index in 0..<max(a.count, b.count) {
        guard let x = element(index), let y = argument.element(index), x.admits(y) else { return false }
      }
      guard let restA, let restB else { return true }
      return restA.admits(restB)
    case (.object(let wanted, let rest), .object(let given, let others)):
      for member in given {
        guard let type = selecting(member.key), type.admits(member.type) else { return false }
      }
      for member in wanted {
        guard let type = argument.selecting(member.key) else {
          if rest == nil { return false }
          continue
        }
        if !member.type.admits(type) { return false }
      }
      guard let rest, let others else { return true }
      return rest.value.admits(others.value)
    case (.set(let a), .set(let b)): return a.admits(b)
    default: return unifies(with: argument)
    }
  }
}
