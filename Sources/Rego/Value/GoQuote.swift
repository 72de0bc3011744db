/// Quotes text as Go's `strconv.Quote` does, the form in which OPA prints strings.
enum GoQuote {
  static func quote(_ string: RegoString) -> String {
    var bytes: [UInt8] = []
    append(string, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  static func quote(_ string: String) -> String { quote(RegoString(string)) }

  static func append(
    _ string: RegoString, asciiOnly: Bool = false, to bytes: inout [UInt8]
  ) {
    bytes.append(UInt8(ascii: "\""))
    let isPlain = string.withUTF8 { text in
      text.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
    if isPlain {
      string.withUTF8 { bytes.append(contentsOf: $0) }
    } else {
      for scalar in string.string.unicodeScalars {
        append(scalar, quote: "\"", asciiOnly: asciiOnly, to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends one code point, escaped where it is the quote, a backslash or not printable.
  static func append(
    _ scalar: Unicode.Scalar, quote: Unicode.Scalar, asciiOnly: Bool = false, to bytes: inout [UInt8]
  ) {
    switch scalar {
    case quote, "\\":
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(UInt8(truncatingIfNeeded: scalar.value))
    case "\u{7}": bytes.append(contentsOf: "\\a".utf8)
    case "\u{8}": bytes.append(contentsOf: "\\b".utf8)
    case "\u{c}": bytes.append(contentsOf: "\\f".utf8)
    case "\n": bytes.append(contentsOf: "\\n".utf8)
    case "\r": bytes.append(contentsOf: "\\r".utf8)
    case "\t": bytes.append(contentsOf: "\\t".utf8)
    case "\u{b}": bytes.append(contentsOf: "\\v".utf8)
    case _ where scalar.isASCII:
      if isPrintable(scalar) {
        bytes.append(UInt8(truncatingIfNeeded: scalar.value))
      } else {
        bytes.append(contentsOf: "\\x".utf8)
        appendHex(scalar.value, digits: 2, to: &bytes)
      }
    case _ where !asciiOnly && isPrintable(scalar):
      bytes.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
    case _ where scalar.value < 0x10000:
      bytes.append(contentsOf: "\\u".utf8)
      appendHex(scalar.value, digits: 4, to: &bytes)
    default:
      bytes.append(contentsOf: "\\U".utf8)
      appendHex(scalar.value, digits: 8, to: &bytes)
    }
  }

  /// Letters, marks, numbers, punctuation, symbols and the ASCII space (Go's `unicode.IsPrint`).
  static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
      .paragraphSeparator:
      return false
    default: return true
    }
  }

  private static func appendHex(_ value: UInt32, digits: Int, to bytes: inout [UInt8]) {
    for position in (0..<digits).reversed() {
      let digit = UInt8(truncatingIfNeeded: value >> UInt32(4 * position)) & 0xf
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
