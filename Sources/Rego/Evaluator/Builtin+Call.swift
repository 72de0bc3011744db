extension Builtin {
  /// Checks the operands against the declaration and computes the result; nil where it is undefined.
  func call(_ arguments: [Value], _ context: BuiltinContext) throws(BuiltinError) -> Value? {
    for position in arguments.indices where position < parameters.count {
      try check(arguments[position], at: position)
    }
    switch implementation {
    case .nullary(let body): return try body(context)
    case .unary(let body): return try body(arguments[0])
    case .binary(let body): return try body(arguments[0], arguments[1])
    case .ternary(let body): return try body(arguments[0], arguments[1], arguments[2])
    case .variadic(let body): return try body(arguments)
    case .contextual(let body): return try body(context, arguments)
    }
  }
}

extension Builtin {
  /// Checks one operand against the declaration.
  @inline(__always)
  func check(_ argument: Value, at position: Int) throws(BuiltinError) {
    let type = parameters[position].type
    if !acceptsAnyOperands, !type.admits(argument) { throw .operand(position + 1, type.mismatch(argument)) }
  }
}

extension RegoType {
  /// Whether a value has the type, as far as its outermost layer tells.
  func admits(_ value: Value) -> Bool {
    switch (self, value) {
    case (.any, _), (.null, .null), (.boolean, .boolean), (.number, .number), (.string, .string),
      (.array, .array),
      (.object, .object), (.set, .set):
      true
    case (.union(let types), _): types.contains { $0.admits(value) }
    default: false
    }
  }

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
