/// One running procedure.
struct Frame {
  let machine: Machine
  let procedure: Procedure
  let code: UnsafePointer<Instruction>
  let operands: UnsafeBufferPointer<Int32>
  let constants: UnsafeBufferPointer<Value>
  let slots: UnsafeMutablePointer<Value>
  let iterations: UnsafeMutablePointer<Machine.Iteration>
  let collectors: UnsafeMutablePointer<Machine.Collector>
  let cursors: UnsafeMutablePointer<Machine.Cursor>
  /// The scopes that `with` made, by their place in the procedure, and those outside of them.
  var withScopes: [Int32: Scope] = [:]
  var outerScopes: [Scope] = []

  @inline(__always)
  func read(_ operand: Int32) -> Value {
    operand >= 0 ? slots[Int(operand)] : constants[Int(~operand)]
  }

  private func list(_ instruction: Instruction) -> [Value] {
    let count = Int(instruction.d)
    let start = Int(instruction.c)
    return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      for position in 0..<count {
        buffer.initializeElement(at: position, to: read(operands[start + position]))
      }
      initialized = count
    }
  }

  private func location(_ counter: Int) -> Location { procedure.locations[counter] }

  /// Follows bound operands from a value; nil where that leads nowhere.
  @inline(__always)
  private func follow(_ start: Value, _ instruction: Instruction) -> Value? {
    var value = start
    for position in Int(instruction.c)..<Int(instruction.c + instruction.d) {
      guard let next = value.lookup(read(operands[position])) else { return nil }
      value = next
    }
    return value
  }

  mutating func run(_ yield: inout Machine.Yield) throws(RegoError) {
    var counter = 0
    while true {
      let instruction = code[counter]
      let here = counter
      counter += 1
      switch instruction.operation {
      case .end: return
      case .jump: counter = Int(instruction.fail)
      case .move: slots[Int(instruction.a)] = read(instruction.b)
      case .input:
        guard let input = machine.scope.input else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = input
      case .inputPath:
        guard let input = machine.scope.input, let value = follow(input, instruction) else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .dataPath:
        guard let value = follow(machine.scope.data, instruction) else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .path:
        guard let value = follow(read(instruction.b), instruction) else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .makeArray: slots[Int(instruction.a)] = .array(list(instruction))
      case .makeSet: slots[Int(instruction.a)] = .set(SetValue(list(instruction)))
      case .makeObject:
        let values = list(instruction)
        var builder = ObjectBuilder(reservingCapacity: values.count / 2)
        for position in stride(from: 0, to: values.count, by: 2) {
          builder.append(values[position], values[position + 1])
        }
        slots[Int(instruction.a)] = .object(builder.build())
      case .element:
        if case .array(let elements) = read(instruction.b) {
          slots[Int(instruction.a)] = elements[Int(instruction.d)]
        }
      case .member:
        guard case .object(let object) = read(instruction.b), let value = object[read(instruction.c)] else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .truthy: if !read(instruction.a).isTruthy { counter = Int(instruction.fail) }
      case .equal: if read(instruction.a) != read(instruction.b) { counter = Int(instruction.fail) }
      case .notEqual: if read(instruction.a) == read(instruction.b) { counter = Int(instruction.fail) }
      case .less: if read(instruction.a).compare(read(instruction.b)) >= 0 { counter = Int(instruction.fail) }
      case .lessOrEqual:
        if read(instruction.a).compare(read(instruction.b)) > 0 { counter = Int(instruction.fail) }
      case .greater:
        if read(instruction.a).compare(read(instruction.b)) <= 0 { counter = Int(instruction.fail) }
      case .greaterOrEqual:
        if read(instruction.a).compare(read(instruction.b)) < 0 { counter = Int(instruction.fail) }
      case .isArray:
        guard case .array(let elements) = read(instruction.a), elements.count == Int(instruction.d) else {
          counter = Int(instruction.fail)
          continue
        }
      case .isObject:
        guard case .object(let object) = read(instruction.a), object.count == Int(instruction.d) else {
          counter = Int(instruction.fail)
          continue
        }
      case .contains:
        if !contains(read(instruction.a), in: read(instruction.b)) { counter = Int(instruction.fail) }
      case .scanBegin:
        let collection = read(instruction.b)
        switch collection {
        case .array, .object, .set:
          iterations[Int(instruction.a)] = Machine.Iteration(collection: collection, position: 0)
        default: counter = Int(instruction.fail)
        }
      case .scanNext:
        try machine.tick(procedure.locations[here])
        if !advance(instruction) { counter = Int(instruction.fail) }
      case .collectBegin: collectors[Int(instruction.a)] = Machine.Collector()
      case .collectElement: collectors[Int(instruction.a)].elements.append(read(instruction.b))
      case .collectPair:
        collectors[Int(instruction.a)].keys.append(read(instruction.b))
        collectors[Int(instruction.a)].elements.append(read(instruction.c))
      case .collectEnd: slots[Int(instruction.a)] = try collected(instruction, at: here)
      case .callBuiltin:
        guard let value = try machine.call(builtin: Int(instruction.b), list(instruction), at: location(here))
        else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .callFunction:
        guard let value = try machine.call(Int(instruction.b), list(instruction)) else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .rule:
        guard let value = try machine.document(Int(instruction.b), at: location(here)) else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .cursorBegin:
        let node = Int(instruction.b)
        cursors[Int(instruction.a)] = Machine.Cursor(
          node: node, value: Scope.lookup(machine.scope.data, machine.program.nodes[node].path))
      case .cursorStep:
        guard
          let next = try machine.step(cursors[Int(instruction.b)], read(instruction.c), at: location(here))
        else {
          counter = Int(instruction.fail)
          continue
        }
        cursors[Int(instruction.a)] = next
      case .cursorScanBegin:
        iterations[Int(instruction.a)] = Machine.Iteration(
          collection: .array(machine.keys(cursors[Int(instruction.b)])), position: 0)
      case .cursorScanNext:
        if try !advanceCursor(instruction, at: here) { counter = Int(instruction.fail) }
      case .cursorValue:
        guard let value = try machine.value(cursors[Int(instruction.b)]) else {
          counter = Int(instruction.fail)
          continue
        }
        slots[Int(instruction.a)] = value
      case .withPush:
        let scope = Scope(
          machine.scope, targets: machine.program.withDescriptors[Int(instruction.b)],
          values: list(instruction),
          groups: machine.program.groups)
        withScopes[instruction.a] = scope
        outerScopes.append(machine.scope)
        machine.scope = scope
      case .withResume:
        outerScopes.append(machine.scope)
        if let scope = withScopes[instruction.a] { machine.scope = scope }
      case .withPop: if let outer = outerScopes.popLast() { machine.scope = outer }
      case .print: printLine(instruction, at: here)
      case .yieldValue:
        let value = read(instruction.a)
        if let earlier = yield.value {
          if earlier != value {
            throw Machine.conflict(isFunction: instruction.c == 1, at: location(here))
          }
        } else {
          yield.value = value
        }
        if instruction.b == 1 { return }
      case .yieldElement: yield.elements.append(read(instruction.a))
      case .yieldEntry:
        let path = list(instruction)
        try yield.tree?.insert(
          path[...], read(instruction.a), isElement: instruction.b == 1, at: location(here))
      case .yieldRow: yield.rows.append(list(instruction))
      case .observe: if let tracer = machine.tracer { observe(instruction, tracer) }
      }
    }
  }

  // MARK: Larger steps

  /// Calls a builtin, without a list of operands where it takes few.
  private func callBuiltin(_ instruction: Instruction, at here: Int) throws(RegoError) -> Value? {
    let builtin = machine.program.builtins[Int(instruction.b)]
    let start = Int(instruction.c)
    if machine.scope.hasMocks || Int(instruction.d) != builtin.operandCount {
      return try machine.call(builtin: Int(instruction.b), list(instruction), at: location(here))
    }
    try machine.tick(location(here))
    do {
      switch builtin.implementation {
      case .unary(let body):
        let first = read(operands[start])
        try builtin.check(first, at: 0)
        return try body(first)
      case .binary(let body):
        let first = read(operands[start])
        let second = read(operands[start + 1])
        try builtin.check(first, at: 0)
        try builtin.check(second, at: 1)
        return try body(first, second)
      case .ternary(let body):
        let first = read(operands[start])
        let second = read(operands[start + 1])
        let third = read(operands[start + 2])
        try builtin.check(first, at: 0)
        try builtin.check(second, at: 1)
        try builtin.check(third, at: 2)
        return try body(first, second, third)
      default: return try builtin.call(list(instruction), machine.context)
      }
    } catch {
      try machine.fail(error, builtin.declaration.name, location(here))
      return nil
    }
  }

  @inline(__always)
  private func advance(_ instruction: Instruction) -> Bool {
    let iteration = iterations + Int(instruction.a)
    let position = iteration.pointee.position
    switch iteration.pointee.collection {
    case .array(let elements):
      guard position < elements.count else { return false }
      if instruction.b >= 0 { slots[Int(instruction.b)] = .number(.int(position)) }
      slots[Int(instruction.c)] = elements[position]
    case .object(let object):
      guard position < object.count else { return false }
      if instruction.b >= 0 { slots[Int(instruction.b)] = object.storage.keys[position] }
      slots[Int(instruction.c)] = object.storage.values[position]
    case .set(let set):
      guard position < set.count else { return false }
      if instruction.b >= 0 { slots[Int(instruction.b)] = set.storage.elements[position] }
      slots[Int(instruction.c)] = set.storage.elements[position]
    default: return false
    }
    iteration.pointee.position = position + 1
    return true
  }

  private func advanceCursor(_ instruction: Instruction, at here: Int) throws(RegoError) -> Bool {
    let iteration = iterations + Int(instruction.a)
    guard case .array(let keys) = iteration.pointee.collection else { return false }
    while iteration.pointee.position < keys.count {
      try machine.tick(procedure.locations[here])
      let key = keys[iteration.pointee.position]
      iteration.pointee.position += 1
      if let next = try machine.step(cursors[Int(instruction.d)], key, at: location(here)) {
        slots[Int(instruction.b)] = key
        cursors[Int(instruction.c)] = next
        return true
      }
    }
    return false
  }

  private func contains(_ value: Value, in collection: Value) -> Bool {
    switch collection {
    case .array(let elements): elements.contains(value)
    case .set(let set): set.contains(value)
    case .object(let object): object.values.contains(value)
    default: false
    }
  }

  private func collected(_ instruction: Instruction, at here: Int) throws(RegoError) -> Value {
    let collector = collectors[Int(instruction.b)]
    collectors[Int(instruction.b)] = Machine.Collector()
    switch instruction.c {
    case 0: return .array(collector.elements)
    case 1: return .set(SetValue(collector.elements))
    default:
      var distinct: [Value: Value] = [:]
      for (key, value) in zip(collector.keys, collector.elements) {
        if let earlier = distinct.updateValue(value, forKey: key), earlier != value {
          throw RegoError(.conflict, "object keys must be unique", at: location(here))
        }
      }
      return .object(ObjectValue(zip(collector.keys, collector.elements).map { ($0, $1) }))
    }
  }

  /// Prints every combination of the values that the operands have.
  private func printLine(_ instruction: Instruction, at here: Int) {
    guard let printer = machine.printer else { return }
    var lines: [[String]] = [[]]
    for case .set(let values) in list(instruction) {
      let texts = values.isEmpty ? ["<undefined>"] : values.elements.map { $0.string ?? $0.description }
      lines = lines.flatMap { line in texts.prefix(100).map { line + [$0] } }
      if lines.count > 1000 { lines = Array(lines.prefix(1000)) }
    }
    for line in lines { printer(line.joined(separator: " "), location(here)) }
  }
}
