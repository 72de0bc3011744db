/// Cuts Rego's source into tokens, one at a time.
///
/// Every byte is looked at a bounded number of times, so that lexing is linear whatever the source is.
struct Lexer {
  let bytes: [UInt8]
  /// Every comment passed so far.
  private(set) var comments: [(start: Int, end: Int, line: Int, column: Int)] = []
  /// What is wrong with the illegal tokens passed so far, by where they start.
  private(set) var problems: [Int32: String] = [:]

  private var position = 0
  private var line = 1
  private var lineStart = 0
  /// The templates around the current position, outermost first, each with the braces open in its current expression.
  private var templates: [(isRaw: Bool, braces: Int)] = []
  /// Whether the last token was the brace that ends an expression in a template.
  private var resumesTemplate = false

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      position = 3
      lineStart = 3
    }
  }

  /// The next token; `eof` for ever at the end.
  mutating func next() -> Token {
    if resumesTemplate {
      resumesTemplate = false
      var token = startToken()
      if let template = templates.last { finishTemplateText(&token, isRaw: template.isRaw) }
      return token
    }
    let (space, newline) = skipBlanks()
    var token = startToken()
    token.followsSpace = space
    token.followsNewline = newline
    guard position < bytes.count else { return token }
    let byte = bytes[position]
    if Lexer.isLetter(byte) {
      var end = position + 1
      while end < bytes.count, Lexer.isLetter(bytes[end]) || Lexer.isDigit(bytes[end]) { end += 1 }
      token.kind = .word(bytes[position..<end])
      position = end
    } else if Lexer.isDigit(byte) {
      finishNumber(&token)
    } else {
      finishSymbol(&token, byte)
    }
    token.end = Int32(position)
    return token
  }

  private func startToken() -> Token {
    Token(
      kind: .eof, start: Int32(position), end: Int32(position), line: Int32(line),
      column: Int32(position - lineStart + 1))
  }

  static func isLetter(_ byte: UInt8) -> Bool {
    byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private func byte(at offset: Int) -> UInt8 {
    offset < bytes.count ? bytes[offset] : 0
  }

  private mutating func fail(_ token: inout Token, _ problem: String) {
    token.kind = .illegal
    if problems[token.start] == nil { problems[token.start] = problem }
  }

  private mutating func startLine() {
    line += 1
    lineStart = position
  }

  private mutating func skipBlanks() -> (space: Bool, newline: Bool) {
    let start = position
    var newline = false
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        position += 1
      case UInt8(ascii: "\n"):
        position += 1
        startLine()
        newline = true
      case UInt8(ascii: "#"):
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        let end = bytes[position - 1] == UInt8(ascii: "\r") ? position - 1 : position
        comments.append((start: start, end: end, line: line, column: start - lineStart + 1))
      default:
        return (position > start, newline)
      }
    }
    return (position > start, newline)
  }

  private mutating func finishSymbol(_ token: inout Token, _ byte: UInt8) {
    position += 1
    let following = self.byte(at: position)
    let isFollowedByEquals = following == UInt8(ascii: "=")
    switch byte {
    case UInt8(ascii: "["): token.kind = .leftBracket
    case UInt8(ascii: "]"): token.kind = .rightBracket
    case UInt8(ascii: "("): token.kind = .leftParenthesis
    case UInt8(ascii: ")"): token.kind = .rightParenthesis
    case UInt8(ascii: "{"):
      token.kind = .leftBrace
      if !templates.isEmpty { templates[templates.count - 1].braces += 1 }
    case UInt8(ascii: "}"):
      token.kind = .rightBrace
      if let template = templates.last {
        if template.braces == 0 {
          resumesTemplate = true
        } else {
          templates[templates.count - 1].braces -= 1
        }
      }
    case UInt8(ascii: ","): token.kind = .comma
    case UInt8(ascii: ";"): token.kind = .semicolon
    case UInt8(ascii: "."): token.kind = .dot
    case UInt8(ascii: "+"): token.kind = .plus
    case UInt8(ascii: "-"): token.kind = .minus
    case UInt8(ascii: "*"): token.kind = .times
    case UInt8(ascii: "/"): token.kind = .divide
    case UInt8(ascii: "%"): token.kind = .remainder
    case UInt8(ascii: "&"): token.kind = .and
    case UInt8(ascii: "|"): token.kind = .or
    case UInt8(ascii: ":"): finish(&token, isFollowedByEquals, .assign, .colon)
    case UInt8(ascii: "="): finish(&token, isFollowedByEquals, .equal, .unify)
    case UInt8(ascii: "<"): finish(&token, isFollowedByEquals, .lessOrEqual, .less)
    case UInt8(ascii: ">"): finish(&token, isFollowedByEquals, .greaterOrEqual, .greater)
    case UInt8(ascii: "!"):
      finish(&token, isFollowedByEquals, .notEqual, .illegal)
      if token.kind == .illegal { fail(&token, "illegal ! character") }
    case UInt8(ascii: "\""): finishString(&token)
    case UInt8(ascii: "`"): finishRawString(&token)
    case UInt8(ascii: "$"):
      guard following == UInt8(ascii: "\"") || following == UInt8(ascii: "`") else {
        fail(&token, "illegal $ character")
        return
      }
      position += 1
      templates.append((isRaw: following == UInt8(ascii: "`"), braces: 0))
      finishTemplateText(&token, isRaw: following == UInt8(ascii: "`"))
    case 0:
      fail(&token, "illegal null character")
    default:
      while position < bytes.count, bytes[position] & 0xc0 == 0x80 { position += 1 }
      let isMark = bytes[Int(token.start)..<position].elementsEqual([0xef, 0xbb, 0xbf])
      fail(&token, isMark ? "illegal byte-order mark" : "illegal token")
    }
  }

  private mutating func finish(
    _ token: inout Token, _ isFollowedByEquals: Bool, _ withEquals: Token.Kind, _ without: Token.Kind
  ) {
    token.kind = isFollowedByEquals ? withEquals : without
    if isFollowedByEquals { position += 1 }
  }

  private mutating func finishNumber(_ token: inout Token) {
    token.kind = .number
    skipDigits()
    if byte(at: position) == UInt8(ascii: ".") {
      position += 1
      if skipDigits() == 0 { fail(&token, "expected fraction") }
    }
    if byte(at: position) | 0x20 == UInt8(ascii: "e") {
      position += 1
      if byte(at: position) == UInt8(ascii: "+") || byte(at: position) == UInt8(ascii: "-") { position += 1 }
      if skipDigits() == 0 { fail(&token, "expected exponent") }
    }
    if Lexer.isLetter(byte(at: position)) {
      fail(&token, "illegal number format")
      while Lexer.isLetter(byte(at: position)) || Lexer.isDigit(byte(at: position)) { position += 1 }
    }
  }

  @discardableResult
  private mutating func skipDigits() -> Int {
    let start = position
    while Lexer.isDigit(byte(at: position)) { position += 1 }
    return position - start
  }

  private mutating func finishString(_ token: inout Token) {
    token.kind = .string
    while true {
      guard position < bytes.count, bytes[position] != UInt8(ascii: "\n") else {
        fail(&token, "non-terminated string")
        return
      }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return
      case UInt8(ascii: "\\"): skipEscape(&token, inTemplate: false)
      case 0: fail(&token, "illegal null character")
      default: break
      }
    }
  }

  private mutating func finishRawString(_ token: inout Token) {
    token.kind = .rawString
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "`"): return
      case UInt8(ascii: "\n"): startLine()
      case 0: fail(&token, "illegal null character")
      default: break
      }
    }
    fail(&token, "non-terminated string")
  }

  /// Passes the text of a template up to the next expression or the end.
  private mutating func finishTemplateText(_ token: inout Token, isRaw: Bool) {
    defer { token.end = Int32(position) }
    token.kind = isRaw ? .rawTemplatePart : .templatePart
    while position < bytes.count, isRaw || bytes[position] != UInt8(ascii: "\n") {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "{"): return
      case UInt8(ascii: "`") where isRaw, UInt8(ascii: "\"") where !isRaw:
        templates.removeLast()
        if token.kind != .illegal { token.kind = isRaw ? .rawTemplateEnd : .templateEnd }
        return
      case UInt8(ascii: "\\"):
        if !isRaw {
          skipEscape(&token, inTemplate: true)
        } else if self.byte(at: position) == UInt8(ascii: "{") {
          position += 1
        }
      case UInt8(ascii: "\n"): startLine()
      case 0: fail(&token, "illegal null character")
      default: break
      }
    }
    templates.removeLast()
    fail(&token, "non-terminated string")
  }

  private mutating func skipEscape(_ token: inout Token, inTemplate: Bool) {
    switch byte(at: position) {
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
    case UInt8(ascii: "{") where inTemplate:
      position += 1
    case UInt8(ascii: "u"):
      position += 1
      for _ in 0..<4 {
        guard StringLiteral.hexDigit(byte(at: position)) != nil else {
          fail(&token, "illegal escape sequence")
          return
        }
        position += 1
      }
    default:
      fail(&token, "illegal escape sequence")
    }
  }
}
