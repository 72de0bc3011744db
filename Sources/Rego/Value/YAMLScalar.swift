import BigInt
import Foundation

/// What plain scalars mean: YAML 1.1 as sigs.k8s.io/yaml reads it, so that `check` sees what `kubectl apply` would send.
///
/// That is go-yaml 2's table: `y`, `yes`, `on` and their kin are booleans, integers may be hexadecimal, octal (with a leading 0 or
/// 0o) or binary and have underscores, numbers with a point or exponent become doubles, times stay strings.
enum YAMLScalar {
  enum Resolved {
    case value(Value)
    /// What JSON cannot hold.
    case unsupported(String)
  }

  private static let words: [RegoString: Resolved] = {
    var words: [RegoString: Resolved] = [:]
    let table: [(Resolved, [String])] = [
      (.value(true), ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]),
      (.value(false), ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]),
      (.value(.null), ["", "~", "null", "Null", "NULL"]),
      (.unsupported("NaN"), [".nan", ".NaN", ".NAN"]),
      (.unsupported("+Inf"), [".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"]),
      (.unsupported("-Inf"), ["-.inf", "-.Inf", "-.INF"]),
    ]
    for (meaning, spellings) in table {
      for spelling in spellings { words[RegoString(spelling)] = meaning }
    }
    return words
  }()

  /// What a plain scalar without a tag means.
  static func resolve(_ text: RegoString) -> Resolved {
    guard let first = text.utf8.first else { return .value(.null) }
    switch first {
    case UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"),
      UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"), UInt8(ascii: "O"),
      UInt8(ascii: "~"):
      return text.utf8Count <= 5 ? words[text] ?? .value(.string(text)) : .value(.string(text))
    case UInt8(ascii: "."):
      if let word = words[text] { return word }
      return .value(float(Array(text.utf8)).map(Value.number) ?? .string(text))
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      if let word = words[text] { return word }
      return .value(number(text).map(Value.number) ?? .string(text))
    default: return .value(.string(text))
    }
  }

  private static func number(_ text: RegoString) -> Number? {
    let plain = text.utf8.filter { $0 != UInt8(ascii: "_") }
    return integer(plain) ?? float(plain) ?? longInteger(plain)
  }

  /// An integer of 64 bits, signed or not, with an optional sign and prefix.
  private static func integer(_ text: [UInt8]) -> Number? {
    guard let (isNegative, hasSign, radix, digits) = prefixed(text), let magnitude = parse(digits, radix)
    else {
      return nil
    }
    if let int = Number.int(isNegative: isNegative, magnitude: magnitude) { return .int(int) }
    return hasSign ? nil : Number(BigUInt(magnitude))
  }

  /// A longer integer in hexadecimal, octal with 0o, or binary; decimal ones are floats by then.
  private static func longInteger(_ text: [UInt8]) -> Number? {
    guard let (isNegative, _, radix, digits) = prefixed(text), radix != 10, digits.count <= 1000,
      let magnitude = BigUInt(String(decoding: digits, as: UTF8.self), radix: radix),
      !digits.contains(where: { $0 < 0x30 })
    else { return nil }
    return Number(BigInt(sign: isNegative ? .minus : .plus, magnitude: magnitude))
  }

  private static func prefixed(
    _ text: [UInt8]
  ) -> (isNegative: Bool, hasSign: Bool, radix: Int, digits: ArraySlice<UInt8>)? {
    var rest = text[...]
    let hasSign = rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+")
    let isNegative = rest.first == UInt8(ascii: "-")
    if hasSign { rest = rest.dropFirst() }
    guard let first = rest.first else { return nil }
    if first == UInt8(ascii: "0"), rest.count > 1 {
      switch rest[rest.startIndex + 1] | 0x20 {
      case UInt8(ascii: "x"): return (isNegative, hasSign, 16, rest.dropFirst(2))
      case UInt8(ascii: "o"): return (isNegative, hasSign, 8, rest.dropFirst(2))
      case UInt8(ascii: "b"): return (isNegative, hasSign, 2, rest.dropFirst(2))
      default: return (isNegative, hasSign, 8, rest.dropFirst())
      }
    }
    return (isNegative, hasSign, 10, rest)
  }

  private static func parse(_ digits: ArraySlice<UInt8>, _ radix: Int) -> UInt64? {
    guard !digits.isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in digits {
      guard let digit = JSONScanner.hexValue(byte), digit < radix else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: UInt64(radix))
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  /// A decimal with a point or exponent, or a long integer, as the nearest double; nil where it is none or too large.
  private static func float(_ text: [UInt8]) -> Number? {
    var position = 0
    func skipDigits() -> Int {
      let start = position
      while position < text.count, text[position] &- 0x30 <= 9 { position += 1 }
      return position - start
    }
    if position < text.count, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
      position += 1
    }
    let hasInteger = skipDigits() > 0
    if position < text.count, text[position] == UInt8(ascii: ".") {
      position += 1
      guard skipDigits() > 0 || hasInteger else { return nil }
    } else if !hasInteger {
      return nil
    }
    if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < text.count, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
        position += 1
      }
      guard skipDigits() > 0 else { return nil }
    }
    guard position == text.count, let value = Double(String(decoding: text, as: UTF8.self)) else {
      return nil
    }
    return Number(value)
  }

  // MARK: Tags

  static let tagPrefix = "tag:yaml.org,2002:"

  /// What a scalar with an explicit tag means; throws the problem where it cannot be that.
  static func resolve(_ text: RegoString, tag: String) -> Result<Resolved, TagProblem> {
    let short = tag.hasPrefix(tagPrefix) ? "!!" + tag.dropFirst(tagPrefix.count) : tag
    switch short {
    case "!!str", "!!timestamp": return .success(.value(.string(text)))
    case "!!binary":
      guard let data = Data(base64Encoded: text.string, options: .ignoreUnknownCharacters) else {
        return .failure(TagProblem(message: "!!binary value contains invalid base64 data"))
      }
      return .success(.value(.string(RegoString(String(decoding: data, as: UTF8.self)))))
    case "!!bool", "!!int", "!!float", "!!null":
      let resolved = resolve(text)
      let kind = tagName(resolved, text)
      if kind == short || (short == "!!float" && kind == "!!int") { return .success(resolved) }
      return .failure(TagProblem(message: "cannot decode \(kind) `\(text)` as a \(short)"))
    default: return .success(.value(.string(text)))
    }
  }

  struct TagProblem: Error {
    let message: String
  }

  private static func tagName(_ resolved: Resolved, _ text: RegoString) -> String {
    switch resolved {
    case .unsupported: return "!!float"
    case .value(.null): return "!!null"
    case .value(.boolean): return "!!bool"
    case .value(.number(let number)):
      let looksFractional = text.utf8.contains { $0 == UInt8(ascii: ".") } || !number.isInteger
      return looksFractional ? "!!float" : "!!int"
    case .value: return "!!str"
    }
  }

  // MARK: Keys

  /// A scalar key as the string that JSON makes of it; nil where there is none.
  static func key(_ value: Value) -> RegoString? {
    switch value {
    case .string(let string): return string
    case .boolean(let flag): return RegoString(flag ? "true" : "false")
    case .number(let number):
      return RegoString(number.isInteger ? number.description : floatKey(Float(number.double)))
    default: return nil
    }
  }

  /// A float as Go's FormatFloat with format 'g' and 32 bits writes it.
  private static func floatKey(_ value: Float) -> String {
    guard let number = Number(json: value.description) else { return value.description }
    return number.asDecimal.shortForm
  }
}
