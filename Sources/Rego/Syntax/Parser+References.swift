// References, calls and templates.

extension Parser {
  /// Goes on with what follows the top term without a blank: `.name`, `[term]` and `(arguments)`, as often as they come.
  mutating func parseReference(from start: Int) throws(Failure) {
    try checkReferenceHead()
    let head = operands.count - 1
    var isCall = false
    while !token.followsSpace {
      switch kind {
      case .dot, .leftBracket: try parseReferenceOperand()
      case .leftParenthesis:
        // A call's result is not called again: `f(x)(y)` is none of Rego's.
        if isCall, operands.count == head + 1 { return }
        try pushReference(head, from: start)
        try parseArguments()
        try pushCall(head, from: start)
        isCall = true
      default: return try pushReference(head, from: start)
      }
    }
    try pushReference(head, from: start)
  }

  @inline(never)
  private mutating func checkReferenceHead() throws(Failure) {
    guard let term = operands.last?.term else { return }
    switch term.kind {
    case .variable, .array, .object, .set, .arrayComprehension, .objectComprehension, .setComprehension,
      .call:
      break
    default: throw fail("illegal ref (head cannot be \(term.kind.typeName))", at: term.location)
    }
  }

  /// Makes a reference of the head and the operands above it, where there are any.
  @inline(never)
  private mutating func pushReference(_ head: Int, from start: Int) throws(Failure) {
    guard operands.count > head + 1 else { return }
    let rest = pop(above: head + 1)
    try push(.reference(head: pop(), operands: rest), from: start)
  }

  /// Makes a call of the callee and the arguments above it.
  @inline(never)
  private mutating func pushCall(_ callee: Int, from start: Int) throws(Failure) {
    let arguments = pop(above: callee + 1)
    let callee = pop()
    if arguments.isEmpty, case .variable("set") = callee.kind {
      try push(.set([]), from: start)
    } else {
      try push(.call(callee: callee, arguments: arguments), from: start)
    }
  }

  /// `.name` or `[term]`.
  mutating func parseReferenceOperand() throws(Failure) {
    if kind == .dot { return try pushName() }
    advance()
    try parseTerm(pairs: true)
    try expect(.rightBracket, "expected ]")
  }

  @inline(never)
  private mutating func pushName() throws(Failure) {
    advance()
    guard kind.isWord, !token.followsSpace else { throw unexpected("expected identifier") }
    let name = RegoString(text)
    let start = mark
    advance()
    try push(.string(name), from: start)
  }

  /// `(a, b)`: as many terms as there are arguments.
  mutating func parseArguments() throws(Failure) {
    advance()
    if kind != .rightParenthesis {
      repeat { try parseTerm(pairs: false) } while try goesOn(.rightParenthesis)
    }
    advance()
  }

  // MARK: Templates

  /// `$"text {expression}"`, from its first piece of text.
  mutating func parseTemplate() throws(Failure) {
    try enter()
    let start = mark
    let level = expressions.count
    // The first piece begins with `$` and a quote, the others with nothing; each ends with a brace or a quote.
    var prefix = 2
    while try pushTemplateText(prefix) {
      prefix = 0
      try parseLiteral()
      try checkTemplateExpression()
      guard kind == .rightBrace else {
        throw kind == .illegal
          ? unexpected() : fail("expected } to end template string expression", at: location())
      }
      advance()
    }
    try pushTemplate(above: level, from: start)
    leave()
  }

  /// Pushes the piece of text at hand as an expression; whether a template's expression follows it.
  @inline(never)
  private mutating func pushTemplateText(_ prefix: Int) throws(Failure) -> Bool {
    let text = token.kind == .illegal ? [] : bytes(without: prefix, 1)
    let value: RegoString
    let isEnd: Bool
    switch kind {
    case .templatePart, .templateEnd:
      value = StringLiteral.unescape(text)
      isEnd = kind == .templateEnd
    case .rawTemplatePart, .rawTemplateEnd:
      value = StringLiteral.unescapeRaw(text)
      isEnd = kind == .rawTemplateEnd
    default: throw unexpected()
    }
    let place = location()
    advance()
    try push(Expression(.term(Term(.string(value), location: place)), location: place))
    return !isEnd
  }

  /// Makes a template of the expressions above a level, of which every other one is text.
  @inline(never)
  private mutating func pushTemplate(above level: Int, from start: Int) throws(Failure) {
    var parts: [TemplatePart] = []
    for (index, piece) in expressions[level...].enumerated() {
      heightBelow = max(heightBelow, piece.height)
      if index % 2 == 1 {
        parts.append(.expression(piece.node))
      } else if case .term(let term) = piece.node.kind, case .string(let text) = term.kind, text.utf8Count > 0
      {
        parts.append(.text(text))
      }
    }
    expressions.removeLast(expressions.count - level)
    try push(.template(parts), from: start)
  }

  @inline(never)
  private mutating func checkTemplateExpression() throws(Failure) {
    guard let expression = expressions.last?.node else { return }
    let problem: String
    switch expression.kind {
    case _ where expression.isNegated: problem = "negation ('not')"
    case .call(let callee, _):
      switch callee.kind {
      case .variable("eq"): problem = "unification ('=')"
      case .variable("assign"): problem = "assignment (':=')"
      default: return
      }
    case .every: problem = "'every'"
    case .someDeclaration, .someIn: problem = "'some'"
    default: return
    }
    throw fail("unexpected \(problem) in template-string expression", at: expression.location)
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
