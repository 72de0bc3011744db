import CWorkBudget

/// Runs procedures: one evaluation's state. Not shared between threads.
final class Machine {
  /// What the procedures of one document yield.
  struct Yield {
    var value: Value?
    /// What a document or query of several parts has so far.
    var parts: Parts?

    final class Parts {
      @exclusivity(unchecked) var elements: [Value] = []
      var tree: DocumentBuilder?
      var rows: [[Value]] = []
    }
  }

  let program: Program
  let tables: ProgramTables
  let context: BuiltinContext
  let limits: EvaluationLimits
  let strictBuiltinErrors: Bool
  let printer: ((String, Location) -> Void)?
  var tracer: Tracer?
  var builtinErrors: [RegoError] = []

  private(set) var scope: Scope
  // Of the scope, so that looking something up asks nothing of it.
  @exclusivity(unchecked) private(set) var input: Place?
  @exclusivity(unchecked) private(set) var data: Place
  @exclusivity(unchecked) private(set) var states: UnsafeMutablePointer<Scope.State>
  @exclusivity(unchecked) private(set) var documents: UnsafeMutablePointer<Value>
  @exclusivity(unchecked) private(set) var hasMocks = false

  let memory = FrameMemory()
  @exclusivity(unchecked) private(set) var depth = 0
  @exclusivity(unchecked) private var steps = 0
  @exclusivity(unchecked) private var nextCheck = 256
  /// Bytes, roughly, of what was collected so far.
  @exclusivity(unchecked) private var collectedBytes = 0

  init(
    program: Program, input: Value?, data: Value, context: BuiltinContext, limits: EvaluationLimits,
    strictBuiltinErrors: Bool, printer: ((String, Location) -> Void)?
  ) {
    self.program = program
    tables = program.tables
    self.context = context
    self.limits = limits
    self.strictBuiltinErrors = strictBuiltinErrors
    self.printer = printer
    let scope = Scope(input: input, data: data, groupCount: program.groups.count)
    self.scope = scope
    self.input = scope.input
    self.data = scope.data
    states = scope.states
    documents = scope.documents
  }

  /// Has everything from here on see another scope.
  func enter(_ scope: Scope) {
    self.scope = scope
    input = scope.input
    data = scope.data
    states = scope.states
    documents = scope.documents
    hasMocks = scope.hasMocks
  }

  // MARK: Budget

  /// Counts work done, and ends the evaluation when its budget is spent.
  @inline(__always)
  func tick(_ location: @autoclosure () -> Location?) throws(RegoError) {
    steps &+= 1
    if steps >= nextCheck { try check(location()) }
  }

  @inline(never)
  private func check(_ location: Location?) throws(RegoError) {
    nextCheck = steps + 256
    if work_budget_is_spent() { throw Machine.outOfTime(at: location) }
    if steps > limits.steps {
      throw RegoError(.cancelled, "evaluation took more than \(limits.steps) steps", at: location)
    }
    if collectedBytes > limits.memory {
      throw RegoError(.cancelled, "evaluation holds more than \(limits.memory) bytes", at: location)
    }
    if let deadline = limits.deadline, ContinuousClock.now >= deadline {
      throw Machine.outOfTime(at: location)
    }
  }

  private static func outOfTime(at location: Location?) -> RegoError {
    RegoError(.cancelled, "caller cancelled query execution", at: location)
  }

  /// Evaluates with bounds for what cannot fail, such as comparing values: where these are reached, whatever came of it counts
  /// for nothing.
  func withinBudget<Result>(_ evaluate: () throws(RegoError) -> Result) throws(RegoError) -> Result {
    let outer = work_budget_enter(Unmanaged.passUnretained(self).toOpaque()) { owner in
      guard let owner else { return false }
      let machine = Unmanaged<Machine>.fromOpaque(owner).takeUnretainedValue()
      guard let deadline = machine.limits.deadline, ContinuousClock.now >= deadline else { return false }
      machine.nextCheck = 0
      return true
    }
    let result: Result
    do throws(RegoError) {
      result = try evaluate()
    } catch {
      throw work_budget_leave(outer) ? Machine.outOfTime(at: error.location) : error
    }
    if work_budget_leave(outer) { throw Machine.outOfTime(at: nil) }
    return result
  }

  /// Counts what a builtin made, where that is large, and has the budget looked at soon.
  @inline(__always)
  func note(result: Value) throws(RegoError) {
    switch result {
    case .string(let string): if string.utf8Count > 1 << 16 { try noteLarge(string.utf8Count) }
    case .array(let elements): if elements.count > 1 << 12 { try noteLarge(elements.count &* 16) }
    default: break
    }
  }

  @inline(never)
  private func noteLarge(_ bytes: Int) throws(RegoError) {
    collectedBytes &+= bytes
    nextCheck = 0
    if bytes > BuiltinLimits.stringBytes {
      throw RegoError(.cancelled, "evaluation made a value of more than \(BuiltinLimits.stringBytes) bytes")
    }
  }

  /// Counts a value that is kept beyond the turn of a loop that made it.
  @inline(__always)
  func note(collecting value: Place) {
    collectedBytes &+= 32
    switch value.pointee {
    case .string(let string): collectedBytes &+= string.utf8Count
    case .array(let elements): collectedBytes &+= elements.count &* 16
    case .object(let object): collectedBytes &+= object.count &* 32
    case .set(let set): collectedBytes &+= set.count &* 16
    default: break
    }
  }

  // MARK: Running

  /// Runs a procedure whose arguments are at the given places; what it yields is added to `yield`.
  func run(
    _ index: Int, arguments: UnsafePointer<Place>? = nil, parameters: UnsafePointer<Int32>? = nil,
    count: Int = 0, into yield: inout Yield
  ) throws(RegoError) {
    if depth >= limits.depth {
      throw RegoError(.cancelled, "rules are nested more than \(limits.depth) deep")
    }
    depth += 1
    let table = tables.procedures + index
    let mark = memory.current
    let frame = Frame(table, constants: tables.constants, memory: memory.take(table.pointee.frameSize))
    if let arguments, let parameters {
      for position in 0..<count { frame.slots[Int(parameters[position])] = arguments[position] }
    }
    defer {
      frame.end()
      memory.release(to: mark)
      depth -= 1
    }
    if table.pointee.modifiesScope {
      let outer = scope
      defer { enter(outer) }
      try execute(frame, index, &yield)
    } else {
      try execute(frame, index, &yield)
    }
  }

  // MARK: Documents

  /// Where the document is that a group of rules defines; nil where it is undefined.
  @inline(__always)
  func document(_ index: Int, at location: @autoclosure () -> Location?) throws(RegoError) -> Place? {
    switch states[index] {
    case .defined: return Place(documents + index)
    case .undefined: return nil
    case .unknown, .running: return try newDocument(index, at: location())
    }
  }

  private func newDocument(_ index: Int, at location: Location?) throws(RegoError) -> Place? {
    if states[index] == .running {
      throw RegoError(
        .recursion, "rule \(RuleTree.name(program.groups[index].path)) is recursive", at: location)
    }
    if let constant = tables.groups[index].constant, scope.replaced.isEmpty { return constant }
    try tick(location)
    let scope = scope
    scope.states[index] = .running
    if let value = try compute(index) {
      scope.define(index, as: scope.replaced.isEmpty ? value : overlaid(value, index))
      return Place(scope.documents + index)
    }
    scope.states[index] = .undefined
    return nil
  }

  /// A `with` may replace a part within a rule's document.
  private func overlaid(_ value: Value, _ index: Int) -> Value {
    let path = program.groups[index].path
    var value = value
    for (target, replacement) in scope.replaced where target.count > path.count && target.starts(with: path) {
      value = Scope.replacing(value, target[path.count...], with: replacement)
    }
    return value
  }

  private func compute(_ index: Int) throws(RegoError) -> Value? {
    let group = tables.groups + index
    var yield = Yield()
    switch group.pointee.kind {
    case .complete:
      try runChains(of: group, index, nil, &yield)
      return yield.value
    case .partialSet:
      let parts = Yield.Parts()
      yield.parts = parts
      try runAll(group, index, &yield)
      return .set(SetValue(parts.elements))
    case .partialObject:
      let parts = Yield.Parts()
      let tree = DocumentBuilder()
      parts.tree = tree
      yield.parts = parts
      try runAll(group, index, &yield)
      return tree.build()
    case .function: return nil
    }
  }

  /// Runs every definition of a document that has several parts.
  private func runAll(_ group: UnsafePointer<GroupTable>, _ index: Int, _ yield: inout Yield)
    throws(RegoError)
  {
    if group.pointee.isIndexed, let definitions = program.groups[index].index?.definitions(for: input) {
      for number in definitions { try runAll(group.pointee.chains[number], &yield) }
    } else {
      for number in 0..<group.pointee.chainCount { try runAll(group.pointee.chains[number], &yield) }
    }
  }

  @inline(__always)
  private func runAll(_ chain: ChainTable, _ yield: inout Yield) throws(RegoError) {
    for position in 0..<chain.count { try run(chain.definitions[position].procedure, into: &yield) }
  }

  /// Runs the definitions of a complete rule or function.
  private func runChains(
    of group: UnsafePointer<GroupTable>, _ index: Int, _ arguments: UnsafePointer<Place>?,
    _ yield: inout Yield
  ) throws(RegoError) {
    if group.pointee.isIndexed, let definitions = program.groups[index].index?.definitions(for: input) {
      for number in definitions {
        try runChain(group.pointee.chains[number], arguments, group, &yield)
        if group.pointee.endsEarly, yield.value != nil { return }
      }
    } else {
      for number in 0..<group.pointee.chainCount {
        try runChain(group.pointee.chains[number], arguments, group, &yield)
        if group.pointee.endsEarly, yield.value != nil { return }
      }
    }
    if yield.value == nil, let fallback = group.pointee.fallback {
      try run(fallback, arguments, into: &yield)
    }
  }

  @inline(__always)
  private func run(
    _ definition: UnsafePointer<DefinitionTable>, _ arguments: UnsafePointer<Place>?, into yield: inout Yield
  ) throws(RegoError) {
    try run(
      definition.pointee.procedure, arguments: arguments, parameters: definition.pointee.parameterSlots,
      count: definition.pointee.parameterCount, into: &yield)
  }

  /// Runs a definition and, while they have no result, its `else` branches.
  @inline(__always)
  private func runChain(
    _ chain: ChainTable, _ arguments: UnsafePointer<Place>?, _ group: UnsafePointer<GroupTable>,
    _ yield: inout Yield
  ) throws(RegoError) {
    if chain.count == 1 { return try run(chain.definitions, arguments, into: &yield) }
    for position in 0..<chain.count {
      var own = Yield()
      try run(chain.definitions + position, arguments, into: &own)
      if let value = own.value {
        if let earlier = yield.value, earlier != value {
          let procedure = chain.definitions[position].procedure
          throw Machine.conflict(
            isFunction: group.pointee.kind == .function, at: program.procedures[procedure].locations.first)
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

  // MARK: Calls

  /// The result of a user's function; nil where it is undefined.
  func call(_ index: Int, _ arguments: UnsafePointer<Place>) throws(RegoError) -> Value? {
    try tick(nil)
    if hasMocks, let mock = scope.functionMocks[index] {
      let count = program.groups[index].arity
      return try callMock(mock, (0..<count).map { arguments[$0].pointee })
    }
    var yield = Yield()
    try runChains(of: tables.groups + index, index, arguments, &yield)
    return yield.value
  }

  private func callMock(_ mock: Program.Mock, _ arguments: [Value]) throws(RegoError) -> Value? {
    if case .value(let value) = mock { return value }
    let outer = scope
    enter(Scope(withoutMocks: outer))
    defer { enter(outer) }
    switch mock {
    case .value(let value): return value
    case .builtin(let builtin): return try call(builtin: builtin, arguments, at: nil)
    case .function(let group):
      guard let base = arguments.base else { return try withUnsafePlaces([], group) }
      return try withUnsafePlaces(arguments.indices.map { base + $0 }, group)
    }
  }

  private func withUnsafePlaces(_ places: [Place], _ group: Int) throws(RegoError) -> Value? {
    // One more, so that there is an address even of none.
    var places = places
    places.append(tables.constants)
    return try places.withUnsafeBufferPointer { (places) throws(RegoError) -> Value? in
      guard let base = places.baseAddress else { return nil }
      return try call(group, base)
    }
  }

  /// The result of a builtin; nil where it is undefined or, unless errors are strict, failed.
  func call(builtin index: Int, _ arguments: [Value], at location: Location?) throws(RegoError) -> Value? {
    try tick(location)
    if hasMocks, let mock = scope.builtinMocks[index] { return try callMock(mock, arguments) }
    let builtin = tables.builtins[index]
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
}
