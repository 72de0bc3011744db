// References, calls and templates.

extension Parser {
  /// What follows a term without a blank: `.name`, `[term]` and `(arguments)`, as often as they come.
  func parseReference(from first: Term, _ start: Token) throws(Failure) -> Term {
    switch first.kind {
    case .variable, .array, .object, .set, .arrayComprehension, .objectComprehension, .setComprehension,
      .call:
      break
    default: throw fail("illegal ref (head cannot be \(first.kind.typeName))", at: first.location)
    }
    var head = first
    var operands: [Term] = []
    var calls = 0
    func reference() -> Term {
      operands.isEmpty
        ? head : Term(.reference(head: head, operands: operands), location: location(from: start))
    }
    while !token.followsSpace {
      switch token.kind {
      case .dot, .leftBracket:
        operands.append(try parseOperandOfReference())
      case .leftParenthesis where calls == 0 || !operands.isEmpty:
        calls += 1
        try checkChain(calls)
        let callee = reference()
        let arguments = try parseArguments()
        if arguments.isEmpty, operands.isEmpty, case .variable("set") = callee.kind {
          head = Term(.set([]), location: location(from: start))
        } else {
          head = Term(.call(callee: callee, arguments: arguments), location: location(from: start))
        }
        operands = []
      default: return reference()
      }
    }
    return reference()
  }

  /// `.name` or `[term]`.
  func parseOperandOfReference() throws(Failure) -> Term {
    if token.kind == .dot {
      advance()
      guard token.kind.isWord, !token.followsSpace else { throw unexpected("expected identifier") }
      let name = Term(.string(RegoString(text(of: token))), location: location())
      advance()
      return name
    }
    advance()
    let operand = try parseTerm(pairs: true)
    try expect(.rightBracket, "expected ]")
    return operand
  }

  /// `(a, b)`.
  func parseArguments() throws(Failure) -> [Term] {
    advance()
    var arguments: [Term] = []
    if token.kind != .rightParenthesis {
      repeat { arguments.append(try parseTerm(pairs: false)) } while try goesOn(.rightParenthesis)
    }
    advance()
    return arguments
  }

  /// `$"text {expression}"`, from its first piece of text.
  func parseTemplate() throws(Failure) -> Term {
    try enter()
    defer { leave() }
    let start = token
    // The first piece begins with `$` and a quote, the others with nothing; each ends with a brace or a quote.
    var prefix = 2
    var parts: [TemplatePart] = []
    while true {
      let isRaw = token.kind == .rawTemplatePart || token.kind == .rawTemplateEnd
      let isEnd = token.kind == .templateEnd || token.kind == .rawTemplateEnd
      guard isRaw || isEnd || token.kind == .templatePart else { throw unexpected() }
      let text = bytes(of: token, without: (prefix, 1))
      if !text.isEmpty {
        parts.append(.text(isRaw ? StringLiteral.unescapeRaw(text) : StringLiteral.unescape(text)))
      }
      advance()
      if isEnd { return Term(.template(parts), location: location(from: start)) }
      prefix = 0
      parts.append(.expression(try parseTemplateExpression()))
      guard token.kind == .rightBrace else {
        throw token.kind == .illegal
          ? unexpected() : fail("expected } to end template string expression", at: location())
      }
      advance()
    }
  }

  private func parseTemplateExpression() throws(Failure) -> Expression {
    let expression = try parseLiteral()
    let problem: String?
    switch expression.kind {
    case _ where expression.isNegated: problem = "negation ('not')"
    case .call(let callee, _):
      switch callee.kind {
      case .variable("eq"): problem = "unification ('=')"
      case .variable("assign"): problem = "assignment (':=')"
      default: problem = nil
      }
    case .every: problem = "'every'"
    case .someDeclaration, .someIn: problem = "'some'"
    default: problem = nil
    }
    if let problem {
      throw fail("unexpected \(problem) in template-string expression", at: expression.location)
    }
    return expression
  }
}

extension Term.Kind {
  /// The kind's name in error messages, which is OPA's.
  var typeName: String {
    switch self {
    case .null: "null"
    case .boolean: "boolean"
    case .number: "number"
    case .string: "string"
    case .variable: "var"
    case .reference: "ref"
    case .array: "array"
    case .object: "object"
    case .set: "set"
    case .arrayComprehension: "arraycomprehension"
    case .setComprehension: "setcomprehension"
    case .objectComprehension: "objectcomprehension"
    case .call: "call"
    case .template: "templatestring"
    }
  }
}
