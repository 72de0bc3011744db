import BigInt

/// Why an operation on numbers has no result.
enum ArithmeticError: Error, Equatable {
  case divideByZero
  case moduloByZero
  case moduloOnFloatingPoint
  /// An operand or the result has thousands of digits before or after the point.
  case outOfRange

  /// The reason, as OPA words it where OPA has it.
  var message: String {
    switch self {
    case .divideByZero: "divide by zero"
    case .moduloByZero: "modulo by zero"
    case .moduloOnFloatingPoint: "modulo on floating-point number"
    case .outOfRange: "number out of range"
    }
  }
}

/// Arithmetic as OPA does it: exact where operands and result are integers of 64 bits, else rounded as ``BinaryFloat`` rounds.
extension Number {
  func adding(_ other: Number) throws(ArithmeticError) -> Number {
    if case .int(let a) = self, case .int(let b) = other {
      let (sum, overflow) = a.addingReportingOverflow(b)
      if !overflow { return .int(sum) }
    }
    return try Number.float(self, other, +)
  }

  func subtracting(_ other: Number) throws(ArithmeticError) -> Number {
    if case .int(let a) = self, case .int(let b) = other {
      let (difference, overflow) = a.subtractingReportingOverflow(b)
      if !overflow { return .int(difference) }
    }
    return try Number.float(self, other, -)
  }

  func multiplying(by other: Number) throws(ArithmeticError) -> Number {
    if case .int(let a) = self, case .int(let b) = other {
      let (product, overflow) = a.multipliedReportingOverflow(by: b)
      if !overflow { return .int(product) }
    }
    return try Number.float(self, other, *)
  }

  func dividing(by other: Number) throws(ArithmeticError) -> Number {
    if case .int(let b) = other {
      if b == 0 { throw .divideByZero }
      if case .int(let a) = self {
        let (quotient, overflow) = a.dividedReportingOverflow(by: b)
        if !overflow, quotient &* b == a { return .int(quotient) }
      }
    }
    return try Number.float(self, other, /)
  }

  /// The remainder of the division that rounds towards zero, so that it has the sign of the dividend.
  func remainder(dividingBy other: Number) throws(ArithmeticError) -> Number {
    if case .int(let a) = self, case .int(let b) = other {
      if b == 0 { throw .moduloByZero }
      return .int(b == -1 ? 0 : a % b)
    }
    guard isInteger, other.isInteger else { throw .moduloOnFloatingPoint }
    return Number(try roundedInteger() % other.roundedInteger())
  }

  var absolute: Number {
    switch self {
    case .int(let value) where value != .min: .int(abs(value))
    case .int: Number(BigInt(Int.min).magnitude)
    case .decimal(let value):
      Number(isNegative: false, digits: value.digits, exponent: value.exponent)
    }
  }

  /// The nearest integer; halves go away from zero.
  func rounded() throws(ArithmeticError) -> Number {
    try integral { value, truncated in
      let rest = value - truncated
      let distance = (rest.isNegative ? -rest : rest) - .half
      if distance.isNegative { return truncated }
      return rest.isNegative ? truncated - .one : truncated + .one
    }
  }

  /// The least integer that is not below the number.
  func ceiling() throws(ArithmeticError) -> Number {
    try integral { value, truncated in value.isNegative ? truncated : truncated + .one }
  }

  /// The greatest integer that is not above the number.
  func floor() throws(ArithmeticError) -> Number {
    try integral { value, truncated in value.isNegative ? truncated - .one : truncated }
  }

  private func integral(_ round: (_ value: BinaryFloat, _ truncated: BinaryFloat) -> BinaryFloat)
    throws(ArithmeticError) -> Number
  {
    if isInteger { return self }
    guard let value = BinaryFloat(self) else { throw .outOfRange }
    let result = value.isInteger ? value : round(value, value.truncated)
    guard let number = result.shortestDecimal else { throw .outOfRange }
    return number
  }

  private static func float(
    _ left: Number, _ right: Number, _ operation: (BinaryFloat, BinaryFloat) -> BinaryFloat
  ) throws(ArithmeticError) -> Number {
    guard let a = BinaryFloat(left), let b = BinaryFloat(right), let result = operation(a, b).shortestDecimal
    else {
      throw .outOfRange
    }
    return result
  }
}

// MARK: - Integers of any size

extension Number {
  init(_ value: BigUInt) {
    self.init(BigInt(value))
  }

  init(_ value: BigInt) {
    if let int = Int(exactly: value) {
      self = .int(int)
      return
    }
    var digits = value.magnitude.description.utf8.map { $0 &- UInt8(ascii: "0") }
    let count = digits.count
    while digits.last == 0 { digits.removeLast() }
    self.init(isNegative: value.sign == .minus, digits: digits, exponent: count - digits.count)
  }

  /// The integer rounded to 64 significant bits, as OPA reads an operand of a bit operation; only for integers.
  func roundedInteger() throws(ArithmeticError) -> BigInt {
    if case .int(let value) = self { return BigInt(value) }
    guard let value = BinaryFloat(self)?.integer else { throw .outOfRange }
    return value
  }
}

extension Number {
  /// Whether the number is a whole number of times another, which is above zero; exact, but taken not to be for thousands of digits.
  func isMultiple(of factor: Number) -> Bool {
    if case .int(let a) = self, case .int(let b) = factor { return a % b == 0 }
    let value = asDecimal
    let divisor = factor.asDecimal
    guard max(value.digitCount, divisor.digitCount) <= BinaryFloat.orderLimit else { return false }
    let scale = value.exponent - divisor.exponent
    let coefficient = BigUInt(String(decoding: value.digits.map { $0 + 0x30 }, as: UTF8.self)) ?? 0
    let factor = BigUInt(String(decoding: divisor.digits.map { $0 + 0x30 }, as: UTF8.self)) ?? 1
    if scale >= 0 {
      return (coefficient * BigUInt(10).power(BigUInt(scale), modulus: factor) % factor).isZero
    }
    // The coefficient must end with as many zeros as the factor lacks; it has fewer digits than that where this is much.
    guard -scale <= value.digitCount else { return coefficient.isZero }
    return (coefficient % (factor * BigUInt(10).power(-scale))).isZero
  }
}
