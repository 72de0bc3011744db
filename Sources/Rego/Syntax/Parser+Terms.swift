// Terms with operators, and the simple ones. Collections, references and templates have files of their own.

extension Parser {
  /// Reads a term with any operators that make terms: all but `:=` and `=`.
  ///
  /// - Parameter pairs: whether `key, value in collection` may stand here; not in lists, where the comma ends an element.
  mutating func parseTerm(pairs: Bool) throws(Failure) {
    try enter()
    try parsePrimary()
    if kind.precedence > 0 { try parseOperators() }
    if kind == .in || kind == .comma && pairs { try parseMembership() }
    leave()
  }

  /// Goes on with the operators after a first term that has been read already.
  mutating func parseOperatorsInList() throws(Failure) {
    try parseOperators()
    if kind == .in { try parseMembership() }
  }

  /// Reads a term with operators other than `in`.
  mutating func parseOperand() throws(Failure) {
    try enter()
    try parsePrimary()
    try parseOperators()
    leave()
  }

  /// `in collection` after a term, as often as it comes; or `, value in collection` after a key, where that stands.
  private mutating func parseMembership() throws(Failure) {
    if kind == .comma { try parsePairMembership() }
    while kind == .in, !isReferenceToKeywordIn { try finishMembership("member_2", 2) }
  }

  /// `, value in collection` after a key. Without an `in` after the second term the comma stays ahead.
  private mutating func parsePairMembership() throws(Failure) {
    let comma = mark
    advance()
    if kind != .rightBracket, kind != .rightBrace, kind != .rightParenthesis {
      attempts += 1
      try parseOperand()
      attempts -= 1
      if kind == .in { return try finishMembership("member_3", 3) }
      operands.removeLast()
    }
    reset(to: comma)
  }

  /// Whether an `in` on a line of its own begins a reference, `in.a`, rather than going on with the expression.
  private var isReferenceToKeywordIn: Bool {
    mutating get {
      guard isKeywordHead else { return false }
      return token.followsNewline || peek().kind == .dot
    }
  }

  /// `in collection`, from the `in`, whose other operands have been read.
  private mutating func finishMembership(_ name: RegoString, _ count: Int) throws(Failure) {
    operators.append(token)
    advance()
    try parseOperand()
    try pushMembership(name, count)
  }

  @inline(never)
  private mutating func pushMembership(_ name: RegoString, _ count: Int) throws(Failure) {
    let place = location(of: operators.removeLast())
    let head = Term(.variable("internal"), location: place)
    let callee = Term(
      .reference(head: head, operands: [Term(.string(name), location: place)]), location: place)
    let first = operands.count - count
    let start = operands[first].start
    try push(.call(callee: callee, arguments: pop(above: first)), from: start)
  }

  /// Operators between terms by precedence, all of which group to the left, after a first term.
  private mutating func parseOperators() throws(Failure) {
    let level = operators.count
    while kind.precedence > 0 {
      try reduce(above: level, to: kind.precedence)
      operators.append(token)
      advance()
      try parsePrimary()
    }
    try reduce(above: level, to: 0)
  }

  /// Makes calls of the operators above a level that bind at least as tightly as a precedence.
  @inline(never)
  private mutating func reduce(above level: Int, to precedence: Int) throws(Failure) {
    while operators.count > level, let last = operators.last, last.kind.precedence >= precedence {
      operators.removeLast()
      let callee = Term(.variable(last.kind.operatorName ?? ""), location: location(of: last))
      let start = operands[operands.count - 2].start
      try push(.call(callee: callee, arguments: pop(above: operands.count - 2)), from: start)
    }
  }

  /// Reads a term without operators outside of brackets, with what its reference goes on with.
  mutating func parsePrimary() throws(Failure) {
    if !remembered.isEmpty, recall() { return }
    let start = mark
    var isInBrackets = true
    switch kind {
    case .identifier, .contains:
      try pushVariable()
      isInBrackets = kind == .leftParenthesis || kind == .leftBracket
    case .leftBracket: try parseArray()
    case .leftBrace: try parseBraces()
    case .leftParenthesis: try parseParentheses()
    case .templatePart, .templateEnd, .rawTemplatePart, .rawTemplateEnd: try parseTemplate()
    default:
      try parseScalar()
      isInBrackets = false
    }
    if !token.followsSpace, kind == .dot || kind == .leftBracket || kind == .leftParenthesis {
      try parseReference(from: start)
    }
    if isInBrackets, attempts > 0 { remember(from: start) }
  }

  /// Pushes the word at hand, whatever word it is, as a variable.
  @inline(never)
  mutating func pushVariable() throws(Failure) {
    let start = mark
    let isWildcard = token.end - token.start == 1 && bytes(without: 0, 0).first == UInt8(ascii: "_")
    let name = isWildcard ? nextWildcard() : text
    advance()
    try push(.variable(name), from: start)
  }

  private mutating func parseParentheses() throws(Failure) {
    let start = mark
    advance()
    try parseTerm(pairs: true)
    guard kind == .rightParenthesis else {
      throw kind == .illegal ? unexpected() : fail("non-terminated expression", at: location())
    }
    advance()
    operands[operands.count - 1].start = start
  }

  @inline(never)
  private mutating func parseScalar() throws(Failure) {
    let start = mark
    let value: Term.Kind
    switch kind {
    case _ where isKeywordHead: return try pushVariable()
    case .null: value = .null
    case .true: value = .boolean(true)
    case .false: value = .boolean(false)
    case .string: value = .string(StringLiteral.unescape(bytes(without: 1, 1)))
    case .rawString: value = .string(RegoString(String(decoding: bytes(without: 1, 1), as: UTF8.self)))
    case .number, .minus, .dot: return try parseNumber()
    default: throw unexpected()
    }
    advance()
    try push(value, from: start)
  }

  /// JSON's numbers, and `.5`; a minus sign may stand apart.
  private mutating func parseNumber() throws(Failure) {
    let start = mark
    var written = ""
    if kind == .minus {
      written = "-"
      advance()
    }
    if kind == .dot, peek().kind == .number, !peek().followsSpace {
      written += "0."
      advance()
    } else if kind == .number {
      let digits = bytes(without: 0, 0)
      if digits.first == UInt8(ascii: "0"), let second = digits.dropFirst().first, Lexer.isDigit(second) {
        throw unexpected("expected number without leading zero")
      }
    }
    guard kind == .number else { throw unexpected("expected number") }
    written += text
    guard Parser.hasBoundedExponent(written) else { throw fail("number too big", at: location()) }
    guard let number = Number(json: written) else { throw unexpected("invalid float") }
    advance()
    try push(.number(number), from: start)
  }

  /// Whether a number lies between 2^-100000 and 2^100000, OPA's limits, or is zero.
  private static func hasBoundedExponent(_ text: String) -> Bool {
    let parts = text.utf8.split(whereSeparator: { $0 | 0x20 == UInt8(ascii: "e") })
    let digits = parts[0].drop { $0 == UInt8(ascii: "-") }
    let point = digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.endIndex
    guard let leading = digits.firstIndex(where: { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") })
    else { return true }
    var exponent = digits.distance(from: leading, to: point)
    if parts.count > 1 {
      guard let written = Int(Substring(parts[1])), abs(written) < 1 << 20 else { return false }
      exponent += written
    }
    return abs(exponent) <= 30_103
  }
}
