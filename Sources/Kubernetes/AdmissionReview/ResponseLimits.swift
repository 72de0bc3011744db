/// What the API server takes in a response, and how longer texts are cut to it.
public enum ResponseLimits {
  /// A message stays under 4 KiB.
  public static let messageBytes = 4095
  /// A warning stays under 256 characters, beyond which the API server cuts it.
  public static let warningCharacters = 255
  /// All warnings together stay under 4,096 bytes, beyond which the API server drops them.
  public static let allWarningsBytes = 4095
  /// The longest name in a qualified name.
  static let auditKeyBytes = 63

  /// One message of several, as many as fit: `a; b; and 3 more`. A first one that is too long is cut.
  public static func message(
    listing items: [String], separator: String = "; ", bytes limit: Int = messageBytes
  ) -> String {
    var message = ""
    for (index, item) in items.enumerated() {
      let rest = items.count - index - 1
      let candidate = index == 0 ? item : separator + item
      let reserved = rest > 0 ? more(rest, separator).utf8.count : 0
      if message.utf8.count + candidate.utf8.count + reserved <= limit {
        message += candidate
        continue
      }
      if index == 0 {
        return cut(item, toBytes: limit - reserved) + (rest > 0 ? more(rest, separator) : "")
      }
      // The text so far left room to say how many of these remained.
      return message + more(rest + 1, separator)
    }
    return message
  }

  private static func more(_ count: Int, _ separator: String) -> String { "\(separator)and \(count) more" }

  /// The text where it has at most so many bytes of UTF-8; otherwise as many code points as fit before `…`.
  public static func cut(_ text: String, toBytes limit: Int) -> String {
    if text.utf8.count <= limit { return text }
    let ellipsis = "…"
    guard limit >= ellipsis.utf8.count else { return "" }
    var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit - ellipsis.utf8.count)
    while text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
    return String(text[..<end]) + ellipsis
  }

  /// The text where it has at most so many code points; otherwise as many as fit before `…`.
  public static func cut(_ text: String, toCharacters limit: Int) -> String {
    // No text has more code points than bytes.
    if text.utf8.count <= limit || text.unicodeScalars.count <= limit { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit - 1))) + "…"
  }

  /// Warnings that the API server passes on: each on one line and short enough, and as many as fit, then `and N more warnings`.
  static func bounded(_ warnings: [String]) -> [String] {
    let lines = warnings.map { cut(singleLine($0), toCharacters: warningCharacters) }
    var total = 0
    var kept: [String] = []
    for (index, line) in lines.enumerated() {
      let rest = lines.count - index - 1
      let reserved = rest > 0 ? moreWarnings(rest).utf8.count : 0
      if total + line.utf8.count + reserved > allWarningsBytes {
        kept.append(moreWarnings(rest + 1))
        return kept
      }
      total += line.utf8.count
      kept.append(line)
    }
    return kept
  }

  private static func moreWarnings(_ count: Int) -> String {
    count == 1 ? "and 1 more warning" : "and \(count) more warnings"
  }

  /// The text with a space for each run of white space that has a control character. A warning travels in an HTTP header, and the API
  /// server drops one that has any.
  private static func singleLine(_ text: String) -> String {
    // Control characters are these bytes, or 0xC2 and one more.
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == 0xc2 }) else { return text }
    var line = String.UnicodeScalarView()
    var endsWithSpace = true
    for scalar in text.unicodeScalars {
      let isSpace = isControl(scalar) || scalar == " "
      if isSpace && endsWithSpace { continue }
      line.append(isSpace ? " " : scalar)
      endsWithSpace = isSpace
    }
    if endsWithSpace, !line.isEmpty { line.removeLast() }
    return String(line)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control
  }

  /// An audit annotation's key as the API server takes it after `WEBHOOK/`: the name of a qualified name, with `_` for what it does not
  /// allow. Empty where nothing is left.
  static func auditKey(_ key: String) -> String {
    if key.utf8.withContiguousStorageIfAvailable(LabelSyntax.isName) == true { return key }
    var bytes = key.utf8.map { LabelSyntax.isNameByte($0) ? $0 : UInt8(ascii: "_") }
    bytes = Array(bytes.drop { !LabelSyntax.isAlphanumeric($0) }.prefix(auditKeyBytes))
    while let last = bytes.last, !LabelSyntax.isAlphanumeric(last) { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
