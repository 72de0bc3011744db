/// Cuts a template into tokens. The last one is `.end`, or `.error` where the template makes no sense from there on.
struct TemplateLexer {
  private let input: [UInt8]
  private var position = 0
  /// Where the token being read begins.
  private var start = 0
  private var line = 1
  private var openParentheses = 0
  private var isInAction = false
  private var tokens: [TemplateToken] = []

  private static let leftDelimiter = Array("{{".utf8)
  private static let rightDelimiter = Array("}}".utf8)

  private init(_ text: RegoString) {
    input = Array(text.utf8)
  }

  static func tokens(of text: RegoString) -> [TemplateToken] {
    var lexer = TemplateLexer(text)
    do {
      while lexer.position < lexer.input.count || lexer.isInAction {
        if lexer.isInAction { try lexer.readInAction() } else { try lexer.readText() }
      }
      lexer.append(.end)
    } catch {
      lexer.tokens.append(
        TemplateToken(kind: .error, position: lexer.start, line: lexer.line, text: error.message))
    }
    return lexer.tokens
  }

  private struct Failure: Error {
    let message: String

    init(_ message: String) { self.message = message }
  }

  // MARK: Characters

  /// The code point at the position; nil at the end.
  private var scalar: Unicode.Scalar? {
    guard position < input.count else { return nil }
    if input[position] < 0x80 { return Unicode.Scalar(input[position]) }
    return String(decoding: input[position..<min(position + 4, input.count)], as: UTF8.self).unicodeScalars
      .first
  }

  private func isNext(_ text: [UInt8], offset: Int = 0) -> Bool {
    input.count - position - offset >= text.count && input[(position + offset)...].starts(with: text)
  }

  private mutating func advance() {
    if let scalar { position += UTF8.width(scalar) }
  }

  /// Moves over one ASCII character where it is one of those wanted.
  private mutating func skip(oneOf wanted: String) -> Bool {
    guard position < input.count, wanted.utf8.contains(input[position]) else { return false }
    position += 1
    return true
  }

  private mutating func skip(all wanted: String) {
    while skip(oneOf: wanted) {}
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
      || byte == UInt8(ascii: "\n")
  }

  private static func isAlphanumeric(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
      return true
    default: return scalar == "_"
    }
  }

  /// `- ` after a left delimiter removes the white space before it.
  private func isLeftTrimMarker(offset: Int) -> Bool {
    let first = position + offset
    return first + 1 < input.count && input[first] == UInt8(ascii: "-")
      && TemplateLexer.isSpace(input[first + 1])
  }

  /// Whether the action ends here, and whether it does with ` -`, which removes the white space after it.
  private var rightDelimiter: (isNext: Bool, trims: Bool) {
    if position + 1 < input.count, TemplateLexer.isSpace(input[position]),
      input[position + 1] == UInt8(ascii: "-"), isNext(TemplateLexer.rightDelimiter, offset: 2)
    {
      return (true, true)
    }
    return (isNext(TemplateLexer.rightDelimiter), false)
  }

  // MARK: Tokens

  private mutating func append(_ kind: TemplateToken.Kind) {
    let text = String(decoding: input[start..<position], as: UTF8.self)
    tokens.append(TemplateToken(kind: kind, position: start, line: line, text: text))
    ignore()
  }

  private mutating func ignore() {
    for byte in input[start..<position] where byte == UInt8(ascii: "\n") { line += 1 }
    start = position
  }

  private mutating func ignoreSpace() {
    while position < input.count, TemplateLexer.isSpace(input[position]) { position += 1 }
    ignore()
  }

  private mutating func readText() throws(Failure) {
    while position < input.count, !isNext(TemplateLexer.leftDelimiter) { position += 1 }
    let end = position
    if position < input.count, isLeftTrimMarker(offset: 2) {
      while position > start, TemplateLexer.isSpace(input[position - 1]) { position -= 1 }
    }
    if position > start { append(.text) }
    position = end
    ignore()
    if position < input.count { try readLeftDelimiter() }
  }

  private mutating func readLeftDelimiter() throws(Failure) {
    let marker = isLeftTrimMarker(offset: 2) ? 2 : 0
    if isNext(Array("/*".utf8), offset: 2 + marker) {
      position += 2 + marker
      ignore()
      try skipComment()
      return
    }
    position += 2
    append(.leftDelimiter)
    position += marker
    ignore()
    isInAction = true
    openParentheses = 0
  }

  private mutating func skipComment() throws(Failure) {
    position += 2
    while position < input.count, !isNext(Array("*/".utf8)) { position += 1 }
    if position == input.count { throw Failure("unclosed comment") }
    position += 2
    let delimiter = rightDelimiter
    if !delimiter.isNext { throw Failure("comment ends before closing delimiter") }
    position += delimiter.trims ? 4 : 2
    ignore()
    if delimiter.trims { ignoreSpace() }
  }

  private mutating func readInAction() throws(Failure) {
    let delimiter = rightDelimiter
    if delimiter.isNext {
      if openParentheses > 0 { throw Failure("unclosed left paren") }
      if delimiter.trims {
        position += 2
        ignore()
      }
      position += 2
      append(.rightDelimiter)
      if delimiter.trims { ignoreSpace() }
      isInAction = false
      return
    }
    guard let first = scalar else { throw Failure("unclosed action") }
    switch first {
    case " ", "\t", "\r", "\n": readSpace()
    case "\"", "'", "`": try readQuoted(by: UInt8(truncatingIfNeeded: first.value))
    case "$": try readName(.variable, alone: .variable)
    case "." where position + 1 == input.count || !(0x30...0x39).contains(input[position + 1]):
      try readName(.field, alone: .keyword(.dot))
    case ".", "+", "-", "0"..."9": try readNumber()
    case _ where TemplateLexer.isAlphanumeric(first): try readIdentifier()
    default: try readSign(first)
    }
  }

  private mutating func readSign(_ first: Unicode.Scalar) throws(Failure) {
    advance()
    switch first {
    case "=": append(.assign)
    case ":":
      if !skip(oneOf: "=") { throw Failure("expected :=") }
      append(.declare)
    case "|": append(.pipe)
    case "(":
      openParentheses += 1
      append(.leftParenthesis)
    case ")":
      openParentheses -= 1
      if openParentheses < 0 { throw Failure("unexpected right paren") }
      append(.rightParenthesis)
    case _ where first.isASCII && GoQuote.isPrintable(first): append(.punctuation)
    default: throw Failure("unrecognized character in action: \(TemplateLexer.name(of: first))")
    }
  }

  /// White space up to the space that belongs to a right delimiter.
  private mutating func readSpace() {
    while position < input.count, TemplateLexer.isSpace(input[position]), !rightDelimiter.trims {
      position += 1
    }
    if position > start { append(.space) }
  }

  private mutating func readIdentifier() throws(Failure) {
    while TemplateLexer.isAlphanumeric(scalar) { advance() }
    try checkTerminator()
    let word = String(decoding: input[start..<position], as: UTF8.self)
    if let keyword = TemplateToken.Keyword(rawValue: word) {
      append(.keyword(keyword))
    } else {
      append(word == "true" || word == "false" ? .bool : .identifier)
    }
  }

  /// Reads a name after `.` or `$`, which may also stand alone.
  private mutating func readName(_ kind: TemplateToken.Kind, alone: TemplateToken.Kind) throws(Failure) {
    position += 1
    if isAtTerminator {
      append(alone)
      return
    }
    while TemplateLexer.isAlphanumeric(scalar) { advance() }
    try checkTerminator()
    append(kind)
  }

  private var isAtTerminator: Bool {
    guard position < input.count else { return true }
    return TemplateLexer.isSpace(input[position]) || ".,|:)(".utf8.contains(input[position])
      || isNext(TemplateLexer.rightDelimiter)
  }

  private func checkTerminator() throws(Failure) {
    if !isAtTerminator, let scalar { throw Failure("bad character \(TemplateLexer.name(of: scalar))") }
  }

  private mutating func readQuoted(by quote: UInt8) throws(Failure) {
    position += 1
    while position < input.count, input[position] != quote {
      if quote != UInt8(ascii: "`") {
        if input[position] == UInt8(ascii: "\n") { break }
        if input[position] == UInt8(ascii: "\\") {
          position += 1
          if position == input.count || input[position] == UInt8(ascii: "\n") { break }
        }
      }
      position += 1
    }
    guard position < input.count, input[position] == quote else {
      switch quote {
      case UInt8(ascii: "'"): throw Failure("unterminated character constant")
      case UInt8(ascii: "`"): throw Failure("unterminated raw quoted string")
      default: throw Failure("unterminated quoted string")
      }
    }
    position += 1
    append(quote == UInt8(ascii: "'") ? .character : quote == UInt8(ascii: "`") ? .rawString : .string)
  }

  /// Reads what looks like a number; the parser finds out whether it is one.
  private mutating func readNumber() throws(Failure) {
    try readSimpleNumber()
    guard position < input.count, input[position] == UInt8(ascii: "+") || input[position] == UInt8(ascii: "-")
    else {
      append(.number)
      return
    }
    try readSimpleNumber()
    if input[position - 1] != UInt8(ascii: "i") { throw badNumber }
    append(.complex)
  }

  private mutating func readSimpleNumber() throws(Failure) {
    _ = skip(oneOf: "+-")
    var digits = "0123456789_"
    var exponentMark = "eE"
    if skip(oneOf: "0") {
      if skip(oneOf: "xX") {
        (digits, exponentMark) = ("0123456789abcdefABCDEF_", "pP")
      } else if skip(oneOf: "oO") {
        (digits, exponentMark) = ("01234567_", "")
      } else if skip(oneOf: "bB") {
        (digits, exponentMark) = ("01_", "")
      }
    }
    skip(all: digits)
    if skip(oneOf: ".") { skip(all: digits) }
    if skip(oneOf: exponentMark) {
      _ = skip(oneOf: "+-")
      skip(all: "0123456789_")
    }
    _ = skip(oneOf: "i")
    if TemplateLexer.isAlphanumeric(scalar) {
      advance()
      throw badNumber
    }
  }

  private var badNumber: Failure {
    Failure("bad number syntax: \(GoQuote.quote(String(decoding: input[start..<position], as: UTF8.self)))")
  }

  /// `U+0040 '@'`.
  private static func name(of scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    return "U+\(padded)" + (GoQuote.isPrintable(scalar) ? " '\(scalar)'" : "")
  }
}
