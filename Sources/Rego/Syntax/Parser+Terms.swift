// Terms with operators, and the simple ones. Collections, references and templates have files of their own.

extension Parser {
  /// A term with any operators that make terms: all but `:=` and `=`.
  ///
  /// - Parameter pairs: whether `key, value in collection` may stand here; not in lists, where the comma ends an element.
  func parseTerm(pairs: Bool) throws(Failure) -> Term {
    try enter()
    defer { leave() }
    let start = token
    let first = try parsePrimary()
    guard token.kind.precedence > 0 || token.kind == .in || token.kind == .comma && pairs else {
      return first
    }
    return try parseMembership(from: first, start, pairs: pairs)
  }

  /// As `parseTerm`, where the first operand has been read already.
  func parseTerm(from first: Term, _ start: Token, pairs: Bool) throws(Failure) -> Term {
    try enter()
    defer { leave() }
    return try parseMembership(from: first, start, pairs: pairs)
  }

  private func parseMembership(from first: Term, _ start: Token, pairs: Bool) throws(Failure) -> Term {
    var left = try parseOperators(from: first, start)
    if pairs, token.kind == .comma, let call = try parsePairMembership(left, start) { left = call }
    var length = 0
    while token.kind == .in, !isReferenceToKeywordIn {
      length += 1
      try checkChain(length)
      let operation = token
      advance()
      let right = try parseOperand()
      left = call(memberCallee("member_2", at: operation), [left, right], from: start)
    }
    return left
  }

  /// `, value in collection` after a key; nil, with the comma still ahead, where no `in` follows the second term.
  private func parsePairMembership(_ key: Term, _ start: Token) throws(Failure) -> Term? {
    let comma = mark
    advance()
    switch token.kind {
    case .rightBracket, .rightBrace, .rightParenthesis: break
    default:
      let value = try attempt { () throws(Failure) in try parseOperand() }
      guard token.kind == .in else { break }
      let operation = token
      advance()
      let collection = try parseOperand()
      return call(memberCallee("member_3", at: operation), [key, value, collection], from: start)
    }
    reset(to: comma)
    return nil
  }

  /// Whether an `in` on a line of its own begins a reference, `in.a`, rather than going on with the expression.
  private var isReferenceToKeywordIn: Bool {
    token.followsNewline && isKeywordHead || peek().kind == .dot && !peek().followsSpace
  }

  /// A term with operators other than `in`.
  func parseOperand() throws(Failure) -> Term {
    try enter()
    defer { leave() }
    let start = token
    return try parseOperators(from: parsePrimary(), start)
  }

  /// Operators between terms by precedence, with the operands and operators under way on stacks of their own: a chain of
  /// precedences costs no recursion.
  private func parseOperators(from first: Term, _ start: Token) throws(Failure) -> Term {
    guard token.kind.precedence > 0 else { return first }
    var operands: [(term: Term, start: Token, end: Int)] = [(first, start, previousEnd)]
    var operators: [Token] = []
    var length = 0
    func reduce(to precedence: Int) {
      while let last = operators.last, last.kind.precedence >= precedence, let right = operands.popLast(),
        let left = operands.popLast()
      {
        operators.removeLast()
        let callee = Term(.variable(last.kind.operatorName ?? ""), location: location(of: last))
        let kind = Term.Kind.call(callee: callee, arguments: [left.term, right.term])
        let place = location(from: left.start, to: right.end)
        operands.append((Term(kind, location: place), left.start, right.end))
      }
    }
    while token.kind.precedence > 0 {
      length += 1
      try checkChain(length)
      reduce(to: token.kind.precedence)
      operators.append(token)
      advance()
      let start = token
      let operand = try parsePrimary()
      operands.append((operand, start, previousEnd))
    }
    reduce(to: 0)
    return operands[0].term
  }

  private func memberCallee(_ name: RegoString, at operation: Token) -> Term {
    let place = location(of: operation)
    let head = Term(.variable("internal"), location: place)
    return Term(.reference(head: head, operands: [Term(.string(name), location: place)]), location: place)
  }

  private func call(_ callee: Term, _ arguments: [Term], from start: Token) -> Term {
    Term(.call(callee: callee, arguments: arguments), location: location(from: start))
  }

  /// A term without operators outside of brackets, with what its reference goes on with.
  func parsePrimary() throws(Failure) -> Term {
    if let known = recall() { return known }
    let start = token
    let isRemembered: Bool
    var term: Term
    switch token.kind {
    case .identifier, .contains:
      term = parseVariable()
      isRemembered = token.kind == .leftParenthesis || token.kind == .leftBracket
    case .leftBracket:
      term = try parseArray()
      isRemembered = true
    case .leftBrace:
      term = try parseBraces()
      isRemembered = true
    case .leftParenthesis:
      term = try parseParentheses()
      isRemembered = true
    case .templatePart, .templateEnd, .rawTemplatePart, .rawTemplateEnd:
      term = try parseTemplate()
      isRemembered = true
    default:
      term = try parseScalar()
      isRemembered = false
    }
    if !token.followsSpace {
      switch token.kind {
      case .dot, .leftBracket, .leftParenthesis: term = try parseReference(from: term, start)
      default: break
      }
    }
    if isRemembered { remember(term, from: start) }
    return term
  }

  /// A variable by the word at hand, whatever word it is.
  func parseVariable() -> Term {
    var name = text(of: token)
    if name.utf8.elementsEqual("_".utf8) { name = nextWildcard() }
    let term = Term(.variable(name), location: location())
    advance()
    return term
  }

  private func parseParentheses() throws(Failure) -> Term {
    advance()
    let term = try parseTerm(pairs: true)
    guard token.kind == .rightParenthesis else {
      throw token.kind == .illegal ? unexpected() : fail("non-terminated expression", at: location())
    }
    advance()
    return term
  }

  private func parseScalar() throws(Failure) -> Term {
    let start = token
    let kind: Term.Kind
    switch token.kind {
    case _ where isKeywordHead: return parseVariable()
    case .null: kind = .null
    case .true: kind = .boolean(true)
    case .false: kind = .boolean(false)
    case .string: kind = .string(StringLiteral.unescape(bytes(of: token, without: (1, 1))))
    case .rawString:
      kind = .string(RegoString(String(decoding: bytes(of: token, without: (1, 1)), as: UTF8.self)))
    case .number, .minus, .dot: return try parseNumber()
    default: throw unexpected()
    }
    advance()
    return Term(kind, location: location(from: start))
  }

  /// JSON's numbers, and `.5`; a minus sign may stand apart.
  private func parseNumber() throws(Failure) -> Term {
    let start = token
    var text = ""
    if token.kind == .minus {
      text = "-"
      advance()
    }
    if token.kind == .dot, peek().kind == .number, !peek().followsSpace {
      text += "0."
      advance()
    } else if token.kind == .number {
      let digits = bytes(of: token, without: (0, 0))
      if digits.first == UInt8(ascii: "0"), let second = digits.dropFirst().first, Lexer.isDigit(second) {
        throw unexpected("expected number without leading zero")
      }
    }
    guard token.kind == .number else { throw unexpected("expected number") }
    text += self.text(of: token)
    guard Parser.hasBoundedExponent(text) else { throw fail("number too big", at: location()) }
    guard let number = Number(json: text) else { throw unexpected("invalid float") }
    advance()
    return Term(.number(number), location: location(from: start))
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
