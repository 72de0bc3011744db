extension Builtin {
  /// Checks the operands against the declaration and computes the result; nil where it is undefined.
  func call(_ arguments: [Value], _ context: BuiltinContext) throws(BuiltinError) -> Value? {
    for (position, parameter) in parameters.enumerated() where position < arguments.count {
      if !acceptsAnyOperands, !parameter.type.admits(arguments[position]) {
        throw .operand(position + 1, parameter.type.mismatch(arguments[position]))
      }
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
