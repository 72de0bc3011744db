/// Arithmetic (OPA documentation, "Numbers").
enum NumberBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    operation("plus", "+", "Adds two numbers.", "the sum") { (x, y) throws(ArithmeticError) in try x.adding(y)
    },
    Builtin(
      "minus", infix: "-", category: "numbers",
      "Subtracts a number from another, or removes a set's elements from another set.",
      [
        Parameter("x", .union([.number, .anySet]), "a number or set"),
        Parameter("y", .union([.number, .anySet]), "what to take from it"),
      ],
      returns: Parameter("z", .union([.number, .anySet]), "the difference"), acceptsAnyOperands: true,
      .binary(minus)),
    operation("mul", "*", "Multiplies two numbers.", "the product") { (x, y) throws(ArithmeticError) in
      try x.multiplying(by: y)
    },
    operation("div", "/", "Divides a number by another.", "the quotient") { (x, y) throws(ArithmeticError) in
      try x.dividing(by: y)
    },
    operation("rem", "%", "The remainder of dividing an integer by another.", "the remainder") {
      (x, y) throws(ArithmeticError) in try x.remainder(dividingBy: y)
    },
    rounding("abs", "A number without its sign.", "the absolute value") { (x) throws(ArithmeticError) in
      x.absolute
    },
    rounding("round", "The nearest integer; halves go away from zero.", "the integer") {
      (x) throws(ArithmeticError) in
      try x.rounded()
    },
    rounding("ceil", "The least integer that is not below a number.", "the integer") {
      (x) throws(ArithmeticError) in
      try x.ceiling()
    },
    rounding("floor", "The greatest integer that is not above a number.", "the integer") {
      (x) throws(ArithmeticError) in try x.floor()
    },
    Builtin(
      "numbers.range", category: "numbers", "All integers from one to another, both included, up or down.",
      [Parameter("a", .number, "the first"), Parameter("b", .number, "the last")],
      returns: Parameter("range", .array(of: .number), "the integers"), .contextual(range)),
    Builtin(
      "numbers.range_step", category: "numbers",
      "Every so many of the integers from one to another, up or down.",
      [
        Parameter("a", .number, "the first"), Parameter("b", .number, "the bound, included"),
        Parameter("step", .number, "the distance between them, above zero"),
      ],
      returns: Parameter("range", .array(of: .number), "the integers"), .contextual(rangeStep)),
    Builtin(
      "rand.intn", category: "numbers",
      "A random integer from 0 up to but without a bound; the same one for the same operands within an evaluation.",
      [
        Parameter("str", .string, "a name, so that an evaluation can have several"),
        Parameter("n", .number, "the bound, whose sign does not matter"),
      ],
      returns: Parameter("y", .number, "the random integer"), nondeterministic: true,
      .contextual(randomInteger)),
  ]

  private static func operation(
    _ name: String, _ sign: String, _ summary: String, _ result: String,
    _ compute: @escaping @Sendable (Number, Number) throws(ArithmeticError) -> Number
  ) -> Builtin {
    Builtin(
      name, infix: sign, category: "numbers", summary,
      [Parameter("x", .number, "the left number"), Parameter("y", .number, "the right number")],
      returns: Parameter("z", .number, result),
      .binary { (left, right) throws(BuiltinError) in
        let x = try left.number(operand: 1)
        let y = try right.number(operand: 2)
        return .number(try BuiltinError.wrap { () throws(ArithmeticError) in try compute(x, y) })
      })
  }

  private static func rounding(
    _ name: String, _ summary: String, _ result: String,
    _ compute: @escaping @Sendable (Number) throws(ArithmeticError) -> Number
  ) -> Builtin {
    Builtin(
      name, category: "numbers", summary, [Parameter("x", .number, "the number")],
      returns: Parameter("y", .number, result),
      .unary { (value) throws(BuiltinError) in
        let x = try value.number(operand: 1)
        return .number(try BuiltinError.wrap { () throws(ArithmeticError) in try compute(x) })
      })
  }

  private static func minus(_ left: Value, _ right: Value) throws(BuiltinError) -> Value? {
    switch (left, right) {
    case (.number(let x), .number(let y)):
      return .number(try BuiltinError.wrap { () throws(ArithmeticError) in try x.subtracting(y) })
    case (.set(let x), .set(let y)): return .set(x.subtracting(y))
    case (.number, _): throw .wrongType(2, expected: "number", got: right)
    case (.set, _): throw .wrongType(2, expected: "set", got: right)
    default: throw .wrongType(1, expected: "number", "set", got: left)
    }
  }

  // MARK: Ranges

  private static func range(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let (first, last) = (try integer(operands[0], 1), try integer(operands[1], 2))
    return try range(context, first, last, by: .int(1))
  }

  private static func rangeStep(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value?
  {
    let (first, last) = (try integer(operands[0], 1), try integer(operands[1], 2))
    let step = try integer(operands[2], 3)
    guard step > .int(0) else { throw .failed("step must be a positive integer") }
    return try range(context, first, last, by: step)
  }

  private static func integer(_ value: Value, _ position: Int) throws(BuiltinError) -> Number {
    let number = try value.number(operand: position)
    guard number.isInteger else {
      throw .operand(position, "must be integer number but got floating-point number")
    }
    return number
  }

  private static func range(
    _ context: BuiltinContext, _ first: Number, _ last: Number, by step: Number
  ) throws(BuiltinError) -> Value? {
    var numbers: [Value] = []
    var next = first
    let isAscending = first <= last
    while isAscending ? next <= last : next >= last {
      guard numbers.count < BuiltinLimits.elements else { throw .cancelled }
      if numbers.count & 4095 == 4095 { try context.checkDeadline() }
      numbers.append(.number(next))
      let following = try BuiltinError.wrap { () throws(ArithmeticError) in
        isAscending ? try next.adding(step) : try next.subtracting(step)
      }
      // Beyond 64 bits a small step can be lost in rounding.
      guard following != next else { throw .failed("numbers out of range") }
      next = following
    }
    return .array(numbers)
  }

  private static func randomInteger(
    _ context: BuiltinContext, _ operands: [Value]
  ) throws(BuiltinError) -> Value? {
    _ = try operands[0].string(operand: 1)
    let bound = try operands[1].int(operand: 2).magnitude
    if bound == 0 { return 0 }
    return context.remembered.withLock { results in
      let key: [Value] = ["rand.intn", operands[0], .number(Number(json: String(bound)) ?? .int(0))]
      if let known = results[key] { return known }
      let result = Value.int(Int(clamping: UInt.random(in: 0..<bound)))
      results[key] = result
      return result
    }
  }
}

extension BuiltinError {
  /// Runs arithmetic, whose errors become those of the builtin.
  static func wrap<Result>(
    _ body: () throws(ArithmeticError) -> Result
  ) throws(BuiltinError) -> Result {
    do { return try body() } catch { throw .failed(error.message) }
  }
}
