/// Glob patterns as OPA has them, in regular expressions' terms.
///
/// `*` matches any characters but delimiters, `**` any characters, `?` one that is no delimiter; `[abc]`, `[a-z]`, `[!abc]` and
/// `[!a-z]` match one character, `{a,b}` one of several patterns, and `\` takes its special meaning from what follows.
struct GlobPattern {
  private let scalars: [Unicode.Scalar]
  private let delimiters: [Unicode.Scalar]
  private var position = 0
  private var expression = ""

  /// The expression that matches what the pattern matches, from beginning to end.
  static func expression(_ pattern: RegoString, delimiters: [Unicode.Scalar]) throws(BuiltinError)
    -> RegoString
  {
    var translator = GlobPattern(pattern, delimiters)
    try translator.translate()
    return RegoString(translator.expression)
  }

  private init(_ pattern: RegoString, _ delimiters: [Unicode.Scalar]) {
    // A zero character ends the pattern, as it does for OPA.
    scalars = Array(pattern.string.unicodeScalars.prefix { $0.value != 0 })
    self.delimiters = delimiters
  }

  private mutating func next() -> Unicode.Scalar? {
    guard position < scalars.count else { return nil }
    position += 1
    return scalars[position - 1]
  }

  private func peek() -> Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func translate() throws(BuiltinError) {
    if scalars.contains("\u{fffd}") { throw .failed("could not read rune") }
    let any = "(?s:.)"
    let undelimited = delimiters.isEmpty ? any : "[^\(delimiters.map(GlobPattern.quoted).joined())]"
    var level = 0
    while let scalar = next() {
      switch scalar {
      case "\\": if let escaped = next() { expression += GlobPattern.quoted(escaped) }
      case "*":
        if peek() == "*" {
          position += 1
          expression += any + "*"
        } else {
          expression += undelimited + "*"
        }
      case "?": expression += undelimited
      case "[": try translateSet()
      case "{":
        level += 1
        expression += "(?:"
      case "}" where level > 0:
        level -= 1
        expression += ")"
      case "," where level > 0: expression += "|"
      default: expression += GlobPattern.quoted(scalar)
      }
    }
    // Alternatives that are not closed end with the pattern.
    expression += String(repeating: ")", count: level)
  }

  private mutating func translateSet() throws(BuiltinError) {
    var isNegated = false
    if peek() == "!" {
      isNegated = true
      position += 1
    }
    guard let first = next() else { throw .failed("unexpected end of input") }
    var members = ""
    if peek() == "-" {
      position += 1
      guard let high = next() else { throw .failed("unexpected end of input") }
      guard let close = next() else { throw .failed("unexpected end of input") }
      if close != "]" { throw .failed("expected close range character") }
      if high < first { throw .failed("hi character '\(high)' should be greater than lo '\(first)'") }
      members = "\(GlobPattern.quoted(first))-\(GlobPattern.quoted(high))"
    } else {
      position -= 1
      while let scalar = peek(), scalar != "]" {
        position += 1
        if scalar == "\\" {
          if let escaped = next() { members += GlobPattern.quoted(escaped) }
        } else {
          members += GlobPattern.quoted(scalar)
        }
      }
      guard next() != nil else { throw .failed("unexpected end of input") }
      if members.isEmpty { throw .failed("could not parse range") }
    }
    expression += "[\(isNegated ? "^" : "")\(members)]"
  }

  /// A character that means itself, in and out of brackets.
  private static func quoted(_ scalar: Unicode.Scalar) -> String {
    scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar)
      ? "\\x{\(String(scalar.value, radix: 16))}" : String(scalar)
  }
}
