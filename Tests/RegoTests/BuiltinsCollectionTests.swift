import Testing

@testable import Rego

@Suite("Builtins on numbers and collections")
struct BuiltinsCollectionTests {
  @Test(
    "comparison and membership",
    arguments: [
      BuiltinCase("equal", 1, decimal("1.0"), gives: true),
      BuiltinCase("equal", "\u{e9}", "e\u{301}", gives: false),
      BuiltinCase("neq", [1], [2], gives: true), BuiltinCase("lt", .null, false, gives: true),
      BuiltinCase("lt", "a", [], gives: true),
      BuiltinCase("lte", 2, 2, gives: true), BuiltinCase("gt", set(), [:], gives: true),
      BuiltinCase("gte", 1, 2, gives: false),
      BuiltinCase("internal.member_2", 1, [2, 1], gives: true),
      BuiltinCase("internal.member_2", "a", ["a": "b"], gives: false),
      BuiltinCase("internal.member_2", "b", ["a": "b"], gives: true),
      BuiltinCase("internal.member_2", 1, set(2), gives: false),
      BuiltinCase("internal.member_2", 1, 1, gives: false),
      BuiltinCase("internal.member_3", 0, "x", ["x"], gives: true),
      BuiltinCase("internal.member_3", "a", 1, ["a": 1], gives: true),
      BuiltinCase("internal.member_3", 1, 1, set(1), gives: true),
      BuiltinCase("internal.member_3", 1, 2, set(1, 2), gives: false),
      BuiltinCase("internal.member_3", 1, 1, "x", gives: false),
    ])
  func comparison(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "numbers",
    arguments: [
      BuiltinCase("plus", 1, 2, gives: 3), BuiltinCase("minus", 1, 2, gives: -1),
      BuiltinCase("minus", set(1, 2), set(2, 3), gives: set(1)),
      BuiltinCase("mul", 6, 7, gives: 42), BuiltinCase("div", 1, 4, gives: decimal("0.25")),
      BuiltinCase("rem", -7, 3, gives: -1),
      BuiltinCase("abs", -3, gives: 3), BuiltinCase("round", decimal("2.5"), gives: 3),
      BuiltinCase("ceil", decimal("-1.5"), gives: -1),
      BuiltinCase("floor", decimal("-1.5"), gives: -2), BuiltinCase("numbers.range", 3, 1, gives: [3, 2, 1]),
      BuiltinCase("numbers.range", 2, 2, gives: [2]),
      BuiltinCase("numbers.range_step", 0, 7, 3, gives: [0, 3, 6]),
      BuiltinCase("numbers.range_step", 5, 0, 2, gives: [5, 3, 1]),
      BuiltinCase("rand.intn", "x", 0, gives: 0),
      BuiltinCase("rand.intn", "x", -1, gives: 0),
      BuiltinCase(
        "numbers.range", decimal("9223372036854775806"), decimal("9223372036854775808"),
        gives: [
          decimal("9223372036854775806"), decimal("9223372036854775807"), decimal("9223372036854775808"),
        ]),
    ])
  func numbers(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "bits",
    arguments: [
      BuiltinCase("bits.and", 12, 10, gives: 8), BuiltinCase("bits.or", 12, 10, gives: 14),
      BuiltinCase("bits.xor", 12, 10, gives: 6),
      BuiltinCase("bits.and", -2, decimal("18446744073709551615"), gives: decimal("18446744073709551614")),
      BuiltinCase("bits.or", decimal("18446744073709551616"), 1, gives: decimal("18446744073709551617")),
      BuiltinCase("bits.xor", -1, decimal("18446744073709551616"), gives: decimal("-18446744073709551617")),
      BuiltinCase("bits.negate", 0, gives: -1),
      BuiltinCase("bits.negate", decimal("-18446744073709551616"), gives: decimal("18446744073709551615")),
      BuiltinCase("bits.lsh", 1, 64, gives: decimal("18446744073709551616")),
      BuiltinCase("bits.lsh", -3, 2, gives: -12), BuiltinCase("bits.lsh", 0, decimal("1e30"), gives: 0),
      BuiltinCase("bits.rsh", -5, 1, gives: -3), BuiltinCase("bits.rsh", 5, 1, gives: 2),
      BuiltinCase("bits.rsh", -1, 1_000_000, gives: -1), BuiltinCase("bits.rsh", -8, 3, gives: -1),
      BuiltinCase("bits.rsh", decimal("18446744073709551616"), 64, gives: 1),
    ])
  func bits(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "aggregates",
    arguments: [
      BuiltinCase("count", [1, 1], gives: 2), BuiltinCase("count", ["a": 1], gives: 1),
      BuiltinCase("count", set(1, 1), gives: 1),
      BuiltinCase("count", "a\u{e9}\u{1f600}e\u{301}", gives: 5),
      BuiltinCase("sum", [1, decimal("0.5"), 2], gives: decimal("3.5")), BuiltinCase("sum", [], gives: 0),
      BuiltinCase("sum", [.int(.max), 1], gives: decimal("9223372036854775808")),
      BuiltinCase("product", set(2, 3), gives: 6), BuiltinCase("product", [], gives: 1),
      BuiltinCase("max", [1, "a", .null], gives: "a"), BuiltinCase("max", [], gives: nil),
      BuiltinCase("min", set(3, 2), gives: 2), BuiltinCase("min", set(), gives: nil),
      BuiltinCase("sort", [3, "a", 1, .null], gives: [.null, 1, 3, "a"]),
      BuiltinCase("sort", set(2, 1), gives: [1, 2]), BuiltinCase("all", [true, 1], gives: false),
      BuiltinCase("all", [], gives: true), BuiltinCase("any", set(false, true), gives: true),
      BuiltinCase("any", [1], gives: false),
    ])
  func aggregates(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "arrays and sets",
    arguments: [
      BuiltinCase("array.concat", [1], [2, 3], gives: [1, 2, 3]),
      BuiltinCase("array.flatten", [1, [2, [3]], []], gives: [1, 2, [3]]),
      BuiltinCase("array.reverse", [1, 2], gives: [2, 1]),
      BuiltinCase("array.slice", [1, 2, 3], 1, 9, gives: [2, 3]),
      BuiltinCase("array.slice", [1, 2, 3], 2, 1, gives: []),
      BuiltinCase("array.slice", [1, 2, 3], -5, -1, gives: []),
      BuiltinCase("and", set(1, 2), set(2, 3), gives: set(2)),
      BuiltinCase("or", set(1), set(3, 2), gives: set(1, 2, 3)),
      BuiltinCase("set_diff", set(1, 2), set(2), gives: set(1)),
      BuiltinCase("intersection", set(set(1, 2), set(2, 3), set(2)), gives: set(2)),
      BuiltinCase("intersection", set(), gives: set()),
      BuiltinCase("union", set(set(1), set(3, 2)), gives: set(1, 2, 3)),
      BuiltinCase("union", set(), gives: set()),
    ])
  func arraysAndSets(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "objects",
    arguments: [
      BuiltinCase("object.get", ["a": ["b": [7]]], ["a", "b", 0], 1, gives: 7),
      BuiltinCase("object.get", ["a": 1], "b", 2, gives: 2),
      BuiltinCase("object.get", ["a": set("x")], ["a", "x"], 0, gives: "x"),
      BuiltinCase("object.get", ["a": 1], [], 2, gives: ["a": 1]),
      BuiltinCase("object.get", [:], .null, 5, gives: 5),
      BuiltinCase("object.keys", ["b": 1, 2: 3], gives: set(2, "b")),
      BuiltinCase("object.filter", ["a": 1, "b": 2, 3: 4], set("a", 3), gives: ["a": 1, 3: 4]),
      BuiltinCase("object.filter", ["a": 1, "b": 2], ["b": 0], gives: ["b": 2]),
      BuiltinCase("object.remove", ["a": 1, "b": 2], ["a", "x"], gives: ["b": 2]),
      BuiltinCase(
        "object.union", ["a": ["x": 1], "b": 1], ["a": ["y": 2], "c": 3],
        gives: ["a": ["x": 1, "y": 2], "b": 1, "c": 3]),
      BuiltinCase("object.union", ["a": ["x": 1]], ["a": 2], gives: ["a": 2]),
      BuiltinCase("object.union_n", [["a": ["b": 2]], ["a": 4], ["a": ["c": 3]]], gives: ["a": ["c": 3]]),
      BuiltinCase("object.union_n", [], gives: [:]),
      BuiltinCase("object.subset", ["a": ["b": 1, "c": 2]], ["a": ["b": 1]], gives: true),
      BuiltinCase("object.subset", ["a": [1, 2, 3]], ["a": [2, 3]], gives: true),
      BuiltinCase("object.subset", ["a": [1, 2, 3]], ["a": [1, 3]], gives: false),
      BuiltinCase("object.subset", ["a": 1], ["b": 1], gives: false),
      BuiltinCase("object.subset", set(1, 2), set(2), gives: true),
      BuiltinCase("object.subset", [1, 1, 2], [1, 2], gives: true),
      BuiltinCase("object.subset", [1, 2], set(2, 1), gives: true),
      BuiltinCase("object.subset", [1, 2], set(3), gives: false),
      BuiltinCase("object.subset", [1], [], gives: true),
    ])
  func objects(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "types and conversions",
    arguments: [
      BuiltinCase("is_set", set(), gives: true), BuiltinCase("is_array", set(), gives: false),
      BuiltinCase("is_null", .null, gives: true), BuiltinCase("is_number", "1", gives: false),
      BuiltinCase("type_name", [:], gives: "object"), BuiltinCase("to_number", "12", gives: 12),
      BuiltinCase("to_number", "-1.50", gives: decimal("-1.5")),
      BuiltinCase("to_number", "+7", gives: 7), BuiltinCase("to_number", "007", gives: 7),
      BuiltinCase("to_number", ".5", gives: decimal("0.5")), BuiltinCase("to_number", "5.", gives: 5),
      BuiltinCase("to_number", "1e2", gives: 100), BuiltinCase("to_number", "5.e1", gives: 50),
      BuiltinCase("to_number", true, gives: 1), BuiltinCase("to_number", .null, gives: 0),
      BuiltinCase("to_number", 3, gives: 3),
      BuiltinCase("cast_array", set(2, 1), gives: [1, 2]), BuiltinCase("cast_set", [1, 1], gives: set(1)),
      BuiltinCase("cast_string", "x", gives: "x"),
    ])
  func types(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "graphs",
    arguments: [
      BuiltinCase(
        "graph.reachable", ["a": set("b"), "b": ["c", "d"], "c": set("a")], set("a"),
        gives: set("a", "b", "c")),
      BuiltinCase("graph.reachable", ["a": .null], ["a", "z"], gives: set("a")),
      BuiltinCase("graph.reachable_paths", ["x": set("x")], ["x"], gives: set(["x", "x"])),
      BuiltinCase(
        "graph.reachable_paths", ["a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []], ["a"],
        gives: set(["a", "b", "d"], ["a", "c", "d"])),
      BuiltinCase(
        "graph.reachable_paths",
        [
          "one": ["two", "five"], "two": ["four"], "three": [""], "four": ["three"],
          "five": ["seven", "six"], "six": ["nine", "seven"], "seven": ["eight"], "eight": ["three"],
          "nine": [""],
        ], set("one"),
        gives: set(
          ["one", "five", "seven", "eight", "three"], ["one", "five", "six"], ["one", "five", "six", "nine"],
          ["one", "two", "four", "three"])),
      BuiltinCase(
        "walk", ["a": [1, set(2)]],
        gives: [
          [[], ["a": [1, set(2)]]], [["a"], [1, set(2)]], [["a", 0], 1], [["a", 1], set(2)],
          [["a", 1, 2], 2],
        ]),
    ])
  func graphs(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "failures",
    arguments: [
      BuiltinFailure("minus", set(1), 1, fails: "operand 2 must be set but got number"),
      BuiltinFailure("minus", 1, set(1), fails: "operand 2 must be number but got set"),
      BuiltinFailure("minus", "a", 1, fails: "operand 1 must be one of {number, set} but got string"),
      BuiltinFailure("div", 1, 0, fails: "divide by zero"),
      BuiltinFailure("rem", 1, 0, fails: "modulo by zero"),
      BuiltinFailure("rem", 1, decimal("0.5"), fails: "modulo on floating-point number"),
      BuiltinFailure(
        "numbers.range", 1, decimal("1.5"),
        fails: "operand 2 must be integer number but got floating-point number"),
      BuiltinFailure("numbers.range_step", 1, 5, 0, fails: "step must be a positive integer"),
      BuiltinFailure("numbers.range", 0, decimal("1e12"), fails: "cancelled"),
      BuiltinFailure(
        "bits.and", decimal("1.5"), 1, fails: "operand 1 must be integer number but got floating-point number"
      ),
      BuiltinFailure(
        "bits.lsh", 1, -1, fails: "operand 2 must be an unsigned integer number but got a negative integer"),
      BuiltinFailure("bits.lsh", 1, decimal("1e30"), fails: "number out of range"),
      BuiltinFailure(
        "sum", ["a"], fails: "operand 1 must be array of numbers but got array containing string"),
      BuiltinFailure(
        "count", 1, fails: "operand 1 must be one of {array, object, set, string} but got number"),
      BuiltinFailure("to_number", "broken", fails: "strconv.ParseFloat: parsing \"broken\": invalid syntax"),
      BuiltinFailure(
        "to_number", "1e999", fails: "strconv.ParseFloat: parsing \"1e999\": value out of range"),
      BuiltinFailure("to_number", "-Inf", fails: "operand 1 must be valid number string but got string"),
      BuiltinFailure("to_number", "", fails: "strconv.ParseFloat: parsing \"\": invalid syntax"),
      BuiltinFailure("to_number", "+-1", fails: "strconv.ParseFloat: parsing \"+-1\": invalid syntax"),
      BuiltinFailure("cast_string", 1, fails: "operand 1 must be string but got number"),
      BuiltinFailure(
        "object.union_n", [1], fails: "operand 1 must be array of objects but got array containing number"),
      BuiltinFailure("union", set(1), fails: "operand 1 must be set but got number"),
      BuiltinFailure(
        "array.slice", [1], decimal("0.5"), 1,
        fails: "operand 2 must be integer number but got floating-point number"),
    ])
  func failures(_ test: BuiltinFailure) { test.check() }

  @Test("random results stay the same within an evaluation, by operands")
  func remembered() throws {
    let context = BuiltinContext(nowNanoseconds: 0)
    let numbers = try (0..<20).map {
      try callBuiltin("rand.intn", [.string("k\($0)"), 1_000_000], context: context)
    }
    #expect(
      try numbers
        == (0..<20).map { try callBuiltin("rand.intn", [.string("k\($0)"), -1_000_000], context: context) })
    #expect(Set(numbers).count > 15)
    let identifier = try callBuiltin("uuid.rfc4122", ["a"], context: context)
    #expect(try callBuiltin("uuid.rfc4122", ["a"], context: context) == identifier)
    #expect(try callBuiltin("uuid.rfc4122", ["b"], context: context) != identifier)
    let parsed = try callBuiltin("uuid.parse", [try #require(identifier)])
    #expect(parsed == ["version": 4, "variant": "RFC4122"])
  }

  @Test("what a UUID tells")
  func uuids() throws {
    let parsed = try callBuiltin("uuid.parse", ["000003e8-48b9-21ee-b200-325096b39f47"])
    #expect(
      parsed == [
        "clocksequence": 12800, "domain": "Person", "id": 1000, "macvariables": "local:unicast",
        "nodeid": "32-50-96-b3-9f-47", "time": 1_693_566_990_121_469_600, "variant": "RFC4122", "version": 2,
      ])
    let four: Value = ["version": 4, "variant": "RFC4122"]
    for text in [
      "urn:uuid:00000000-0000-4000-8000-000000000000", "{00000000-0000-4000-8000-000000000000}",
      "00000000000040008000000000000000",
    ] { #expect(try callBuiltin("uuid.parse", [.string(text)]) == four) }
    for text in ["", "x", "00000000-0000-4000-8000-00000000000g", "00000000x0000-4000-8000-000000000000"] {
      #expect(try callBuiltin("uuid.parse", [.string(text)]) == nil)
    }
  }
}
