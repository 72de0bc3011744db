/// Emits the instructions of one definition or query.
///
/// A body is a straight line of steps. Where one fails, evaluation goes on at the current failure label: the end of the
/// body or, once a loop is open, the loop's next turn. So backtracking is a jump, and the frame holds all there is to know.
struct CodeGenerator {
  let builder: ProgramBuilder
  let locals: [CoreLocal]
  private(set) var procedure = ProcedureDraft()
  /// Where each label stands; a label is what `Instruction.fail` holds until ``finish()``.
  private var labels: [Int] = []
  private(set) var bound: Set<Int> = []
  var location = Location()
  /// The path of the rule whose definition this is; nil for a query.
  var rulePath: [RegoString]?

  init(builder: ProgramBuilder, locals: [CoreLocal]) {
    self.builder = builder
    self.locals = locals
    procedure.slotCount = locals.count
  }

  // MARK: Entry

  /// Emits a rule's definition. Returns the slots that receive the arguments.
  mutating func emit(_ rule: CoreRule, groupKind: Program.Group.Kind, endsEarly: Bool) -> [Int32] {
    location = rule.location
    let end = makeLabel()
    var fail = end
    var parameterSlots: [Int32] = []
    var patterns: [(CoreTerm, Int32)] = []
    for parameter in rule.parameters {
      if case .local(let local) = parameter, !bound.contains(local) {
        bound.insert(local)
        parameterSlots.append(Int32(local))
      } else {
        let slot = makeSlot()
        parameterSlots.append(slot)
        patterns.append((parameter, slot))
      }
    }
    for (pattern, slot) in patterns { match(pattern, slot, fail) }
    let subject = emitEnter(fail)
    emit(rule.body, &fail)
    location = rule.location
    emitExit(subject, fail)
    switch groupKind {
    case .complete, .function:
      if case .value(let term) = rule.output {
        emit(
          .yieldValue, a: operand(term), b: endsEarly ? 1 : 0, c: groupKind == .function ? 1 : 0, fail: fail)
      }
    case .partialSet:
      if case .element(let term) = rule.output { emit(.yieldElement, a: operand(term), fail: fail) }
    case .partialObject:
      let path = operands(rule.suffix)
      switch rule.output {
      case .value(let term):
        emit(.yieldEntry, a: operand(term), b: 0, c: path.start, d: path.count, fail: fail)
      case .element(let term):
        emit(.yieldEntry, a: operand(term), b: 1, c: path.start, d: path.count, fail: fail)
      }
    }
    emitRedo(subject, fail)
    emit(.jump, fail: fail)
    place(end)
    emit(.end)
    finish()
    return parameterSlots
  }

  /// Emits a query that yields rows of the given terms.
  mutating func emit(query body: CoreBody, columns: [CoreTerm], at location: Location) {
    self.location = location
    let end = makeLabel()
    var fail = end
    let subject = emitEnter(fail)
    emit(body, &fail)
    self.location = location
    emitExit(subject, fail)
    let list = operands(columns)
    emit(.yieldRow, c: list.start, d: list.count, fail: fail)
    emitRedo(subject, fail)
    emit(.jump, fail: fail)
    place(end)
    emit(.end)
    finish()
  }

  private mutating func finish() {
    for index in procedure.code.indices {
      procedure.code[index].fail = Int32(labels[Int(procedure.code[index].fail)])
    }
  }

  // MARK: Parts

  mutating func makeLabel() -> Int32 {
    labels.append(0)
    return Int32(labels.count - 1)
  }

  mutating func place(_ label: Int32) {
    labels[Int(label)] = procedure.code.count
  }

  mutating func makeSlot() -> Int32 {
    procedure.slotCount += 1
    return Int32(procedure.slotCount - 1)
  }

  mutating func emit(
    _ operation: Instruction.Operation, a: Int32 = 0, b: Int32 = 0, c: Int32 = 0, d: Int32 = 0,
    fail: Int32 = 0
  ) {
    var instruction = Instruction(operation: operation, a: a, b: b, c: c, d: d, fail: fail)
    if operation.computes {
      instruction.cell = Int32(procedure.cellCount)
      procedure.cellCount += 1
    }
    procedure.code.append(instruction)
    procedure.locations.append(location)
  }

  private func constant(_ value: Value) -> Int32 { ~builder.constant(value) }

  /// The operand that holds a bound term's value; composites are built first.
  mutating func operand(_ term: CoreTerm) -> Int32 {
    switch term {
    case .constant(let value): return constant(value)
    case .local(let local): return Int32(local)
    case .array(let elements):
      let list = operands(elements)
      let slot = makeSlot()
      emit(.makeArray, a: slot, c: list.start, d: list.count)
      return slot
    case .set(let elements):
      let list = operands(elements)
      let slot = makeSlot()
      emit(.makeSet, a: slot, c: list.start, d: list.count)
      return slot
    case .object(let pairs):
      let list = operands(pairs.flatMap { [$0.key, $0.value] })
      let slot = makeSlot()
      emit(.makeObject, a: slot, c: list.start, d: list.count)
      return slot
    }
  }

  mutating func operands(_ terms: [CoreTerm]) -> (start: Int32, count: Int32) {
    let list = terms.map { operand($0) }
    let start = Int32(procedure.operands.count)
    procedure.operands += list
    return (start, Int32(list.count))
  }

  /// The slot that a computed value goes to, so that matching it with the pattern costs nothing where the pattern is new.
  private mutating func destination(_ pattern: CoreTerm?) -> Int32 {
    if case .local(let local) = pattern, !bound.contains(local) { return Int32(local) }
    return makeSlot()
  }

  /// Matches the value in an operand with a pattern, binding the pattern's new locals.
  private mutating func match(_ pattern: CoreTerm, _ value: Int32, _ fail: Int32) {
    if case .local(let local) = pattern, !bound.contains(local) {
      bound.insert(local)
      if value != Int32(local) { emit(.move, a: Int32(local), b: value, fail: fail) }
      return
    }
    if pattern.isBound(bound) {
      emit(.equal, a: operand(pattern), b: value, fail: fail)
      return
    }
    switch pattern {
    case .array(let elements):
      emit(.isArray, a: value, d: Int32(elements.count), fail: fail)
      for (index, element) in elements.enumerated() {
        let slot = destination(element)
        emit(.element, a: slot, b: value, d: Int32(index), fail: fail)
        match(element, slot, fail)
      }
    case .object(let pairs):
      emit(.isObject, a: value, d: Int32(pairs.count), fail: fail)
      for (key, element) in pairs {
        let slot = destination(element)
        emit(.member, a: slot, b: value, c: operand(key), fail: fail)
        match(element, slot, fail)
      }
    case .set, .constant, .local: emit(.jump, fail: fail)
    }
  }

  // MARK: Statements

  private mutating func emit(_ body: CoreBody, _ fail: inout Int32) {
    if builder.options.isInstrumented {
      emitTraced(body, &fail)
      return
    }
    for statement in body.statements { emit(statement, &fail) }
  }

  mutating func emit(_ statement: CoreStatement, _ fail: inout Int32) {
    location = statement.location
    switch statement.kind {
    case .unify(let left, let right): emitUnify([(left, right)], fail)
    case .truthy(let term): emit(.truthy, a: operand(term), fail: fail)
    case .reference(let reference, let output): emitReference(reference, output, &fail)
    case .call(let callee, let arguments, let output): emitCall(callee, arguments, output, &fail)
    case .someIn(let key, let value, let collection):
      let scan = openScan(operand(collection), key: key, value: value, &fail)
      if let key { match(key, scan.key, fail) }
      match(value, scan.value, fail)
    case .not(let body):
      let done = makeLabel()
      var innerFail = done
      let before = bound
      emit(body, &innerFail)
      bound = before
      emit(.jump, fail: fail)
      place(done)
    case .every(let key, let value, let domain, let body):
      let iteration = makeIteration()
      emit(.scanBegin, a: iteration, b: operand(domain), fail: fail)
      let next = makeLabel()
      let done = makeLabel()
      place(next)
      emit(.scanNext, a: iteration, b: key.map(Int32.init) ?? -1, c: Int32(value), fail: done)
      let before = bound
      if let key { bound.insert(key) }
      bound.insert(value)
      var innerFail = fail
      emit(body, &innerFail)
      bound = before
      emit(.jump, fail: next)
      place(done)
    case .comprehension(let kind, let head, let body, let output):
      let collector = Int32(procedure.collectorCount)
      procedure.collectorCount += 1
      emit(.collectBegin, a: collector)
      let done = makeLabel()
      var innerFail = done
      let before = bound
      emit(body, &innerFail)
      location = statement.location
      switch kind {
      case .array, .set: emit(.collectElement, a: collector, b: operand(head[0]))
      case .object:
        emit(.collectPair, a: collector, b: operand(head[0]), c: operand(head[1]))
      }
      bound = before
      emit(.jump, fail: innerFail)
      place(done)
      emit(.collectEnd, a: Int32(output), b: collector, c: kind == .array ? 0 : kind == .set ? 1 : 2)
      bound.insert(output)
    case .with(let modifiers, let body): emitWith(modifiers, body, &fail)
    case .print(let terms):
      let list = operands(terms)
      emit(.print, c: list.start, d: list.count)
    }
  }

  private mutating func emitUnify(_ pairs: [(CoreTerm, CoreTerm)], _ fail: Int32) {
    var pending = pairs
    while !pending.isEmpty {
      var rest: [(CoreTerm, CoreTerm)] = []
      let count = pending.count
      for (left, right) in pending {
        if left.isBound(bound) {
          match(right, operand(left), fail)
        } else if right.isBound(bound) {
          match(left, operand(right), fail)
        } else if let parts = SafetyOrdering.parts(left, right), !parts.isEmpty {
          rest += parts
        } else {
          rest.append((left, right))
        }
      }
      if rest.count == count, rest.allSatisfy({ SafetyOrdering.parts($0, $1)?.isEmpty ?? true }) {
        emit(.jump, fail: fail)
        return
      }
      pending = rest
    }
  }

  private mutating func makeIteration() -> Int32 {
    procedure.iterationCount += 1
    return Int32(procedure.iterationCount - 1)
  }

  /// Opens a loop over a collection; from here on, failing means its next turn.
  private mutating func openScan(
    _ collection: Int32, key: CoreTerm?, value: CoreTerm?, _ fail: inout Int32
  ) -> (key: Int32, value: Int32) {
    let iteration = makeIteration()
    emit(.scanBegin, a: iteration, b: collection, fail: fail)
    let next = makeLabel()
    place(next)
    let keySlot = key == nil ? -1 : destination(key)
    let valueSlot = destination(value)
    emit(.scanNext, a: iteration, b: keySlot, c: valueSlot, fail: fail)
    fail = next
    return (keySlot, valueSlot)
  }

  // MARK: References

  private mutating func emitReference(_ reference: CoreReference, _ output: CoreTerm?, _ fail: inout Int32) {
    var current: Int32
    var rest = reference.operands[...]
    switch reference.head {
    case .local(let local): current = Int32(local)
    case .input:
      let run = boundRun(&rest)
      current = rest.isEmpty ? destination(output) : makeSlot()
      let list = operands(run)
      emit(.inputPath, a: current, c: list.start, d: list.count, fail: fail)
    case .data:
      guard let slot = emitDataPrefix(&rest, output, &fail) else { return }
      current = slot
    }
    while !rest.isEmpty {
      let run = boundRun(&rest)
      if !run.isEmpty {
        let slot = rest.isEmpty ? destination(output) : makeSlot()
        let list = operands(run)
        emit(.path, a: slot, b: current, c: list.start, d: list.count, fail: fail)
        current = slot
      } else if let pattern = rest.popFirst() {
        let scan = openScan(current, key: pattern, value: rest.isEmpty ? output : nil, &fail)
        match(pattern, scan.key, fail)
        current = scan.value
      }
    }
    finishReference(current, output, fail)
  }

  private mutating func finishReference(_ current: Int32, _ output: CoreTerm?, _ fail: Int32) {
    if let output { match(output, current, fail) } else { emit(.truthy, a: current, fail: fail) }
  }

  /// Takes the leading operands whose values are known.
  private func boundRun(_ rest: inout ArraySlice<CoreTerm>) -> [CoreTerm] {
    var run: [CoreTerm] = []
    while let operand = rest.first, operand.isBound(bound) {
      run.append(operand)
      rest.removeFirst()
    }
    return run
  }

  /// Emits what leads from `data` to a value: a rule's document, a base document, or a walk over both.
  private mutating func emitDataPrefix(
    _ rest: inout ArraySlice<CoreTerm>, _ output: CoreTerm?, _ fail: inout Int32
  ) -> Int32? {
    var node = builder.tree.root
    var depth = rest.startIndex
    while depth < rest.endIndex, case .constant(.string(let part)) = rest[depth],
      let child = node.children[part]
    {
      node = child
      depth += 1
      if node.group != nil { break }
    }
    if let group = node.group {
      rest = rest[depth...]
      let slot = rest.isEmpty ? destination(output) : makeSlot()
      emit(.rule, a: slot, b: Int32(group), fail: fail)
      return slot
    }
    let leavesRules =
      node.children.isEmpty && (node === builder.tree.root || depth < rest.endIndex)
      || depth < rest.endIndex && rest[depth].constant.map { !builder.hasChild(node, $0) } ?? false
    if leavesRules {
      let run = boundRun(&rest)
      let slot = rest.isEmpty ? destination(output) : makeSlot()
      let list = operands(run)
      emit(.dataPath, a: slot, c: list.start, d: list.count, fail: fail)
      return slot
    }
    // Which rules are meant is known only at run time.
    rest = rest[depth...]
    var cursor = makeCursor()
    emit(.cursorBegin, a: cursor, b: builder.nodeIndex(node))
    while let operand = rest.popFirst() {
      let target = makeCursor()
      if operand.isBound(bound) {
        emit(.cursorStep, a: target, b: cursor, c: self.operand(operand), fail: fail)
      } else {
        let iteration = makeIteration()
        emit(.cursorScanBegin, a: iteration, b: cursor, fail: fail)
        let next = makeLabel()
        place(next)
        let key = destination(operand)
        emit(.cursorScanNext, a: iteration, b: key, c: target, d: cursor, fail: fail)
        fail = next
        match(operand, key, fail)
      }
      cursor = target
    }
    let slot = destination(output)
    emit(.cursorValue, a: slot, b: cursor, fail: fail)
    return slot
  }

  private mutating func makeCursor() -> Int32 {
    procedure.cursorCount += 1
    return Int32(procedure.cursorCount - 1)
  }

  // MARK: Calls

  private static let comparisons: [String: Instruction.Operation] = [
    "equal": .equal, "neq": .notEqual, "lt": .less, "lte": .lessOrEqual, "gt": .greater,
    "gte": .greaterOrEqual,
    "internal.member_2": .contains,
  ]

  private mutating func emitCall(
    _ callee: CoreCallee, _ arguments: [CoreTerm], _ output: CoreTerm?, _ fail: inout Int32
  ) {
    switch callee {
    case .builtin(let name):
      if output == nil, arguments.count == 2, let comparison = CodeGenerator.comparisons[name],
        !builder.mockedBuiltins.contains(name)
      {
        emit(comparison, a: operand(arguments[0]), b: operand(arguments[1]), fail: fail)
        return
      }
      if let result = folded(name, arguments) {
        finishReference(constant(result), output, fail)
        return
      }
      let list = operands(arguments)
      emitNote(name, list, fail)
      if Builtin.relations.contains(name) {
        let result = makeSlot()
        emit(.callBuiltin, a: result, b: builder.builtin(name), c: list.start, d: list.count, fail: fail)
        let scan = openScan(result, key: nil, value: output, &fail)
        finishReference(scan.value, output, fail)
        return
      }
      let slot = destination(output)
      emit(.callBuiltin, a: slot, b: builder.builtin(name), c: list.start, d: list.count, fail: fail)
      finishReference(slot, output, fail)
    case .function(let path):
      let list = operands(arguments)
      let slot = destination(output)
      emit(.callFunction, a: slot, b: builder.functionGroup(path), c: list.start, d: list.count, fail: fail)
      finishReference(slot, output, fail)
    }
  }

  /// Builtins whose result on constants is computed once and for all: cheap ones that depend on nothing else.
  private static let foldable: Set<String> = [
    "concat", "sprintf", "lower", "upper", "replace", "split", "plus", "minus", "mul",
  ]

  /// The result of a call that is the same in every evaluation; nil where it is not, or where there is none.
  private func folded(_ name: String, _ arguments: [CoreTerm]) -> Value? {
    guard CodeGenerator.foldable.contains(name), !builder.mockedBuiltins.contains(name),
      let builtin = builder.registry[name], builtin.parameters.count == arguments.count
    else { return nil }
    let values = arguments.compactMap(\.constant)
    guard values.count == arguments.count else { return nil }
    return try? builtin.call(values, BuiltinContext(nowNanoseconds: 0))
  }

  // MARK: with

  private mutating func emitWith(_ modifiers: [CoreWith], _ body: CoreBody, _ fail: inout Int32) {
    let index = Int32(procedure.withCount)
    procedure.withCount += 1
    var terms: [CoreTerm] = []
    var targets: [Program.WithTarget] = []
    for modifier in modifiers {
      targets.append(builder.withTarget(modifier))
      if case .term(let term) = modifier.replacement { terms.append(term) }
    }
    let list = operands(terms)
    let exit = makeLabel()
    emit(.withPush, a: index, b: builder.withDescriptor(targets), c: list.start, d: list.count)
    var innerFail = exit
    emit(body, &innerFail)
    emit(.withPop)
    let goOn = makeLabel()
    emit(.jump, fail: goOn)
    place(exit)
    emit(.withPop)
    emit(.jump, fail: fail)
    if innerFail != exit {
      // A loop within goes on under the modifiers when something after fails.
      let resume = makeLabel()
      place(resume)
      emit(.withResume, a: index)
      emit(.jump, fail: innerFail)
      fail = resume
    }
    place(goOn)
  }
}
