import CWorkBudget

/// A value of Rego: JSON's values and sets.
///
/// Values are totally ordered: null < boolean < number < string < array < object < set (OPA documentation, "Comparison").
public enum Value: Sendable {
  case null
  case boolean(Bool)
  case number(Number)
  case string(RegoString)
  case array([Value])
  case object(ObjectValue)
  case set(SetValue)
}

extension Value {
  /// The type's name as OPA's `type_name` gives it.
  public var typeName: String {
    switch self {
    case .null: "null"
    case .boolean: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    case .set: "set"
    }
  }

  /// The place of the value's type in Rego's order of types.
  @inline(__always)
  var typeOrder: Int {
    switch self {
    case .null: 0
    case .boolean: 1
    case .number: 2
    case .string: 3
    case .array: 4
    case .object: 5
    case .set: 6
    }
  }

  /// Whether a bare expression with this value holds: everything but `false` does.
  @inline(__always)
  public var isTruthy: Bool {
    if case .boolean(false) = self { false } else { true }
  }

  public static func int(_ value: Int) -> Value { .number(.int(value)) }
  public static func string(_ value: String) -> Value { .string(RegoString(value)) }

  public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  public var number: Number? { if case .number(let value) = self { value } else { nil } }
  /// The number as an `Int`, where this is an integer that fits one.
  public var int: Int? { if case .number(.int(let value)) = self { value } else { nil } }
  /// The string as a Swift string, where this is one.
  public var string: String? { if case .string(let value) = self { value.string } else { nil } }
  public var array: [Value]? { if case .array(let value) = self { value } else { nil } }
  public var object: ObjectValue? { if case .object(let value) = self { value } else { nil } }
  public var set: SetValue? { if case .set(let value) = self { value } else { nil } }

  /// The member of an object under a string key, where this is an object that has one.
  public subscript(key: String) -> Value? {
    if case .object(let object) = self { object[key] } else { nil }
  }

  /// What the reference `self[key]` denotes: an object's value, an array's element or a set's member; nil where undefined.
  @inline(__always)
  public func lookup(_ key: Value) -> Value? {
    switch self {
    case .object(let object): return object[key]
    case .array(let elements):
      guard case .number(.int(let index)) = key, index >= 0, index < elements.count else { return nil }
      return elements[index]
    case .set(let set): return set.contains(key) ? key : nil
    default: return nil
    }
  }
}

extension Value: Hashable {
  public static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.string(let a), .string(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.boolean(let a), .boolean(let b)): a == b
    case (.null, .null): true
    case (.array(let a), .array(let b)): work_budget_take(a.count + 1) && a == b
    case (.object(let a), .object(let b)): a == b
    case (.set(let a), .set(let b)): a == b
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(hash64)
  }

  /// A hash by value, equal for equal values, seeded once a process.
  public var hash64: UInt64 {
    switch self {
    case .null: return ByteHash.mix(ByteHash.seed, 0x51)
    case .boolean(let value): return ByteHash.mix(ByteHash.seed, value ? 0x53 : 0x55)
    case .number(let value): return value.hash64
    case .string(let value): return value.hash64
    case .array(let elements):
      var state = ByteHash.seed ^ 0x61
      guard work_budget_take(elements.count + 1) else { return UInt64(work_budget_noise()) }
      for element in elements { state = ByteHash.mix(state ^ element.hash64, 0xe703_7ed1_a0b4_28db) }
      return state
    case .object(let object):
      var state = ByteHash.seed ^ 0x67
      guard work_budget_take(object.count + 1) else { return UInt64(work_budget_noise()) }
      for (key, value) in object {
        state = ByteHash.mix(state ^ key.hash64, 0xe703_7ed1_a0b4_28db)
        state = ByteHash.mix(state ^ value.hash64, 0x8ebc_6af0_9c88_c6e3)
      }
      return state
    case .set(let set):
      var state = ByteHash.seed ^ 0x71
      guard work_budget_take(set.count + 1) else { return UInt64(work_budget_noise()) }
      for element in set { state = ByteHash.mix(state ^ element.hash64, 0xe703_7ed1_a0b4_28db) }
      return state
    }
  }
}

extension Value: Comparable {
  public static func < (left: Value, right: Value) -> Bool { left.compare(right) < 0 }

  /// Negative, zero or positive as this value sorts before, with or after `other` in Rego's order.
  public func compare(_ other: Value) -> Int {
    switch (self, other) {
    case (.string(let a), .string(let b)): return a.compare(b)
    case (.number(let a), .number(let b)): return a.compare(b)
    case (.null, .null): return 0
    case (.boolean(let a), .boolean(let b)): return a == b ? 0 : (a ? 1 : -1)
    case (.array(let a), .array(let b)): return Value.compare(a, b)
    case (.set(let a), .set(let b)): return Value.compare(a.elements, b.elements)
    case (.object(let a), .object(let b)): return a.compare(b)
    default: return typeOrder - other.typeOrder
    }
  }

  static func compare(_ a: [Value], _ b: [Value]) -> Int {
    guard work_budget_take(a.count + 1) else { return 0 }
    for index in 0..<min(a.count, b.count) {
      let order = a[index].compare(b[index])
      if order != 0 { return order }
    }
    return a.count - b.count
  }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(RegoString(value)) }
  public init(integerLiteral value: Int) { self = .number(.int(value)) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(arrayLiteral elements: Value...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (Value, Value)...) { self = .object(ObjectValue(elements)) }
}
