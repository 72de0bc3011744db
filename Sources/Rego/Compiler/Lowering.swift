/// Turns a rule or a query from syntax into the compiler's middle form.
///
/// Names become locals or paths; calls, references and comprehensions within terms become statements of their own, before the
/// statement that uses them. What order they run in is decided later (``SafetyOrdering``).
final class Lowering {
  /// The variables of one body, and the bodies around it.
  final class Scope {
    let parent: Scope?
    var names: [String: Int] = [:]
    /// Names that `:=` or `some` declares in this body, and whether that has happened yet.
    var pending: [String: Location] = [:]

    init(parent: Scope?) {
      self.parent = parent
    }
  }

  let module: ModuleScope
  let tree: RuleTree
  let builtins: BuiltinRegistry
  /// The rule-level annotations that `rego.metadata.rule()` and `chain()` answer.
  var metadataRule: Value = .object(ObjectValue())
  var metadataChain: Value = .array([])
  var locals: [CoreLocal] = []
  /// The expression that is being lowered.
  var expression: CoreExpression?
  var errors: [RegoError] = []

  let isStrict: Bool
  /// Builtins that must not be called, each with what to say about that.
  let refusedBuiltins: [String: String]
  /// The module's names that have been used.
  private(set) var usedGlobals: Set<String> = []

  init(module: ModuleScope, tree: RuleTree, options: RegoCompiler.Options) {
    self.module = module
    self.tree = tree
    builtins = options.builtins
    isStrict = options.isStrict
    refusedBuiltins = options.refusedBuiltins
  }

  /// What a name means beyond the variables of the rule; notes that it is used.
  func global(_ name: String) -> ModuleScope.Global? {
    usedGlobals.insert(name)
    return module.global(name)
  }

  // MARK: Rules

  /// Lowers one definition without its `else` branches.
  func rule(_ rule: Rule, suffix: [Term], parameters: [Term]) -> CoreRule {
    locals = []
    let scope = Scope(parent: nil)
    var collector = NameCollector()
    for term in parameters { collector.collect(pattern: term) }
    // Parameters are declared: they hide rules and imports.
    for (name, location) in collector.names where scope.names[name] == nil {
      scope.names[name] = makeLocal(name, at: location, .parameter)
    }
    let parameterCount = locals.count
    let bodyScope = Scope(parent: scope)
    var names = NameCollector()
    names.collect(rule.body)
    let headTerms = parameters + suffix + [rule.head.key, rule.head.value].compactMap(\.self)
    var headNames = NameCollector()
    for term in headTerms { headNames.collect(term) }
    open(bodyScope, names: names.names + headNames.names, declared: names.declared)
    for (name, location) in names.declared.sorted(by: { $0.value.offset < $1.value.offset })
    where scope.names[name] != nil {
      errors.append(RegoError(.compile, "arg \(name) redeclared", at: location))
    }

    // A parameter that computes is compared with the argument once its variables are known.
    var statements: [CoreStatement] = []
    let loweredParameters = parameters.map { term -> CoreTerm in
      if case .call(let callee, let arguments) = term.kind, let folded = constantFold(callee, arguments) {
        return .constant(folded)
      }
      return lower(term, into: &statements, bodyScope)
    }
    lower(rule.body, into: &statements, bodyScope)
    let loweredSuffix = suffix.map { lower($0, into: &statements, bodyScope) }
    let output: CoreRule.Output
    if let key = rule.head.key {
      output = .element(lower(key, into: &statements, bodyScope))
    } else if let value = rule.head.value {
      output = .value(lower(value, into: &statements, bodyScope))
    } else {
      output = .value(.constant(.boolean(true)))
    }
    checkUsage()
    return CoreRule(
      suffix: loweredSuffix, parameters: loweredParameters, output: output,
      body: CoreBody(statements: statements, ownLocals: parameterCount..<locals.count), locals: locals,
      location: rule.location)
  }

  // MARK: Scopes and locals

  func makeLocal(
    _ name: String?, at location: Location, _ declaration: CoreLocal.Declaration? = nil
  ) -> Int {
    locals.append(CoreLocal(name: name, location: location, declaration: declaration))
    return locals.count - 1
  }

  func markUsed(_ local: Int) { locals[local].uses += 1 }

  func markUntyped(_ local: Int) { locals[local].isUntyped = true }

  /// Gives a body its variables: the declared ones, and those that nothing around it means already.
  func open(_ scope: Scope, names: [(name: String, location: Location)], declared: [String: Location]) {
    scope.pending = declared
    for (name, location) in declared.sorted(by: { $0.key < $1.key }) {
      scope.names[name] = makeLocal(name, at: location)
    }
    for (name, location) in names where scope.names[name] == nil {
      if lookup(name, scope) == nil, module.global(name) == nil {
        scope.names[name] = makeLocal(name, at: location)
      }
    }
  }

  /// The local that a name means. What a body around declares further down is not visible in a nested one yet.
  func lookup(_ name: String, _ scope: Scope) -> Int? {
    if let local = scope.names[name] { return local }
    var scope = scope.parent
    while let current = scope {
      if let local = current.names[name], current.pending[name] == nil { return local }
      scope = current.parent
    }
    return nil
  }

  /// A variable that is mentioned cannot be declared any more: its declaration, which is still to come, is the error.
  private func noteMention(_ name: String, _ scope: Scope) { scope.pending[name] = nil }

  /// Marks the variables of a declaration's pattern as declared from here on.
  func declare(_ term: Term, _ declaration: CoreLocal.Declaration, _ scope: Scope) {
    switch term.kind {
    case .variable(let name):
      if name.hasPrefix("$") { return }
      if module.forbidsShadowing, declaration == .assigned, ModuleChecks.isRoot(name) {
        errors.append(
          RegoError(
            .compile, "variables must not shadow \(name) (use a different variable name)", at: term.location))
      }
      let earlier = scope.names[name].map { locals[$0].declaration }
      if scope.pending.removeValue(forKey: name) != nil {
        if let local = scope.names[name] { locals[local].declaration = declaration }
      } else {
        let how =
          switch earlier {
          case .some(.someName), .some(.someIn), .some(.every): "declared"
          case .some(.assigned), .some(.parameter): "assigned"
          case .some(nil), nil: "referenced"
          }
        errors.append(RegoError(.compile, "var \(name) \(how) above", at: term.location))
      }
    case .array(let elements): for element in elements { declare(element, declaration, scope) }
    case .object(let pairs): for (_, value) in pairs { declare(value, declaration, scope) }
    default: break
    }
  }

  /// A scope for a nested body that mentions these names directly.
  func nestedScope(_ parent: Scope, body: Body, heads: [Term] = []) -> Scope {
    let scope = Scope(parent: parent)
    var names = NameCollector()
    names.collect(body)
    var headNames = NameCollector()
    for head in heads { headNames.collect(head) }
    open(scope, names: names.names + headNames.names, declared: names.declared)
    return scope
  }

  // MARK: Terms

  /// The term as constants and locals; what it takes to compute it is appended to `statements`.
  func lower(_ term: Term, into statements: inout [CoreStatement], _ scope: Scope) -> CoreTerm {
    switch term.kind {
    case .null: return .constant(.null)
    case .boolean(let value): return .constant(.boolean(value))
    case .number(let value): return .constant(.number(value))
    case .string(let value): return .constant(.string(value))
    case .array(let elements):
      return folded(.array(elements.map { lower($0, into: &statements, scope) }))
    case .set(let elements):
      return folded(.set(elements.map { lower($0, into: &statements, scope) }))
    case .object(let pairs):
      return folded(
        .object(
          pairs.map {
            (key: lower($0.key, into: &statements, scope), value: lower($0.value, into: &statements, scope))
          }))
    case .variable(let name):
      if let local = lookup(name, scope) {
        noteMention(name, scope)
        markUsed(local)
        mention(CoreReference(head: .local(local), operands: []), named: name, at: term.location)
        return .local(local)
      }
      return temporary(term, into: &statements, scope)
    case .reference, .call, .arrayComprehension, .setComprehension, .objectComprehension, .template:
      return temporary(term, into: &statements, scope)
    }
  }

  private func folded(_ term: CoreTerm) -> CoreTerm {
    if let value = term.constant { return .constant(value) }
    return term
  }

  private func temporary(_ term: Term, into statements: inout [CoreStatement], _ scope: Scope) -> CoreTerm {
    let local = CoreTerm.local(makeLocal(nil, at: term.location))
    unify(term, with: local, at: term.location, into: &statements, scope)
    return local
  }

  /// Appends what matches a term's value with a pattern.
  func unify(
    _ term: Term, with output: CoreTerm, at location: Location, into statements: inout [CoreStatement],
    _ scope: Scope
  ) {
    switch term.kind {
    case .variable(let name) where lookup(name, scope) == nil:
      guard let reference = globalReference(name, [], location) else { return }
      mention(reference, named: name, at: term.location)
      append(.reference(reference, output: output), location, &statements)
    case .reference(let head, let operands):
      let reference = lowerReference(head, operands, at: term.location, into: &statements, scope)
      append(.reference(reference, output: output), location, &statements)
    case .call(let callee, let arguments):
      lowerCall(callee, arguments, output: output, at: term.location, into: &statements, scope)
    case .arrayComprehension(let head, let body):
      lowerComprehension(.array, [head], body, output, location, &statements, scope)
    case .setComprehension(let head, let body):
      lowerComprehension(.set, [head], body, output, location, &statements, scope)
    case .objectComprehension(let key, let value, let body):
      lowerComprehension(.object, [key, value], body, output, location, &statements, scope)
    case .template(let parts):
      lowerTemplate(parts, output: output, at: location, into: &statements, scope)
    default:
      let lowered = lower(term, into: &statements, scope)
      append(.unify(lowered, output), location, &statements)
    }
  }

  func append(_ kind: CoreStatement.Kind, _ location: Location, _ statements: inout [CoreStatement]) {
    statements.append(CoreStatement(kind: kind, location: location))
  }

  private func globalReference(_ name: String, _ operands: [CoreTerm], _ location: Location) -> CoreReference?
  {
    switch global(name) {
    case .data(let path):
      return CoreReference(head: .data, operands: path.map { .constant(.string($0)) } + operands)
    case .input(let path):
      return CoreReference(head: .input, operands: path.map { .constant(.string($0)) } + operands)
    case nil:
      errors.append(RegoError(.unsafeVariable, "var \(name) is unsafe", at: location))
      return nil
    }
  }

  func lowerReference(
    _ head: Term, _ operands: [Term], at location: Location, into statements: inout [CoreStatement],
    _ scope: Scope
  ) -> CoreReference {
    if case .variable(let name) = head.kind {
      if let local = lookup(name, scope) {
        noteMention(name, scope)
        markUsed(local)
        let reference = CoreReference(
          head: .local(local), operands: operands.map { lower($0, into: &statements, scope) })
        mention(reference, named: name, at: location)
        return reference
      }
      let lowered = operands.map { lower($0, into: &statements, scope) }
      let reference = globalReference(name, lowered, head.location)
      if let reference { mention(reference, named: name, at: location) }
      return reference ?? CoreReference(head: .input, operands: [])
    }
    let base = lower(head, into: &statements, scope)
    let local: Int
    if case .local(let existing) = base {
      local = existing
    } else {
      local = makeLocal(nil, at: head.location)
      append(.unify(.local(local), base), head.location, &statements)
    }
    return CoreReference(head: .local(local), operands: operands.map { lower($0, into: &statements, scope) })
  }

  private func lowerComprehension(
    _ kind: ComprehensionKind, _ heads: [Term], _ body: Body, _ output: CoreTerm, _ location: Location,
    _ statements: inout [CoreStatement], _ scope: Scope
  ) {
    let target: Int
    if case .local(let local) = output { target = local } else { target = makeLocal(nil, at: location) }
    // The output may be matched before it is known, so a comprehension always fills a local of its own.
    let fresh = makeLocal(nil, at: location)
    let start = locals.count
    let inner = nestedScope(scope, body: body, heads: heads)
    var innerStatements: [CoreStatement] = []
    lower(body, into: &innerStatements, inner)
    let loweredHeads = heads.map { lower($0, into: &innerStatements, inner) }
    append(
      .comprehension(
        kind, head: loweredHeads,
        body: CoreBody(statements: innerStatements, ownLocals: start..<locals.count),
        output: fresh), location, &statements)
    append(.unify(.local(target), .local(fresh)), location, &statements)
    if case .local = output {} else { append(.unify(output, .local(target)), location, &statements) }
  }

  private func lowerTemplate(
    _ parts: [TemplatePart], output: CoreTerm, at location: Location, into statements: inout [CoreStatement],
    _ scope: Scope
  ) {
    var elements: [CoreTerm] = []
    for part in parts {
      switch part {
      case .text(let text): elements.append(.constant(.string(text)))
      case .expression(let expression):
        switch expression.kind {
        case .term(let term) where expression.withModifiers.isEmpty && term.isScalar:
          elements.append(lower(term, into: &statements, scope))
        default: elements.append(valuesOf(expression, into: &statements, scope))
        }
      }
    }
    append(
      .call(.builtin("internal.template_string"), [folded(.array(elements))], output: output), location,
      &statements)
  }

  /// The set of the values that an expression has: empty where it is undefined.
  func valuesOf(_ expression: Expression, into statements: inout [CoreStatement], _ scope: Scope) -> CoreTerm
  {
    let location = expression.location
    let term: Term
    switch expression.kind {
    case .term(let inner): term = inner
    case .call(let callee, let arguments):
      term = Term(.call(callee: callee, arguments: arguments), location: location)
    default:
      errors.append(RegoError(.compile, "expression has no value", at: location))
      return .constant(.set(SetValue()))
    }
    let fresh = makeLocal(nil, at: location)
    let start = locals.count
    let inner = nestedScope(scope, body: Body([expression], location: location))
    var innerStatements: [CoreStatement] = []
    let value = captured(term, expression, into: &innerStatements, inner)
    append(
      .comprehension(
        .set, head: [value], body: CoreBody(statements: innerStatements, ownLocals: start..<locals.count),
        output: fresh),
      location, &statements)
    return .local(fresh)
  }
}

extension Term {
  var isScalar: Bool {
    switch kind {
    case .null, .boolean, .number, .string: true
    default: false
    }
  }
}
