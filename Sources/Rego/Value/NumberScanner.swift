/// Reads numbers from JSON text in one pass (RFC 8259, section 6).
enum NumberScanner {
  /// Reads the number at `position` and moves past it; nil, with `position` at the offending byte, where there is none.
  static func scan(_ bytes: UnsafeRawBufferPointer, from position: inout Int) -> Number? {
    let count = bytes.count
    let isNegative = position < count && bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }

    let integerStart = position
    var value: UInt64 = 0
    while position < count {
      let digit = bytes[position] &- 0x30
      if digit > 9 { break }
      value = value &* 10 &+ UInt64(digit)
      position += 1
    }
    let integer = integerStart..<position
    guard !integer.isEmpty else { return nil }
    if integer.count > 1, bytes[integerStart] == 0x30 {
      position = integerStart + 1
      return nil
    }
    if position == count
      || (bytes[position] != UInt8(ascii: ".") && bytes[position] | 0x20 != UInt8(ascii: "e"))
    {
      if integer.count <= 18 { return .int(isNegative ? -Int(value) : Int(value)) }
      return number(
        bytes, isNegative: isNegative, integer: integer, fraction: position..<position, exponent: 0)
    }

    var fraction = position..<position
    if bytes[position] == UInt8(ascii: ".") {
      position += 1
      let start = position
      while position < count, bytes[position] &- 0x30 <= 9 { position += 1 }
      guard position > start else { return nil }
      fraction = start..<position
    }
    guard let exponent = scanExponent(bytes, from: &position) else { return nil }
    return number(bytes, isNegative: isNegative, integer: integer, fraction: fraction, exponent: exponent)
  }

  /// Reads an exponent where one follows: 0 where none does, nil where it has no digits.
  private static func scanExponent(_ bytes: UnsafeRawBufferPointer, from position: inout Int) -> Int? {
    guard position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") else { return 0 }
    position += 1
    var isNegative = false
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
      isNegative = bytes[position] == UInt8(ascii: "-")
      position += 1
    }
    let start = position
    var exponent = 0
    while position < bytes.count, bytes[position] &- 0x30 <= 9 {
      exponent = min(exponent * 10 + Int(bytes[position] &- 0x30), DecimalNumber.exponentLimit)
      position += 1
    }
    return position == start ? nil : isNegative ? -exponent : exponent
  }

  private static func number(
    _ bytes: UnsafeRawBufferPointer, isNegative: Bool, integer: Range<Int>, fraction: Range<Int>,
    exponent: Int
  ) -> Number {
    let count = integer.count + fraction.count
    func digit(_ index: Int) -> UInt8 {
      let offset =
        index < integer.count
        ? integer.lowerBound + index : fraction.lowerBound + index - integer.count
      return bytes[offset] &- 0x30
    }
    var first = 0
    while first < count, digit(first) == 0 { first += 1 }
    if first == count { return .int(0) }
    var last = count - 1
    while digit(last) == 0 { last -= 1 }
    // Exponents beyond the limit are at the limit, by the first digit: so it is one number however it is written.
    let scale = exponent - fraction.count + (count - 1 - first)
    let limit = DecimalNumber.exponentLimit
    return Number(
      isNegative: isNegative, digits: (first...last).map(digit),
      exponent: max(-limit, min(scale, limit)) - (last - first))
  }
}

extension Number {
  /// The number of digits that neither begin nor end with zero, as an `int` where it is one that fits.
  init(isNegative: Bool, digits: [UInt8], exponent: Int) {
    if digits.isEmpty {
      self = .int(0)
      return
    }
    // No Int has more than 19 digits.
    if exponent >= 0, exponent < DecimalNumber.shortDigits,
      digits.count + exponent <= DecimalNumber.shortDigits
    {
      var magnitude: UInt64 = 0
      for digit in digits { magnitude = magnitude * 10 + UInt64(digit) }
      for _ in 0..<exponent { magnitude *= 10 }
      if let int = Number.int(isNegative: isNegative, magnitude: magnitude) {
        self = .int(int)
        return
      }
    }
    self = .decimal(DecimalNumber(isNegative: isNegative, digits: digits, exponent: exponent))
  }

  static func int(isNegative: Bool, magnitude: UInt64) -> Int? {
    if !isNegative { return Int(exactly: magnitude) }
    return magnitude <= Int.min.magnitude ? Int(truncatingIfNeeded: 0 &- magnitude) : nil
  }
}
