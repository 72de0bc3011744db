// Bodies and their expressions.

extension Parser {
  /// Expressions up to a closing bracket, and past it. Newlines and `;` part them.
  ///
  /// - Parameter stopsAtComma: whether to answer nil, without an error, where a comma follows an expression.
  func parseBody(until close: Token.Kind, stopsAtComma: Bool = false) throws(Failure) -> Body? {
    try enter()
    defer { leave() }
    let start = token
    if token.kind == close { throw fail("found empty body", at: location()) }
    var expressions: [Expression] = []
    while true {
      expressions.append(try parseLiteral())
      if token.kind == .semicolon {
        advance()
        continue
      }
      if token.kind == close { break }
      if token.followsNewline { continue }
      if stopsAtComma, token.kind == .comma { return nil }
      throw unexpected(#"expected \n or ; or \#(close.name)"#)
    }
    let body = Body(expressions, location: location(from: start))
    advance()
    return body
  }

  /// `{ body }`, from its opening brace.
  func parseBracedBody() throws(Failure) -> Body {
    advance()
    guard let body = try parseBody(until: .rightBrace) else { throw unexpected() }
    return body
  }

  /// One statement of a body.
  func parseLiteral() throws(Failure) -> Expression {
    let start = token
    var isNegated = false
    if token.kind.isKeyword, !isKeywordHead {
      if token.kind == .not {
        isNegated = true
        advance()
      }
      switch token.kind {
      case _ where isKeywordHead: break
      case .some:
        if isNegated { throw unexpected("illegal negation of 'some'") }
        return try parseSome()
      case .every:
        if isNegated { throw unexpected("illegal negation of 'every'") }
        return try parseEvery()
      default: break
      }
    }
    let kind = try parseExpression()
    return try finishLiteral(kind, start, isNegated: isNegated)
  }

  private func finishLiteral(
    _ kind: Expression.Kind, _ start: Token, isNegated: Bool = false
  ) throws(Failure) -> Expression {
    let modifiers = token.kind == .with && !isKeywordHead ? try parseWith() : []
    return Expression(kind, isNegated: isNegated, with: modifiers, location: location(from: start))
  }

  private func parseExpression() throws(Failure) -> Expression.Kind {
    let left = try parseTerm(pairs: true)
    if token.kind == .assign || token.kind == .unify {
      let callee = Term(.variable(token.kind.operatorName ?? ""), location: location())
      advance()
      return .call(callee: callee, arguments: [left, try parseTerm(pairs: true)])
    }
    if case .call(let callee, let arguments) = left.kind {
      return .call(callee: callee, arguments: arguments)
    }
    return .term(left)
  }

  /// `with target as value`, once or more.
  private func parseWith() throws(Failure) -> [WithModifier] {
    var modifiers: [WithModifier] = []
    while token.kind == .with, !isKeywordHead {
      let start = token
      advance()
      guard token.kind == .identifier || token.kind == .contains || isKeywordHead else {
        throw unexpected("expected ident")
      }
      let target = try parsePrimary()
      switch target.kind {
      case .variable, .reference: break
      default: throw unexpected("expected with target path")
      }
      try expect(.as, "expected as keyword")
      let value = try parseTerm(pairs: true)
      modifiers.append(WithModifier(target: target, value: value, location: location(from: start)))
    }
    return modifiers
  }

  /// `some x, y` or `some key, value in collection`, where key and value may be patterns.
  private func parseSome() throws(Failure) -> Expression {
    let start = token
    advance()
    if let variables = parseDeclaration() {
      return try finishLiteral(.someDeclaration(variables), start)
    }
    let first = try parseOperand()
    var second: Term?
    if token.kind == .comma {
      advance()
      second = try parseOperand()
    }
    guard token.kind == .in else {
      if case .variable = first.kind, second == nil {
        throw unexpected(#"expected \n or ; or }"#)
      }
      if case .call = first.kind { throw unexpected("expected `x in xs` or `x, y in xs` expression") }
      throw fail("unexpected \(first.kind.typeName) token: expected var", at: first.location)
    }
    advance()
    let collection = try parseTerm(pairs: false)
    let kind = Expression.Kind.someIn(
      key: second == nil ? nil : first, value: second ?? first, collection: collection)
    return try finishLiteral(kind, start)
  }

  /// The names of `some x, y`; nil, with nothing passed, where `in` or no list of names follows.
  private func parseDeclaration() -> [Term]? {
    var distance = 0
    while true {
      let name = peek(distance)
      guard name.kind == .identifier || name.kind == .contains else { return nil }
      let next = peek(distance + 1)
      if next.kind == .comma {
        distance += 2
        continue
      }
      if next.kind == .in { return nil }
      if !next.followsSpace, [.dot, .leftBracket, .leftParenthesis].contains(next.kind) { return nil }
      if next.kind.precedence > 0 { return nil }
      break
    }
    var variables = [parseVariable()]
    while token.kind == .comma {
      advance()
      variables.append(parseVariable())
    }
    return variables
  }

  /// `every key, value in collection { body }`.
  private func parseEvery() throws(Failure) -> Expression {
    let start = token
    let shape = "expected `x[, y] in xs { ... }` expression"
    advance()
    let first = try parseOperand()
    var second: Term?
    if token.kind == .comma {
      advance()
      second = try parseOperand()
    }
    guard token.kind == .in else { throw unexpected(shape) }
    advance()
    let domain = try parseOperand()
    if let second {
      guard case .variable = first.kind else { throw unexpected("expected key to be a variable") }
      guard case .variable = second.kind else { throw unexpected("expected value to be a variable") }
    } else {
      guard case .variable = first.kind else { throw unexpected("expected value to be a variable") }
    }
    guard token.kind == .leftBrace else { throw unexpected("missing body") }
    let body = try parseBracedBody()
    let kind = Expression.Kind.every(
      key: second == nil ? nil : first, value: second ?? first, collection: domain, body: body)
    return try finishLiteral(kind, start)
  }
}
