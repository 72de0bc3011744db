/// Compiles modules and queries into a ``Program``: names, safety, order of evaluation and code.
public struct RegoCompiler: Sendable {
  public struct Options: Sendable {
    public var builtins: BuiltinRegistry = .standard
    /// Shares equal strings between programs and inventories.
    public var interner = StringInterner()
    /// Whether the program tells which expressions it evaluates, for coverage and traces.
    public var isInstrumented = false
    /// The package whose rules queries can name as they are, without the leading `data`.
    public var queryPackage: [RegoString] = []
    /// What queries import.
    public var queryImports: [Import] = []
    /// Whether unused imports, variables and parameters, and calls of deprecated builtins are errors too (OPA documentation,
    /// "Strict Mode").
    public var isStrict = false
    /// Builtins that programs must not use, each with what the error says about that.
    public var refusedBuiltins: [String: String] = [:]
    /// The texts of modules and queries by the files that their locations name, for errors to quote; programs do not keep them.
    public var sources: [String: String] = [:]
    /// How many errors are reported at most; where there are more, one more error says so. Nil for all.
    public var errorLimit: Int? = 10

    public init() {}
  }

  public var options: Options

  public init(_ options: Options = Options()) {
    self.options = options
  }

  /// Compiles modules, and queries against them.
  ///
  /// - Throws: the errors found, in the order of the sources, as many as ``Options/errorLimit`` allows.
  public func compile(_ modules: [Module], queries: [Body] = []) throws(RegoErrors) -> Program {
    do throws(RegoErrors) {
      return try checkAndCompile(modules, queries: queries)
    } catch {
      throw error.quoting(options.sources)
    }
  }

  private func checkAndCompile(_ modules: [Module], queries: [Body]) throws(RegoErrors) -> Program {
    var checks = ModuleChecks(isStrict: options.isStrict)
    for module in modules { checks.check(module) }
    var errors = checks.errors
    // No tree is made of paths that are too long for it.
    if checks.hasLongPaths { throw RegoErrors(errors, limit: options.errorLimit) }
    let tree = RuleTree(modules: modules, errors: &errors)
    if !errors.isEmpty { throw RegoErrors(errors, limit: options.errorLimit) }
    var compilation = Compilation(modules: modules, tree: tree, options: options)
    let program = compilation.compile(queries: queries)
    guard let program else { throw RegoErrors(compilation.errors, limit: options.errorLimit) }
    return program
  }
}

/// One run of the compiler.
private struct Compilation {
  let modules: [Module]
  let tree: RuleTree
  let builder: ProgramBuilder
  let scopes: [ModuleScope]
  let queryScope: ModuleScope
  let metadata: MetadataChain
  var errors: [RegoError] = []
  /// What each group reads of the input, and what the queries do.
  var reaches: [GroupReach]
  var queryReach = GroupReach()
  /// For each module the names beyond its rules' variables that it uses.
  private var usedGlobals: [Set<String>]
  var dependencies: DependencyGraph

  init(modules: [Module], tree: RuleTree, options: RegoCompiler.Options) {
    self.modules = modules
    self.tree = tree
    builder = ProgramBuilder(tree: tree, registry: options.builtins, options: options)
    var names: [[RegoString]: Set<String>] = [:]
    for module in modules {
      for rule in module.rules {
        if case .variable(let name)? = rule.head.reference.first?.kind {
          names[module.package.path, default: []].insert(name)
        }
      }
    }
    scopes = modules.map {
      ModuleScope($0, rules: names[$0.package.path] ?? [], isStrict: options.isStrict)
    }
    usedGlobals = Array(repeating: [], count: modules.count)
    queryScope = ModuleScope(
      package: options.queryPackage, imports: options.queryImports, rules: names[options.queryPackage] ?? [])
    metadata = MetadataChain(modules)
    dependencies = DependencyGraph(count: tree.groups.count)
    reaches = Array(repeating: GroupReach(), count: tree.groups.count)
  }

  /// A definition between lowering and code generation.
  private struct Pending {
    var chain: [CoreRule]
    var isDefault: Bool
  }

  mutating func compile(queries: [Body]) -> Program? {
    var pending: [[Pending]] = []
    for (group, node) in tree.groups.enumerated() {
      pending.append(node.definitions.map { lower($0, group: group) })
    }
    let loweredQueries = queries.map { lowerQuery($0) }
    if builder.options.isStrict, errors.isEmpty { checkImports() }
    checkRecursion()
    if !errors.isEmpty { return nil }
    checkTypes(pending, queries: loweredQueries)
    if errors.isEmpty { checkNesting(pending) }
    if !errors.isEmpty { return nil }

    var groups: [Program.Group] = []
    for (index, node) in tree.groups.enumerated() { groups.append(generate(node, pending[index])) }
    let compiledQueries = zip(loweredQueries, queries).map { generate($0, $1) }
    return Program(
      constants: builder.constants, groups: groups, nodes: builder.nodes, procedures: builder.procedures,
      builtins: builder.builtins, withDescriptors: builder.withDescriptors, queries: compiledQueries,
      reaches: reaches.map { $0.interned(by: builder.options.interner) },
      queryReach: queryReach.interned(by: builder.options.interner), traceSubjects: builder.traceSubjects)
  }

  // MARK: Lowering

  private mutating func lower(_ definition: RuleTree.Definition, group: Int) -> Pending {
    let parameters = definition.rule.head.arguments ?? []
    var chain: [CoreRule] = []
    var isSound = true
    var unused: Set<String>?
    var rule: Rule? = definition.rule
    while let current = rule {
      let lowering = Lowering(module: scopes[definition.module], tree: tree, options: builder.options)
      (lowering.metadataRule, lowering.metadataChain) = metadata.values(
        of: definition.rule, module: definition.module)
      var core = lowering.rule(current, suffix: definition.suffix, parameters: parameters)
      errors += lowering.errors
      isSound = isSound && lowering.errors.isEmpty
      if lowering.errors.isEmpty { order(&core) }
      usedGlobals[definition.module].formUnion(lowering.usedGlobals)
      unused = unused?.intersection(lowering.unusedParameters) ?? lowering.unusedParameters
      note(&core, group: group)
      chain.append(core)
      rule = current.elseBranch.first
    }
    if builder.options.isStrict, isSound {
      for name in (unused ?? []).sorted() {
        errors.append(
          RegoError(
            .compile, "unused argument \(name). (hint: use _ (wildcard variable) instead)",
            at: definition.rule.head.location))
      }
    }
    return Pending(chain: chain, isDefault: definition.rule.isDefault)
  }

  private mutating func order(_ rule: inout CoreRule) {
    var ordering = SafetyOrdering(locals: rule.locals)
    var bound: Set<Int> = []
    for parameter in rule.parameters { parameter.forEachLocal { bound.insert($0) } }
    rule.body = ordering.order(rule.body, bound: &bound)
    switch rule.output {
    case .value(let term), .element(let term): ordering.reportUnbound(term, bound: bound)
    }
    for term in rule.suffix { ordering.reportUnbound(term, bound: bound) }
    errors += ordering.errors
  }

  private mutating func lowerQuery(_ body: Body) -> Lowering.Query {
    let lowering = Lowering(module: queryScope, tree: tree, options: builder.options)
    var query = lowering.query(body)
    errors += lowering.errors
    if lowering.errors.isEmpty {
      var ordering = SafetyOrdering(locals: query.locals)
      var bound: Set<Int> = []
      query.body = ordering.order(query.body, bound: &bound)
      errors += ordering.errors
    }
    note(query.body, group: nil)
    var reach = InputReach()
    reach.visit(query.body)
    for term in query.captures { if let term { reach.use(term) } }
    for variable in query.variables { reach.use(.local(variable.local)) }
    add(reach, to: &queryReach)
    return query
  }

  private mutating func checkImports() {
    for (index, module) in modules.enumerated() {
      for declaration in module.imports {
        guard let name = declaration.name, !usedGlobals[index].contains(name.string) else { continue }
        errors.append(RegoError(.compile, "\(declaration.text) unused", at: declaration.location))
      }
    }
  }

  // MARK: Dependencies

  private mutating func note(_ rule: inout CoreRule, group: Int) {
    note(rule.body, group: group)
    var reach = InputReach(parameters: rule.parameters)
    reach.visit(definition: rule.body)
    rule.requirements = reach.requirements
    switch rule.output {
    case .value(let term), .element(let term): reach.use(term)
    }
    for term in rule.suffix { reach.use(term) }
    add(reach, to: &reaches[group])
  }

  private func add(_ found: InputReach, to reach: inout GroupReach) {
    var found = found
    reach.paths.formUnion(found.finish())
    for mention in found.mentions {
      let groups =
        switch mention.target {
        case .data(let operands): groups(of: operands)
        case .function(let path): [tree.find(path)?.group].compactMap(\.self)
        }
      for group in groups { reach.mentions.insert(GroupReach.Mention(group: group, guards: mention.guards)) }
    }
  }

  /// The groups that a reference into `data` can denote, or reach into.
  private func groups(of operands: [CoreTerm]) -> [Int] {
    var nodes = [tree.root]
    for operand in operands {
      nodes = nodes.flatMap { node -> [RuleTree.Node] in
        if node.group != nil { return [node] }
        if let constant = operand.constant {
          guard case .string(let key) = constant, let child = node.children[key] else { return [] }
          return [child]
        }
        return Array(node.children.values)
      }
    }
    var groups: [Int] = []
    while let node = nodes.popLast() {
      if let group = node.group { groups.append(group) }
      nodes += node.children.values
    }
    return groups
  }

  private mutating func note(_ body: CoreBody, group: Int?) {
    for statement in body.statements {
      switch statement.kind {
      case .reference(let reference, _) where reference.head == .data:
        noteReference(reference, group: group)
      case .call(.function(let path), _, _):
        if let group, let target = tree.find(path)?.group { dependencies.add(target, to: group) }
      case .not(let body), .comprehension(_, _, let body, _), .every(_, _, _, let body):
        note(body, group: group)
      case .with(let modifiers, let body):
        for modifier in modifiers {
          if case .builtin(let name) = modifier.target { builder.mockedBuiltins.insert(name) }
          if let group, case .function(let path) = modifier.replacement, let target = tree.find(path)?.group {
            dependencies.add(target, to: group)
          }
        }
        note(body, group: group)
      default: break
      }
    }
  }

  /// A reference depends on every rule that it can denote.
  private mutating func noteReference(_ reference: CoreReference, group: Int?) {
    guard let group else { return }
    for target in groups(of: reference.operands)
    where !tree.groups[target].definitions.contains(where: { $0.rule.head.arguments != nil }) {
      dependencies.add(target, to: group)
    }
  }

  private mutating func checkRecursion() {
    for cycle in dependencies.cycles(limit: builder.options.errorLimit.map { $0 + 1 } ?? 1_000) {
      let names = cycle.map { RuleTree.name(tree.groups[$0].path) }
      errors.append(
        RegoError(
          .recursion, "rule \(names[0]) is recursive: \(names.joined(separator: " -> "))",
          at: tree.groups[cycle[0]].definitions.first?.rule.location))
    }
  }

  // MARK: Types

  /// Checks every group after those that it depends on, then the queries.
  private mutating func checkTypes(_ pending: [[Pending]], queries: [Lowering.Query]) {
    let environment = TypeEnvironment(tree: tree, options: builder.options)
    for group in dependencies.order {
      let isFunction = tree.groups[group].definitions.contains { $0.rule.head.arguments != nil }
      var type = StaticType.unknown
      for rule in pending[group].flatMap(\.chain) {
        var checker = TypeChecker(environment: environment, locals: rule.locals)
        let made = checker.check(rule, isFunction: isFunction)
        errors += checker.errors
        type = type.merged(with: made ?? .any)
      }
      environment.define(group, type)
    }
    for query in queries {
      var checker = TypeChecker(environment: environment, locals: query.locals)
      checker.check(query.body)
      errors += checker.errors
    }
  }

  /// Checks every group after those that it depends on.
  private mutating func checkNesting(_ pending: [[Pending]]) {
    var check = NestingCheck(tree: tree, builtins: builder.options.builtins)
    for group in dependencies.order {
      for rule in pending[group].flatMap(\.chain)
      where check.exceeds(rule, of: group, groups: { groups(of: $0) }) {
        errors.append(
          RegoError(
            .compile, "values are nested more than \(NestingCheck.maximumDepth) deep", at: rule.location))
        return
      }
    }
  }

  // MARK: Code

  private func generate(_ node: RuleTree.Node, _ pending: [Pending]) -> Program.Group {
    let first = node.definitions.first
    let kind: Program.Group.Kind =
      if node.definitions.contains(where: { !$0.suffix.isEmpty }) {
        .partialObject
      } else if first?.rule.head.arguments != nil {
        .function
      } else if first?.rule.head.key != nil {
        .partialSet
      } else {
        .complete
      }
    var group = Program.GroupDraft(path: node.path, kind: kind)
    group.arity = first?.rule.head.arguments?.count ?? 0
    let outputs = pending.filter { !$0.isDefault }.flatMap(\.chain).map { rule -> Value? in
      if case .value(let term) = rule.output { term.constant } else { nil }
    }
    if kind == .complete || kind == .function, let value = outputs.first ?? nil {
      group.endsEarly = outputs.allSatisfy { $0 == value }
    }
    if kind == .complete, pending.count == 1, pending[0].chain.count == 1,
      pending[0].chain[0].body.statements.isEmpty, !builder.options.isInstrumented
    {
      group.constant = outputs.first ?? nil
    }
    if !builder.options.isInstrumented {
      group.index = RuleIndex(
        pending.filter { !$0.isDefault }.map { $0.chain.count == 1 ? $0.chain[0].requirements : [] })
    }
    for definition in pending {
      let chain = definition.chain.map { rule in
        var generator = CodeGenerator(builder: builder, locals: rule.locals)
        generator.rulePath = node.path
        let slots = generator.emit(rule, groupKind: kind, endsEarly: group.endsEarly)
        builder.procedures.append(Procedure(generator.procedure))
        return Program.Definition(procedure: builder.procedures.count - 1, parameterSlots: slots)
      }
      if definition.isDefault { group.fallback = chain[0] } else { group.definitions.append(chain) }
    }
    return Program.Group(group)
  }

  private func generate(_ query: Lowering.Query, _ body: Body) -> Program.Query {
    var generator = CodeGenerator(builder: builder, locals: query.locals)
    var columns = query.variables.map { CoreTerm.local($0.local) }
    var captures: [Int?] = []
    for capture in query.captures {
      if let capture {
        captures.append(columns.count)
        columns.append(capture)
      } else {
        captures.append(nil)
      }
    }
    generator.emit(query: query.body, columns: columns, at: body.location)
    builder.procedures.append(Procedure(generator.procedure))
    return Program.Query(
      procedure: builder.procedures.count - 1, variables: query.variables.map(\.name), captures: captures,
      locations: body.expressions.map(\.location))
  }
}
