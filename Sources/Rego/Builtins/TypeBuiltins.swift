/// Types and conversions (OPA documentation, "Types" and "Conversions").
enum TypeBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    test("array"), test("boolean"), test("null"), test("number"), test("object"), test("set"), test("string"),
    Builtin(
      "type_name", category: "types", "The name of a value's type.",
      [Parameter("x", .any, "the value")], returns: Parameter("type", .string, "the name"),
      .unary { (value) throws(BuiltinError) in .string(value.typeName) }),
    Builtin(
      "to_number", category: "conversions",
      "A number from a string that holds one, 1 for true, 0 for false and null, and numbers as they are.",
      [Parameter("x", .union([.null, .boolean, .number, .string]), "what to convert")],
      returns: Parameter("num", .number, "the number"), .unary(toNumber)),
    cast("cast_array", [.anyArray, .anySet], .anyArray) { value in
      if case .set(let set) = value { .array(set.elements) } else { value }
    },
    cast("cast_boolean", [.boolean], .boolean) { $0 },
    cast("cast_null", [.null], .null) { $0 },
    cast("cast_object", [.anyObject], .anyObject) { $0 },
    cast("cast_set", [.anyArray, .anySet], .anySet) { value in
      if case .array(let elements) = value { .set(SetValue(elements)) } else { value }
    },
    cast("cast_string", [.string], .string) { $0 },
  ]

  private static func test(_ type: String) -> Builtin {
    Builtin(
      "is_\(type)", category: "types", "Whether a value's type is \(type).",
      [Parameter("x", .any, "the value")],
      returns: Parameter("result", .boolean, "whether it is"),
      .unary { (value) throws(BuiltinError) in .boolean(value.typeName.utf8.elementsEqual(type.utf8)) })
  }

  private static func cast(
    _ name: String, _ types: [RegoType], _ result: RegoType, _ convert: @escaping @Sendable (Value) -> Value
  ) -> Builtin {
    let type = types.count == 1 ? types[0] : .union(types)
    return Builtin(
      name, category: "conversions", "Passes or converts a value to a type.",
      [Parameter("x", .any, "the value")], returns: Parameter("y", result, "the converted value"),
      .unary { (value) throws(BuiltinError) in
        guard type.admits(value) else { throw .operand(1, type.mismatch(value)) }
        return convert(value)
      }
    ).deprecated(use: "is_array and the other tests of types")
  }

  private static func toNumber(_ value: Value) throws(BuiltinError) -> Value? {
    switch value {
    case .null: return 0
    case .boolean(let flag): return flag ? 1 : 0
    case .number: return value
    case .string(let string):
      let digits = string.string.drop { $0 == "+" || $0 == "-" }.lowercased()
      if ["inf", "infinity", "nan"].contains(digits) {
        throw .wrongType(1, expected: "valid number string", got: value)
      }
      guard let number = parse(string) else {
        throw .failed("strconv.ParseFloat: parsing \(GoQuote.quote(string)): invalid syntax")
      }
      // The number is kept exactly, but must be one that a double can approach.
      guard number.double.isFinite else {
        throw .failed("strconv.ParseFloat: parsing \(GoQuote.quote(string)): value out of range")
      }
      return .number(number)
    default: throw .wrongType(1, expected: "null", "boolean", "number", "string", got: value)
    }
  }

  /// A decimal as Go's ParseFloat takes it: beside JSON's numbers also `+1`, `.5`, `5.` and `007`.
  private static func parse(_ string: RegoString) -> Number? {
    var bytes = Array(string.utf8)
    if bytes.first == UInt8(ascii: "+") {
      bytes.removeFirst()
      if bytes.first == UInt8(ascii: "-") { return nil }
    }
    let sign = bytes.first == UInt8(ascii: "-") ? 1 : 0
    var integer = bytes[sign...].prefix { $0 &- 0x30 <= 9 }
    let hasInteger = !integer.isEmpty
    var rest = bytes[integer.endIndex...]
    while integer.count > 1, integer.first == 0x30 { integer = integer.dropFirst() }
    if rest.first == UInt8(ascii: ".") {
      let fraction = rest.dropFirst().prefix { $0 &- 0x30 <= 9 }
      guard hasInteger || !fraction.isEmpty else { return nil }
      rest = (fraction.isEmpty ? [] : rest[...(fraction.endIndex - 1)]) + bytes[fraction.endIndex...]
    } else if !hasInteger {
      return nil
    }
    let text = bytes[..<sign] + (hasInteger ? Array(integer) : [0x30]) + Array(rest)
    return Array(text).withUnsafeBytes { Number(json: $0) }
  }
}
