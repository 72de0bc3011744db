/// Executes a parsed template on its data (Go's documentation of package text/template, with the option `missingkey=error`).
struct TemplateExecution {
  private enum Flow {
    case next
    case leave
    case resume
  }

  /// How deeply templates, actions and pipelines may be nested while they are executed; Go allows more.
  private static let maximumDepth = 1_000
  /// The largest text of a template: what it is parsed into is many times as large.
  private static let maximumSize = 1 << 20

  private let name: String
  private let text: RegoString
  private let templates: [RegoString: [TemplateNode]]
  let context: BuiltinContext
  /// The template being executed.
  private var template: RegoString
  /// What errors are about.
  var current: TemplateNode?
  private(set) var variables: [(name: RegoString, value: TemplateValue)]
  private var depth = 0
  private var steps = 0
  private var output: [UInt8] = []

  /// Renders a template; fails as Go words it, and is cancelled where it takes too long or grows too large.
  static func render(_ text: RegoString, data: ObjectValue, _ context: BuiltinContext) throws(BuiltinError)
    -> RegoString
  {
    let name = "template"
    if text.utf8Count > maximumSize {
      throw .failed("template: the text is larger than \(maximumSize) bytes")
    }
    let templates: [RegoString: [TemplateNode]]
    do {
      templates = try TemplateParser.parse(name: name, text)
    } catch {
      throw .failed(error.message)
    }
    var execution = TemplateExecution(name: name, text: text, templates, data: data, context)
    _ = try execution.walk(templates[RegoString(name)] ?? [], dot: .plain(.map(data)))
    return RegoString(String(decoding: execution.output, as: UTF8.self))
  }

  private init(
    name: String, text: RegoString, _ templates: [RegoString: [TemplateNode]], data: ObjectValue,
    _ context: BuiltinContext
  ) {
    self.name = name
    self.text = text
    self.templates = templates
    self.context = context
    template = RegoString(name)
    variables = [(RegoString("$"), .plain(.map(data)))]
  }

  func failure(_ message: String) -> BuiltinError {
    guard let current else { return .failed("template: \(name): \(message)") }
    let before = text.utf8.prefix(current.position)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
    return .failed(
      "template: \(name):\(line):\(column): executing \(GoQuote.quote(template)) at <\(current)>: \(message)")
  }

  private mutating func enter() throws(BuiltinError) {
    depth += 1
    if depth > TemplateExecution.maximumDepth {
      throw failure("exceeded maximum template depth (\(TemplateExecution.maximumDepth))")
    }
  }

  private mutating func step() throws(BuiltinError) {
    steps += 1
    if steps & 0xff == 0 { try context.checkDeadline() }
    if output.count > BuiltinLimits.stringBytes { throw .cancelled }
  }
}

// MARK: Actions

extension TemplateExecution {
  private mutating func walk(_ nodes: [TemplateNode], dot: TemplateValue) throws(BuiltinError) -> Flow {
    try enter()
    defer { depth -= 1 }
    for node in nodes {
      let flow = try walk(node, dot: dot)
      if flow != .next { return flow }
    }
    return .next
  }

  private mutating func walk(_ node: TemplateNode, dot: TemplateValue) throws(BuiltinError) -> Flow {
    try step()
    current = node
    switch node.kind {
    case .text(let text): output.append(contentsOf: text.utf8)
    case .action(let pipeline):
      let value = try evaluate(pipeline, dot: dot)
      if pipeline.variables.isEmpty { try write(value) }
    case .conditional(let branch): return try walk(branch, dot: dot, setsDot: false)
    case .with(let branch): return try walk(branch, dot: dot, setsDot: true)
    case .range(let branch): return try walkRange(branch, dot: dot)
    case .template(let name, let pipeline): try invoke(name, pipeline, dot: dot)
    case .leave: return .leave
    case .resume: return .resume
    default: throw failure("unknown node: \(node)")
    }
    return .next
  }

  private mutating func write(_ value: TemplateValue) throws(BuiltinError) {
    if let content = value.content {
      output.append(contentsOf: try GoFormat.sprint([content]).utf8)
    } else {
      output.append(contentsOf: "<no value>".utf8)
    }
  }

  private mutating func walk(_ branch: TemplateNode.Branch, dot: TemplateValue, setsDot: Bool)
    throws(BuiltinError) -> Flow
  {
    let known = variables.count
    defer { variables.removeLast(variables.count - known) }
    let value = try evaluate(branch.pipeline, dot: dot)
    if value.isTrue { return try walk(branch.body, dot: setsDot ? value : dot) }
    return try walk(branch.alternative ?? [], dot: dot)
  }

  private mutating func walkRange(_ branch: TemplateNode.Branch, dot: TemplateValue) throws(BuiltinError)
    -> Flow
  {
    let known = variables.count
    defer { variables.removeLast(variables.count - known) }
    let value = try evaluate(branch.pipeline, dot: dot)
    switch value.content {
    case nil: break
    case .slice(let elements):
      for (index, element) in elements.enumerated() {
        if try iterate(branch, .plain(.int(index)), .element(GoValue(json: element))) == .leave {
          return .next
        }
      }
      if !elements.isEmpty { return .next }
    case .map(let object):
      for (key, element) in object {
        let flow = try iterate(branch, .plain(GoValue(json: key)), .element(GoValue(json: element)))
        if flow == .leave { return .next }
      }
      if !object.isEmpty { return .next }
    case .int(let count)?:
      if try iterate(branch, upTo: count) { return .next }
    case .byte(let count)?:
      if try iterate(branch, upTo: Int(count)) { return .next }
    case let value?:
      throw failure("range can't iterate over \(try GoFormat.sprint([value]).string)")
    }
    return try walk(branch.alternative ?? [], dot: dot)
  }

  /// Executes the body for every number below another; false where there is none.
  private mutating func iterate(_ branch: TemplateNode.Branch, upTo count: Int) throws(BuiltinError) -> Bool {
    if branch.pipeline.variables.count > 1 {
      throw failure("can't use \(count) to iterate over more than one variable")
    }
    var number = 0
    while number < count, try iterate(branch, .none, .plain(.int(number))) != .leave { number += 1 }
    return count > 0
  }

  private mutating func iterate(
    _ branch: TemplateNode.Branch, _ index: TemplateValue, _ element: TemplateValue
  ) throws(BuiltinError) -> Flow {
    try step()
    let names = branch.pipeline.variables
    let known = variables.count
    defer { variables.removeLast(variables.count - known) }
    if branch.pipeline.assigns {
      if names.count > 1 { try assign(index, to: names[0]) }
      if let last = names.last { try assign(element, to: last) }
    } else {
      // The pipeline has declared them.
      if names.count > 0 { variables[known - 1].value = element }
      if names.count > 1 { variables[known - 2].value = index }
    }
    return try walk(branch.body, dot: element)
  }

  /// A template that another one invokes sees none of its variables.
  private mutating func invoke(_ name: RegoString, _ pipeline: TemplateNode.Pipeline?, dot: TemplateValue)
    throws(BuiltinError)
  {
    guard let nodes = templates[name] else { throw failure("template \(GoQuote.quote(name)) not defined") }
    let value = if let pipeline { try evaluate(pipeline, dot: dot) } else { TemplateValue.none }
    let outer = (template, variables)
    template = name
    variables = [(RegoString("$"), value)]
    _ = try walk(nodes, dot: value)
    (template, variables) = outer
  }
}

// MARK: Pipelines

extension TemplateExecution {
  private mutating func evaluate(_ pipeline: TemplateNode.Pipeline, dot: TemplateValue) throws(BuiltinError)
    -> TemplateValue
  {
    try enter()
    defer { depth -= 1 }
    current = TemplateNode(pipeline)
    var value: TemplateValue?
    for command in pipeline.commands {
      try step()
      value = try evaluate(command, dot: dot, last: value).unwrapped
    }
    let result = value ?? .none
    for variable in pipeline.variables {
      if pipeline.assigns {
        try assign(result, to: variable)
      } else {
        variables.append((variable, result))
      }
    }
    return result
  }

  private mutating func assign(_ value: TemplateValue, to name: RegoString) throws(BuiltinError) {
    guard let position = variables.lastIndex(where: { $0.name == name }) else {
      throw failure("undefined variable: \(name.string)")
    }
    variables[position].value = value
  }

  /// Evaluates a command; `last` is the value of the one before.
  private mutating func evaluate(_ command: TemplateNode.Command, dot: TemplateValue, last: TemplateValue?)
    throws(BuiltinError) -> TemplateValue
  {
    let first = command.operands[0]
    let hasArguments = command.operands.count > 1 || last != nil
    switch first.kind {
    case .function(let name):
      current = first
      let arguments = command.operands.dropFirst()
      return try call(name, arguments, last: last, dot: dot, at: TemplateNode(command))
    case .pipeline, .variable(_, []): break
    case .field, .chain, .variable: return try evaluateFields(first, dot: dot, arguments: command, last: last)
    default: current = first
    }
    if case .variable = first.kind { current = first }
    if hasArguments { throw failure("can't give argument to non-function \(first)") }
    if case .null = first.kind { throw failure("nil is not a command") }
    return try evaluateOperand(first, dot: dot)
  }

  /// The value of an operand without arguments.
  mutating func evaluateOperand(_ node: TemplateNode, dot: TemplateValue) throws(BuiltinError)
    -> TemplateValue
  {
    switch node.kind {
    case .pipeline(let pipeline): return try evaluate(pipeline, dot: dot)
    case .function(let name):
      current = node
      return try call(name, [], last: nil, dot: dot, at: node)
    case .field, .chain, .variable: return try evaluateFields(node, dot: dot, arguments: nil, last: nil)
    default: break
    }
    current = node
    switch node.kind {
    case .dot: return dot
    case .bool(let value): return .bool(value)
    case .string(_, let value): return .string(value)
    case .number(let number): return try constant(number)
    default: throw failure("can't evaluate command \(GoQuote.quote(node.description))")
    }
  }

  /// A number's text decides on its type.
  private func constant(_ number: GoLiteral.Number) throws(BuiltinError) -> TemplateValue {
    if let (real, imaginary) = number.complex { return .plain(.complex(real: real, imaginary: imaginary)) }
    let isCharacter = number.text.utf8.first == UInt8(ascii: "'")
    let isHexadecimal = number.text.hasPrefix("0x") || number.text.hasPrefix("0X")
    let marks = isHexadecimal ? "pP" : ".eEpP"
    if let float = number.float, !isCharacter, number.text.utf8.contains(where: marks.utf8.contains) {
      return .plain(.float(float))
    }
    guard let int = number.int else { throw failure("\(number.text) overflows int") }
    return .plain(.int(int))
  }
}
