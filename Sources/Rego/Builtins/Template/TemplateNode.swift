/// A part of a parsed template.
struct TemplateNode {
  /// A value's steps: commands of which each gets the value of the one before as its last argument.
  struct Pipeline {
    let position: Int
    /// The variables that get the value.
    var variables: [RegoString] = []
    /// Whether the variables exist already (`=`) instead of being new (`:=`).
    var assigns = false
    var commands: [Command] = []
  }

  /// An operand, or a function with its arguments.
  struct Command {
    let position: Int
    var operands: [TemplateNode] = []
  }

  /// What `if`, `range` and `with` have in common.
  struct Branch {
    let pipeline: Pipeline
    let body: [TemplateNode]
    /// Nil without `else`.
    let alternative: [TemplateNode]?
  }

  indirect enum Kind {
    case text(RegoString)
    case action(Pipeline)
    case conditional(Branch)
    case range(Branch)
    case with(Branch)
    /// `{{template "name" pipeline}}`.
    case template(RegoString, Pipeline?)
    case leave
    case resume
    /// `{{else}}` and `{{end}}`, which only the parser sees.
    case elseMark
    case endMark

    case dot
    case null
    case bool(Bool)
    case number(GoLiteral.Number)
    /// As it was written, and what it stands for.
    case string(String, RegoString)
    case function(String)
    /// `.a.b`.
    case field([RegoString])
    /// `$x.a.b`: the variable and the fields.
    case variable(RegoString, [RegoString])
    /// `(pipeline).a.b`, or a function's fields.
    case chain(TemplateNode, [RegoString])
    case pipeline(Pipeline)
    case command(Command)
  }

  /// Where it is in the template, in bytes.
  let position: Int
  let kind: Kind

  init(_ position: Int, _ kind: Kind) {
    self.position = position
    self.kind = kind
  }

  init(_ pipeline: Pipeline) { self.init(pipeline.position, .pipeline(pipeline)) }
  init(_ command: Command) { self.init(command.position, .command(command)) }
}

extension [TemplateNode] {
  /// Whether there is nothing but white space.
  var isBlank: Bool {
    allSatisfy { node in
      guard case .text(let text) = node.kind else { return false }
      return Trimming.trimSpace(text).utf8Count == 0
    }
  }

  fileprivate var source: String { map(\.description).joined() }
}

/// As a template would have it: error messages say what they are about.
extension TemplateNode: CustomStringConvertible {
  var description: String {
    switch kind {
    case .text(let text): text.string
    case .action(let pipeline): "{{\(pipeline)}}"
    case .conditional(let branch): branch.source("if")
    case .range(let branch): branch.source("range")
    case .with(let branch): branch.source("with")
    case .template(let name, let pipeline):
      "{{template \(GoQuote.quote(name))\(pipeline.map { " \($0)" } ?? "")}}"
    case .leave: "{{break}}"
    case .resume: "{{continue}}"
    case .elseMark: "{{else}}"
    case .endMark: "{{end}}"
    case .dot: "."
    case .null: "nil"
    case .bool(let value): value ? "true" : "false"
    case .number(let number): number.text
    case .string(let literal, _): literal
    case .function(let name): name
    case .field(let names): TemplateNode.source(of: names)
    case .variable(let name, let fields): name.string + TemplateNode.source(of: fields)
    case .chain(let node, let fields):
      if case .pipeline = node.kind {
        "(\(node))" + TemplateNode.source(of: fields)
      } else {
        node.description + TemplateNode.source(of: fields)
      }
    case .pipeline(let pipeline): pipeline.description
    case .command(let command): command.description
    }
  }

  private static func source(of names: [RegoString]) -> String { names.map { ".\($0.string)" }.joined() }
}

extension TemplateNode.Pipeline: CustomStringConvertible {
  var description: String {
    let steps = commands.map(\.description).joined(separator: " | ")
    if variables.isEmpty { return steps }
    return variables.map(\.string).joined(separator: ", ") + (assigns ? " = " : " := ") + steps
  }
}

extension TemplateNode.Command: CustomStringConvertible {
  var description: String {
    operands.map { operand in
      if case .pipeline = operand.kind { return "(\(operand))" }
      return operand.description
    }.joined(separator: " ")
  }
}

extension TemplateNode.Branch {
  fileprivate func source(_ keyword: String) -> String {
    "{{\(keyword) \(pipeline)}}" + body.source + (alternative.map { "{{else}}" + $0.source } ?? "")
      + "{{end}}"
  }
}
