// Rules: heads, bodies, `else` and defaults.

extension Parser {
  /// A rule, and one more for each body that follows its first: `p { a } { b }`.
  mutating func parseRules() throws(Failure) -> [Rule] {
    let start = mark
    let isDefault = isAt(keyword: .default)
    if isDefault { advance() }
    guard kind == .identifier || kind == .contains || isKeywordHead else {
      throw try notARule(isDefault)
    }
    var head = try parseHead()
    if isDefault { return [try finishDefault(head, start)] }

    let hasIf = isAt(keyword: .if)
    let hasBody = hasIf || kind == .leftBrace
    // Without `if`, `p[x]` is a set's element, and so is `p.x` (OPA's reading of v0); longer references are objects.
    let isBracketSet =
      !hasIf && head.key == nil && head.value == nil && head.arguments == nil && head.reference.count == 2
    if isBracketSet { head.key = head.reference.removeLast() }
    guard hasBody else { return [try finishWithoutBody(head, start, isBracketSet: isBracketSet)] }

    let body = try parseRuleBody(hasIf: hasIf)
    let elseBranch = try parseElse(head)
    checkV1(head, at: start, hasIf: hasIf, isBracketSet: isBracketSet)
    var rules = [
      Rule(isDefault: false, head: head, body: body, elseBranch: elseBranch, location: location(from: start))
    ]
    while kind == .leftBrace {
      guard elseBranch.isEmpty else { throw fail("expected else keyword", at: location()) }
      let start = mark
      let body = try parseBracedBody()
      var next = head
      next.arguments = next.arguments?.map { withFreshWildcard($0) }
      next.location = body.location
      rules.append(
        Rule(isDefault: false, head: next, body: body, elseBranch: [], location: location(from: start)))
    }
    return rules
  }

  /// The error for a statement that begins as no rule does.
  private mutating func notARule(_ isDefault: Bool) throws(Failure) -> Failure {
    if isDefault { return unexpected() }
    let start = mark
    try parseLiteral()
    let expression = expressions.removeLast().node
    let problem: String
    switch expression.kind {
    case _ where !expression.withModifiers.isEmpty:
      problem = "expressions using with keyword cannot be used for rule head"
    case _ where expression.isNegated: problem = "negated expressions cannot be used for rule head"
    case .someDeclaration, .someIn: problem = "'some' declarations cannot be used for rule head"
    case .every: problem = "expression cannot be used for rule head"
    case .term(let term): problem = "\(term.kind.typeName) cannot be used for rule name"
    case .call(let callee, let arguments):
      switch (callee.kind, arguments.first) {
      case (.variable("eq"), let left?), (.variable("assign"), let left?):
        problem = "\(left.kind.typeName) cannot be used for rule name"
      default: problem = "rule name conflicts with built-in function"
      }
    }
    return fail(problem, at: location(from: start))
  }

  // MARK: Heads

  private mutating func parseHead() throws(Failure) -> Head {
    let start = mark
    let level = operands.count
    if text.utf8.elementsEqual("_".utf8) { throw fail("_ cannot be used for rule name", at: location()) }
    try pushVariable()
    var count = 1
    var isFunction = false
    // Blanks are allowed before the first bracket only: `deny [msg]`.
    while !token.followsSpace || count == 1, kind == .dot || kind == .leftBracket {
      try parseReferenceOperand()
      count += 1
    }
    if !token.followsSpace || count == 1, kind == .leftParenthesis {
      isFunction = true
      try parseArguments()
    }
    let arguments = isFunction ? take(above: level + count) : nil
    var head = Head(
      reference: take(above: level), arguments: arguments, key: nil, value: nil, assigns: false,
      location: location())
    switch kind {
    case .contains:
      if arguments != nil {
        throw unexpected(
          "the contains keyword can only be used with multi-value rule definitions"
            + " (e.g., \(name(of: head)) contains <VALUE> { ... })")
      }
      advance()
      try parseTerm(pairs: true)
      head.key = take()
    case .unify, .assign:
      head.assigns = kind == .assign
      advance()
      try parseTerm(pairs: true)
      head.value = take()
    case _ where kind.precedence > 0 || kind == .in: throw unexpected()
    default: break
    }
    head.location = location(from: start)
    return head
  }

  private func name(of head: Head) -> String { head.reference.first.map { "\($0)" } ?? "" }

  // MARK: Bodies

  /// The body after a head, from `if` or `{`.
  private mutating func parseRuleBody(hasIf: Bool) throws(Failure) -> Body {
    if hasIf {
      advance()
      // Braces after `if` are a body, unless they read as the beginning of an expression; a set alone would always hold, so
      // it is none (OPA's reading).
      if kind != .leftBrace { return try parseLiteralBody() }
      if let body = attemptLiteralBody() { return body }
    }
    return try parseBracedBody()
  }

  private mutating func attemptLiteralBody() -> Body? {
    let (begin, level) = (mark, level)
    attempts += 1
    defer { attempts = level.attempts }
    if let body = try? parseLiteralBody(), !body.isSetLiteral { return body }
    error = nil
    unwind(to: level)
    reset(to: begin)
    return nil
  }

  private mutating func parseLiteralBody() throws(Failure) -> Body {
    if kind == .eof { throw unexpected("rule body expected") }
    let start = mark
    let level = expressions.count
    try parseLiteral()
    try pushBody(above: level, from: start)
    return takeBody()
  }

  /// `{ body }`, from its opening brace.
  private mutating func parseBracedBody() throws(Failure) -> Body {
    advance()
    try parseBody(until: .rightBrace)
    return takeBody()
  }

  /// The `else` branches of a rule, each inside the one before.
  private mutating func parseElse(_ head: Head) throws(Failure) -> [Rule] {
    var branches: [Rule] = []
    while isAt(keyword: .else) {
      if head.reference.dropFirst().contains(where: { !$0.isGround }) {
        throw fail("else keyword cannot be used on rules with variables in head", at: location())
      }
      if head.key != nil { throw fail("else keyword cannot be used on multi-value rules", at: location()) }
      if branches.count == Parser.maximumHeight { throw tooDeep() }
      branches.append(try parseElseBranch(head))
      if branches.last?.body.expressions.isEmpty == true { break }
    }
    var result: [Rule] = []
    while var branch = branches.popLast() {
      branch.elseBranch = result
      result = [branch]
    }
    return result
  }

  private mutating func parseElseBranch(_ head: Head) throws(Failure) -> Rule {
    let start = mark
    advance()
    var head = head
    head.arguments = head.arguments?.map { withFreshWildcard($0) }
    head.value = nil
    head.assigns = false
    switch kind {
    case .leftBrace, .if: break
    case .assign, .unify:
      head.assigns = kind == .assign
      advance()
      try parseTerm(pairs: true)
      head.value = take()
    default: throw unexpected("expected else value term or rule body")
    }
    head.location = location(from: start)
    var body = Body(location: location(from: start))
    let hasIf = isAt(keyword: .if)
    if hasIf || kind == .leftBrace {
      // Unlike after the head, braces after `else if` are always the body (OPA's reading).
      if hasIf { advance() }
      body = kind == .leftBrace ? try parseBracedBody() : try parseLiteralBody()
      checkV1(head, at: start, hasIf: hasIf, isBracketSet: false)
    }
    return Rule(isDefault: false, head: head, body: body, elseBranch: [], location: location(from: start))
  }

  /// An argument for another definition with the same head: a wildcard gets a name of its own.
  private mutating func withFreshWildcard(_ term: Term) -> Term {
    guard case .variable(let name) = term.kind, name.utf8.first == UInt8(ascii: "$") else { return term }
    return Term(.variable(nextWildcard()), location: term.location)
  }

  // MARK: Rules without a body

  private mutating func finishWithoutBody(_ head: Head, _ start: Int, isBracketSet: Bool) throws(Failure)
    -> Rule
  {
    let place = location(from: start)
    if head.value == nil, let arguments = head.arguments, arguments.isEmpty {
      throw fail("rule argument list must take at least one argument", at: place)
    }
    if head.value == nil, head.key == nil, head.arguments == nil {
      if head.reference.count == 1 { throw fail("var cannot be used for rule name", at: place) }
      if requiresV1 { record("rule must have value assignment and/or body declaration", at: place) }
    }
    checkV1(head, at: start, hasIf: true, isBracketSet: isBracketSet)
    return Rule(
      isDefault: false, head: head, body: Body(location: place), elseBranch: [], location: place)
  }

  private mutating func finishDefault(_ head: Head, _ start: Int) throws(Failure) -> Rule {
    let place = location(from: start)
    guard let value = head.value, head.key == nil else {
      throw fail("illegal default rule (must have a value)", at: place)
    }
    if let kind = value.firstNonConstant {
      throw fail("illegal default rule (value cannot contain \(kind.typeName))", at: place)
    }
    var names: Set<[UInt8]> = []
    for argument in head.arguments ?? [] {
      guard case .variable(let name) = argument.kind else {
        throw fail("illegal default rule (arguments cannot contain \(argument.kind.typeName))", at: place)
      }
      if !names.insert(Array(name.utf8)).inserted {
        throw fail("illegal default rule (arguments cannot be repeated \(name))", at: place)
      }
    }
    checkV1(head, at: start, hasIf: true, isBracketSet: false)
    return Rule(isDefault: true, head: head, body: Body(location: place), elseBranch: [], location: place)
  }

  /// Notes what v1 demands of a rule and this one lacks.
  private mutating func checkV1(_ head: Head, at start: Int, hasIf: Bool, isBracketSet: Bool) {
    let sort = head.arguments == nil ? "rule" : "function"
    if !hasIf { rulesOfV0 += 1 } else { rulesOfV1 += 1 }
    guard requiresV1 else { return }
    if head.reference.count == 1, head.key == nil || !isBracketSet,
      case .variable(let name) = head.reference[0].kind,
      Token.Kind.word(Array(name.utf8)[...]).isKeyword
    {
      record("\(name) keyword cannot be used for rule name", at: location(from: start))
    }
    if !hasIf { record("`if` keyword is required before \(sort) body", at: location(from: start)) }
    if isBracketSet {
      record("`contains` keyword is required for partial set rules", at: location(from: start))
    }
  }
}

extension Body {
  /// Whether the body is nothing but a set written out.
  fileprivate var isSetLiteral: Bool {
    guard expressions.count == 1, case .term(let term) = expressions[0].kind, case .set = term.kind else {
      return false
    }
    return true
  }
}

extension Term {
  /// Whether no variable stands in the term.
  var isGround: Bool {
    switch kind {
    case .null, .boolean, .number, .string: true
    case .variable, .call, .template, .arrayComprehension, .setComprehension, .objectComprehension: false
    case .reference(let head, let operands):
      if case .variable = head.kind {
        operands.allSatisfy(\.isGround)
      } else {
        head.isGround && operands.allSatisfy(\.isGround)
      }
    case .array(let terms), .set(let terms): terms.allSatisfy(\.isGround)
    case .object(let pairs): pairs.allSatisfy { $0.key.isGround && $0.value.isGround }
    }
  }

  /// The first part that a default value cannot have: a variable, reference or call outside of comprehensions.
  fileprivate var firstNonConstant: Term.Kind? {
    switch kind {
    case .null, .boolean, .number, .string, .template: nil
    case .arrayComprehension, .setComprehension, .objectComprehension: nil
    case .variable, .reference, .call: kind
    case .array(let terms), .set(let terms): terms.lazy.compactMap(\.firstNonConstant).first
    case .object(let pairs):
      pairs.lazy.compactMap { $0.key.firstNonConstant ?? $0.value.firstNonConstant }.first
    }
  }
}
