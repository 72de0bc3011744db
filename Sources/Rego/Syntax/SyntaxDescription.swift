// Trees as text, for debugging and tests: Rego where that says it all, calls as `(callee argument ...)`.

extension Term: CustomStringConvertible {
  public var description: String {
    switch kind {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "\(value.string.debugDescription)"
    case .variable(let name): name
    case .reference(let head, let operands):
      "\(head)" + operands.map { "[\($0)]" }.joined()
    case .array(let terms): "[" + terms.map(\.description).joined(separator: ", ") + "]"
    case .set(let terms):
      terms.isEmpty ? "set()" : "{" + terms.map(\.description).joined(separator: ", ") + "}"
    case .object(let pairs): "{" + pairs.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
    case .arrayComprehension(let head, let body): "[\(head) | \(body)]"
    case .setComprehension(let head, let body): "{\(head) | \(body)}"
    case .objectComprehension(let key, let value, let body): "{\(key): \(value) | \(body)}"
    case .call(let callee, let arguments): Term.describe(callee, arguments)
    case .template(let parts): "$[" + parts.map(\.description).joined(separator: ", ") + "]"
    }
  }

  fileprivate static func describe(_ callee: Term, _ arguments: [Term]) -> String {
    "(" + ([callee] + arguments).map(\.description).joined(separator: " ") + ")"
  }
}

extension TemplatePart: CustomStringConvertible {
  public var description: String {
    switch self {
    case .text(let text): text.string.debugDescription
    case .expression(let expression): "{\(expression)}"
    }
  }
}

extension Body: CustomStringConvertible {
  public var description: String { expressions.map(\.description).joined(separator: "; ") }
}

extension Expression: CustomStringConvertible {
  public var description: String {
    func pair(_ key: Term?, _ value: Term) -> String { key.map { "\($0), \(value)" } ?? "\(value)" }
    let text: String
    switch kind {
    case .term(let term): text = "\(term)"
    case .call(let callee, let arguments): text = Term.describe(callee, arguments)
    case .someDeclaration(let variables):
      text = "some " + variables.map(\.description).joined(separator: ", ")
    case .someIn(let key, let value, let collection): text = "some \(pair(key, value)) in \(collection)"
    case .every(let key, let value, let collection, let body):
      text = "every \(pair(key, value)) in \(collection) { \(body) }"
    }
    return (isNegated ? "not " : "") + text
      + withModifiers.map { " with \($0.target) as \($0.value)" }.joined()
  }
}

extension Rule: CustomStringConvertible {
  public var description: String {
    var text = (isDefault ? "default " : "") + "\(head)"
    if !body.expressions.isEmpty { text += " { \(body) }" }
    return text + elseBranch.map { " else \($0)" }.joined()
  }
}

extension Head: CustomStringConvertible {
  public var description: String {
    var text = reference.first.map { "\($0)" } ?? ""
    text += reference.dropFirst().map { "[\($0)]" }.joined()
    if let arguments { text += "(" + arguments.map(\.description).joined(separator: ", ") + ")" }
    if let key { text += " contains \(key)" }
    if let value { text += " \(assigns ? ":=" : "=") \(value)" }
    return text
  }
}
