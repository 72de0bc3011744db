/// Literals of Go's source text (The Go Programming Language Specification, "Lexical elements"), as templates have them.
enum GoLiteral {
  /// A number, as every type that it can have.
  struct Number {
    let text: String
    var int: Int?
    /// Whether it is an integer that only fits without a sign.
    var isUnsigned = false
    var float: Double?
    var complex: (real: Double, imaginary: Double)?
  }

  // MARK: Strings

  /// The contents of a string literal with its quotes; nil where it is none.
  static func unquote(_ literal: String) -> RegoString? {
    var bytes = Array(literal.utf8)[...]
    guard bytes.count >= 2, let quote = bytes.popFirst(), bytes.popLast() == quote else { return nil }
    var output: [UInt8] = []
    if quote == UInt8(ascii: "`") {
      output = bytes.filter { $0 != UInt8(ascii: "\r") }
    } else {
      while !bytes.isEmpty {
        guard let unit = readUnit(&bytes, quote: quote) else { return nil }
        append(unit, to: &output)
      }
    }
    return RegoString(String(decoding: output, as: UTF8.self))
  }

  /// The value of a character literal with its quotes; nil where it is none.
  static func character(_ literal: String) -> Int? {
    var bytes = Array(literal.utf8).dropFirst()
    guard let unit = readUnit(&bytes, quote: UInt8(ascii: "'")), bytes.elementsEqual([UInt8(ascii: "'")])
    else {
      return nil
    }
    switch unit {
    case .byte(let byte): return Int(byte)
    case .scalar(let scalar): return Int(scalar.value)
    }
  }

  private enum Unit {
    case byte(UInt8)
    case scalar(Unicode.Scalar)
  }

  private static func append(_ unit: Unit, to output: inout [UInt8]) {
    switch unit {
    case .byte(let byte): output.append(byte)
    case .scalar(let scalar): output.append(contentsOf: String(scalar).utf8)
    }
  }

  private static func readUnit(_ bytes: inout ArraySlice<UInt8>, quote: UInt8) -> Unit? {
    guard let first = bytes.popFirst(), first != quote, first != UInt8(ascii: "\n") else { return nil }
    guard first == UInt8(ascii: "\\") else {
      if first < 0x80 { return .byte(first) }
      let length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
      let scalar = String(decoding: [first] + bytes.prefix(length - 1), as: UTF8.self).unicodeScalars.first
      bytes = bytes.dropFirst(length - 1)
      return scalar.map { .scalar($0) }
    }
    guard let mark = bytes.popFirst() else { return nil }
    switch mark {
    case UInt8(ascii: "a"): return .byte(7)
    case UInt8(ascii: "b"): return .byte(8)
    case UInt8(ascii: "f"): return .byte(12)
    case UInt8(ascii: "n"): return .byte(10)
    case UInt8(ascii: "r"): return .byte(13)
    case UInt8(ascii: "t"): return .byte(9)
    case UInt8(ascii: "v"): return .byte(11)
    case UInt8(ascii: "\\"): return .byte(mark)
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return mark == quote ? .byte(mark) : nil
    case UInt8(ascii: "x"): return readDigits(&bytes, count: 2, radix: 16).map { .byte(UInt8($0)) }
    case UInt8(ascii: "u"): return readDigits(&bytes, count: 4, radix: 16).flatMap(scalarUnit)
    case UInt8(ascii: "U"): return readDigits(&bytes, count: 8, radix: 16).flatMap(scalarUnit)
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      bytes = [mark] + bytes
      return readDigits(&bytes, count: 3, radix: 8).flatMap(UInt8.init(exactly:)).map { .byte($0) }
    default: return nil
    }
  }

  private static func scalarUnit(_ value: UInt32) -> Unit? { Unicode.Scalar(value).map { .scalar($0) } }

  private static func readDigits(_ bytes: inout ArraySlice<UInt8>, count: Int, radix: UInt32) -> UInt32? {
    guard bytes.count >= count else { return nil }
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = bytes.popFirst().flatMap(Hexadecimal.value), digit < radix else { return nil }
      value = value &* radix &+ UInt32(digit)
    }
    return value
  }

  // MARK: Numbers

  struct Failure: Error {
    let message: String
  }

  /// The value of a real or imaginary number.
  static func number(_ text: String) throws(Failure) -> Number {
    var number = Number(text: text)
    if text.hasSuffix("i"), let imaginary = float(String(text.dropLast())) {
      number.complex = (0, imaginary)
      if imaginary == 0 { (number.float, number.int) = (0, 0) }
      return number
    }
    if let (isNegative, magnitude) = integer(text) {
      if isNegative {
        if magnitude <= Int.min.magnitude { number.int = Int(truncatingIfNeeded: 0 &- magnitude) }
      } else {
        number.int = Int(exactly: magnitude)
        number.isUnsigned = number.int == nil
      }
      if number.int != nil || number.isUnsigned {
        number.float = isNegative ? -Double(magnitude) : Double(magnitude)
        return number
      }
    }
    guard let value = float(text) else {
      throw Failure(message: "illegal number syntax: \(GoQuote.quote(text))")
    }
    if !text.utf8.contains(where: ".eEpP".utf8.contains) {
      throw Failure(message: "integer overflow: \(GoQuote.quote(text))")
    }
    number.float = value
    number.int = Int(exactly: value)
    return number
  }

  /// The value of a sum of a real and an imaginary number, such as `1+2i`.
  static func complex(_ text: String) throws(Failure) -> Number {
    let bytes = Array(text.utf8)
    let signs: Set<UInt8> = [UInt8(ascii: "+"), UInt8(ascii: "-")]
    let exponentMarks = Set("eEpP".utf8)
    guard
      let split = bytes.indices.dropFirst().last(where: {
        signs.contains(bytes[$0]) && !exponentMarks.contains(bytes[$0 - 1])
      }), let real = float(String(decoding: bytes[..<split], as: UTF8.self)),
      let imaginary = float(String(decoding: bytes[split...].dropLast(), as: UTF8.self))
    else { throw Failure(message: "syntax error scanning complex number") }
    var number = Number(text: text)
    number.complex = (real, imaginary)
    if imaginary == 0 { (number.float, number.int) = (real, Int(exactly: real)) }
    return number
  }

  private static func integer(_ text: String) -> (isNegative: Bool, magnitude: UInt)? {
    guard let plain = removingUnderscores(text) else { return nil }
    var digits = plain.utf8[...]
    let sign = digits.first
    if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { digits.removeFirst() }
    var radix = 10
    if digits.first == UInt8(ascii: "0"), digits.count > 1 {
      digits.removeFirst()
      switch digits.first.map({ $0 | 0x20 }) {
      case UInt8(ascii: "x"): (radix, digits) = (16, digits.dropFirst())
      case UInt8(ascii: "o"): (radix, digits) = (8, digits.dropFirst())
      case UInt8(ascii: "b"): (radix, digits) = (2, digits.dropFirst())
      default: radix = 8
      }
    }
    // Swift's initializer takes a sign too.
    guard let first = digits.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
    return UInt(Substring(digits), radix: radix).map { (sign == UInt8(ascii: "-"), $0) }
  }

  private static func float(_ text: String) -> Double? {
    guard let plain = removingUnderscores(text) else { return nil }
    if plain.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "x") }),
      !plain.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "p") })
    {
      return nil
    }
    guard let value = Double(plain), value.isFinite else { return nil }
    return value
  }

  /// The number without the underscores, which may only stand between digits, the base's prefix being one of them.
  private static func removingUnderscores(_ text: String) -> String? {
    let underscore = UInt8(ascii: "_")
    let bytes = Array(text.utf8)
    guard bytes.contains(underscore) else { return text }
    let digitsBegin = (bytes.firstIndex { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) ?? 0
    for position in bytes.indices where bytes[position] == underscore {
      guard position > 0, position + 1 < bytes.count, Hexadecimal.value(bytes[position + 1]) != nil else {
        return nil
      }
      let isAfterPrefix =
        position == digitsBegin + 2 && bytes[digitsBegin] == UInt8(ascii: "0")
        && "box".utf8.contains(bytes[position - 1] | 0x20)
      if Hexadecimal.value(bytes[position - 1]) == nil, !isAfterPrefix { return nil }
    }
    return String(decoding: bytes.filter { $0 != underscore }, as: UTF8.self)
  }
}
