// Queries: what is asked once, and shown with the value of each expression.

extension Lowering {
  /// What a lowered query is.
  struct Query {
    var body: CoreBody
    var locals: [CoreLocal]
    /// For each expression its value: a local, or nil where it only holds.
    var captures: [CoreTerm?]
    /// The query's own variables that a result names.
    var variables: [(name: String, local: Int)]
  }

  /// Lowers a query so that each expression's value is kept, whether it holds or not, as `opa eval` shows it.
  func query(_ body: Body) -> Query {
    locals = []
    let scope = Scope(parent: nil)
    var names = NameCollector()
    names.collect(body)
    open(scope, names: names.names, declared: names.declared)
    var statements: [CoreStatement] = []
    var captures: [CoreTerm?] = []
    for expression in body.expressions {
      captures.append(lowerCapturing(expression, into: &statements, scope))
    }
    for (name, location) in scope.pending {
      errors.append(RegoError(.compile, "declared var \(name) unused", at: location))
    }
    let variables = scope.names.filter { !$0.key.hasPrefix("$") }.map { (name: $0.key, local: $0.value) }
      .sorted { $0.name < $1.name }
    return Query(
      body: CoreBody(statements: statements, ownLocals: 0..<locals.count), locals: locals, captures: captures,
      variables: variables)
  }

  private func lowerCapturing(
    _ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope
  ) -> CoreTerm? {
    if expression.isNegated {
      lower(expression, into: &statements, scope)
      return nil
    }
    switch expression.kind {
    case .term(let term):
      return captured(term, expression, into: &statements, scope)
    case .call(let callee, let arguments):
      if callee.operatorName == "eq" || callee.operatorName == "assign" || callee.operatorName == "print" {
        break
      }
      if let arity = arity(of: callee, scope), arity == arguments.count {
        let value = captured(
          Term(.call(callee: callee, arguments: arguments), location: expression.location), expression,
          into: &statements, scope)
        if case .local(let local) = value { locals[local].isQueryResult = true }
        return value
      }
    default: break
    }
    lower(expression, into: &statements, scope)
    return nil
  }

  func captured(
    _ term: Term, _ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope
  ) -> CoreTerm {
    let local = CoreTerm.local(makeLocal(nil, at: term.location))
    let modifiers = withModifiers(expression, into: &statements, scope)
    let start = locals.count
    var inner: [CoreStatement] = []
    asExpression(at: expression.location, of: &inner) { inner in
      unify(term, with: local, at: expression.location, into: &inner, scope)
    }
    if modifiers.isEmpty {
      statements += inner
    } else {
      statements.append(
        CoreStatement(
          kind: .with(modifiers, CoreBody(statements: inner, ownLocals: start..<locals.count)),
          location: term.location)
      )
    }
    return local
  }
}
