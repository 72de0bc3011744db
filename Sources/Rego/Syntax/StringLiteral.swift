/// What the text between the quotes of a string or template stands for.
enum StringLiteral {
  /// The value of an escaped text, whose escapes the lexer has checked: JSON's, and in templates `\{`.
  ///
  /// Half of a surrogate pair becomes U+FFFD, as Go's JSON reader makes it.
  static func unescape(_ text: ArraySlice<UInt8>) -> RegoString {
    guard text.contains(UInt8(ascii: "\\")) else { return RegoString(String(decoding: text, as: UTF8.self)) }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      let byte = text[index]
      index += 1
      guard byte == UInt8(ascii: "\\"), index < text.endIndex else {
        result.append(byte)
        continue
      }
      let escape = text[index]
      index += 1
      switch escape {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0c)
      case UInt8(ascii: "n"): result.append(0x0a)
      case UInt8(ascii: "r"): result.append(0x0d)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"): result.append(contentsOf: String(Character(scalar(in: text, at: &index))).utf8)
      default: result.append(escape)
      }
    }
    return RegoString(String(decoding: result, as: UTF8.self))
  }

  /// The value of a raw template's text, in which only `\{` is an escape.
  static func unescapeRaw(_ text: ArraySlice<UInt8>) -> RegoString {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for index in text.indices {
      let isEscape =
        text[index] == UInt8(ascii: "\\") && index + 1 < text.endIndex && text[index + 1] == UInt8(ascii: "{")
      if !isEscape { result.append(text[index]) }
    }
    return RegoString(String(decoding: result, as: UTF8.self))
  }

  static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// The scalar of a `\u` escape whose digits begin at `index`, with the second half of a surrogate pair where one follows.
  private static func scalar(in text: ArraySlice<UInt8>, at index: inout Int) -> Unicode.Scalar {
    guard let first = codeUnit(in: text, at: index) else { return "\u{fffd}" }
    index += 4
    guard first & 0xf800 == 0xd800 else { return Unicode.Scalar(first) ?? "\u{fffd}" }
    guard first < 0xdc00, index + 1 < text.endIndex, text[index] == UInt8(ascii: "\\"),
      text[index + 1] == UInt8(ascii: "u"), let second = codeUnit(in: text, at: index + 2),
      second & 0xfc00 == 0xdc00
    else { return "\u{fffd}" }
    index += 6
    return Unicode.Scalar(0x10000 + (first & 0x3ff) << 10 + second & 0x3ff) ?? "\u{fffd}"
  }

  private static func codeUnit(in text: ArraySlice<UInt8>, at index: Int) -> UInt32? {
    guard index + 4 <= text.endIndex else { return nil }
    var unit: UInt32 = 0
    for byte in text[index..<index + 4] {
      guard let digit = hexDigit(byte) else { return nil }
      unit = unit << 4 | digit
    }
    return unit
  }
}
