/// Patterns in Go's dialect of RE2's syntax, written so that libre2 understands them (Go's documentation of regexp/syntax).
///
/// Go knows two things that libre2 does not: `(?<name>re)` beside `(?P<name>re)`, and long names of general categories in
/// `\p{Letter}`. It does not know `\C`, which matches a single byte.
enum GoPattern {
  static func translate(_ pattern: RegoString) throws(RegularExpressionError) -> RegoString {
    let bytes = Array(pattern.utf8)
    // Almost every pattern is the same in both dialects.
    guard needsTranslation(bytes) else { return pattern }
    var output: [UInt8] = []
    var position = 0
    var isInClass = false
    while position < bytes.count {
      let byte = bytes[position]
      let next = position + 1 < bytes.count ? bytes[position + 1] : 0
      if byte == UInt8(ascii: "\\") {
        if next == UInt8(ascii: "Q"), !isInClass {
          let end = endOfLiteral(bytes, from: position + 2)
          output += bytes[position..<end]
          position = end
          continue
        }
        if next == UInt8(ascii: "C") {
          throw RegularExpressionError(reason: "invalid escape sequence", fault: "\\C")
        }
        if next == UInt8(ascii: "p") || next == UInt8(ascii: "P"),
          let name = categoryName(bytes, at: position + 2)
        {
          output += [byte, next] + name.code
          position = name.end
          continue
        }
        output += bytes[position..<min(position + 2, bytes.count)]
        position += 2
        continue
      }
      if isInClass {
        if byte == UInt8(ascii: "["), next == UInt8(ascii: ":"),
          let end = endOfPosixClass(bytes, from: position + 2)
        {
          output += bytes[position..<end]
          position = end
          continue
        }
        isInClass = byte != UInt8(ascii: "]")
      } else if byte == UInt8(ascii: "[") {
        isInClass = true
        output.append(byte)
        position += 1
        // A bracket that closes can be the first of the class' own characters.
        if position < bytes.count, bytes[position] == UInt8(ascii: "^") {
          output.append(bytes[position])
          position += 1
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
          output.append(bytes[position])
          position += 1
        }
        continue
      } else if byte == UInt8(ascii: "("), next == UInt8(ascii: "?"), position + 2 < bytes.count,
        bytes[position + 2] == UInt8(ascii: "<")
      {
        output += Array("(?P<".utf8)
        position += 3
        continue
      }
      output.append(byte)
      position += 1
    }
    return RegoString(String(decoding: output, as: UTF8.self))
  }

  private static func needsTranslation(_ bytes: [UInt8]) -> Bool {
    for position in bytes.indices.dropLast() {
      switch (bytes[position], bytes[position + 1]) {
      case (UInt8(ascii: "\\"), UInt8(ascii: "C")), (UInt8(ascii: "\\"), UInt8(ascii: "p")),
        (UInt8(ascii: "\\"), UInt8(ascii: "P")), (UInt8(ascii: "?"), UInt8(ascii: "<")):
        return true
      default: continue
      }
    }
    return false
  }

  /// The position after `\E`, or the end of the pattern.
  private static func endOfLiteral(_ bytes: [UInt8], from start: Int) -> Int {
    var position = start
    while position + 1 < bytes.count {
      if bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "E") {
        return position + 2
      }
      position += 1
    }
    return bytes.count
  }

  /// The position after `:]`, where the class has a name that ends so.
  private static func endOfPosixClass(_ bytes: [UInt8], from start: Int) -> Int? {
    var position = start
    while position + 1 < bytes.count, bytes[position] != UInt8(ascii: "]") {
      if bytes[position] == UInt8(ascii: ":"), bytes[position + 1] == UInt8(ascii: "]") {
        return position + 2
      }
      position += 1
    }
    return nil
  }

  /// The short code for a long category name in braces, and where the braces end.
  private static func categoryName(_ bytes: [UInt8], at start: Int) -> (code: [UInt8], end: Int)? {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "{"),
      let close = bytes[start...].firstIndex(of: UInt8(ascii: "}"))
    else { return nil }
    var name = bytes[(start + 1)..<close]
    var prefix = ""
    if name.first == UInt8(ascii: "^") {
      prefix = "^"
      name = name.dropFirst()
    }
    // Names are compared without regard to case, spaces, hyphens and underscores (Unicode TR18).
    let folded = String(decoding: name.filter { $0 != 0x20 && $0 != 0x2d && $0 != 0x5f }, as: UTF8.self)
      .lowercased()
    guard let code = categories[folded] else { return nil }
    return (Array("{\(prefix)\(code)}".utf8), close + 1)
  }

  /// Long names of general categories (PropertyValueAliases.txt).
  private static let categories: [String: String] = [
    "other": "C", "control": "Cc", "cntrl": "Cc", "format": "Cf", "privateuse": "Co", "surrogate": "Cs",
    "letter": "L", "lowercaseletter": "Ll", "modifierletter": "Lm", "otherletter": "Lo",
    "titlecaseletter": "Lt",
    "uppercaseletter": "Lu",
    "mark": "M", "combiningmark": "M", "spacingmark": "Mc", "enclosingmark": "Me", "nonspacingmark": "Mn",
    "number": "N", "decimalnumber": "Nd", "digit": "Nd", "letternumber": "Nl", "othernumber": "No",
    "punctuation": "P", "punct": "P", "connectorpunctuation": "Pc", "dashpunctuation": "Pd",
    "closepunctuation": "Pe", "finalpunctuation": "Pf", "initialpunctuation": "Pi", "otherpunctuation": "Po",
    "openpunctuation": "Ps",
    "symbol": "S", "currencysymbol": "Sc", "modifiersymbol": "Sk", "mathsymbol": "Sm", "othersymbol": "So",
    "separator": "Z", "lineseparator": "Zl", "paragraphseparator": "Zp", "spaceseparator": "Zs",
  ]
}
