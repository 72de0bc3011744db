/// Finds the variables that stand directly in a body: those of nested comprehensions and `every` bodies are not among them.
struct NameCollector {
  /// Every variable, in the order of appearance.
  private(set) var names: [(name: String, location: Location)] = []
  /// Those declared by `:=` or `some`.
  private(set) var declared: [String: Location] = [:]

  mutating func collect(_ body: Body) {
    for expression in body.expressions { collect(expression) }
  }

  mutating func collect(_ expression: Expression) {
    switch expression.kind {
    case .term(let term): collect(term)
    case .call(let callee, let arguments):
      if callee.operatorName == "assign", let target = arguments.first {
        declare(target)
      }
      // A function's name is no variable.
      for argument in arguments { collect(argument) }
    case .someDeclaration(let terms):
      for term in terms { declare(term) }
    case .someIn(let key, let value, let collection):
      if let key {
        declare(key)
        collect(key)
      }
      declare(value)
      collect(value)
      collect(collection)
    case .every(_, _, let collection, _): collect(collection)
    }
    for modifier in expression.withModifiers {
      // A name on its own may be a function's; a variable there is bound elsewhere in the body, or unsafe.
      if case .variable = modifier.value.kind { continue }
      collect(modifier.value)
    }
  }

  /// The variables that matching a parameter's pattern binds; those within computed parts are none.
  mutating func collect(pattern term: Term) {
    switch term.kind {
    case .variable(let name): names.append((name, term.location))
    case .array(let elements): for element in elements { collect(pattern: element) }
    case .object(let pairs): for (_, value) in pairs { collect(pattern: value) }
    default: break
    }
  }

  mutating func collect(_ term: Term) {
    switch term.kind {
    case .null, .boolean, .number, .string: break
    case .variable(let name): names.append((name, term.location))
    case .reference(let head, let operands):
      collect(head)
      for operand in operands { collect(operand) }
    case .array(let elements), .set(let elements):
      for element in elements { collect(element) }
    case .object(let pairs):
      for (key, value) in pairs {
        collect(key)
        collect(value)
      }
    case .arrayComprehension, .setComprehension, .objectComprehension, .template: break
    case .call(_, let arguments):
      for argument in arguments { collect(argument) }
    }
  }

  private mutating func declare(_ term: Term) {
    switch term.kind {
    case .variable(let name): if !name.hasPrefix("$") { declared[name] = term.location }
    case .array(let elements): for element in elements { declare(element) }
    case .object(let pairs): for (_, value) in pairs { declare(value) }
    default: break
    }
  }
}

extension Term {
  /// The name of a callee that is a plain name, such as an operator's.
  var operatorName: String? {
    if case .variable(let name) = kind { name } else { nil }
  }

  /// The dotted name of a callee, where it is a name with constant string operands.
  var dottedName: String? {
    switch kind {
    case .variable(let name): return name
    case .reference(let head, let operands):
      guard case .variable(let name) = head.kind else { return nil }
      var parts = [name]
      for operand in operands {
        guard case .string(let part) = operand.kind else { return nil }
        parts.append(part.string)
      }
      return parts.joined(separator: ".")
    default: return nil
    }
  }
}
