extension Machine {
  /// What `with` made in one frame.
  private struct Modifiers {
    /// The scopes by their place in the procedure. They are kept while slots may point into them.
    var scopes: [Int32: Scope] = [:]
    var outer: [Scope] = []
  }

  /// Runs the code of a frame to its end, or to a result after which no other counts.
  func execute(_ frame: Frame, _ procedure: Int, _ yield: inout Yield) throws(RegoError) {
    let code = frame.code
    var modifiers = Modifiers()
    var next = code
    while true {
      let instruction = next.pointee
      let here = next
      next += 1
      switch instruction.operation {
      case .end: return
      case .jump: next = code + Int(instruction.fail)
      case .move: frame.slots[Int(instruction.a)] = frame.read(instruction.b)
      case .inputPath:
        if let input, let place = frame.follow(input, instruction) {
          frame.slots[Int(instruction.a)] = place
        } else {
          next = code + Int(instruction.fail)
        }
      case .dataPath:
        if let place = frame.follow(data, instruction) {
          frame.slots[Int(instruction.a)] = place
        } else {
          next = code + Int(instruction.fail)
        }
      case .path:
        if let place = frame.follow(frame.read(instruction.b), instruction) {
          frame.slots[Int(instruction.a)] = place
        } else {
          next = code + Int(instruction.fail)
        }
      case .makeArray: frame.set(instruction, to: .array(frame.list(instruction)))
      case .makeSet: frame.set(instruction, to: .set(SetValue(frame.list(instruction))))
      case .makeObject: frame.set(instruction, to: object(frame.list(instruction)))
      case .element:
        if case .array(let elements) = frame.read(instruction.b).pointee, let base = elements.base {
          frame.slots[Int(instruction.a)] = base + Int(instruction.d)
        }
      case .member:
        if let object = frame.read(instruction.b).object,
          let place = object._withUnsafeGuaranteedRef({ $0.place(of: frame.read(instruction.c)) })
        {
          frame.slots[Int(instruction.a)] = place
        } else {
          next = code + Int(instruction.fail)
        }
      case .truthy: if !frame.read(instruction.a).isTruthy { next = code + Int(instruction.fail) }
      case .equal:
        if !frame.read(instruction.a).equals(frame.read(instruction.b)) {
          next = code + Int(instruction.fail)
        }
      case .notEqual:
        if frame.read(instruction.a).equals(frame.read(instruction.b)) { next = code + Int(instruction.fail) }
      case .less: if compare(instruction, frame) >= 0 { next = code + Int(instruction.fail) }
      case .lessOrEqual: if compare(instruction, frame) > 0 { next = code + Int(instruction.fail) }
      case .greater: if compare(instruction, frame) <= 0 { next = code + Int(instruction.fail) }
      case .greaterOrEqual: if compare(instruction, frame) < 0 { next = code + Int(instruction.fail) }
      case .isArray:
        if case .array(let elements) = frame.read(instruction.a).pointee, elements.count == Int(instruction.d)
        {
          continue
        }
        next = code + Int(instruction.fail)
      case .isObject:
        if case .object(let object) = frame.read(instruction.a).pointee, object.count == Int(instruction.d) {
          continue
        }
        next = code + Int(instruction.fail)
      case .contains:
        if !frame.read(instruction.a).isMember(of: frame.read(instruction.b)) {
          next = code + Int(instruction.fail)
        }
      case .scanBegin:
        if !frame.begin(instruction.a, over: frame.read(instruction.b)) {
          next = code + Int(instruction.fail)
        }
      case .scanNext:
        try tick(location(procedure, here - code))
        if !frame.advance(instruction) { next = code + Int(instruction.fail) }
      case .collectBegin: frame.collectors[Int(instruction.a)] = Frame.Collector()
      case .collectElement:
        let element = frame.read(instruction.b)
        note(collecting: element)
        frame.collectors[Int(instruction.a)].elements.append(element.pointee)
      case .collectPair:
        let key = frame.read(instruction.b)
        let value = frame.read(instruction.c)
        note(collecting: key)
        note(collecting: value)
        frame.collectors[Int(instruction.a)].keys.append(key.pointee)
        frame.collectors[Int(instruction.a)].elements.append(value.pointee)
      case .collectEnd:
        let value = try collected(frame, instruction, at: location(procedure, here - code))
        frame.set(instruction, to: value)
      case .callBuiltin:
        if let value = try callBuiltin(instruction, frame, procedure, here - code) {
          try note(result: value)
          frame.set(instruction, to: value)
        } else {
          next = code + Int(instruction.fail)
        }
      case .callFunction:
        if let value = try callFunction(instruction, frame) {
          frame.set(instruction, to: value)
        } else {
          next = code + Int(instruction.fail)
        }
      case .rule:
        if let place = try document(Int(instruction.b), at: location(procedure, here - code)) {
          frame.slots[Int(instruction.a)] = place
        } else {
          next = code + Int(instruction.fail)
        }
      case .cursorBegin:
        let node = Int(instruction.b)
        frame.cursors[Int(instruction.a)] = Frame.Cursor(
          node: node, value: Scope.lookup(data, program.nodes[node].path))
      case .cursorStep:
        if let cursor = try step(
          frame.cursors[Int(instruction.b)], frame.read(instruction.c), at: location(procedure, here - code))
        {
          frame.cursors[Int(instruction.a)] = cursor
        } else {
          next = code + Int(instruction.fail)
        }
      case .cursorScanBegin:
        let keys = keys(frame.cursors[Int(instruction.b)])
        frame.cells[Int(instruction.cell)] = .array(keys)
        _ = frame.begin(instruction.a, over: Place(frame.cells + Int(instruction.cell)))
      case .cursorScanNext:
        if try !advanceCursor(instruction, frame, at: location(procedure, here - code)) {
          next = code + Int(instruction.fail)
        }
      case .cursorValue:
        if let value = try value(frame.cursors[Int(instruction.b)]) {
          frame.set(instruction, to: value)
        } else {
          next = code + Int(instruction.fail)
        }
      case .withPush:
        let inner = Scope(
          scope, targets: program.withDescriptors[Int(instruction.b)], values: frame.list(instruction),
          groups: program.groups)
        modifiers.scopes[instruction.a] = inner
        modifiers.outer.append(scope)
        enter(inner)
      case .withResume:
        modifiers.outer.append(scope)
        if let inner = modifiers.scopes[instruction.a] { enter(inner) }
      case .withPop: if let outer = modifiers.outer.popLast() { enter(outer) }
      case .print: printLine(frame.list(instruction), at: location(procedure, here - code))
      case .yieldValue:
        let place = frame.read(instruction.a)
        if let earlier = yield.value {
          if earlier != place.pointee {
            throw Machine.conflict(isFunction: instruction.c == 1, at: location(procedure, here - code))
          }
        } else {
          yield.value = place.pointee
        }
        if instruction.b == 1 { return }
      case .yieldElement:
        let element = frame.read(instruction.a)
        note(collecting: element)
        yield.parts?.elements.append(element.pointee)
      case .yieldEntry:
        let path = frame.list(instruction)
        let value = frame.read(instruction.a)
        note(collecting: value)
        try yield.parts?.tree?.insert(
          path[...], value.pointee, isElement: instruction.b == 1, at: location(procedure, here - code))
      case .yieldRow: yield.parts?.rows.append(frame.list(instruction))
      case .observe: if let tracer { observe(instruction, frame, tracer) }
      }
    }
  }

  /// Where in the source an instruction stands. It is asked for where something goes wrong.
  @inline(never)
  private func location(_ procedure: Int, _ counter: Int) -> Location {
    program.procedures[procedure].locations[counter]
  }

  // MARK: Larger steps

  private func compare(_ instruction: Instruction, _ frame: Frame) -> Int {
    frame.read(instruction.a).pointee.compare(frame.read(instruction.b).pointee)
  }

  @inline(never)
  private func object(_ values: [Value]) -> Value {
    var builder = ObjectBuilder(reservingCapacity: values.count / 2)
    for position in stride(from: 0, to: values.count, by: 2) {
      builder.append(values[position], values[position + 1])
    }
    return .object(builder.build())
  }

  /// Calls a builtin, without a list of operands where it takes few.
  private func callBuiltin(
    _ instruction: Instruction, _ frame: Frame, _ procedure: Int, _ counter: Int
  ) throws(RegoError) -> Value? {
    let builtin = tables.builtins + Int(instruction.b)
    if hasMocks || Int(instruction.d) != builtin.pointee.operandCount {
      return try call(
        builtin: Int(instruction.b), frame.list(instruction), at: location(procedure, counter))
    }
    try tick(location(procedure, counter))
    do {
      switch builtin.pointee.implementation {
      case .unary(let body):
        let first = frame.operand(0, of: instruction)
        try builtin.pointee.check(first, at: 0)
        return try body(first.pointee)
      case .binary(let body):
        let first = frame.operand(0, of: instruction)
        let second = frame.operand(1, of: instruction)
        try builtin.pointee.check(first, at: 0)
        try builtin.pointee.check(second, at: 1)
        return try body(first.pointee, second.pointee)
      case .binaryInPlace(let body):
        let first = frame.operand(0, of: instruction)
        let second = frame.operand(1, of: instruction)
        try builtin.pointee.check(first, at: 0)
        try builtin.pointee.check(second, at: 1)
        return try body(first, second)
      case .ternary(let body):
        let first = frame.operand(0, of: instruction)
        let second = frame.operand(1, of: instruction)
        let third = frame.operand(2, of: instruction)
        try builtin.pointee.check(first, at: 0)
        try builtin.pointee.check(second, at: 1)
        try builtin.pointee.check(third, at: 2)
        return try body(first.pointee, second.pointee, third.pointee)
      default: return try builtin.pointee.call(frame.list(instruction), context)
      }
    } catch {
      try fail(error, builtin.pointee.declaration.name, location(procedure, counter))
      return nil
    }
  }

  private func callFunction(_ instruction: Instruction, _ frame: Frame) throws(RegoError) -> Value? {
    let count = Int(instruction.d)
    // Frames' memory is a stack, so that arguments can lie between two of them.
    let mark = memory.current
    defer { memory.release(to: mark) }
    let arguments = memory.take(count * MemoryLayout<Place>.stride + 15 & ~15).assumingMemoryBound(
      to: Place.self)
    for position in 0..<count { arguments[position] = frame.operand(position, of: instruction) }
    return try call(Int(instruction.b), arguments)
  }

  private func advanceCursor(
    _ instruction: Instruction, _ frame: Frame, at location: @autoclosure () -> Location
  )
    throws(RegoError) -> Bool
  {
    let iteration = frame.iterations + Int(instruction.a)
    guard let keys = iteration.pointee.values else { return false }
    while iteration.pointee.position < iteration.pointee.count {
      try tick(location())
      let key = keys + iteration.pointee.position
      iteration.pointee.position += 1
      if let cursor = try step(frame.cursors[Int(instruction.d)], key, at: location()) {
        frame.slots[Int(instruction.b)] = key
        frame.cursors[Int(instruction.c)] = cursor
        return true
      }
    }
    return false
  }

  private func collected(
    _ frame: Frame, _ instruction: Instruction, at location: @autoclosure () -> Location
  ) throws(RegoError)
    -> Value
  {
    let place = frame.collectors + Int(instruction.b)
    let collector = place.move()
    place.initialize(to: Frame.Collector())
    switch instruction.c {
    case 0: return .array(collector.elements)
    case 1: return .set(SetValue(collector.elements))
    default:
      var distinct: [Value: Value] = [:]
      for (key, value) in zip(collector.keys, collector.elements) {
        if let earlier = distinct.updateValue(value, forKey: key), earlier != value {
          throw RegoError(.conflict, "object keys must be unique", at: location())
        }
      }
      return .object(ObjectValue(zip(collector.keys, collector.elements).map { ($0, $1) }))
    }
  }

  /// Prints every combination of the values that the operands have.
  @inline(never)
  private func printLine(_ operands: [Value], at location: Location) {
    guard let printer else { return }
    var lines: [[String]] = [[]]
    for case .set(let values) in operands {
      let texts = values.isEmpty ? ["<undefined>"] : values.elements.map { $0.string ?? $0.description }
      lines = lines.flatMap { line in texts.prefix(100).map { line + [$0] } }
      if lines.count > 1000 { lines = Array(lines.prefix(1000)) }
    }
    for line in lines { printer(line.joined(separator: " "), location) }
  }
}
