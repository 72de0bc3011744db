import Rego
import Testing

@Suite struct TypeCheckTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let rules: String
    /// The errors without their place; none where the rules compile.
    let errors: [String]

    init(_ rules: String, _ errors: String...) {
      self.rules = rules
      self.errors = errors
    }

    var testDescription: String { rules }
  }

  /// The errors of a module of package `test` with these rules.
  static func errors(_ rules: String) throws -> [String] {
    let module = try RegoParser.module("package test\n\n\(rules)\n", file: "t.rego", dialect: .v1)
    do throws(RegoErrors) {
      _ = try RegoCompiler().compile([module])
      return []
    } catch {
      return error.errors.map { "\($0.code.rawValue): \($0.text)" }
    }
  }

  static let wrong: [Case] = [
    // Equality
    Case(#"p if "a" == 1"#, "rego_type_error: match error\n\tleft  : string\n\tright : number"),
    Case(#"p if not "a" == 1"#, "rego_type_error: match error\n\tleft  : string\n\tright : number"),
    Case(
      #"p if { x := 1; x = "a" }"#, "rego_type_error: match error\n\tleft  : number\n\tright : string"),
    Case(
      #"p if [1, "a"] == [1, 2]"#,
      "rego_type_error: match error\n\tleft  : array<number, string>\n\tright : array<number, number>"),
    Case(
      #"p if {"a": 1} == {"b": 1}"#,
      "rego_type_error: match error\n\tleft  : object<a: number>\n\tright : object<b: number>"),
    Case(
      #"p if { some x in {1, 2}; x == "a" }"#,
      "rego_type_error: match error\n\tleft  : number\n\tright : string"),
    Case(
      #"p if { [x, y] = [1, "a"]; x == y }"#,
      "rego_type_error: match error\n\tleft  : number\n\tright : string"),
    // Documents
    Case("a := 1\np := a.b", "rego_type_error: undefined ref: data.test.a.b", "have: number"),
    Case(
      #"a := {"x": 1, "y": {"z": "s"}}"# + "\np if a.y.w",
      """
      rego_type_error: undefined ref: data.test.a.y.w
      \tdata.test.a.y.w
      \t              ^
      \t              have: "w"
      \t              want (one of): ["z"]
      """),
    Case("a contains \"x\"\np if { a[x]; x > 1; x == 1 }", "match error\n\tleft  : string\n\tright : number"),
    Case(
      "a[k] := 1 if some k in [\"x\"]\np if a[1]", "undefined ref: data.test.a[1]", "want (type): string"),
    Case("a := 1\nb := a\nc := b\np if c == \"x\"", "match error\n\tleft  : number\n\tright : string"),
    Case(
      "a := 1 if input.x\na := \"s\" if input.y\np if a == true",
      "match error\n\tleft  : any<number, string>\n\tright : boolean"),
    Case("default a := 1\np if a == \"x\"", "match error\n\tleft  : number\n\tright : string"),
    Case(
      "a := 1 if input.x else := \"s\"\np if a == null",
      "match error\n\tleft  : any<number, string>\n\tright : null"),
    Case("p if data.test[1]", "undefined ref: data.test[1]", "have (type): number"),
    // Builtins
    Case(
      "p if count(1) > 0",
      """
      rego_type_error: count: invalid argument(s)
      \thave: (number, ???)
      \twant: (collection: any<string, array[any], object[any: any], set[any]>, n: number)
      """),
    Case(
      #"p := 1 + "a""#,
      "rego_type_error: plus: invalid argument(s)\n\thave: (number, string, ???)\n\twant: (x: number, y: number, z: number)"
    ),
    Case("p if { x := upper(input.a); x == 1 }", "match error\n\tleft  : string\n\tright : number"),
    Case("p := [x | x := upper(1)]", "upper: invalid argument(s)\n\thave: (number, ???)"),
    Case(
      #"p if { x := [y | y := 1]; x[_] == "a" }"#, "match error\n\tleft  : number\n\tright : string"),
    Case(#"p if { x := [y | y := 1]; x.a }"#, "undefined ref: x.a", "want (type): number"),
    Case(
      "p if count(1, 2, 3)",
      "rego_type_error: count: arity mismatch\n\thave: (number, number, number)\n\twant: (collection: "),
    Case("p if nothing.here(1)", "rego_type_error: undefined function nothing.here"),
    // Functions
    Case(
      "f(x) := startswith(x, \"a\")\np if f(1)",
      "rego_type_error: data.test.f: invalid argument(s)\n\thave: (number)\n\twant: (string, boolean)"),
    Case(
      "f(x) := count(x)\np if f(\"a\") == \"b\"",
      "match error\n\tleft  : number\n\tright : string"),
    Case("f(x) := x\np if f(1, 2, 3)", "rego_type_error: function data.test.f has arity 1, got 3 arguments"),
    Case("f(x) := x\np if data.test.f", "undefined ref: data.test.f", "have: (any) => any"),
    Case("f([x, y]) := x + y\np := f([1])", "data.test.f: invalid argument(s)", "have: (array<number>, ???)"),
    Case(
      "f(x) := x\np if count([1]) == 1 with count as f with f as startswith",
      "data.test.f: arity mismatch\n\thave: (string, string)\n\twant: (any, any)"),
  ]

  @Test("types that cannot go together are errors, worded as OPA's", arguments: wrong)
  func reportsErrors(_ test: Case) throws {
    let errors = try Self.errors(test.rules).joined(separator: "\n")
    for wanted in test.errors { #expect(errors.contains(wanted)) }
  }

  static let right: [Case] = [
    Case(#"p if input.x == 1"#), Case(#"p if { input.x == 1; input.x == "a" }"#),
    Case(#"p if 1 < "a""#), Case(#"p if 1 != "a""#), Case(#"p := 1 == "a""#),
    Case("p if data.elsewhere.x.y"), Case("p if { some x; data.test2[x][0] == 1; x == \"a\" }"),
    Case(#"p if { x := [1, "a", true][_]; x == "a" }"#),
    Case(#"p if { some x in [1, "a"]; x == "a" }"#),
    Case(#"p if { x := {}; x.a }"#), Case(#"p if { x := []; x[0] }"#),
    Case(#"p if set() == {1}"#), Case(#"p if count(set()) == 0"#),
    Case("f(x) := x\np if f(1) == \"a\""), Case("f(\"a\") := 1\nf(1) := \"b\"\np := f(1)"),
    Case("f(x) := {y | y := x}\np := f(1)"), Case("f(x, y) if x == y\np if f(1, \"a\")"),
    Case(#"p := json.marshal_with_options({}, {"pretty": true})"#),
    Case(#"p if { o := {"pretty": true}; json.marshal_with_options({}, o) }"#),
    Case("a := {\"x\": 1}\np if { some k; a[k] == 1 }"), Case("a := rego.metadata.rule()\np := a.custom.x"),
    Case("a contains 1\na contains \"x\"\np if a.x"),
    Case("p if { walk(input, [path, value]); path[0] == 1 }"),
    Case(#"p if every x in [1, 2] { startswith(x, "a") }"#),
    Case("a.b.c := 1\na.b.d := \"x\"\np if a.b.d == \"x\"\nq := a.b[input.k]\nr := a[_].c"),
    Case("a[3] := 1\np if a.x\nq if a[4] == \"x\""),
    Case("p := data.test.q\nq := object.get(input, \"a\", 1) + 1"),
  ]

  @Test("what can hold compiles", arguments: right)
  func compiles(_ test: Case) throws {
    #expect(try Self.errors(test.rules) == [])
  }

  @Test("a query is checked too")
  func query() throws {
    let query = try RegoParser.query(#"x := 1; x == "a""#)
    #expect(throws: RegoErrors.self) { try RegoCompiler().compile([], queries: [query]) }
  }

  @Test("types that double with every rule are given up before they cost anything")
  func growth() throws {
    var rules = "p0 := [1, \"a\"]\n"
    for index in 1...200 { rules += "p\(index) := [p\(index - 1), p\(index - 1), {\"k\": p\(index - 1)}]\n" }
    for index in 0..<200 { rules += "many := \(index) if input.x == \(index)\nmany := {\"k\(index)\": 1}\n" }
    let start = ContinuousClock.now
    #expect(try Self.errors(rules) == [])
    #expect(ContinuousClock.now - start < .seconds(60))
  }
}
