/// Builtins on glob patterns (OPA documentation, "Glob").
enum GlobBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "glob.match", category: "glob",
      "Whether a glob pattern matches a whole string.",
      [
        Parameter("pattern", .string, "the pattern"),
        Parameter(
          "delimiters", .union([.array(of: .string), .null]),
          "what `*` and `?` do not match: `[\".\"]` where the array is empty, nothing for null"),
        Parameter("match", .string, "the string"),
      ],
      returns: Parameter("result", .boolean, "whether it matches"), .ternary(match)),
    Builtin(
      "glob.quote_meta", category: "glob", "A pattern that matches just a string.",
      [Parameter("pattern", .string, "the string")],
      returns: Parameter("output", .string, "the string with a backslash before every special character"),
      .unary(quoteMeta)),
  ]

  private struct Key: Hashable {
    let pattern: RegoString
    let delimiters: [Unicode.Scalar]
  }

  private static let cache = PatternCache<Key, RegularExpression>(limit: 1000)

  private static func match(_ pattern: Value, _ delimiters: Value, _ text: Value) throws(BuiltinError)
    -> Value?
  {
    let glob = try pattern.string(operand: 1)
    var characters: [Unicode.Scalar] = []
    switch delimiters {
    case .null: break
    case .array(let elements):
      for element in elements {
        guard case .string(let string) = element else {
          throw .wrongElement(2, of: delimiters, expected: "string", got: element)
        }
        let scalars = string.string.unicodeScalars
        guard let first = scalars.first, scalars.dropFirst().isEmpty else {
          throw .wrongElement(2, of: delimiters, expected: "rune", got: element)
        }
        characters.append(first)
      }
      if characters.isEmpty { characters = ["."] }
    default: throw .wrongType(2, expected: "array", "null", got: delimiters)
    }
    let wanted = try text.string(operand: 3)
    let key = Key(pattern: glob, delimiters: characters)
    let expression = try cache.value(for: key) { () throws(BuiltinError) in
      try compile(glob, characters)
    }
    return .boolean(expression.matchesWhole(wanted))
  }

  private static func compile(
    _ pattern: RegoString, _ delimiters: [Unicode.Scalar]
  ) throws(BuiltinError) -> RegularExpression {
    let expression = try GlobPattern.expression(pattern, delimiters: delimiters)
    do {
      return try RegularExpression(expression)
    } catch {
      throw .failed(error.reason)
    }
  }

  private static let metacharacters = Set(#"*?\[]{}"#.utf8)

  private static func quoteMeta(_ pattern: Value) throws(BuiltinError) -> Value? {
    var output: [UInt8] = []
    for byte in try pattern.string(operand: 1).utf8 {
      if metacharacters.contains(byte) { output.append(UInt8(ascii: "\\")) }
      output.append(byte)
    }
    return .string(String(decoding: output, as: UTF8.self))
  }
}
