/// A number that no machine integer holds: its decimal digits, exact, without leading or trailing zeros.
///
/// The value is the digits as an integer, times ten to the power of `exponent`. Reading, comparing, hashing and printing take
/// time in proportion to the digits written, whatever the exponent.
public final class DecimalNumber: Sendable {
  let isNegative: Bool
  /// The digits as an integer, where they are at most 19; else zero.
  let coefficient: UInt64
  /// The digits 0...9, the most significant first, where they are more than 19; else empty.
  let longDigits: [UInt8]
  let digitCount: Int
  let exponent: Int

  /// Exponents are kept between minus and plus this; larger ones written in a literal count as this.
  static let exponentLimit = 1 << 56
  /// So many digits always fit `coefficient`.
  static let shortDigits = 19

  private init(isNegative: Bool, coefficient: UInt64, longDigits: [UInt8], digitCount: Int, exponent: Int) {
    self.isNegative = isNegative
    self.coefficient = coefficient
    self.longDigits = longDigits
    self.digitCount = digitCount
    self.exponent = min(max(exponent, -DecimalNumber.exponentLimit), DecimalNumber.exponentLimit)
  }

  /// Takes digits that neither begin nor end with zero.
  convenience init(isNegative: Bool, digits: [UInt8], exponent: Int) {
    let short = digits.count <= DecimalNumber.shortDigits
    self.init(
      isNegative: isNegative, coefficient: short ? digits.reduce(0) { $0 * 10 + UInt64($1) } : 0,
      longDigits: short ? [] : digits, digitCount: digits.count, exponent: exponent)
  }

  /// Takes a coefficient that is not a multiple of ten.
  convenience init(isNegative: Bool, coefficient: UInt64, exponent: Int) {
    let digitCount = DecimalNumber.countDigits(coefficient)
    if digitCount > DecimalNumber.shortDigits {
      self.init(isNegative: isNegative, digits: DecimalNumber.digits(of: coefficient), exponent: exponent)
    } else {
      self.init(
        isNegative: isNegative, coefficient: coefficient, longDigits: [], digitCount: digitCount,
        exponent: exponent)
    }
  }

  /// An `int` in this form, for comparing it with others.
  convenience init(_ value: Int) {
    self.init(
      isNegative: value < 0, coefficient: UInt64(value.magnitude), longDigits: [],
      digitCount: DecimalNumber.countDigits(UInt64(value.magnitude)), exponent: 0)
  }

  /// How many digits stand left of the decimal point; negative for zeros that follow it before the first digit.
  var order: Int { digitCount + exponent }

  /// The digits 0...9, the most significant first.
  var digits: [UInt8] {
    longDigits.isEmpty ? DecimalNumber.digits(of: coefficient) : longDigits
  }

  static func countDigits(_ value: UInt64) -> Int {
    var count = 0
    var power: UInt64 = 1
    while power <= value {
      count += 1
      let (next, overflow) = power.multipliedReportingOverflow(by: 10)
      if overflow { break }
      power = next
    }
    return count
  }

  static func digits(of value: UInt64) -> [UInt8] {
    var reversed: [UInt8] = []
    var rest = value
    while rest > 0 {
      reversed.append(UInt8(rest % 10))
      rest /= 10
    }
    return reversed.reversed()
  }

  /// Negative, zero or positive as this number is less than, equal to or greater than `other`.
  func compare(_ other: DecimalNumber) -> Int {
    // Only an `int` in this form can be zero, and it has no digits.
    let sign = digitCount == 0 ? 0 : isNegative ? -1 : 1
    let otherSign = other.digitCount == 0 ? 0 : other.isNegative ? -1 : 1
    if sign != otherSign || sign == 0 { return sign - otherSign }
    return sign * compareMagnitude(other)
  }

  private func compareMagnitude(_ other: DecimalNumber) -> Int {
    if order != other.order { return order < other.order ? -1 : 1 }
    if longDigits.isEmpty, other.longDigits.isEmpty {
      let mine = scaled(to: max(digitCount, other.digitCount))
      let others = other.scaled(to: max(digitCount, other.digitCount))
      return mine < others ? -1 : mine == others ? 0 : 1
    }
    let mine = digits
    let others = other.digits
    for position in 0..<min(mine.count, others.count) where mine[position] != others[position] {
      return mine[position] < others[position] ? -1 : 1
    }
    // What one number has beyond the other may be zeros only where that is an `int`.
    let rest = mine.count > others.count ? mine[others.count...] : others[mine.count...]
    if rest.allSatisfy({ $0 == 0 }) { return 0 }
    return mine.count - others.count
  }

  private func scaled(to count: Int) -> UInt64 {
    var value = coefficient
    for _ in digitCount..<count { value *= 10 }
    return value
  }

  var hash64: UInt64 {
    var state = ByteHash.mix(
      UInt64(bitPattern: Int64(exponent)) ^ ByteHash.seed, isNegative ? 0x8ebc_6af1 : 0x1d8e_4e27)
    state ^= longDigits.isEmpty ? coefficient : longDigits.withUnsafeBytes(ByteHash.hash)
    return ByteHash.mix(state, 0x9e37_79b9_7f4a_7c15)
  }

  var double: Double { Double(scientific) ?? .nan }
}

extension DecimalNumber: CustomStringConvertible {
  /// Integers of more digits than this, zeros included, are written with an exponent.
  static let plainIntegerDigits = 400
  /// Fractions whose first digit stands further from the point than this are written with an exponent.
  static let plainFractionOrders = -4...21

  /// JSON text: plain digits where they are not many, else with an exponent, as in `1.5e+30`.
  public var description: String {
    if exponent >= 0 {
      guard order <= DecimalNumber.plainIntegerDigits else { return scientific }
      return text { digits in
        digits + [UInt8](repeating: UInt8(ascii: "0"), count: exponent)
      }
    }
    guard DecimalNumber.plainFractionOrders.contains(order) else { return scientific }
    return text { digits in
      let zero = UInt8(ascii: "0")
      let point = UInt8(ascii: ".")
      if order <= 0 { return [zero, point] + [UInt8](repeating: zero, count: -order) + digits }
      return digits[..<order] + [point] + digits[order...]
    }
  }

  /// The text as Go's FormatFloat writes it with format 'g' and the fewest digits: with an exponent from a million on.
  var shortForm: String {
    (-3...6).contains(order) ? description : scientific
  }

  private var scientific: String {
    let exponent = order - 1
    let power = "e\(exponent < 0 ? "-" : "+")\(exponent.magnitude < 10 ? "0" : "")\(exponent.magnitude)"
    let mantissa = text { digits in
      digits.count == 1 ? digits : digits[..<1] + [UInt8(ascii: ".")] + digits[1...]
    }
    return mantissa + power
  }

  private func text(_ layOut: ([UInt8]) -> [UInt8]) -> String {
    let ascii = layOut(digits.map { $0 + UInt8(ascii: "0") })
    return (isNegative ? "-" : "") + String(decoding: ascii, as: UTF8.self)
  }
}
