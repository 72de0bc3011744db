// `with`: what is replaced, and what replaces it.

extension Lowering {
  func withModifiers(
    _ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope
  ) -> [CoreWith] {
    expression.withModifiers.compactMap { modifier in
      guard let target = withTarget(modifier.target, scope) else {
        errors.append(
          RegoError(
            .type, "with keyword target must reference existing input, data, or a function",
            at: modifier.target.location))
        return nil
      }
      if let problem = problem(with: target) {
        errors.append(RegoError(.compile, problem, at: modifier.target.location))
        return nil
      }
      switch target {
      case .builtin, .function:
        if let replacement = resolve(modifier.value, scope), !isLocal(modifier.value, scope) {
          switch replacement {
          case .builtin(let name):
            checkAllowed(name, at: modifier.value.location)
            return CoreWith(target: target, replacement: .builtin(name))
          case .function(let path): return CoreWith(target: target, replacement: .function(path))
          }
        }
      default: break
      }
      return CoreWith(target: target, replacement: .term(lower(modifier.value, into: &statements, scope)))
    }
  }

  /// What keeps a target from being replaced; nil where nothing does (OPA documentation, "With Keyword").
  private func problem(with target: CoreWith.Target) -> String? {
    let replacing = "with keyword replacing built-in function"
    switch target {
    case .function: return nil
    case .input(let path), .data(let path):
      if path.count > ModuleChecks.maximumPathLength {
        return "with keyword target has more than \(ModuleChecks.maximumPathLength) parts"
      }
      guard case .data = target else { return nil }
      var node = tree.root
      for part in path.dropLast() {
        guard let child = node.children[part] else { return nil }
        if child.group != nil { return "with keyword cannot partially replace virtual document(s)" }
        node = child
      }
      return nil
    case .builtin(let name):
      if name.utf8.starts(with: "internal.".utf8) {
        return "\(replacing): replacement of internal function \"\(name)\" invalid"
      }
      return Builtin.relations.contains(name) ? "\(replacing): target must not be a relation" : nil
    }
  }

  private func isLocal(_ term: Term, _ scope: Scope) -> Bool {
    if case .variable(let name) = term.kind { lookup(name, scope) != nil } else { false }
  }

  private func withTarget(_ term: Term, _ scope: Scope) -> CoreWith.Target? {
    let name: String
    let operands: [Term]
    switch term.kind {
    case .variable(let variable):
      name = variable
      operands = []
    case .reference(let head, let rest):
      guard case .variable(let variable) = head.kind else { return nil }
      name = variable
      operands = rest
    default: return nil
    }
    var path: [RegoString] = []
    for operand in operands {
      guard case .string(let part) = operand.kind else { return nil }
      path.append(part)
    }
    switch global(name) {
    case .input(let prefix): return .input(prefix + path)
    case .data(let prefix):
      let whole = prefix + path
      if let node = tree.find(whole), node.definitions.contains(where: { $0.rule.head.arguments != nil }) {
        return .function(whole)
      }
      return .data(whole)
    case nil:
      if let dotted = term.dottedName, builtins[dotted] != nil { return .builtin(dotted) }
      return nil
    }
  }
}
