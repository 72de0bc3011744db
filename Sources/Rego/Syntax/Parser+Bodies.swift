// Bodies and their expressions.

extension Parser {
  /// Reads expressions up to a closing bracket, and past it. Newlines and `;` part them.
  ///
  /// - Parameter stopsAtComma: whether to answer false, with nothing pushed, where a comma follows an expression.
  @discardableResult
  mutating func parseBody(until close: Token.Kind, stopsAtComma: Bool = false) throws(Failure) -> Bool {
    try enter()
    let start = mark
    let level = expressions.count
    if kind == close { throw fail("found empty body", at: location()) }
    while true {
      try parseLiteral()
      if kind == .semicolon {
        advance()
      } else if kind == close {
        break
      } else if !token.followsNewline {
        guard stopsAtComma, kind == .comma else {
          throw unexpected(#"expected \n or ; or \#(close.name)"#)
        }
        expressions.removeLast(expressions.count - level)
        leave()
        return false
      }
    }
    try pushBody(above: level, from: start)
    advance()
    leave()
    return true
  }

  /// One statement of a body.
  mutating func parseLiteral() throws(Failure) {
    let start = mark
    var isNegated = false
    if kind.isKeyword, !isKeywordHead {
      if kind == .not {
        isNegated = true
        advance()
      }
      if isAt(keyword: .some) {
        if isNegated { throw unexpected("illegal negation of 'some'") }
        return try parseSome()
      }
      if isAt(keyword: .every) {
        if isNegated { throw unexpected("illegal negation of 'every'") }
        return try parseEvery()
      }
    }
    try parseTerm(pairs: true)
    if kind == .assign || kind == .unify {
      operators.append(token)
      advance()
      try parseTerm(pairs: true)
      try pushAssignment(from: start)
    }
    let level = modifiers.count
    try parseWith()
    try pushLiteral(from: start, isNegated, modifiersAbove: level)
  }

  @inline(never)
  private mutating func pushAssignment(from start: Int) throws(Failure) {
    let operation = operators.removeLast()
    let callee = Term(.variable(operation.kind.operatorName ?? ""), location: location(of: operation))
    try push(.call(callee: callee, arguments: pop(above: operands.count - 2)), from: start)
  }

  /// Makes an expression of the top term and the `with` modifiers above it.
  @inline(never)
  private mutating func pushLiteral(from start: Int, _ isNegated: Bool, modifiersAbove level: Int)
    throws(Failure)
  {
    let modifiers = popModifiers(above: level)
    let term = pop()
    let kind: Expression.Kind
    if case .call(let callee, let arguments) = term.kind {
      kind = .call(callee: callee, arguments: arguments)
    } else {
      kind = .term(term)
    }
    try push(Expression(kind, isNegated: isNegated, with: modifiers, location: location(from: start)))
  }

  // MARK: With

  /// Reads `with target as value`, as often as it comes.
  private mutating func parseWith() throws(Failure) {
    while isAt(keyword: .with) {
      let start = mark
      advance()
      guard kind == .identifier || kind == .contains || isKeywordHead else {
        throw unexpected("expected ident")
      }
      try parsePrimary()
      guard operands.last?.term.isVariableOrReference == true else {
        throw unexpected("expected with target path")
      }
      try expect(.as, "expected as keyword")
      try parseTerm(pairs: true)
      try pushModifier(from: start)
    }
  }

  // MARK: Declarations and quantifiers

  /// `some x, y` or `some key, value in collection`, where key and value may be patterns.
  private mutating func parseSome() throws(Failure) {
    let start = mark
    advance()
    let level = operands.count
    let isDeclaration = try parseDeclaration()
    var hasKey = false
    if !isDeclaration {
      try parseOperand()
      if kind == .comma {
        hasKey = true
        advance()
        try parseOperand()
      }
      guard kind == .in else { throw notAMembership(level) }
      advance()
      try parseTerm(pairs: false)
    }
    let modifiersLevel = modifiers.count
    try parseWith()
    try pushSome(above: level, from: start, isDeclaration, hasKey: hasKey, modifiersAbove: modifiersLevel)
  }

  @inline(never)
  private mutating func pushSome(
    above level: Int, from start: Int, _ isDeclaration: Bool, hasKey: Bool, modifiersAbove modifiersLevel: Int
  ) throws(Failure) {
    let modifiers = popModifiers(above: modifiersLevel)
    let kind: Expression.Kind
    if isDeclaration {
      kind = .someDeclaration(pop(above: level))
    } else {
      let collection = pop()
      let value = pop()
      kind = .someIn(key: hasKey ? pop() : nil, value: value, collection: collection)
    }
    try push(Expression(kind, with: modifiers, location: location(from: start)))
  }

  @inline(never)
  private mutating func notAMembership(_ level: Int) -> Failure {
    let first = operands[level].term
    switch first.kind {
    case .variable: return unexpected(#"expected \n or ; or }"#)
    case .call: return unexpected("expected `x in xs` or `x, y in xs` expression")
    default: return fail("unexpected \(first.kind.typeName) token: expected var", at: first.location)
    }
  }

  /// Reads the names of `some x, y`; false, with nothing passed, where `in` or no list of names follows.
  private mutating func parseDeclaration() throws(Failure) -> Bool {
    var distance = 0
    while true {
      let name = peek(distance)
      guard name.kind == .identifier || name.kind == .contains else { return false }
      let next = peek(distance + 1)
      // An `in` on a line of its own can begin a reference: `in.a`.
      let after = peek(distance + 2)
      if next.kind == .in, !next.followsNewline || after.kind != .dot || after.followsSpace { return false }
      if next.kind.precedence > 0 { return false }
      if !next.followsSpace, [.dot, .leftBracket, .leftParenthesis].contains(next.kind) { return false }
      if next.kind != .comma { break }
      distance += 2
    }
    try pushVariable()
    while kind == .comma {
      advance()
      try pushVariable()
    }
    return true
  }

  /// `every key, value in collection { body }`.
  private mutating func parseEvery() throws(Failure) {
    try enter()
    let start = mark
    let level = operands.count
    advance()
    try parseOperand()
    if kind == .comma {
      advance()
      try parseOperand()
    }
    guard kind == .in else { throw unexpected("expected `x[, y] in xs { ... }` expression") }
    advance()
    let hasKey = operands.count - level == 2
    try parseOperand()
    guard operands[level].term.isVariable else {
      throw unexpected("expected \(hasKey ? "key" : "value") to be a variable")
    }
    guard operands[level + 1].term.isVariable || !hasKey else {
      throw unexpected("expected value to be a variable")
    }
    guard kind == .leftBrace else { throw unexpected("missing body") }
    advance()
    try parseBody(until: .rightBrace)
    leave()
    let modifiersLevel = modifiers.count
    try parseWith()
    try pushEvery(from: start, hasKey: hasKey, modifiersAbove: modifiersLevel)
  }

  @inline(never)
  private mutating func pushEvery(from start: Int, hasKey: Bool, modifiersAbove modifiersLevel: Int)
    throws(Failure)
  {
    let modifiers = popModifiers(above: modifiersLevel)
    let domain = pop()
    let value = pop()
    let kind = Expression.Kind.every(
      key: hasKey ? pop() : nil, value: value, collection: domain, body: popBody())
    try push(Expression(kind, with: modifiers, location: location(from: start)))
  }
}

extension Term {
  var isVariable: Bool { if case .variable = kind { true } else { false } }

  fileprivate var isVariableOrReference: Bool {
    switch kind {
    case .variable, .reference: true
    default: false
    }
  }
}
