/// Builtins on sets (OPA documentation, "Sets"); the difference is also `minus`.
enum SetBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    operation("and", infix: "&", "The elements that are in both sets.") { $0.intersection($1) },
    operation("or", infix: "|", "The elements that are in either set.") { $0.union($1) },
    operation("set_diff", infix: nil, "The elements of a set that are not in another.") {
      $0.subtracting($1)
    }.deprecated(use: "-"),
    declare("intersection", "The elements that every one of some sets has; none where there are no sets.") {
      sets in
      guard let smallest = sets.min(by: { $0.count < $1.count }) else { return SetValue() }
      return SetValue(
        sorted: smallest.elements.filter { element in sets.allSatisfy { $0.contains(element) } })
    },
    declare("union", "The elements that any of some sets has.") { sets in SetValue(sets.flatMap(\.elements))
    },
  ]

  private static func operation(
    _ name: String, infix: String?, _ summary: String,
    _ combine: @escaping @Sendable (SetValue, SetValue) -> SetValue
  ) -> Builtin {
    Builtin(
      name, infix: infix, category: "sets", summary,
      [Parameter("x", .anySet, "the first set"), Parameter("y", .anySet, "the second set")],
      returns: Parameter("z", .anySet, "the resulting set"),
      .binary { (left, right) throws(BuiltinError) in
        .set(combine(try left.set(operand: 1), try right.set(operand: 2)))
      })
  }

  private static func declare(
    _ name: String, _ summary: String, _ combine: @escaping @Sendable ([SetValue]) -> SetValue
  ) -> Builtin {
    Builtin(
      name, category: "sets", summary, [Parameter("xs", .set(of: .anySet), "a set of sets")],
      returns: Parameter("y", .anySet, "the resulting set"),
      .unary { (value) throws(BuiltinError) in
        var sets: [SetValue] = []
        for element in try value.set(operand: 1) { sets.append(try element.set(operand: 1)) }
        return .set(combine(sets))
      })
  }
}
