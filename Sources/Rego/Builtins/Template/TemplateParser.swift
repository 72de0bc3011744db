/// Parses templates (Go's documentation of package text/template); errors are worded as Go words them.
struct TemplateParser {
  struct Failure: Error {
    let message: String
  }

  /// How deeply actions and parentheses may be nested.
  private static let maximumDepth = 250

  private let name: String
  private let tokens: [TemplateToken]
  private var next = 0
  /// The last token looked at, whose line errors tell.
  private var furthest = 0
  private var variables: [RegoString] = [TemplateParser.root]
  private var rangeDepth = 0
  private var depth = 0
  /// The line where the action being parsed begins.
  private var actionLine: Int?
  private var templates: [RegoString: [TemplateNode]] = [:]

  private static let root = RegoString("$")

  private init(name: String, text: RegoString) {
    self.name = name
    tokens = TemplateLexer.tokens(of: text)
  }

  /// Parses a template and those that it defines, by their names.
  static func parse(name: String, _ text: RegoString) throws(Failure) -> [RegoString: [TemplateNode]] {
    var parser = TemplateParser(name: name, text: text)
    try parser.parseTop()
    return parser.templates
  }

  // MARK: Errors

  private func failure(_ message: String) -> Failure {
    Failure(message: "template: \(name):\(tokens[furthest].line): \(message)")
  }

  private func unexpected(_ token: TemplateToken, in context: String) -> Failure {
    guard token.kind == .error else { return failure("unexpected \(token) in \(context)") }
    guard let actionLine, actionLine != token.line else { return failure(token.text) }
    // "unclosed action" need not say "action" twice.
    let place = "started at \(name):\(actionLine)"
    return failure(
      token.text.hasSuffix(" action") ? "\(token.text) \(place)" : "\(token.text) in action \(place)")
  }

  private mutating func enter() throws(Failure) {
    depth += 1
    if depth > TemplateParser.maximumDepth { throw failure("max expression depth exceeded") }
  }

  // MARK: Tokens

  private mutating func peek() -> TemplateToken {
    furthest = max(furthest, next)
    return tokens[next]
  }

  private mutating func take() -> TemplateToken {
    let token = peek()
    if next + 1 < tokens.count { next += 1 }
    return token
  }

  private mutating func peekNonSpace() -> TemplateToken {
    while peek().kind == .space { next += 1 }
    return peek()
  }

  private mutating func takeNonSpace() -> TemplateToken {
    _ = peekNonSpace()
    return take()
  }

  @discardableResult
  private mutating func expect(_ kinds: TemplateToken.Kind..., in context: String) throws(Failure)
    -> TemplateToken
  {
    let token = takeNonSpace()
    if !kinds.contains(token.kind) { throw unexpected(token, in: context) }
    return token
  }
}

// MARK: Lists

extension TemplateParser {
  private mutating func parseTop() throws(Failure) {
    var nodes: [TemplateNode] = []
    while peek().kind != .end {
      let start = next
      if take().kind == .leftDelimiter, takeNonSpace().kind == .keyword(.define) {
        try parseDefinition()
        continue
      }
      next = start
      let node = try parseTextOrAction()
      switch node.kind {
      case .elseMark, .endMark: throw failure("unexpected \(node)")
      default: nodes.append(node)
      }
    }
    try define(RegoString(name), nodes)
  }

  /// A blank template gives way to one that is not.
  private mutating func define(_ name: RegoString, _ nodes: [TemplateNode]) throws(Failure) {
    if let old = templates[name], !old.isBlank {
      if nodes.isBlank { return }
      throw failure("template: multiple definition of template \(GoQuote.quote(name))")
    }
    templates[name] = nodes
  }

  private mutating func parseDefinition() throws(Failure) {
    let token = try expect(.string, .rawString, in: "define clause")
    let name = try unquote(token)
    try expect(.rightDelimiter, in: "define clause")
    try parseBody(of: name, in: "define clause")
  }

  /// The text of another template, which knows none of this one's variables.
  private mutating func parseBody(of name: RegoString, in context: String) throws(Failure) {
    let outer = (variables, rangeDepth, actionLine)
    (variables, rangeDepth, actionLine) = ([TemplateParser.root], 0, nil)
    let (nodes, end) = try parseList()
    guard case .endMark = end.kind else { throw failure("unexpected \(end) in \(context)") }
    try define(name, nodes)
    (variables, rangeDepth, actionLine) = outer
  }

  /// Everything up to `{{end}}` or `{{else}}`, and that.
  private mutating func parseList() throws(Failure) -> (nodes: [TemplateNode], end: TemplateNode) {
    try enter()
    var nodes: [TemplateNode] = []
    while peekNonSpace().kind != .end {
      let node = try parseTextOrAction()
      switch node.kind {
      case .elseMark, .endMark:
        depth -= 1
        return (nodes, node)
      default: nodes.append(node)
      }
    }
    throw failure("unexpected EOF")
  }

  private mutating func parseTextOrAction() throws(Failure) -> TemplateNode {
    let token = takeNonSpace()
    switch token.kind {
    case .text: return TemplateNode(token.position, .text(RegoString(token.text)))
    case .leftDelimiter:
      actionLine = token.line
      defer { actionLine = nil }
      return try parseAction()
    default: throw unexpected(token, in: "input")
    }
  }
}

// MARK: Actions

extension TemplateParser {
  private mutating func parseAction() throws(Failure) -> TemplateNode {
    let token = peekNonSpace()
    guard case .keyword(let keyword) = token.kind, keyword != .dot, keyword != .nil, keyword != .define else {
      let pipeline = try parsePipeline(in: "command", until: .rightDelimiter)
      return TemplateNode(token.position, .action(pipeline))
    }
    _ = take()
    switch keyword {
    case .block: return try parseBlock()
    case .break, .continue:
      let source = "{{\(keyword.rawValue)}}"
      try expect(.rightDelimiter, in: source)
      if rangeDepth == 0 { throw failure("\(source) outside {{range}}") }
      return TemplateNode(token.position, keyword == .break ? .leave : .resume)
    case .else:
      let following = peekNonSpace()
      // `{{else if}}` and `{{else with}}` begin another action, whose end is also this one's.
      if following.kind == .keyword(.if) || following.kind == .keyword(.with) {
        return TemplateNode(following.position, .elseMark)
      }
      return TemplateNode(try expect(.rightDelimiter, in: "else").position, .elseMark)
    case .end: return TemplateNode(try expect(.rightDelimiter, in: "end").position, .endMark)
    case .if, .range, .with: return try parseControl(keyword)
    case .template: return try parseInvocation()
    case .dot, .nil, .define: throw unexpected(token, in: "command")
    }
  }

  private mutating func parseControl(_ keyword: TemplateToken.Keyword) throws(Failure) -> TemplateNode {
    let known = variables.count
    defer { variables.removeLast(variables.count - known) }
    let pipeline = try parsePipeline(in: keyword.rawValue, until: .rightDelimiter)
    if keyword == .range { rangeDepth += 1 }
    let (body, mark) = try parseList()
    if keyword == .range { rangeDepth -= 1 }
    var alternative: [TemplateNode]?
    if case .elseMark = mark.kind {
      if keyword != .range, peek().kind == .keyword(keyword) {
        _ = take()
        try enter()
        alternative = [try parseControl(keyword)]
        depth -= 1
      } else {
        let (nodes, end) = try parseList()
        guard case .endMark = end.kind else { throw failure("expected end; found \(end)") }
        alternative = nodes
      }
    }
    let branch = TemplateNode.Branch(pipeline: pipeline, body: body, alternative: alternative)
    switch keyword {
    case .if: return TemplateNode(pipeline.position, .conditional(branch))
    case .range: return TemplateNode(pipeline.position, .range(branch))
    default: return TemplateNode(pipeline.position, .with(branch))
    }
  }

  /// Defines a template and invokes it there and then.
  private mutating func parseBlock() throws(Failure) -> TemplateNode {
    let token = try expect(.string, .rawString, in: "block clause")
    let name = try unquote(token)
    let pipeline = try parsePipeline(in: "block clause", until: .rightDelimiter)
    try parseBody(of: name, in: "block clause")
    return TemplateNode(token.position, .template(name, pipeline))
  }

  private mutating func parseInvocation() throws(Failure) -> TemplateNode {
    let token = try expect(.string, .rawString, in: "template clause")
    let name = try unquote(token)
    if peekNonSpace().kind == .rightDelimiter {
      _ = take()
      return TemplateNode(token.position, .template(name, nil))
    }
    let pipeline = try parsePipeline(in: "template clause", until: .rightDelimiter)
    return TemplateNode(token.position, .template(name, pipeline))
  }
}

// MARK: Pipelines

extension TemplateParser {
  private mutating func parsePipeline(in context: String, until end: TemplateToken.Kind) throws(Failure)
    -> TemplateNode.Pipeline
  {
    try enter()
    var pipeline = TemplateNode.Pipeline(position: peekNonSpace().position)
    try parseDeclarations(of: &pipeline, in: context)
    while true {
      let token = peekNonSpace()
      switch token.kind {
      case end:
        _ = take()
        try check(pipeline, in: context)
        depth -= 1
        return pipeline
      case .bool, .character, .complex, .keyword(.dot), .field, .identifier, .number, .keyword(.nil),
        .rawString,
        .string, .variable, .leftParenthesis:
        pipeline.commands.append(try parseCommand())
      default:
        _ = take()
        throw unexpected(token, in: context)
      }
    }
  }

  /// `$x :=`, `$x =`, and in a range `$x, $y :=`.
  private mutating func parseDeclarations(of pipeline: inout TemplateNode.Pipeline, in context: String)
    throws(Failure)
  {
    while peekNonSpace().kind == .variable {
      let start = next
      let variable = RegoString(take().text)
      let sign = peekNonSpace()
      switch sign.kind {
      case .assign, .declare:
        _ = take()
        pipeline.assigns = sign.kind == .assign
        pipeline.variables.append(variable)
        variables.append(variable)
        return
      case .punctuation where sign.text == ",":
        _ = take()
        pipeline.variables.append(variable)
        variables.append(variable)
        if context != "range" || pipeline.variables.count >= 2 {
          throw failure("too many declarations in \(context)")
        }
        switch peekNonSpace().kind {
        case .variable, .rightDelimiter, .rightParenthesis: break
        default: throw failure("range can only initialize variables")
        }
      default:
        next = start
        return
      }
    }
  }

  private func check(_ pipeline: TemplateNode.Pipeline, in context: String) throws(Failure) {
    if pipeline.commands.isEmpty { throw failure("missing value for \(context)") }
    for (position, command) in pipeline.commands.enumerated().dropFirst() {
      switch command.operands[0].kind {
      case .bool, .dot, .null, .number, .string:
        throw failure("non executable command in pipeline stage \(position + 1)")
      default: break
      }
    }
  }

  private mutating func parseCommand() throws(Failure) -> TemplateNode.Command {
    var command = TemplateNode.Command(position: peekNonSpace().position)
    loop: while true {
      _ = peekNonSpace()
      if let operand = try parseOperand() { command.operands.append(operand) }
      let token = peek()
      switch token.kind {
      case .space: continue
      case .rightDelimiter, .rightParenthesis: break loop
      case .pipe:
        _ = take()
        break loop
      default:
        _ = take()
        throw unexpected(token, in: "operand")
      }
    }
    if command.operands.isEmpty { throw failure("empty command") }
    return command
  }

  /// A term with the fields that follow it; nil where there is no term.
  private mutating func parseOperand() throws(Failure) -> TemplateNode? {
    guard let node = try parseTerm() else { return nil }
    let first = peek()
    guard first.kind == .field else { return node }
    var fields: [RegoString] = []
    while peek().kind == .field { fields.append(fieldName(take())) }
    switch node.kind {
    case .field(let names): return TemplateNode(first.position, .field(names + fields))
    case .variable(let name, let names): return TemplateNode(first.position, .variable(name, names + fields))
    case .bool, .string, .number, .null, .dot:
      throw failure("unexpected . after term \(GoQuote.quote(node.description))")
    default: return TemplateNode(first.position, .chain(node, fields))
    }
  }

  private mutating func parseTerm() throws(Failure) -> TemplateNode? {
    let token = peekNonSpace()
    switch token.kind {
    case .identifier, .keyword(.dot), .keyword(.nil), .variable, .field, .bool, .character, .complex, .number,
      .leftParenthesis, .string, .rawString:
      _ = take()
      return TemplateNode(token.position, try parseTerm(token))
    default: return nil
    }
  }

  private mutating func parseTerm(_ token: TemplateToken) throws(Failure) -> TemplateNode.Kind {
    switch token.kind {
    case .identifier:
      guard TemplateFunction(rawValue: token.text) != nil else {
        throw failure("function \(GoQuote.quote(token.text)) not defined")
      }
      return .function(token.text)
    case .keyword(.dot): return .dot
    case .variable:
      let name = RegoString(token.text)
      if !variables.contains(name) { throw failure("undefined variable \(GoQuote.quote(name))") }
      return .variable(name, [])
    case .field: return .field([fieldName(token)])
    case .bool: return .bool(token.text == "true")
    case .character, .complex, .number: return .number(try number(token))
    case .leftParenthesis:
      return .pipeline(try parsePipeline(in: "parenthesized pipeline", until: .rightParenthesis))
    case .string, .rawString: return .string(token.text, try unquote(token))
    default: return .null
    }
  }

  private func fieldName(_ token: TemplateToken) -> RegoString {
    RegoString(String(token.text.unicodeScalars.dropFirst()))
  }

  private func unquote(_ token: TemplateToken) throws(Failure) -> RegoString {
    guard let string = GoLiteral.unquote(token.text) else { throw failure("invalid syntax") }
    return string
  }

  private func number(_ token: TemplateToken) throws(Failure) -> GoLiteral.Number {
    do throws(GoLiteral.Failure) {
      switch token.kind {
      case .character:
        guard let value = GoLiteral.character(token.text) else {
          throw GoLiteral.Failure(message: "malformed character constant: \(token.text)")
        }
        return GoLiteral.Number(text: token.text, int: value, float: Double(value))
      case .complex: return try GoLiteral.complex(token.text)
      default: return try GoLiteral.number(token.text)
      }
    } catch {
      throw failure(error.message)
    }
  }
}
