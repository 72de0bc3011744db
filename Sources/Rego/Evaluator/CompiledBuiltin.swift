/// A builtin as the evaluator calls it: with the kinds of values that each operand may be as a bit set.
struct CompiledBuiltin: Sendable {
  let declaration: Builtin
  let implementation: Builtin.Implementation
  let operandCount: Int
  private let admitted: [UInt8]
  /// The kinds of the first three operands, eight bits each.
  private let leading: UInt32

  init(_ declaration: Builtin) {
    self.declaration = declaration
    implementation = declaration.implementation
    operandCount = declaration.parameters.count
    admitted = declaration.parameters.map { declaration.acceptsAnyOperands ? 0xff : $0.type.kinds }
    leading = admitted.prefix(3).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Checks one operand against the declaration.
  @inline(__always)
  func check(_ argument: Value, at position: Int) throws(BuiltinError) {
    if admitted[position] & (1 << UInt8(truncatingIfNeeded: argument.typeOrder)) == 0 {
      throw mismatch(argument, at: position)
    }
  }

  @inline(never)
  private func mismatch(_ argument: Value, at position: Int) -> BuiltinError {
    .operand(position + 1, declaration.parameters[position].type.mismatch(argument))
  }

  /// Checks the operand at a place.
  @inline(__always)
  func check(_ place: Place, at position: Int) throws(BuiltinError) {
    // Up to three operands have their kinds in one number.
    if (leading >> UInt32(truncatingIfNeeded: position * 8))
      & (1 << UInt32(truncatingIfNeeded: place.pointee.typeOrder)) == 0
    {
      throw mismatch(place.pointee, at: position)
    }
  }

  /// Checks the operands and computes the result; nil where it is undefined.
  func call(_ arguments: [Value], _ context: BuiltinContext) throws(BuiltinError) -> Value? {
    for position in arguments.indices where position < operandCount {
      try check(arguments[position], at: position)
    }
    switch implementation {
    case .nullary(let body): return try body(context)
    case .unary(let body): return try body(arguments[0])
    case .binary(let body): return try body(arguments[0], arguments[1])
    case .binaryInPlace(let body): return try Self.call(body, arguments[0], arguments[1])
    case .ternary(let body): return try body(arguments[0], arguments[1], arguments[2])
    case .variadic(let body): return try body(arguments)
    case .contextual(let body): return try body(context, arguments)
    }
  }
}

extension CompiledBuiltin {
  /// Calls what takes its operands in place with two that stand nowhere yet.
  private static func call(
    _ body: (UnsafePointer<Value>, UnsafePointer<Value>) throws(BuiltinError) -> Value?, _ first: Value,
    _ second: Value
  ) throws(BuiltinError) -> Value? {
    let operands = [first, second]
    let result = operands.withUnsafeBufferPointer { places -> Result<Value?, BuiltinError> in
      guard let first = places.baseAddress else { return .success(nil) }
      return Result { () throws(BuiltinError) in try body(first, first + 1) }
    }
    return try result.get()
  }
}

extension Builtin {
  /// Checks the operands against the declaration and computes the result; nil where it is undefined.
  func call(_ arguments: [Value], _ context: BuiltinContext) throws(BuiltinError) -> Value? {
    try CompiledBuiltin(self).call(arguments, context)
  }
}

extension RegoType {
  /// The kinds of values that the type's outermost layer admits: a bit for each, in the order of types.
  var kinds: UInt8 {
    switch self {
    case .any: 0xff
    case .null: 1 << 0
    case .boolean: 1 << 1
    case .number: 1 << 2
    case .string: 1 << 3
    case .array: 1 << 4
    case .object: 1 << 5
    case .set: 1 << 6
    case .union(let types): types.reduce(0) { $0 | $1.kinds }
    }
  }

  /// Whether a value has the type, as far as its outermost layer tells.
  func admits(_ value: Value) -> Bool { kinds & (1 << UInt8(truncatingIfNeeded: value.typeOrder)) != 0 }

  /// `must be EXPECTED but got GOT`, as OPA words it.
  func mismatch(_ value: Value) -> String {
    let expected = names
    let wanted = expected.count == 1 ? expected[0] : "one of {\(expected.joined(separator: ", "))}"
    return "must be \(wanted) but got \(value.typeName)"
  }

  private var names: [String] {
    switch self {
    case .any: ["any"]
    case .null: ["null"]
    case .boolean: ["boolean"]
    case .number: ["number"]
    case .string: ["string"]
    case .array: ["array"]
    case .object: ["object"]
    case .set: ["set"]
    case .union(let types): types.flatMap(\.names)
    }
  }
}
