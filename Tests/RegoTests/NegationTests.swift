import Testing

@testable import Rego

/// What `not` covers: the expression, and not what its operands take to compute (OPA's issues 1877 and 4743).
@Suite struct NegationTests {
  @Test(
    "an operand that is undefined leaves a negated expression undefined; a reference that is, makes it true",
    arguments: [
      ("not input.none", true), ("not input.one == 1", false), ("not input.none == 1", true),
      ("not input.none = 1", true), ("not 2 == input.none", true), ("not input.none == input.none", true),
      ("not input.none.x[0]", true), ("not undefined_rule", true), ("not [1] == input.none", true),
      ("not count(input.none) > 0", nil), ("not count(input.none) == 0", nil),
      ("not startswith(input.none, \"a\")", nil), ("not input.none > 1", nil), ("not input.none != 1", nil),
      ("not 1 in input.none", nil), ("not input.none in [1]", nil), ("not is_one(input.none)", nil),
      ("not is_one(undefined_rule)", nil), ("not input.list[input.none]", nil),
      ("not [input.none] == [1]", nil), ("not input.list[count(input.none)] == 1", nil),
      ("not object_of(input.none).x", nil), ("not nothing(1).x", nil),
      ("not is_one(input.one)", false), ("not is_one(2)", true), ("not is_one(input.list[1])", true),
      ("not count([x | x := input.none]) == 1", true),
      ("not is_one(input.x) with input as {\"x\": 2}", true),
      ("not is_one(input.x) with input as {}", nil),
    ] as [(String, Bool?)])
  func negation(expression: String, holds: Bool?) throws {
    let source = """
      package test

      is_one(x) if x == 1

      object_of(x) := {"x": x}

      nothing(_) := {"x": 1} if false

      undefined_rule := 1 if false

      p if \(expression)
      """
    let module = try RegoParser.module(source, file: "test.rego", dialect: .v1)
    let program = try RegoCompiler().compile([module])
    let evaluation = Evaluation(
      program, input: ["one": 1, "list": [5, 6]], context: BuiltinContext(nowNanoseconds: 0))
    let value = try evaluation.value(at: ["test", "p"])
    #expect(value == (holds == true ? true : nil))
  }

  @Test("an operand with several values is asked with each of them")
  func manyValues() throws {
    let source = """
      package test

      is_one(x) if x == 1

      p contains x if {
        x := [1, 2, 3][_]
        not is_one([x, 1][_])
      }
      """
    let module = try RegoParser.module(source, file: "test.rego", dialect: .v1)
    let evaluation = Evaluation(
      try RegoCompiler().compile([module]), input: nil, context: BuiltinContext(nowNanoseconds: 0))
    #expect(try evaluation.value(at: ["test", "p"]) == .set(SetValue([2, 3])))
  }
}
