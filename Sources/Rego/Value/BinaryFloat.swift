import BigInt

/// A binary floating-point number with a mantissa of 64 bits, rounded to nearest, ties to even.
///
/// OPA computes with Go's `big.Float` in its default precision, which is this; results that differ in the last digit would
/// make a policy answer differently. Every integer that fits 64 bits is exact.
struct BinaryFloat {
  var isNegative: Bool
  /// The highest bit is set, unless the number is zero.
  var mantissa: UInt64
  /// The value is the mantissa times two to the power of this.
  var exponent: Int

  static let zero = BinaryFloat(isNegative: false, mantissa: 0, exponent: 0)
  static let half = BinaryFloat(isNegative: false, mantissa: 1 << 63, exponent: -64)
  static let one = BinaryFloat(isNegative: false, mantissa: 1 << 63, exponent: -63)

  /// Decimals of more digits left of the point (or zeros right of it) are not computed with, so that time and memory stay small.
  static let orderLimit = 5000
  /// Digits of a decimal beyond these count only as being there.
  private static let significantDigits = 400

  var isZero: Bool { mantissa == 0 }
}

// MARK: - From numbers

extension BinaryFloat {
  init(_ value: Int) {
    self.init(rounding: UInt128(value.magnitude), isNegative: value < 0, exponent: 0, sticky: false)
  }

  /// The number rounded to 64 bits; nil where it is too large or too small to compute with.
  init?(_ number: Number) {
    switch number {
    case .int(let value): self.init(value)
    case .decimal(let value): self.init(value)
    }
  }

  private init?(_ decimal: DecimalNumber) {
    guard decimal.order.magnitude <= BinaryFloat.orderLimit else { return nil }
    var digits = decimal.digits
    var exponent = decimal.exponent
    if digits.count > BinaryFloat.significantDigits {
      // A one stands for what follows: it is not zero, which is all that rounding asks.
      exponent += digits.count - BinaryFloat.significantDigits - 1
      digits = digits[..<BinaryFloat.significantDigits] + [1]
    }
    let coefficient = BinaryFloat.integer(ofDigits: digits)
    let power = BigUInt(5).power(exponent.unsignedMagnitude)
    if exponent >= 0 {
      self.init(
        rounding: coefficient * power, isNegative: decimal.isNegative, exponent: exponent, sticky: false)
    } else {
      // 66 bits of quotient leave one to round by and one to spare.
      let shift = max(0, 66 + power.bitWidth - coefficient.bitWidth)
      let (quotient, remainder) = (coefficient << shift).quotientAndRemainder(dividingBy: power)
      self.init(
        rounding: quotient, isNegative: decimal.isNegative, exponent: exponent - shift,
        sticky: !remainder.isZero)
    }
  }

  private static func integer(ofDigits digits: [UInt8]) -> BigUInt {
    var result = BigUInt(0)
    var position = 0
    while position < digits.count {
      let end = min(position + 18, digits.count)
      var chunk: UInt64 = 0
      var scale: UInt64 = 1
      for digit in digits[position..<end] {
        chunk = chunk * 10 + UInt64(digit)
        scale *= 10
      }
      result = result * BigUInt(scale) + BigUInt(chunk)
      position = end
    }
    return result
  }

  /// Rounds an integer times a power of two; `sticky` says that the true value is slightly more.
  init(rounding value: BigUInt, isNegative: Bool, exponent: Int, sticky: Bool) {
    let excess = value.bitWidth - 128
    if excess <= 0 {
      self.init(
        rounding: UInt128(truncatingIfNeeded: value), isNegative: isNegative, exponent: exponent,
        sticky: sticky)
    } else {
      self.init(
        rounding: UInt128(truncatingIfNeeded: value >> excess), isNegative: isNegative,
        exponent: exponent + excess,
        sticky: sticky || value.trailingZeroBitCount < excess)
    }
  }

  init(rounding value: UInt128, isNegative: Bool, exponent: Int, sticky: Bool) {
    guard value != 0 else {
      self = .zero
      return
    }
    let leading = value.leadingZeroBitCount
    let aligned = value << leading
    var mantissa = UInt64(truncatingIfNeeded: aligned >> 64)
    var exponent = exponent - leading + 64
    let rest = UInt64(truncatingIfNeeded: aligned)
    let half: UInt64 = 1 << 63
    if rest > half || (rest == half && (sticky || mantissa & 1 == 1)) {
      mantissa &+= 1
      if mantissa == 0 {
        mantissa = half
        exponent += 1
      }
    }
    self.init(isNegative: isNegative, mantissa: mantissa, exponent: exponent)
  }
}

// MARK: - Arithmetic

extension BinaryFloat {
  static prefix func - (value: BinaryFloat) -> BinaryFloat {
    value.isZero
      ? value : BinaryFloat(isNegative: !value.isNegative, mantissa: value.mantissa, exponent: value.exponent)
  }

  static func + (left: BinaryFloat, right: BinaryFloat) -> BinaryFloat {
    if left.isZero { return right }
    if right.isZero { return left }
    let leftIsLarger = (left.exponent, left.mantissa) >= (right.exponent, right.mantissa)
    let (large, small) = leftIsLarger ? (left, right) : (right, left)
    // The larger takes bits 62...125: one is free above for the carry, and those below hold what the smaller adds.
    let distance = large.exponent - small.exponent
    let augend = UInt128(large.mantissa) << 62
    let addend = UInt128(small.mantissa) << 62
    let shifted = distance < 128 ? addend >> UInt128(distance) : 0
    let lost = distance >= 128 || shifted << UInt128(distance) != addend
    let sum: UInt128
    if left.isNegative == right.isNegative {
      sum = augend + shifted
    } else {
      sum = augend - shifted - (lost ? 1 : 0)
    }
    return BinaryFloat(
      rounding: sum, isNegative: large.isNegative, exponent: large.exponent - 62, sticky: lost)
  }

  static func - (left: BinaryFloat, right: BinaryFloat) -> BinaryFloat { left + -right }

  static func * (left: BinaryFloat, right: BinaryFloat) -> BinaryFloat {
    BinaryFloat(
      rounding: UInt128(left.mantissa) * UInt128(right.mantissa),
      isNegative: left.isNegative != right.isNegative,
      exponent: left.exponent + right.exponent, sticky: false)
  }

  /// The quotient; the divisor must not be zero.
  static func / (left: BinaryFloat, right: BinaryFloat) -> BinaryFloat {
    let divisor = UInt128(right.mantissa)
    let (high, rest) = (UInt128(left.mantissa) << 64).quotientAndRemainder(dividingBy: divisor)
    // Two bits more, to round by.
    let (low, remainder) = (rest << 2).quotientAndRemainder(dividingBy: divisor)
    return BinaryFloat(
      rounding: high << 2 | low, isNegative: left.isNegative != right.isNegative,
      exponent: left.exponent - right.exponent - 66, sticky: remainder != 0)
  }
}

// MARK: - Integers

extension BinaryFloat {
  var isInteger: Bool {
    isZero || exponent >= 0 || (exponent > -64 && mantissa.trailingZeroBitCount >= -exponent)
  }

  /// The number without its fraction.
  var truncated: BinaryFloat {
    if isInteger { return self }
    if exponent <= -64 { return .zero }
    let shift = UInt64(-exponent)
    return BinaryFloat(isNegative: isNegative, mantissa: mantissa & ~((1 << shift) - 1), exponent: exponent)
  }

  /// The number as an exact integer, where it is one.
  var integer: BigInt? {
    guard isInteger else { return nil }
    let magnitude =
      exponent >= 0
      ? BigUInt(mantissa) << exponent : BigUInt(isZero ? 0 : mantissa >> UInt64(-exponent))
    return BigInt(sign: isNegative ? .minus : .plus, magnitude: magnitude)
  }
}

extension Int {
  fileprivate var unsignedMagnitude: Int { Int(clamping: magnitude) }
}
