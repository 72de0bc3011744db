import Foundation

/// Binary floating-point numbers as Go's `strconv.FormatFloat` writes them.
enum GoFloat {
  /// Formats with one of Go's verbs (`e`, `E`, `f`, `g`, `G`, `b`, `x`, `X`); a nil precision is the least that identifies the
  /// number.
  static func format(_ value: Double, verb: Character, precision: Int?) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    switch verb {
    case "b": return binary(value)
    case "x", "X": return hexadecimal(value, precision: precision, uppercase: verb == "X")
    default: break
    }
    // C's conversions of an exact precision are Go's.
    if let precision { return cFormat(value, String(verb), precision) }
    let (digits, exponent) = shortestDigits(value.magnitude)
    let sign = value.sign == .minus ? "-" : ""
    switch verb {
    case "e", "E": return sign + scientific(digits, exponent, String(verb))
    case "f": return sign + positional(digits, exponent)
    default:
      // The shortest form decides between the two as if six digits had been asked for.
      if exponent < -4 || exponent >= 6 {
        return sign + scientific(digits, exponent, verb == "G" ? "E" : "e")
      }
      return sign + positional(digits, exponent)
    }
  }

  /// The fewest decimal digits that identify the number, and the power of ten of the first.
  static func shortestDigits(_ value: Double) -> (digits: [UInt8], exponent: Int) {
    if value == 0 { return ([UInt8(ascii: "0")], 0) }
    var digits: [UInt8] = []
    var exponent = 0
    var pointAt: Int?
    var text = value.description.utf8[...]
    if let mark = text.firstIndex(of: UInt8(ascii: "e")) {
      exponent = Int(Substring(text[text.index(after: mark)...])) ?? 0
      text = text[..<mark]
    }
    for byte in text {
      if byte == UInt8(ascii: ".") { pointAt = digits.count } else { digits.append(byte) }
    }
    exponent += (pointAt ?? digits.count) - 1
    let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
    digits.removeFirst(leading)
    exponent -= leading
    while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return (digits, exponent)
  }

  private static func scientific(_ digits: [UInt8], _ exponent: Int, _ mark: String) -> String {
    var text = String(decoding: digits.prefix(1), as: UTF8.self)
    if digits.count > 1 { text += "." + String(decoding: digits.dropFirst(), as: UTF8.self) }
    return text + mark + exponentText(exponent)
  }

  /// A sign and at least two digits.
  private static func exponentText(_ exponent: Int) -> String {
    let magnitude = String(exponent.magnitude)
    return (exponent < 0 ? "-" : "+") + (magnitude.count < 2 ? "0" : "") + magnitude
  }

  private static func positional(_ digits: [UInt8], _ exponent: Int) -> String {
    let text = String(decoding: digits, as: UTF8.self)
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + text }
    if digits.count <= exponent + 1 {
      return text + String(repeating: "0", count: exponent + 1 - digits.count)
    }
    return String(decoding: digits[...exponent], as: UTF8.self) + "."
      + String(decoding: digits[(exponent + 1)...], as: UTF8.self)
  }

  private static func cFormat(_ value: Double, _ conversion: String, _ precision: Int) -> String {
    withVaList([Int32(clamping: precision), value]) { arguments in
      // The longest integral part of a double has 309 digits.
      var buffer = [CChar](repeating: 0, count: precision + 400)
      let length = vsnprintf(&buffer, buffer.count, "%.*" + conversion, arguments)
      return String(decoding: buffer.prefix(max(0, Int(length))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// `4503599627370496p-52`: mantissa and power of two, both decimal.
  private static func binary(_ value: Double) -> String {
    let isSubnormal = value.exponentBitPattern == 0
    let mantissa = isSubnormal ? value.significandBitPattern : value.significandBitPattern | 1 << 52
    let exponent = Int(isSubnormal ? 1 : value.exponentBitPattern) - 1075
    return (value.sign == .minus ? "-" : "") + "\(mantissa)p\(exponent < 0 ? "" : "+")\(exponent)"
  }

  /// `0x1.8p+01`: the leading digit is 1 but for zero.
  private static func hexadecimal(_ value: Double, precision: Int?, uppercase: Bool) -> String {
    var mantissa: UInt64 = 0
    var exponent = 0
    if value != 0 {
      exponent = Int(value.exponent)
      // The significand lies in [1, 2): scaled to 60 fraction bits it is exact.
      mantissa = UInt64(value.significand * 0x1p60)
    }
    if let precision, precision < 15 {
      let dropped = UInt64(60 - 4 * precision)
      let half: UInt64 = 1 << (dropped - 1)
      let rest = mantissa & ((1 << dropped) - 1)
      mantissa >>= dropped
      if rest > half || (rest == half && mantissa & 1 == 1) { mantissa += 1 }
      mantissa <<= dropped
      if mantissa >> 61 != 0 {
        mantissa >>= 1
        exponent += 1
      }
    }
    var fraction = String(mantissa & ((1 << 60) - 1), radix: 16)
    fraction = String(repeating: "0", count: 15 - fraction.count) + fraction
    if let precision {
      fraction =
        precision <= 15
        ? String(fraction.prefix(precision)) : fraction + String(repeating: "0", count: precision - 15)
    } else {
      while fraction.hasSuffix("0") { fraction.removeLast() }
    }
    let text = "0x\(mantissa >> 60)" + (fraction.isEmpty ? "" : "." + fraction) + "p" + exponentText(exponent)
    return (value.sign == .minus ? "-" : "") + (uppercase ? text.uppercased() : text)
  }
}
