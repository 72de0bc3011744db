/// What builtins make of operands whose types are already known to be the declared ones.
///
/// The engine has checked an operand's own type; these accessors also word that error themselves, so that a builtin called
/// without the engine (from a test, or from another builtin) fails in the same way.
extension Value {
  func string(operand position: Int) throws(BuiltinError) -> RegoString {
    guard case .string(let string) = self else {
      throw .wrongType(position, expected: "string", got: self)
    }
    return string
  }

  func number(operand position: Int) throws(BuiltinError) -> Number {
    guard case .number(let number) = self else {
      throw .wrongType(position, expected: "number", got: self)
    }
    return number
  }

  /// An integer that fits a machine word.
  func int(operand position: Int) throws(BuiltinError) -> Int {
    guard let int = try number(operand: position).int else {
      throw .operand(position, "must be integer number but got floating-point number")
    }
    return int
  }

  func array(operand position: Int) throws(BuiltinError) -> [Value] {
    guard case .array(let elements) = self else {
      throw .wrongType(position, expected: "array", got: self)
    }
    return elements
  }

  func object(operand position: Int) throws(BuiltinError) -> ObjectValue {
    guard case .object(let object) = self else {
      throw .wrongType(position, expected: "object", got: self)
    }
    return object
  }

  func set(operand position: Int) throws(BuiltinError) -> SetValue {
    guard case .set(let set) = self else {
      throw .wrongType(position, expected: "set", got: self)
    }
    return set
  }

  /// The strings of an array or a set of strings.
  func strings(operand position: Int) throws(BuiltinError) -> [RegoString] {
    let elements: [Value]
    switch self {
    case .array(let array): elements = array
    case .set(let set): elements = set.elements
    default: throw .wrongType(position, expected: "array", "set", got: self)
    }
    var strings: [RegoString] = []
    strings.reserveCapacity(elements.count)
    for element in elements {
      guard case .string(let string) = element else {
        throw .wrongElement(position, of: self, expected: "string", got: element)
      }
      strings.append(string)
    }
    return strings
  }
}

extension BuiltinError {
  /// `operand N must be array of strings but got array containing number`, for an element of a composite operand.
  static func wrongElement(
    _ position: Int, of composite: Value, expected: String..., got: Value
  ) -> BuiltinError {
    let kinds = expected.count == 1 ? "\(expected[0])s" : "(any of) {\(expected.joined(separator: ", "))}"
    let container = composite.typeName
    return .operand(
      position, "must be \(container) of \(kinds) but got \(container) containing \(got.typeName)")
  }

  /// `operand N must be one of {2, 8}`, for an operand that is none of the few values it may be.
  static func wrongValue(_ position: Int, expected: String...) -> BuiltinError {
    .operand(
      position,
      expected.count == 1 ? "must be \(expected[0])" : "must be one of {\(expected.joined(separator: ", "))}")
  }
}

/// Bounds on what one call may build, so that a small policy cannot exhaust the machine's memory.
enum BuiltinLimits {
  /// The most bytes of a string that a builtin makes; one that would be longer ends the evaluation.
  static let stringBytes = 64 << 20
  /// The most elements of a collection that a builtin makes of nothing, such as `numbers.range`; more end the evaluation.
  static let elements = 4 << 20
  /// The most strings that a builtin cuts a text into; more end the evaluation.
  static let strings = 1 << 20
}
