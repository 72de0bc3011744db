/// Runs procedures: one evaluation's state. Not shared between threads.
final class Machine {
  /// A loop over a collection.
  struct Iteration {
    var collection: Value
    /// For a walk over documents: the keys; the collection is not used then.
    var position: Int
  }

  /// The parts of a comprehension so far.
  struct Collector {
    var elements: [Value] = []
    var keys: [Value] = []
  }

  /// A place among base and virtual documents.
  struct Cursor {
    /// The node of virtual documents; -1 where only a value is left.
    var node: Int
    var value: Value?
  }

  /// What the procedures of one document yield.
  struct Yield {
    var value: Value?
    var elements: [Value] = []
    var tree: DocumentBuilder?
    var rows: [[Value]] = []
  }

  let program: Program
  let context: BuiltinContext
  let limits: EvaluationLimits
  let strictBuiltinErrors: Bool
  let printer: ((String, Location) -> Void)?
  var tracer: Tracer?
  var scope: Scope
  var builtinErrors: [RegoError] = []

  private var slotArena = Arena<Value>(capacity: 2048)
  private var iterationArena = Arena<Iteration>(capacity: 256)
  private var collectorArena = Arena<Collector>(capacity: 64)
  private var cursorArena = Arena<Cursor>(capacity: 64)
  private(set) var depth = 0
  private var steps = 0
  private var nextCheck = 256

  init(
    program: Program, input: Value?, data: Value, context: BuiltinContext, limits: EvaluationLimits,
    strictBuiltinErrors: Bool, printer: ((String, Location) -> Void)?
  ) {
    self.program = program
    self.context = context
    self.limits = limits
    self.strictBuiltinErrors = strictBuiltinErrors
    self.printer = printer
    scope = Scope(input: input, data: data, groupCount: program.groups.count)
  }

  deinit {
    slotArena.free()
    iterationArena.free()
    collectorArena.free()
    cursorArena.free()
  }

  /// Counts work done, and ends the evaluation when its budget is spent.
  @inline(__always)
  func tick(_ location: @autoclosure () -> Location?) throws(RegoError) {
    steps &+= 1
    if steps >= nextCheck { try check(location()) }
  }

  @inline(never)
  private func check(_ location: Location?) throws(RegoError) {
    nextCheck = steps + 256
    if steps > limits.steps {
      throw RegoError(.cancelled, "evaluation took more than \(limits.steps) steps", at: location)
    }
    if let deadline = limits.deadline, ContinuousClock.now >= deadline {
      throw RegoError(.cancelled, "caller cancelled query execution", at: location)
    }
  }

  // MARK: Running

  /// Runs a procedure with its arguments in place; what it yields is added to `yield`.
  func run(
    _ index: Int, arguments: [Value] = [], parameterSlots: [Int32] = [], into yield: inout Yield
  ) throws(RegoError) {
    depth += 1
    defer { depth -= 1 }
    if depth > limits.depth { throw RegoError(.cancelled, "rules are nested more than \(limits.depth) deep") }
    let procedure = program.procedures[index]
    let slots = slotArena.take(procedure.slotCount, initial: .null)
    let iterations = iterationArena.take(
      procedure.iterationCount, initial: Iteration(collection: .null, position: 0))
    let collectors = collectorArena.take(procedure.collectorCount, initial: Collector())
    let cursors = cursorArena.take(procedure.cursorCount, initial: Cursor(node: -1, value: nil))
    let outerScope = scope
    defer {
      scope = outerScope
      cursorArena.give(cursors, procedure.cursorCount)
      collectorArena.give(collectors, procedure.collectorCount)
      iterationArena.give(iterations, procedure.iterationCount)
      slotArena.give(slots, procedure.slotCount)
    }
    for position in arguments.indices { slots[Int(parameterSlots[position])] = arguments[position] }
    try procedure.code.withUnsafeBufferPointer { (code) throws(RegoError) in
      try procedure.operands.withUnsafeBufferPointer { (operands) throws(RegoError) in
        try program.constants.withUnsafeBufferPointer { (constants) throws(RegoError) in
          guard let code = code.baseAddress else { return }
          var frame = Frame(
            machine: self, procedure: procedure, code: code, operands: operands, constants: constants,
            slots: slots,
            iterations: iterations, collectors: collectors, cursors: cursors)
          try frame.run(&yield)
        }
      }
    }
  }

  // MARK: Documents

  /// The document that a group of rules defines; nil where it is undefined.
  func document(_ index: Int, at location: @autoclosure () -> Location?) throws(RegoError) -> Value? {
    switch scope.states[index] {
    case .defined: return scope.values[index]
    case .undefined: return nil
    case .running:
      throw RegoError(
        .recursion, "rule \(RuleTree.name(program.groups[index].path)) is recursive", at: location())
    case .unknown: break
    }
    if let constant = program.groups[index].constant, scope.replaced.isEmpty { return constant }
    try tick(location())
    let scope = scope
    scope.states[index] = .running
    let value = try compute(index)
    if let value {
      scope.values[index] = overlaid(value, index)
      scope.states[index] = .defined
      return scope.values[index]
    }
    scope.states[index] = .undefined
    return nil
  }

  /// A `with` may replace a part within a rule's document.
  private func overlaid(_ value: Value, _ index: Int) -> Value {
    if scope.replaced.isEmpty { return value }
    let path = program.groups[index].path
    var value = value
    for (target, replacement) in scope.replaced where target.count > path.count && target.starts(with: path) {
      value = Scope.replacing(value, target[path.count...], with: replacement)
    }
    return value
  }

  private func compute(_ index: Int) throws(RegoError) -> Value? {
    let group = program.groups[index]
    var yield = Yield()
    switch group.kind {
    case .complete:
      for chain in group.definitions {
        try runChain(chain, arguments: [], group, &yield)
        if group.endsEarly, yield.value != nil { break }
      }
      if yield.value == nil, let fallback = group.fallback { try run(fallback.procedure, into: &yield) }
      return yield.value
    case .partialSet:
      for chain in group.definitions {
        for definition in chain { try run(definition.procedure, into: &yield) }
      }
      return .set(SetValue(yield.elements))
    case .partialObject:
      yield.tree = DocumentBuilder()
      for chain in group.definitions {
        for definition in chain { try run(definition.procedure, into: &yield) }
      }
      return yield.tree?.build() ?? .object(ObjectValue())
    case .function: return nil
    }
  }

  /// Runs a definition and, while they have no result, its `else` branches.
  private func runChain(
    _ chain: [Program.Definition], arguments: [Value], _ group: Program.Group, _ yield: inout Yield
  ) throws(RegoError) {
    if chain.count == 1 {
      try run(chain[0].procedure, arguments: arguments, parameterSlots: chain[0].parameterSlots, into: &yield)
      return
    }
    for definition in chain {
      var own = Yield()
      try run(
        definition.procedure, arguments: arguments, parameterSlots: definition.parameterSlots, into: &own)
      if let value = own.value {
        if let earlier = yield.value, earlier != value {
          throw Machine.conflict(
            isFunction: group.kind == .function, at: program.procedures[definition.procedure].locations.first)
        }
        yield.value = value
        return
      }
    }
  }

  static func conflict(isFunction: Bool, at location: Location?) -> RegoError {
    RegoError(
      .conflict,
      isFunction
        ? "functions must not produce multiple outputs for same inputs"
        : "complete rules must not produce multiple outputs", at: location)
  }

  /// The result of a user's function; nil where it is undefined.
  func call(_ index: Int, _ arguments: [Value]) throws(RegoError) -> Value? {
    try tick(nil)
    if scope.hasMocks, let mock = scope.functionMocks[index] {
      return try callMock(mock, arguments, Scope(withoutMocks: scope))
    }
    let group = program.groups[index]
    var yield = Yield()
    for chain in group.definitions {
      try runChain(chain, arguments: arguments, group, &yield)
      if group.endsEarly, yield.value != nil { break }
    }
    if yield.value == nil, let fallback = group.fallback {
      try run(fallback.procedure, arguments: arguments, parameterSlots: fallback.parameterSlots, into: &yield)
    }
    return yield.value
  }

  private func callMock(_ mock: Program.Mock, _ arguments: [Value], _ inner: Scope) throws(RegoError)
    -> Value?
  {
    switch mock {
    case .value(let value): return value
    case .builtin(let builtin):
      let outer = scope
      scope = inner
      defer { scope = outer }
      return try call(builtin: builtin, arguments, at: nil)
    case .function(let group):
      let outer = scope
      scope = inner
      defer { scope = outer }
      return try call(group, arguments)
    }
  }

  /// The result of a builtin; nil where it is undefined or, unless errors are strict, failed.
  func call(builtin index: Int, _ arguments: [Value], at location: Location?) throws(RegoError) -> Value? {
    try tick(location)
    if scope.hasMocks, let mock = scope.builtinMocks[index] {
      return try callMock(mock, arguments, Scope(withoutMocks: scope))
    }
    let builtin = program.builtins[index]
    do {
      return try builtin.call(arguments, context)
    } catch {
      try fail(error, builtin.declaration.name, location)
      return nil
    }
  }

  func fail(_ error: BuiltinError, _ builtin: String, _ location: Location?) throws(RegoError) {
    let failure: RegoError
    switch error {
    case .operand(let position, let message):
      let operand = position > 0 ? "operand \(position) " : ""
      failure = RegoError(.evaluationType, "\(builtin): \(operand)\(message)", at: location)
    case .failed(let message): failure = RegoError(.builtin, "\(builtin): \(message)", at: location)
    case .cancelled: throw RegoError(.cancelled, "caller cancelled query execution", at: location)
    }
    if strictBuiltinErrors { throw failure }
    if builtinErrors.count < 100 { builtinErrors.append(failure) }
  }

  // MARK: Walks over documents

  func step(_ cursor: Cursor, _ key: Value, at location: Location?) throws(RegoError) -> Cursor? {
    if cursor.node >= 0, case .string(let name) = key, let child = program.nodes[cursor.node].children[name] {
      if let group = program.nodes[child].group {
        if program.groups[group].kind == .function { return nil }
        guard let value = try document(group, at: location) else { return nil }
        return Cursor(node: -1, value: value)
      }
      return Cursor(node: child, value: cursor.value?.lookup(key))
    }
    guard let value = cursor.value?.lookup(key) else { return nil }
    return Cursor(node: -1, value: value)
  }

  /// The keys below a cursor, of base and virtual documents, in order.
  func keys(_ cursor: Cursor) -> [Value] {
    var keys: [Value] =
      switch cursor.value {
      case .object(let object)?: object.keys
      case .array(let elements)?: elements.indices.map { .int($0) }
      case .set(let set)?: set.elements
      default: []
      }
    if cursor.node >= 0 {
      keys = SetValue(keys + program.nodes[cursor.node].children.keys.map(Value.string)).elements
    }
    return keys
  }

  /// The whole document at a cursor: rules' documents laid over base documents.
  func value(_ cursor: Cursor) throws(RegoError) -> Value? {
    if cursor.node < 0 { return cursor.value }
    let node = program.nodes[cursor.node]
    if node.children.isEmpty { return cursor.value ?? .object(ObjectValue()) }
    var builder = ObjectBuilder()
    if case .object(let base)? = cursor.value { for (key, value) in base { builder.append(key, value) } }
    for name in node.children.keys.sorted() {
      let key = Value.string(name)
      guard let child = try step(cursor, key, at: nil), let value = try value(child) else { continue }
      builder.append(key, value)
    }
    return .object(builder.build())
  }
}
