import Rego
import Testing

@Suite struct CompilerCheckTests {
  static func errors(
    _ sources: [String], dialect: Dialect = .v1, _ change: (inout RegoCompiler.Options) -> Void = { _ in }
  ) throws -> [String] {
    var options = RegoCompiler.Options()
    change(&options)
    do throws(RegoErrors) {
      var modules: [Module] = []
      for (index, source) in sources.enumerated() {
        modules.append(try RegoParser.module(source, file: "m\(index).rego", dialect: dialect))
      }
      _ = try RegoCompiler(options).compile(modules)
      return []
    } catch {
      return error.errors.map(\.description)
    }
  }

  // MARK: Strict mode

  static let strict: [(rules: String, error: String?)] = [
    ("import data.a.b\np := 1", "m0.rego:2:1: rego_compile_error: import data.a.b unused"),
    ("import data.a.b as c\np := 1", "m0.rego:2:1: rego_compile_error: import data.a.b as c unused"),
    ("import data.a.b\np := b", nil),
    ("import data.a.f\np if f.g(1) with data.a.f as 1", "undefined function"),
    ("import rego.v1\nimport future.keywords.in\np := 1", nil),
    ("p if {\n  x := 1\n  true\n}", "m0.rego:3:3: rego_compile_error: assigned var x unused"),
    ("p if { x := 1; x > 0 }", nil), ("p := x if x := 1", nil), ("p contains x if x := 1", nil),
    ("p[x] := 1 if x := 1", nil), ("p if { [x, y] := [1, 2]; x > 1 }", "assigned var y unused"),
    ("p if { [x, _] := [1, 2]; x > 0 }", nil),
    ("p := [y | y := 1; z := 2]", "assigned var z unused"), ("p if { x := 1; [y | y := x] }", nil),
    ("p := $\"{x}\" if x := 1", nil), ("p if { x := 1; print(x) }", nil),
    ("p if { x := 1; data.q with input as x }", nil),
    (
      "f(x) := 1",
      "m0.rego:2:1: rego_compile_error: unused argument x. (hint: use _ (wildcard variable) instead)"
    ),
    ("f(_) := 1", nil), ("f(x) := x", nil), ("f(x, y) if x > 1 else := y", nil),
    ("f([x, _]) if input.y", "unused argument x."), ("f(x, x)", nil),
    (
      "p if any([true])",
      "m0.rego:2:6: rego_type_error: deprecated built-in function calls in expression: any"
    ),
  ]

  @Test("strict mode finds what is not used and what is deprecated", arguments: strict)
  func strictMode(_ rules: String, _ error: String?) throws {
    let source = "package test\n\(rules)\n"
    let found = try Self.errors([source]) { $0.isStrict = true }
    if let error {
      #expect(found.contains { $0.contains(error) }, "\(found)")
    } else {
      #expect(found == [])
    }
    if error?.contains("undefined") != true { #expect(try Self.errors([source]) == []) }
  }

  // MARK: Names

  static let names: [(rules: String, error: String?)] = [
    ("p if { some x; true }", "m0.rego:2:13: rego_compile_error: declared var x unused"),
    ("p if { some x; x = 1 }", nil), ("p if some x in [1]", nil),
    ("p if every k, v in [1] { k == 0 }", "declared var v unused"),
    ("p if every _, v in [1] { v == 0 }", nil),
    ("p if { x := 1; x := 2 }", "var x assigned above"),
    ("p if { some x; x := 2 }", "var x declared above"),
    ("p if { x = 1; x := 2 }", "var x referenced above"),
    ("f(x) if { x := 1; x > 0 }", "arg x redeclared"),
    (
      "import data.a.foo\nimport data.b.foo\np := foo",
      "m0.rego:3:1: rego_compile_error: import must not shadow import data.a.foo"
    ),
    (
      "input := 1", "m0.rego:2:1: rego_compile_error: rules must not shadow input (use a different rule name)"
    ),
    ("f(data) := 1", "args must not shadow data (use a different variable name)"),
    ("p if { input := 1; input == 1 }", "variables must not shadow input (use a different variable name)"),
  ]

  @Test("names that hide others, and declarations that nothing uses", arguments: names)
  func nameChecks(_ rules: String, _ error: String?) throws {
    let found = try Self.errors(["package test\n\(rules)\n"])
    if let error {
      #expect(found.contains { $0.contains(error) }, "\(found)")
    } else {
      #expect(found == [])
    }
  }

  @Test("in v0 hiding documents and imports is allowed but for strict mode")
  func shadowingInV0() throws {
    let source = "package test\nimport data.a.foo\nimport data.b.foo\ninput = 1 { foo }"
    #expect(try Self.errors([source], dialect: .v0) == [])
    #expect(try Self.errors([source], dialect: .v0) { $0.isStrict = true }.count == 2)
  }

  // MARK: Conflicts

  static let conflicts: [(sources: [String], error: String?)] = [
    (
      ["package test\ndefault p := 1\ndefault p := 2"],
      "m0.rego:2:1: rego_type_error: multiple default rules data.test.p found at m0.rego:2, m0.rego:3"
    ),
    (["package test\nf(x) := x\nf(x, y) := x"], "conflicting rules data.test.f found"),
    (["package test\np := 1\np contains 2"], "conflicting rules data.test.p found"),
    (["package test\np := 1\np[x] := 2 if x := input.a"], "conflicting rules data.test.p[x] found"),
    (["package test\np contains 1\np[x] := 2 if x := input.a"], "conflicting rules data.test.p[x] found"),
    (["package test\nf(x) := x\nf := 1"], "conflicting rules data.test.f found"),
    (
      ["package test\np := 1\np.q.r := 2\np.s := 3"],
      "m0.rego:2:1: rego_type_error: rule data.test.p conflicts with [data.test.p.q.r data.test.p.s]"
    ),
    (["package test\np.q := 1\np[x] := 2 if x := input.a"], nil),
    (
      ["package a\nb := 1", "package a.b\nc := 1"],
      "m0.rego:1:1: rego_type_error: package a.b conflicts with rule b defined at m0.rego:2"
    ),
    (["package a\nb.c := 1", "package a.b\nd := 1"], nil),
    (["package a\np := 1", "package a\np := 1"], nil),
    (["package a\np := 1", "package a\np contains 1"], "conflicting rules data.a.p found"),
  ]

  @Test("rules that cannot stand together", arguments: conflicts)
  func ruleConflicts(_ sources: [String], _ error: String?) throws {
    let found = try Self.errors(sources)
    if let error {
      #expect(found.contains { $0.contains(error) }, "\(found)")
    } else {
      #expect(found == [])
    }
  }

  // MARK: with

  static let replacements: [(String, String)] = [
    (
      "p if 1 with nothing as 2",
      "rego_type_error: with keyword target must reference existing input, data, or a function"
    ),
    (
      "q := {\"a\": 1}\np if 1 with data.test.q.a as 2",
      "rego_compile_error: with keyword cannot partially replace virtual document(s)"
    ),
    (
      "p if 1 with walk as 2",
      "rego_compile_error: with keyword replacing built-in function: target must not be a relation"
    ),
    ("p if 1 with internal.member_2 as 2", "replacement of internal function \"internal.member_2\" invalid"),
  ]

  @Test("what with cannot replace", arguments: replacements)
  func withTargets(_ rules: String, _ error: String) throws {
    let found = try Self.errors(["package test\n\(rules)\n"])
    #expect(found.contains { $0.contains(error) }, "\(found)")
  }

  // MARK: Bounds

  @Test("errors are reported in the order of the sources, and no more than ten")
  func errorLimit() throws {
    let rules = (0..<15).map { "p\($0) := nothing\($0)(1)\n" }.joined()
    let found = try Self.errors(["package a\n" + rules, "package b\nq := nothing(1)"])
    #expect(found.count == 11)
    #expect(found.first == "m0.rego:2:7: rego_type_error: undefined function nothing0")
    #expect(found.last == "rego_compile_error: error limit reached")
    #expect(try Self.errors(["package a\n" + rules]) { $0.errorLimit = nil }.count == 15)
  }

  @Test("each rule that depends on itself is named, with the way back to it")
  func recursion() throws {
    let rules = """
      package test
      p if q
      q if r
      r if { p; s }
      s if t(1)
      t(x) if x == 1
      u if u
      v contains w if some w in data.test.v
      """
    #expect(
      try Self.errors([rules]) == [
        "m0.rego:2:1: rego_recursion_error: rule data.test.p is recursive: data.test.p -> data.test.q -> data.test.r -> data.test.p",
        "m0.rego:3:1: rego_recursion_error: rule data.test.q is recursive: data.test.q -> data.test.r -> data.test.p -> data.test.q",
        "m0.rego:4:1: rego_recursion_error: rule data.test.r is recursive: data.test.r -> data.test.p -> data.test.q -> data.test.r",
        "m0.rego:7:1: rego_recursion_error: rule data.test.u is recursive: data.test.u -> data.test.u",
        "m0.rego:8:1: rego_recursion_error: rule data.test.v is recursive: data.test.v -> data.test.v",
      ])
  }

  @Test("a ring of thousands of rules is recognised at once")
  func longRecursion() throws {
    let count = 5_000
    let rules = (0..<count).map { "p\($0) if p\(($0 + 1) % count)\n" }.joined()
    let start = ContinuousClock.now
    #expect(try Self.errors(["package test\n" + rules]).count == 11)
    #expect(ContinuousClock.now - start < .seconds(60))
  }

  @Test("builtins that are refused are not called, nor do they replace others")
  func refusedBuiltins() throws {
    let refuse = { (options: inout RegoCompiler.Options) in options.refusedBuiltins = ["opa.runtime": "why"] }
    for rules in ["p := opa.runtime()", "p if time.now_ns() with time.now_ns as opa.runtime"] {
      let found = try Self.errors(["package test\n\(rules)\n"], refuse)
      #expect(found.count == 1)
      #expect(
        found.first?.contains("unsafe built-in function calls in expression: opa.runtime: why") == true)
    }
    #expect(try Self.errors(["package test\np if time.now_ns() with opa.runtime as {}"], refuse) == [])
  }
}
