/// Builtins on arrays (OPA documentation, "Arrays").
enum ArrayBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "array.concat", category: "array", "The elements of an array, then those of another.",
      [Parameter("x", .anyArray, "the first array"), Parameter("y", .anyArray, "the second array")],
      returns: Parameter("z", .anyArray, "both together"),
      .binary { (left, right) throws(BuiltinError) in
        .array(try left.array(operand: 1) + right.array(operand: 2))
      }),
    Builtin(
      "array.flatten", category: "array",
      "An array with the elements of the arrays in it in their place, one level deep.",
      [Parameter("arr", .anyArray, "the array")],
      returns: Parameter("flattened", .anyArray, "the flattened array"),
      .unary { (value) throws(BuiltinError) in
        .array(
          try value.array(operand: 1).flatMap { element in
            if case .array(let elements) = element { elements } else { [element] }
          })
      }),
    Builtin(
      "array.reverse", category: "array", "An array in the opposite order.",
      [Parameter("arr", .anyArray, "the array")], returns: Parameter("rev", .anyArray, "the reversed array"),
      .unary { (value) throws(BuiltinError) in .array(try value.array(operand: 1).reversed()) }),
    Builtin(
      "array.slice", category: "array", "Part of an array.",
      [
        Parameter("arr", .anyArray, "the array"),
        Parameter("start", .number, "the index of the first element; below 0 counts as 0"),
        Parameter("stop", .number, "the index after the last element; beyond the end counts as the end"),
      ],
      returns: Parameter("slice", .anyArray, "the part, empty where it would end before it starts"),
      .ternary { (value, start, stop) throws(BuiltinError) in
        let elements = try value.array(operand: 1)
        let first = try start.int(operand: 2)
        let end = min(max(try stop.int(operand: 3), 0), elements.count)
        return .array(Array(elements[min(max(first, 0), end)..<end]))
      }),
  ]
}
