/// What the compiler knows of the values that a term can have (OPA documentation, "Type Checking").
///
/// The rules of inference are OPA's, so that a program that OPA accepts is accepted here. Where a type becomes large it is
/// given up for ``any``, which keeps the checker linear and can only make it say less.
indirect enum StaticType: Hashable, Sendable {
  /// Nothing is known yet: a parameter that nothing has used so far.
  case unknown
  case null
  case boolean
  case number
  case string
  /// The types of the first elements, then that of all others; nil where there are no others.
  case array(leading: [StaticType], rest: StaticType?)
  /// The types under known keys, in Rego's order, then those of all other keys and values.
  case object(known: [Member], rest: Rest?)
  case set(StaticType)
  /// One of several types, in order; with none it is any type.
  case union([StaticType])
  case function(FunctionType)

  struct Member: Hashable, Sendable {
    var key: Value
    var type: StaticType
  }

  struct Rest: Hashable, Sendable {
    var key: StaticType
    var value: StaticType
  }

  static let any = StaticType.union([])

  /// A type with more parts than this is given up.
  private static let maximumSize = 256
  /// The most members of a union.
  private static let maximumUnion = 32

  /// The type of a constant.
  init(_ value: Value) { self = StaticType.of(value, depth: 0).bounded }

  private static func of(_ value: Value, depth: Int) -> StaticType {
    switch value {
    case .null: return .null
    case .boolean: return .boolean
    case .number: return .number
    case .string: return .string
    case .array(let elements):
      guard elements.count <= maximumSize, depth < 16 else { return .array(leading: [], rest: .any) }
      if elements.isEmpty { return .array(leading: [], rest: .any) }
      return .array(leading: elements.map { of($0, depth: depth + 1) }, rest: nil)
    case .object(let object):
      guard object.count <= maximumSize, depth < 16, !object.isEmpty else {
        return .object(known: [], rest: Rest(key: .any, value: .any))
      }
      return .object(known: object.map { Member(key: $0, type: of($1, depth: depth + 1)) }, rest: nil)
    case .set(let set):
      guard set.count <= maximumSize, depth < 16, !set.isEmpty else { return .set(.any) }
      return .set(set.reduce(.unknown) { $0.or(of($1, depth: depth + 1)) })
    }
  }

  /// The type that a builtin declares.
  init(_ declared: RegoType) {
    switch declared {
    case .any: self = .any
    case .null: self = .null
    case .boolean: self = .boolean
    case .number: self = .number
    case .string: self = .string
    case .array(let leading, let rest):
      self = .array(leading: leading.map { StaticType($0) }, rest: rest.map { StaticType($0) })
    case .object(let known, let rest):
      self = .object(
        known: known.map { Member(key: .string($0), type: StaticType($1)) }.sorted { $0.key < $1.key },
        rest: rest.map { Rest(key: StaticType($0.key), value: StaticType($0.value)) })
    case .set(let element): self = .set(StaticType(element))
    case .union(let types): self = types.reduce(.unknown) { $0.or(StaticType($1)) }
    }
  }

  var isAny: Bool { if case .union(let types) = self { types.isEmpty } else { false } }

  /// Whether a part of the type is unknown.
  var hasUnknown: Bool {
    switch self {
    case .unknown: true
    case .null, .boolean, .number, .string, .union: false
    case .array(let leading, let rest): leading.contains(where: \.hasUnknown) || rest?.hasUnknown ?? false
    case .object(let known, let rest):
      known.contains { $0.type.hasUnknown } || rest.map { $0.key.hasUnknown || $0.value.hasUnknown } ?? false
    case .set(let element): element.hasUnknown
    case .function(let function): function.parameters.contains(where: \.hasUnknown)
    }
  }

  /// The type with `any` for what is unknown.
  var known: StaticType {
    if !hasUnknown { return self }
    switch self {
    case .unknown: return .any
    case .null, .boolean, .number, .string, .union: return self
    case .array(let leading, let rest): return .array(leading: leading.map(\.known), rest: rest?.known)
    case .object(let known, let rest):
      return .object(
        known: known.map { Member(key: $0.key, type: $0.type.known) },
        rest: rest.map { Rest(key: $0.key.known, value: $0.value.known) })
    case .set(let element): return .set(element.known)
    case .function: return self
    }
  }

  /// The type, or `any` where it is too large to be worth its cost.
  var bounded: StaticType {
    var budget = StaticType.maximumSize
    return takesAtMost(&budget) ? self : .any
  }

  private func takesAtMost(_ budget: inout Int) -> Bool {
    budget -= 1
    if budget < 0 { return false }
    switch self {
    case .unknown, .null, .boolean, .number, .string: return true
    case .array(let leading, let rest):
      for type in leading where !type.takesAtMost(&budget) { return false }
      return rest?.takesAtMost(&budget) ?? true
    case .object(let known, let rest):
      for member in known where !member.type.takesAtMost(&budget) { return false }
      guard let rest else { return true }
      return rest.key.takesAtMost(&budget) && rest.value.takesAtMost(&budget)
    case .set(let element): return element.takesAtMost(&budget)
    case .union(let types):
      for type in types where !type.takesAtMost(&budget) { return false }
      return true
    case .function(let function):
      for type in function.parameters where !type.takesAtMost(&budget) { return false }
      return function.result.takesAtMost(&budget)
    }
  }
}

/// The types of a function's parameters and of its result.
struct FunctionType: Hashable, Sendable {
  var parameters: [StaticType]
  var result: StaticType
}

// MARK: Unions

extension StaticType {
  /// The type of values that have this type or another.
  func or(_ other: StaticType) -> StaticType {
    switch (self, other) {
    case (.unknown, _): return other
    case (_, .unknown): return self
    case (.union(let a), .union(let b)):
      if a.isEmpty || b.isEmpty { return .any }
      return StaticType.union(of: a + b)
    case (.union(let a), _): return a.isEmpty || a.contains(other) ? self : StaticType.union(of: a + [other])
    case (_, .union): return other.or(self)
    default: return self == other ? self : StaticType.union(of: [self, other])
    }
  }

  private static func union(of types: [StaticType]) -> StaticType {
    var members: [StaticType] = []
    for type in types where !members.contains(type) { members.append(type) }
    if members.count > maximumUnion { return .any }
    return .union(members.sorted { $0.compare($1) < 0 })
  }

  /// The type of a document that several definitions make, of this type and of another: sets and objects grow together.
  func merged(with other: StaticType) -> StaticType {
    switch (self, other) {
    case (.set(let a), .set(let b)): return .set(a.or(b))
    case (.object(known: let a, rest: let restA?), .object(known: let b, rest: let restB?))
    where a.isEmpty && b.isEmpty:
      return .object(
        known: [], rest: Rest(key: restA.key.or(restB.key), value: restA.value.merged(with: restB.value)))
    default: return or(other)
    }
  }

  /// The order in which a union names its members.
  private func compare(_ other: StaticType) -> Int {
    switch (self, other) {
    case (.array(let a, let restA), .array(let b, let restB)):
      return StaticType.compare(a, b) ?? (restA ?? .unknown).compare(restB ?? .unknown)
    case (.object(let a, let restA), .object(let b, let restB)):
      for (x, y) in zip(a, b) {
        let order = x.key.compare(y.key)
        if order != 0 { return order }
      }
      if let order = StaticType.compare(a.map(\.type), b.map(\.type)) { return order }
      let order = (restA?.key ?? .unknown).compare(restB?.key ?? .unknown)
      return order == 0 ? (restA?.value ?? .unknown).compare(restB?.value ?? .unknown) : order
    case (.set(let a), .set(let b)): return a.compare(b)
    case (.union(let a), .union(let b)): return StaticType.compare(a, b) ?? 0
    case (.function(let a), .function(let b)):
      return StaticType.compare(a.parameters, b.parameters) ?? a.result.compare(b.result)
    default: return rank - other.rank
    }
  }

  /// Nil for equal lists.
  private static func compare(_ a: [StaticType], _ b: [StaticType]) -> Int? {
    for (x, y) in zip(a, b) {
      let order = x.compare(y)
      if order != 0 { return order }
    }
    return a.count == b.count ? nil : a.count - b.count
  }

  private var rank: Int {
    switch self {
    case .unknown: -1
    case .null: 0
    case .boolean: 1
    case .number: 2
    case .string: 3
    case .array: 4
    case .object: 5
    case .set: 6
    case .union: 7
    case .function: 8
    }
  }
}

// MARK: Text

extension StaticType: CustomStringConvertible {
  /// The type as OPA writes it, such as `array<number, string>`, `object[string: any]` or `any<null, string>`.
  var description: String {
    switch self {
    case .unknown: "???"
    case .null: "null"
    case .boolean: "boolean"
    case .number: "number"
    case .string: "string"
    case .array(let leading, let rest):
      "array" + (leading.isEmpty ? "" : "<\(StaticType.list(leading))>") + (rest.map { "[\($0)]" } ?? "")
    case .object(let known, let rest):
      "object" + (known.isEmpty ? "" : "<\(known.map(\.description).joined(separator: ", "))>")
        + (rest.map { "[\($0.key): \($0.value)]" } ?? "")
    case .set(let element): "set[\(element)]"
    case .union(let types): types.isEmpty ? "any" : "any<\(StaticType.list(types))>"
    case .function(let function): function.description
    }
  }

  static func list(_ types: [StaticType]) -> String { types.map(\.description).joined(separator: ", ") }
}

extension StaticType.Member: CustomStringConvertible {
  var description: String { "\(key.messageText): \(type)" }
}

extension FunctionType: CustomStringConvertible {
  var description: String { "(\(StaticType.list(parameters))) => \(result)" }
}
