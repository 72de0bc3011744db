/// What is called as a builtin but is the compiler's work: declared for `capabilities` and the reference page alone, since no
/// program calls these declarations.
public enum LanguageBuiltins {
  private typealias Parameter = Builtin.Parameter

  public static let all: [Builtin] = [
    declare(
      "eq", infix: "=", category: "comparison",
      "Makes both sides equal: binds the variables that have no value yet, and compares the rest.",
      [Parameter("x", .any, "one side"), Parameter("y", .any, "the other side")],
      returns: Parameter("result", .boolean, "whether they can be equal")),
    declare(
      "assign", infix: ":=", category: "comparison",
      "Declares the variables of its left side, and gives them values.",
      [
        Parameter("x", .any, "a variable, or an array or object of variables"),
        Parameter("y", .any, "the value"),
      ],
      returns: Parameter("result", .boolean, "whether the value has the left side's shape")),
    declare(
      "print", category: "tracing",
      "Prints its operands, with spaces between them, where the command that evaluates shows that; what is undefined is shown as such.",
      [Parameter("values", .any, "what to print")], returns: Parameter("result", .any)
    ).variadic(),
    declare(
      "rego.metadata.chain", category: "rego",
      "The annotations of the rule that calls it, of its document, its package and the packages around that.",
      [],
      returns: Parameter(
        "chain", .anyArray,
        "an object with `path` and, where there are any, `annotations` for each, from inside out")),
    declare(
      "rego.metadata.rule", category: "rego", "The annotations of the rule that calls it.", [],
      returns: Parameter("output", .any, "the annotations; an empty object where there are none")),
  ]

  private static func declare(
    _ name: String, infix: String? = nil, category: String, _ summary: String,
    _ parameters: [Builtin.Parameter],
    returns result: Builtin.Parameter
  ) -> Builtin {
    Builtin(
      name, infix: infix, category: category, summary, parameters, returns: result,
      .variadic { (_) throws(BuiltinError) in nil })
  }
}
