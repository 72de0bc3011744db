import BigInt

/// Bitwise operations on integers of any size, as if in two's complement (OPA documentation, "Bitwise").
enum BitsBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    operation("bits.or", "The bits that either integer has.", { $0 | $1 }, { $0 | $1 }),
    operation("bits.and", "The bits that both integers have.", { $0 & $1 }, { $0 & $1 }),
    operation("bits.xor", "The bits that one of two integers has.", { $0 ^ $1 }, { $0 ^ $1 }),
    Builtin(
      "bits.negate", category: "bits", "An integer with every bit flipped.",
      [Parameter("x", .number, "the integer")], returns: Parameter("z", .number, "the flipped integer"),
      .unary { (value) throws(BuiltinError) in
        if let int = value.int { return .int(~int) }
        return .number(Number(~(try integer(value, 1))))
      }),
    Builtin(
      "bits.lsh", category: "bits", "An integer with its bits moved to the left.",
      [Parameter("x", .number, "the integer"), Parameter("s", .number, "by how many places")],
      returns: Parameter("z", .number, "the shifted integer"),
      .binary { (value, places) throws(BuiltinError) in
        let number = try integer(value, 1)
        let shift = try shift(places)
        if number == 0 { return 0 }
        // What arithmetic computes with ends here too.
        guard shift <= 16_384 else { throw .failed(ArithmeticError.outOfRange.message) }
        return .number(Number(number << shift))
      }),
    Builtin(
      "bits.rsh", category: "bits", "An integer with its bits moved to the right, its sign kept.",
      [Parameter("x", .number, "the integer"), Parameter("s", .number, "by how many places")],
      returns: Parameter("z", .number, "the shifted integer"),
      .binary { (value, places) throws(BuiltinError) in
        let number = try integer(value, 1)
        let shift = try shift(places)
        if shift > number.magnitude.bitWidth { return .int(number.sign == .minus ? -1 : 0) }
        // Towards minus infinity, as two's complement has it.
        let divisor = BigInt(1) << shift
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
        return .number(Number(remainder.sign == .minus && !remainder.isZero ? quotient - 1 : quotient))
      }),
  ]

  private static func operation(
    _ name: String, _ summary: String, _ small: @escaping @Sendable (Int, Int) -> Int,
    _ large: @escaping @Sendable (BigInt, BigInt) -> BigInt
  ) -> Builtin {
    Builtin(
      name, category: "bits", summary,
      [Parameter("x", .number, "the first integer"), Parameter("y", .number, "the second integer")],
      returns: Parameter("z", .number, "the resulting integer"),
      .binary { (left, right) throws(BuiltinError) in
        if let x = left.int, let y = right.int { return .int(small(x, y)) }
        return .number(Number(large(try integer(left, 1), try integer(right, 2))))
      })
  }

  private static func integer(_ value: Value, _ position: Int) throws(BuiltinError) -> BigInt {
    let number = try value.number(operand: position)
    guard number.isInteger else {
      throw .operand(position, "must be integer number but got floating-point number")
    }
    return try BuiltinError.wrap { () throws(ArithmeticError) in try number.roundedInteger() }
  }

  private static func shift(_ value: Value) throws(BuiltinError) -> Int {
    let places = try integer(value, 2)
    guard places.sign == .plus || places.isZero else {
      throw .operand(2, "must be an unsigned integer number but got a negative integer")
    }
    return Int(clamping: places)
  }
}
