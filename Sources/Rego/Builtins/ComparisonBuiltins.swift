/// Comparison and membership (OPA documentation, "Comparison" and "Membership"): the operators' functions.
enum ComparisonBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    compare("equal", "==", "Whether two values are equal.") { $0 == 0 },
    compare("neq", "!=", "Whether two values differ.") { $0 != 0 },
    compare("lt", "<", "Whether a value sorts before another.") { $0 < 0 },
    compare("lte", "<=", "Whether a value sorts before another or is equal to it.") { $0 <= 0 },
    compare("gt", ">", "Whether a value sorts after another.") { $0 > 0 },
    compare("gte", ">=", "Whether a value sorts after another or is equal to it.") { $0 >= 0 },
    Builtin(
      "internal.member_2", infix: "in", category: "comparison",
      "Whether a value is in a set or array, or is a value of an object.",
      [Parameter("x", .any, "the value"), Parameter("xs", .any, "where to look")],
      returns: Parameter("result", .boolean, "whether it is there"), .binary(isMember)),
    Builtin(
      "internal.member_3", infix: "in", category: "comparison",
      "Whether a collection has a value under a key or index.",
      [
        Parameter("k", .any, "the key"), Parameter("x", .any, "the value"),
        Parameter("xs", .any, "where to look"),
      ],
      returns: Parameter("result", .boolean, "whether it is there"), .ternary(isMemberUnderKey)),
  ]

  private static func compare(
    _ name: String, _ sign: String, _ summary: String, _ holds: @escaping @Sendable (Int) -> Bool
  ) -> Builtin {
    Builtin(
      name, infix: sign, category: "comparison", summary,
      [Parameter("x", .any, "the left value"), Parameter("y", .any, "the right value")],
      returns: Parameter("result", .boolean, "whether it holds"),
      .binary { (left, right) throws(BuiltinError) in .boolean(holds(left.compare(right))) })
  }

  private static func isMember(_ value: Value, _ collection: Value) throws(BuiltinError) -> Value? {
    switch collection {
    case .set(let set): .boolean(set.contains(value))
    case .array(let elements): .boolean(elements.contains(value))
    case .object(let object): .boolean(object.values.contains(value))
    default: false
    }
  }

  private static func isMemberUnderKey(
    _ key: Value, _ value: Value, _ collection: Value
  ) throws(BuiltinError) -> Value? {
    switch collection {
    case .set(let set): .boolean(key == value && set.contains(key))
    case .array, .object: .boolean(collection.lookup(key) == value)
    default: false
    }
  }
}
