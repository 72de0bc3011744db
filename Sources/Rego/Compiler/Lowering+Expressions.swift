extension Lowering {
  // MARK: Expressions

  func lower(_ body: Body, into statements: inout [CoreStatement], _ scope: Scope) {
    for expression in body.expressions { lower(expression, into: &statements, scope) }
  }

  func lower(_ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope) {
    let first = statements.count
    let modifiers = withModifiers(expression, into: &statements, scope)
    if modifiers.isEmpty {
      lowerNegatable(expression, into: &statements, scope)
      return
    }
    let start = locals.count
    var inner: [CoreStatement] = []
    lowerNegatable(expression, into: &inner, scope)
    append(
      .with(modifiers, CoreBody(statements: inner, ownLocals: start..<locals.count)), expression.location,
      &statements)
    let modified = CoreExpression(location: expression.location)
    for index in first..<statements.count { statements[index].expression = modified }
  }

  private func lowerNegatable(
    _ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope
  ) {
    asExpression(at: expression.location, of: &statements) { statements in
      if expression.isNegated {
        let operand = negated(expression, into: &statements, scope)
        let start = locals.count
        var inner: [CoreStatement] = []
        lowerPlain(operand, into: &inner, scope)
        append(
          .not(CoreBody(statements: inner, ownLocals: start..<locals.count)), expression.location, &statements
        )
      } else {
        lowerPlain(expression, into: &statements, scope)
      }
    }
  }

  /// Notes of the statements that `lower` appends which expression they are.
  func asExpression(
    at location: Location, of statements: inout [CoreStatement], lower: (inout [CoreStatement]) -> Void
  ) {
    let outer = expression
    let current = CoreExpression(location: location)
    expression = current
    let first = statements.count
    lower(&statements)
    for index in first..<statements.count where statements[index].expression == nil {
      statements[index].expression = current
    }
    if statements.count > first { statements[statements.count - 1].isExpression = true }
    expression = outer
  }

  /// Notes what the current expression mentions by name.
  func mention(_ reference: CoreReference, named name: String, at location: Location) {
    guard let expression, !name.hasPrefix("$") else { return }
    expression.mentions.append(CoreExpression.Mention(location: location, reference: reference))
  }

  private func lowerPlain(_ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope) {
    let location = expression.location
    switch expression.kind {
    case .term(let term): lowerHolding(term, at: location, into: &statements, scope)
    case .call(let callee, let arguments):
      lowerCallExpression(callee, arguments, at: location, into: &statements, scope)
    case .someDeclaration(let terms):
      for term in terms { declare(term, .someName, scope) }
    case .someIn(let key, let value, let collection):
      let collection = lower(collection, into: &statements, scope)
      if let key { declare(key, .someIn, scope) }
      declare(value, .someIn, scope)
      let loweredKey = key.map { lower($0, into: &statements, scope) }
      let loweredValue = lower(value, into: &statements, scope)
      append(.someIn(key: loweredKey, value: loweredValue, collection: collection), location, &statements)
    case .every(let key, let value, let collection, let body):
      let domain = lower(collection, into: &statements, scope)
      let start = locals.count
      let variables = Scope(parent: scope)
      let keyLocal = key.map { bindLoopVariable($0, variables) }
      let valueLocal = bindLoopVariable(value, variables)
      let inner = nestedScope(variables, body: body)
      var innerStatements: [CoreStatement] = []
      lower(body, into: &innerStatements, inner)
      append(
        .every(
          key: keyLocal, value: valueLocal, domain: domain,
          body: CoreBody(statements: innerStatements, ownLocals: start..<locals.count)), location, &statements
      )
    }
  }

  private func bindLoopVariable(_ term: Term, _ scope: Scope) -> Int {
    guard case .variable(let name) = term.kind else {
      errors.append(RegoError(.compile, "every takes variables", at: term.location))
      return makeLocal(nil, at: term.location)
    }
    let local = makeLocal(name, at: term.location, .every)
    scope.names[name] = local
    return local
  }

  /// A term that stands alone must be defined and not false.
  private func lowerHolding(
    _ term: Term, at location: Location, into statements: inout [CoreStatement], _ scope: Scope
  ) {
    switch term.kind {
    case .reference(let head, let operands):
      let reference = lowerReference(head, operands, at: term.location, into: &statements, scope)
      append(.reference(reference, output: nil), location, &statements)
    case .call(let callee, let arguments):
      lowerCallExpression(callee, arguments, at: location, into: &statements, scope)
    default:
      let value = lower(term, into: &statements, scope)
      append(.truthy(value), location, &statements)
    }
  }

  private func lowerCallExpression(
    _ callee: Term, _ arguments: [Term], at location: Location, into statements: inout [CoreStatement],
    _ scope: Scope
  ) {
    switch callee.operatorName {
    case "assign" where arguments.count == 2:
      let value = lowerAssigned(arguments[1], into: &statements, scope)
      declare(arguments[0], .assigned, scope)
      var targetStatements: [CoreStatement] = []
      let target = lower(arguments[0], into: &targetStatements, scope)
      switch arguments[0].kind {
      case .variable, .array, .object: break
      default:
        errors.append(
          RegoError(.compile, "cannot assign to \(arguments[0].kindName)", at: arguments[0].location))
      }
      statements += targetStatements
      switch value {
      case .lowered(let value): append(.unify(target, value), location, &statements)
      case .pending(let finish): finish(target, &statements)
      }
    case "eq" where arguments.count == 2:
      if arguments[0].isComputed {
        let pattern = lower(arguments[1], into: &statements, scope)
        unify(arguments[0], with: pattern, at: location, into: &statements, scope)
      } else if !arguments[1].isComputed {
        let left = lower(arguments[0], into: &statements, scope)
        append(.unify(left, lower(arguments[1], into: &statements, scope)), location, &statements)
      } else {
        let pattern = lower(arguments[0], into: &statements, scope)
        unify(arguments[1], with: pattern, at: location, into: &statements, scope)
      }
    case "print"
    where builtins["print"] == nil && lookup("print", scope) == nil && module.global("print") == nil:
      let operands = arguments.map {
        valuesOf(Expression(.term($0), location: $0.location), into: &statements, scope)
      }
      append(.print(operands), location, &statements)
    default:
      lowerCall(callee, arguments, output: nil, at: location, into: &statements, scope)
    }
  }

  private enum Assigned {
    case lowered(CoreTerm)
    case pending((CoreTerm, inout [CoreStatement]) -> Void)
  }

  /// The right side of `:=`, lowered before the left side is declared.
  private func lowerAssigned(_ term: Term, into statements: inout [CoreStatement], _ scope: Scope) -> Assigned
  {
    switch term.kind {
    case .reference(let head, let operands):
      let reference = lowerReference(head, operands, at: term.location, into: &statements, scope)
      return .pending { target, statements in
        self.append(.reference(reference, output: target), term.location, &statements)
      }
    default: return .lowered(lower(term, into: &statements, scope))
    }
  }

  // MARK: Calls

  /// Number of operands of what a callee names; nil where it names nothing callable.
  func arity(of callee: Term, _ scope: Scope) -> Int? {
    switch resolve(callee, scope) {
    case .builtin(let name): builtins[name]?.parameters.count
    case .function(let path): tree.find(path)?.definitions.first?.rule.head.arguments?.count
    case nil: nil
    }
  }

  /// The function or builtin that a name denotes.
  func resolve(_ callee: Term, _ scope: Scope) -> CoreCallee? {
    if let path = globalPath(callee), let node = tree.find(path),
      node.definitions.contains(where: { $0.rule.head.arguments != nil })
    {
      return .function(path)
    }
    if let name = callee.dottedName, builtins[name] != nil { return .builtin(name) }
    return nil
  }

  private func globalPath(_ callee: Term) -> [RegoString]? {
    switch callee.kind {
    case .variable(let name):
      if case .data(let path) = global(name) { return path }
    case .reference(let head, let operands):
      guard case .variable(let name) = head.kind, case .data(var path) = global(name) else {
        return nil
      }
      for operand in operands {
        guard case .string(let part) = operand.kind else { return nil }
        path.append(part)
      }
      return path
    default: break
    }
    return nil
  }

  func lowerCall(
    _ callee: Term, _ arguments: [Term], output: CoreTerm?, at location: Location,
    into statements: inout [CoreStatement], _ scope: Scope
  ) {
    switch callee.dottedName {
    case "rego.metadata.rule" where arguments.isEmpty:
      append(
        .unify(.constant(metadataRule), untyped(output) ?? .constant(metadataRule)), location, &statements)
      return
    case "rego.metadata.chain" where arguments.isEmpty:
      append(
        .unify(.constant(metadataChain), untyped(output) ?? .constant(metadataChain)), location, &statements)
      return
    // `=` within a term compares, as `eq` does.
    case "eq", "assign":
      if arguments.count == 2 {
        let operands = arguments.map { lower($0, into: &statements, scope) }
        append(.call(.builtin("equal"), operands, output: output), location, &statements)
        return
      }
    default: break
    }
    if arguments.isEmpty, let path = globalPath(callee), let group = tree.find(path),
      group.definitions.contains(where: { $0.rule.head.arguments == nil })
    {
      let operands = path.map { CoreTerm.constant(.string($0)) }
      append(
        .reference(CoreReference(head: .data, operands: operands), output: output), location, &statements)
      return
    }
    guard let target = resolve(callee, scope), let arity = arity(of: callee, scope) else {
      let name = globalPath(callee).map(RuleTree.name) ?? callee.dottedName ?? "call"
      errors.append(RegoError(.type, "undefined function \(name)", at: location))
      return
    }
    var operands = arguments.map { lower($0, into: &statements, scope) }
    var output = output
    if operands.count == arity + 1, output == nil {
      output = operands.removeLast()
    } else if operands.count != arity {
      errors.append(arityError(target, operands, hasOutput: output != nil, arity: arity, at: location))
      return
    }
    check(target, at: location)
    append(.call(target, operands, output: output), location, &statements)
  }

  /// The call's output, marked so that no type is inferred for it.
  private func untyped(_ output: CoreTerm?) -> CoreTerm? {
    if case .local(let local)? = output { markUntyped(local) }
    return output
  }

  /// Reports a builtin that must not be called.
  private func check(_ target: CoreCallee, at location: Location) {
    guard case .builtin(let name) = target else { return }
    checkAllowed(name, at: location)
    if isStrict, builtins[name]?.isDeprecated == true {
      errors.append(
        RegoError(.type, "deprecated built-in function calls in expression: \(name)", at: location))
    }
  }

  func checkAllowed(_ builtin: String, at location: Location) {
    guard let reason = refusedBuiltins[builtin] else { return }
    errors.append(
      RegoError(.type, "unsafe built-in function calls in expression: \(builtin): \(reason)", at: location))
  }

  private func arityError(
    _ target: CoreCallee, _ operands: [CoreTerm], hasOutput: Bool, arity: Int, at location: Location
  ) -> RegoError {
    switch target {
    case .function(let path):
      let count = operands.count
      return RegoError(
        .type,
        "function \(RuleTree.name(path)) has arity \(arity), got \(count) argument\(count == 1 ? "" : "s")",
        at: location)
    case .builtin(let name):
      let have =
        operands.map { $0.constant.map { StaticType($0) } ?? .unknown } + (hasOutput ? [.unknown] : [])
      var error = RegoError(.type, "\(name): arity mismatch", at: location)
      error.details = [
        "have: (\(StaticType.list(have)))", "want: \(builtins[name]?.operandList(withResult: false) ?? "")",
      ]
      return error
    }
  }

  /// The value of an operator on constants, for `-1` in a parameter's pattern.
  func constantFold(_ callee: Term, _ arguments: [Term]) -> Value? {
    guard callee.operatorName == "minus", arguments.count == 1, case .number(let number) = arguments[0].kind
    else {
      return nil
    }
    return Number(json: "-" + number.description).map(Value.number)
  }
}

extension Term {
  /// Whether the term's value takes computing: a call, a reference or a comprehension.
  var isComputed: Bool {
    switch kind {
    case .reference, .call, .arrayComprehension, .setComprehension, .objectComprehension, .template: true
    default: false
    }
  }

  var kindName: String {
    switch kind {
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
