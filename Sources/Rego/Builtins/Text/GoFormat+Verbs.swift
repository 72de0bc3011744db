import BigInt

// One argument under one verb.
extension GoFormat {
  mutating func write(_ text: String) { output.append(contentsOf: text.utf8) }

  mutating func print(_ argument: GoValue, verb: Unicode.Scalar) {
    if verb == "T" {
      printString(RegoString(argument.typeName))
      return
    }
    switch argument {
    case .null: if verb == "v" { pad(Array("<nil>".utf8)) } else { write("%!\(verb)(<nil>)") }
    case .bool(let value):
      if verb == "t" || verb == "v" {
        pad(Array((value ? "true" : "false").utf8), zeros: flags.zero)
      } else {
        printMismatch(argument, verb)
      }
    case .int(let value): printInt(value, verb)
    case .byte(let value): printByte(value, verb)
    case .bigInt(let value): printBigInt(value, verb)
    case .float(let value): printFloat(value, verb)
    case .complex(let real, let imaginary): printComplex(real, imaginary, verb)
    case .string(let value): printString(value, verb)
    case .jsonNumber(let value):
      if "vsqxX".unicodeScalars.contains(verb) {
        printString(value, verb)
      } else {
        printMismatch(argument, verb)
      }
    case .slice(let elements): printSlice(elements, verb)
    case .map(let object): printMap(object, verb)
    }
  }

  /// `%!d(string=hi)`.
  private mutating func printMismatch(_ argument: GoValue, _ verb: Unicode.Scalar) {
    write("%!\(verb)(\(argument.typeName)=")
    print(argument, verb: "v")
    write(")")
  }

  private mutating func pad(_ text: [UInt8], zeros: Bool = false, isASCII: Bool = false) {
    let codePoints = isASCII ? text.count : text.withUnsafeBufferPointer { TextSearch.codePointCount($0) }
    let padding = max(0, (flags.width ?? 0) - codePoints)
    if flags.minus {
      output.append(contentsOf: text)
      output += [UInt8](repeating: 0x20, count: padding)
    } else {
      output += [UInt8](repeating: zeros ? 0x30 : 0x20, count: padding)
      output.append(contentsOf: text)
    }
  }

  // MARK: Collections

  /// Every element is printed under the verb.
  private mutating func printSlice(_ elements: ArraySlice<Value>, _ verb: Unicode.Scalar) {
    write(flags.sharpV ? "[]interface {}{" : "[")
    var isFirst = true
    for element in elements where !isFull {
      if !isFirst { write(flags.sharpV ? ", " : " ") }
      isFirst = false
      printElement(element, verb)
    }
    write(flags.sharpV ? "}" : "]")
  }

  private mutating func printMap(_ object: ObjectValue, _ verb: Unicode.Scalar) {
    write(flags.sharpV ? "map[string]interface {}{" : "map[")
    var isFirst = true
    for (key, value) in object where !isFull {
      if !isFirst { write(flags.sharpV ? ", " : " ") }
      isFirst = false
      print(GoValue(json: key), verb: verb)
      write(":")
      printElement(value, verb)
    }
    write(flags.sharpV ? "}" : "]")
  }

  private mutating func printElement(_ element: Value, _ verb: Unicode.Scalar) {
    if case .null = element {
      write(flags.sharpV ? "interface {}(nil)" : "<nil>")
    } else {
      print(GoValue(json: element), verb: verb)
    }
  }

  // MARK: Integers

  private mutating func printByte(_ value: UInt8, _ verb: Unicode.Scalar) {
    if verb == "v", flags.sharpV {
      write("0x" + String(value, radix: 16))
    } else if "dvboOxXcqU".unicodeScalars.contains(verb) {
      printInt(Int(value), verb)
    } else {
      printMismatch(.byte(value), verb)
    }
  }

  private mutating func printInt(_ value: Int, _ verb: Unicode.Scalar) {
    switch verb {
    case "d", "v": printDigits(value, radix: 10)
    case "b": printDigits(value, radix: 2, prefix: flags.sharp ? "0b" : "")
    case "o": printDigits(value, radix: 8, leadingZero: flags.sharp)
    case "O": printDigits(value, radix: 8, leadingZero: flags.sharp, prefix: "0o")
    case "x": printDigits(value, radix: 16, prefix: flags.sharp ? "0x" : "")
    case "X": printDigits(value, radix: 16, prefix: flags.sharp ? "0X" : "", uppercase: true)
    case "c": pad(Array(String(codePoint(value)).utf8), zeros: flags.zero)
    case "q":
      var text: [UInt8] = [UInt8(ascii: "'")]
      GoQuote.append(codePoint(value), quote: "'", asciiOnly: flags.plus, to: &text)
      text.append(UInt8(ascii: "'"))
      pad(text, zeros: flags.zero)
    case "U": printCodePoint(value)
    default: printMismatch(.int(value), verb)
    }
  }

  private func codePoint(_ value: Int) -> Unicode.Scalar {
    UInt32(exactly: value).flatMap(Unicode.Scalar.init) ?? "\u{fffd}"
  }

  private mutating func printDigits(
    _ value: Int, radix: Int, leadingZero: Bool = false, prefix: String = "", uppercase: Bool = false
  ) {
    var minimum = 0
    if let precision = flags.precision {
      // A precision of zero prints nothing for zero.
      if precision == 0, value == 0 {
        pad([])
        return
      }
      minimum = precision
    } else if flags.zero, !flags.minus, let width = flags.width {
      minimum = width - (value < 0 || flags.plus || flags.space ? 1 : 0)
    }
    var digits = String(value.magnitude, radix: radix, uppercase: uppercase)
    if digits.utf8.count < minimum {
      digits = String(repeating: "0", count: minimum - digits.utf8.count) + digits
    }
    if leadingZero, !digits.hasPrefix("0") { digits = "0" + digits }
    let sign = value < 0 ? "-" : flags.plus ? "+" : flags.space ? " " : ""
    pad(Array((sign + prefix + digits).utf8), isASCII: true)
  }

  /// `%U`: `U+0041`, with `#` followed by the character.
  private mutating func printCodePoint(_ value: Int) {
    let bits = UInt64(bitPattern: Int64(value))
    var digits = String(bits, radix: 16, uppercase: true)
    let minimum = max(4, flags.precision ?? 0)
    if digits.utf8.count < minimum {
      digits = String(repeating: "0", count: minimum - digits.utf8.count) + digits
    }
    var text = "U+" + digits
    if flags.sharp, let scalar = UInt32(exactly: value).flatMap(Unicode.Scalar.init),
      GoQuote.isPrintable(scalar)
    {
      text += " '\(scalar)'"
    }
    pad(Array(text.utf8))
  }

  /// Integers beyond a word format themselves (Go's `big.Int.Format`), with rules that differ in detail.
  private mutating func printBigInt(_ value: BigInt, _ verb: Unicode.Scalar) {
    let sharp = flags.sharp || flags.sharpV
    let radix: Int
    var prefix = ""
    switch verb {
    case "b": (radix, prefix) = (2, sharp ? "0b" : "")
    case "o": (radix, prefix) = (8, sharp ? "0" : "")
    case "O": (radix, prefix) = (8, "0o")
    case "d", "s", "v": radix = 10
    case "x": (radix, prefix) = (16, sharp ? "0x" : "")
    case "X": (radix, prefix) = (16, sharp ? "0X" : "")
    default:
      write("%!\(verb)(big.Int=\(value))")
      return
    }
    let digits = String(value.magnitude, radix: radix, uppercase: verb == "X")
    let sign = value < 0 ? "-" : flags.plus || flags.plusV ? "+" : flags.space ? " " : ""
    var zeros = max(0, (flags.precision ?? 0) - digits.utf8.count)
    let length = sign.utf8.count + prefix.utf8.count + zeros + digits.utf8.count
    if flags.zero, !flags.minus, flags.precision == nil { zeros = max(0, (flags.width ?? 0) - length) }
    pad(Array((sign + prefix + String(repeating: "0", count: zeros) + digits).utf8), isASCII: true)
  }

  // MARK: Floats

  private mutating func printFloat(_ value: Double, _ verb: Unicode.Scalar) {
    switch verb {
    case "v": printFloat(value, "g", precision: flags.precision)
    case "b", "g", "G", "x", "X": printFloat(value, Character(verb), precision: flags.precision)
    case "e", "E", "f": printFloat(value, Character(verb), precision: flags.precision ?? 6)
    case "F": printFloat(value, "f", precision: flags.precision ?? 6)
    default: printMismatch(.float(value), verb)
    }
  }

  private mutating func printComplex(_ real: Double, _ imaginary: Double, _ verb: Unicode.Scalar) {
    guard "vbgGxXfFeE".unicodeScalars.contains(verb) else {
      printMismatch(.complex(real: real, imaginary: imaginary), verb)
      return
    }
    let plus = flags.plus
    write("(")
    printFloat(real, verb)
    flags.plus = true
    printFloat(imaginary, verb)
    flags.plus = plus
    write("i)")
  }

  private mutating func printFloat(_ value: Double, _ verb: Character, precision: Int?) {
    var text = GoFloat.format(value, verb: verb, precision: precision)
    var sign = ""
    if text.hasPrefix("-") || text.hasPrefix("+") {
      sign = text.hasPrefix("-") ? "-" : ""
      text.removeFirst()
    }
    if sign.isEmpty, flags.plus || flags.space { sign = flags.plus ? "+" : " " }
    if flags.sharp, verb != "b", value.isFinite { text = withDecimalPoint(text, verb, precision: precision) }
    if flags.zero, !flags.minus, value.isFinite, let width = flags.width {
      // The sign comes before the zeros.
      let zeros = max(0, width - sign.utf8.count - text.utf8.count)
      write(sign + String(repeating: "0", count: zeros) + text)
      return
    }
    pad(Array((sign + text).utf8), isASCII: true)
  }

  /// What `#` adds: a decimal point always, and under `%g` the zeros that it leaves out.
  private func withDecimalPoint(_ text: String, _ verb: Character, precision: Int?) -> String {
    let isHexadecimal = verb == "x" || verb == "X"
    let exponentMarks: Set<UInt8> = isHexadecimal ? [0x70, 0x50] : [0x65, 0x45]
    let bytes = Array(text.utf8)
    let end = bytes.firstIndex(where: exponentMarks.contains) ?? bytes.count
    var mantissa = Array(bytes[..<end])
    var missing = verb == "g" || verb == "G" || verb == "x" ? precision ?? 6 : 0
    var sawNonzero = false
    for byte in mantissa where byte != UInt8(ascii: ".") {
      sawNonzero = sawNonzero || byte != UInt8(ascii: "0")
      if sawNonzero { missing -= 1 }
    }
    if !mantissa.contains(UInt8(ascii: ".")) {
      if mantissa == [UInt8(ascii: "0")] { missing -= 1 }
      mantissa.append(UInt8(ascii: "."))
    }
    mantissa.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, missing)))
    return String(decoding: mantissa + bytes[end...], as: UTF8.self)
  }

  // MARK: Strings

  private mutating func printString(_ value: RegoString, _ verb: Unicode.Scalar) {
    switch verb {
    case "v": if flags.sharpV { printQuoted(value) } else { printString(value) }
    case "s": printString(value)
    case "q": printQuoted(value)
    case "x": printHexadecimal(value, uppercase: false)
    case "X": printHexadecimal(value, uppercase: true)
    default: printMismatch(.string(value), verb)
    }
  }

  /// The first code points, as many as the precision says.
  private func truncated(_ value: RegoString) -> RegoString {
    guard let precision = flags.precision,
      let end = value.withUTF8({ TextSearch.position(ofCodePoint: precision, in: $0) })
    else { return value }
    return value.slice(0, end)
  }

  private mutating func printString(_ value: RegoString) {
    let text = truncated(value)
    if flags.width == nil {
      output.append(contentsOf: text.utf8)
    } else {
      pad(Array(text.utf8), zeros: flags.zero)
    }
  }

  private mutating func printQuoted(_ value: RegoString) {
    let text = truncated(value)
    var quoted: [UInt8] = []
    // A raw string cannot hold a backquote, a control character but the tab, or a byte order mark.
    let canBackquote = !text.string.unicodeScalars.contains {
      ($0.value < 0x20 && $0 != "\t") || $0 == "`" || $0 == "\u{7f}" || $0 == "\u{feff}"
    }
    if flags.sharp, canBackquote {
      quoted = Array("`\(text.string)`".utf8)
    } else {
      GoQuote.append(text, asciiOnly: flags.plus, to: &quoted)
    }
    pad(quoted, zeros: flags.zero)
  }

  private mutating func printHexadecimal(_ value: RegoString, uppercase: Bool) {
    let prefix = flags.sharp ? (uppercase ? "0X" : "0x") : ""
    var text = prefix
    for (position, byte) in value.utf8.prefix(flags.precision ?? Int.max).enumerated() {
      if position > 0, flags.space { text += " " + prefix }
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16, uppercase: uppercase)
    }
    if value.utf8Count == 0 || flags.precision == 0 { text = "" }
    pad(Array(text.utf8), zeros: flags.zero)
  }
}
