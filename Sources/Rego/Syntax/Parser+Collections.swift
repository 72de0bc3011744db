// Arrays, sets, objects and their comprehensions.

extension Parser {
  func parseArray() throws(Failure) -> Term {
    let start = token
    advance()
    if token.kind == .rightBracket { return finish(.array([]), start) }
    let mayBeComprehension = !skipLeadingComma()
    let first = try parseFirst(mayBeComprehension, .rightBracket)
    if let body = first.body { return finish(.arrayComprehension(first.term, body), start, isClosed: true) }
    return finish(.array(try parseElements(after: first.term, .rightBracket)), start)
  }

  /// A set, an object, or a comprehension of either.
  func parseBraces() throws(Failure) -> Term {
    let start = token
    advance()
    if token.kind == .rightBrace { return finish(.object([]), start) }
    let mayBeComprehension = !skipLeadingComma()
    let first = try parseFirst(mayBeComprehension, .rightBrace)
    if let body = first.body { return finish(.setComprehension(first.term, body), start, isClosed: true) }
    switch token.kind {
    case .rightBrace, .comma: return finish(.set(try parseElements(after: first.term, .rightBrace)), start)
    case .colon: return try parseObject(first.term, start, mayBeComprehension)
    default: throw unexpected("non-terminated set")
    }
  }

  private func parseObject(_ key: Term, _ start: Token, _ mayBeComprehension: Bool) throws(Failure) -> Term {
    advance()
    let first = try parseFirst(mayBeComprehension, .rightBrace)
    if let body = first.body {
      return finish(.objectComprehension(key: key, value: first.term, body), start, isClosed: true)
    }
    guard token.kind == .rightBrace || token.kind == .comma else { throw unexpected("non-terminated object") }
    var pairs = [(key: key, value: first.term)]
    while try goesOn(.rightBrace) {
      let key = try parseTerm(pairs: false)
      try expect(.colon, #"expected ":""#)
      pairs.append((key, try parseTerm(pairs: false)))
    }
    return finish(.object(pairs), start)
  }

  /// Goes past the closing bracket at hand, unless a body has.
  private func finish(_ kind: Term.Kind, _ start: Token, isClosed: Bool = false) -> Term {
    if !isClosed { advance() }
    return Term(kind, location: location(from: start))
  }

  /// OPA allows one comma before the first element.
  private func skipLeadingComma() -> Bool {
    guard token.kind == .comma else { return false }
    advance()
    return true
  }

  /// The first element, or the head of a comprehension with its body.
  ///
  /// `|` after a term without operators begins a comprehension's body; where that stops at a comma the `|` was a union:
  /// `[a | b, c]`.
  private func parseFirst(
    _ mayBeComprehension: Bool, _ close: Token.Kind
  ) throws(Failure) -> (term: Term, body: Body?) {
    try enter()
    defer { leave() }
    let start = token
    let head = try parsePrimary()
    if token.kind == .or, mayBeComprehension {
      let bar = mark
      advance()
      if let body = try attempt({ () throws(Failure) in try parseBody(until: close, stopsAtComma: true) }) {
        return (head, body)
      }
      reset(to: bar)
    }
    return (try parseTerm(from: head, start, pairs: false), nil)
  }

  /// The elements of a list whose first is given, up to the closing bracket.
  private func parseElements(after first: Term, _ close: Token.Kind) throws(Failure) -> [Term] {
    var elements = [first]
    while try goesOn(close) { elements.append(try parseTerm(pairs: false)) }
    return elements
  }

  /// Whether another element follows a comma; a comma before the closing bracket ends the list too.
  func goesOn(_ close: Token.Kind) throws(Failure) -> Bool {
    if token.kind == close { return false }
    try expect(.comma, #"expected "," or "\#(close.name)""#)
    return token.kind != close
  }
}
