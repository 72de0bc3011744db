import BigInt

/// Builtins on quantities with units (OPA documentation, "Units").
enum UnitBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "units.parse", category: "units", "Reads a quantity such as `10G`, `5Ki` or `1500m`.",
      [Parameter("x", .string, "the quantity")], returns: Parameter("y", .number, "the number"), .unary(parse)
    ),
    Builtin(
      "units.parse_bytes", category: "units", "Reads a number of bytes such as `10GB` or `5KiB`.",
      [Parameter("x", .string, "the quantity")],
      returns: Parameter("y", .number, "the number of bytes, without a fraction"), .unary(parseBytes)),
  ]

  private static let units: [String: (decimal: UInt64, binary: UInt64)] = [
    "k": (1000, 1 << 10), "m": (1_000_000, 1 << 20), "g": (1_000_000_000, 1 << 30),
    "t": (1_000_000_000_000, 1 << 40), "p": (1_000_000_000_000_000, 1 << 50),
    "e": (1_000_000_000_000_000_000, 1 << 60),
  ]

  private static func parse(_ quantity: Value) throws(BuiltinError) -> Value? {
    let text = try quantity.string(operand: 1).string.filter { $0 != "\"" }
    let (number, unit) = try split(text, missing: "no amount provided")
    // `m` is milli and `M` is mega; otherwise case does not matter.
    let isMilli = unit.utf8.elementsEqual("m".utf8)
    guard let factor = isMilli ? 1 : factor(unit, suffix: "") else {
      throw .failed("unit \(unit.prefix(1))\(unit.dropFirst().lowercased()) not recognized")
    }
    guard let amount = LooseDecimal(number) else { throw .failed("could not parse amount to a number") }
    if isMilli {
      // The binary fraction next to 0.001, which OPA multiplies with: 1152921504606847 / 2^60, and 1 / 2^60 is 5^60 / 10^60.
      let milli = BigUInt(1_152_921_504_606_847) * BigUInt(5).power(60)
      return .number(amount.multiplied(by: milli, exponent: -60).rounded(toDigits: 10))
    }
    return .number(amount.multiplied(by: BigUInt(factor), exponent: 0).rounded(toDigits: 10))
  }

  private static func parseBytes(_ quantity: Value) throws(BuiltinError) -> Value? {
    let text = try quantity.string(operand: 1).string.lowercased().filter { $0 != "\"" }
    let (number, unit) = try split(text, missing: "no byte amount provided")
    guard let factor = factor(unit, suffix: "b") else { throw .failed("byte unit \(unit) not recognized") }
    guard let amount = LooseDecimal(number) else { throw .failed("could not parse byte amount to a number") }
    // OPA computes with a mantissa of 64 bits here.
    guard let value = BinaryFloat(amount.number),
      let bytes =
        (value * BinaryFloat(rounding: UInt128(factor), isNegative: false, exponent: 0, sticky: false))
        .truncated.integer
    else { throw .failed("exponent too large") }
    return .number(Number(bytes))
  }

  /// What a unit multiplies with: 1 for none, nil for one that is not known.
  private static func factor(_ unit: String, suffix: String) -> UInt64? {
    if unit.isEmpty { return 1 }
    let unit = unit.lowercased()
    guard let (decimal, binary) = units[String(unit.prefix(1))] else { return nil }
    let rest = unit.dropFirst()
    if rest.isEmpty || rest == suffix { return decimal }
    return rest == "i" || rest == "i\(suffix)" ? binary : nil
  }

  /// The part of a quantity that is a number, and its unit.
  private static func split(_ text: String, missing: String) throws(BuiltinError) -> (
    number: [UInt8], unit: String
  ) {
    let bytes = Array(text.utf8)
    if bytes.contains(UInt8(ascii: " ")) { throw .failed("spaces not allowed in resource strings") }
    func isDigit(_ position: Int) -> Bool {
      position < bytes.count && (0x30...0x39).contains(bytes[position])
    }
    func isSign(_ position: Int) -> Bool {
      position < bytes.count && (bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-"))
    }
    var end = 0
    while end < bytes.count {
      if bytes[end] | 0x20 == UInt8(ascii: "e") {
        // An exponent, unless it is the unit of a quintillion.
        guard isDigit(end + 1) || isSign(end + 1) else { break }
        if isSign(end + 1) { end += 1 }
        let digits = bytes[(end + 1)...].prefix { (0x30...0x39).contains($0) }.count
        if digits > 6 { throw .failed("exponent too large") }
      } else if !isDigit(end), !isSign(end), bytes[end] != UInt8(ascii: ".") {
        break
      }
      end += 1
    }
    end = min(end, bytes.count)
    if end == 0 { throw .failed(missing) }
    return (Array(bytes[..<end]), String(decoding: bytes[end...], as: UTF8.self))
  }
}

/// A decimal number as people write it, `+1.`, `.5` and `007` included.
struct LooseDecimal {
  private var isNegative = false
  private var digits: [UInt8] = []
  private var exponent = 0

  /// More digits are refused: multiplying takes time in proportion to their square.
  private static let digitLimit = 1000

  /// Reads a number; nil where the text is none.
  init?(_ text: [UInt8]) {
    var position = 0
    func byte() -> UInt8? { position < text.count ? text[position] : nil }
    if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") {
      isNegative = byte() == UInt8(ascii: "-")
      position += 1
    }
    var sawPoint = false
    while let next = byte() {
      if (0x30...0x39).contains(next) {
        digits.append(next - 0x30)
        if sawPoint { exponent -= 1 }
      } else if next == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else {
        break
      }
      position += 1
    }
    guard !digits.isEmpty, digits.count <= LooseDecimal.digitLimit else { return nil }
    if let mark = byte(), mark | 0x20 == UInt8(ascii: "e") {
      position += 1
      guard let power = Int(String(decoding: text[position...], as: UTF8.self)) else { return nil }
      exponent += power
      position = text.count
    }
    guard position == text.count else { return nil }
  }

  private init(isNegative: Bool, digits: [UInt8], exponent: Int) {
    self.isNegative = isNegative
    self.digits = digits
    self.exponent = exponent
  }

  func multiplied(by factor: BigUInt, exponent shift: Int) -> LooseDecimal {
    let coefficient = digits.reduce(BigUInt(0)) { $0 * 10 + BigUInt($1) }
    let product = (coefficient * factor).description.utf8.map { $0 - 0x30 }
    return LooseDecimal(isNegative: isNegative, digits: product, exponent: exponent + shift)
  }

  /// The number with at most so many digits after the point; halves go away from zero.
  func rounded(toDigits places: Int) -> Number {
    // The same as rounding, where there is nothing to round.
    let exact = number
    if exact.isInteger || exponent >= -places { return exact }
    let significant = digits.drop { $0 == 0 }
    let kept = significant.count + exponent + places
    if kept < 0 { return .int(0) }
    var coefficient = significant.prefix(kept).reduce(BigUInt(0)) { $0 * 10 + BigUInt($1) }
    if significant.dropFirst(kept).first ?? 0 >= 5 { coefficient += 1 }
    return LooseDecimal(
      isNegative: isNegative, digits: coefficient.description.utf8.map { $0 - 0x30 }, exponent: -places
    ).number
  }

  var number: Number {
    var significant = Array(digits.drop { $0 == 0 })
    var exponent = exponent
    while significant.last == 0 {
      significant.removeLast()
      exponent += 1
    }
    return Number(isNegative: isNegative, digits: significant, exponent: exponent)
  }
}
