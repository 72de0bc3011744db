import Testing

@testable import Rego

/// The rules of a file without its package, one a line, or its errors.
private func rules(_ source: String, _ dialect: Dialect?) -> String {
  do throws(RegoErrors) {
    let module = try RegoParser.module("package p\n" + source, file: "", dialect: dialect)
    return module.rules.map(\.description).joined(separator: "\n")
  } catch {
    return error.errors.map { "\($0.location?.line ?? 0): \($0.message)" }.joined(separator: "\n")
  }
}

@Suite("Parsing rules")
struct ParserRuleTests {
  @Test(
    "rules of v1",
    arguments: [
      ("p := 1", "p := 1"), ("p = 1", "p = 1"), ("p if x", "p { x }"),
      ("p if { x; y }", "p { x; y }"), ("p := x if {\n x := 1\n}", "p := x { (assign x 1) }"),
      ("p if not x", "p { not x }"), ("p if some x in xs", "p { some x in xs }"),
      ("p if every x in xs { x }", "p { every x in xs { x } }"),
      ("p if x with input as 1", "p { x with input as 1 }"),
      ("p contains 1", "p contains 1"), ("p contains x if { some x in xs }", "p contains x { some x in xs }"),
      ("p contains x if x := 1", "p contains x { (assign x 1) }"),
      ("p contains {\"msg\": m} if m := 1", "p contains {\"msg\": m} { (assign m 1) }"),
      ("p[x] := y if y := xs[x]", "p[x] := y { (assign y xs[x]) }"),
      ("p[x] if x := 1", "p[x] { (assign x 1) }"),
      ("p.q.r := 1", "p[\"q\"][\"r\"] := 1"),
      ("p.q[x].r contains y if x", "p[\"q\"][x][\"r\"] contains y { x }"),
      ("p.q if true", "p[\"q\"] { true }"), ("p [x] if x := 1", "p[x] { (assign x 1) }"),
      ("f(x) := x + 1", "f(x) := (plus x 1)"), ("f(x)", "f(x)"),
      ("f(_, [y, _]) if y", "f($0, [y, $1]) { y }"),
      ("a.b.f(x) = 1 if x", "a[\"b\"][\"f\"](x) = 1 { x }"), ("f() := 1", "f() := 1"),
      ("default p := 1", "default p := 1"), ("default p = {\"a\": [1]}", "default p = {\"a\": [1]}"),
      ("default f(_, x) := 1", "default f($0, x) := 1"), ("default a.b := 1", "default a[\"b\"] := 1"),
      ("default.x := 1", "default[\"x\"] := 1"), ("if.x := 1", "if[\"x\"] := 1"),
      ("default if.x := 1", "default if[\"x\"] := 1"),
      ("default p := [x | x := 1]", "default p := [x | (assign x 1)]"),
      ("p := 1 if { x } else := 2 if { y } else := 3", "p := 1 { x } else p := 2 { y } else p := 3"),
      ("p if x\nelse := 2 if y\nelse if z", "p { x } else p := 2 { y } else p { z }"),
      ("f(_) if { x } else := 2", "f($0) { x } else f($1) := 2"),
      ("p if { x } { y }", "p { x }\np { y }"),
      ("p := 1 q := 2", "p := 1\nq := 2"),
      ("p if x\nelse.x := 1", "p { x }\nelse[\"x\"] := 1"),
    ])
  func v1(source: String, expected: String) { #expect(rules(source, .v1) == expected) }

  @Test(
    "a brace after `if` is a body unless it begins an expression",
    arguments: [
      ("p if { true }", "p { true }"), ("p if { x }", "p { x }"), ("p if { f(x) }", "p { (f x) }"),
      ("p if { x, y }", "2: unexpected , token: expected \\n or ; or }"),
      ("p if { x == 1 }", "p { (equal x 1) }"), ("p if {x} == {1}", "p { (equal {x} {1}) }"),
      ("p if {\"a\": 1}", "p { {\"a\": 1} }"),
      ("p if {\"a\": x}.a == 1", "p { (equal {\"a\": x}[\"a\"] 1) }"),
      ("p if {x | x := 1}", "p { {x | (assign x 1)} }"), ("p if {}", "p { {} }"),
      ("p if { {1} }", "p { {1} }"), ("p if { not x }", "p { not x }"),
    ])
  func braces(source: String, expected: String) { #expect(rules(source, .v1) == expected) }

  @Test(
    "rules of v0",
    arguments: [
      ("p { x }", "p { x }"), ("p = y { y := 1 }", "p = y { (assign y 1) }"),
      ("p[x] { x := 1 }", "p contains x { (assign x 1) }"), ("p[1]", "p contains 1"),
      ("p.q { x }", "p contains \"q\" { x }"), ("a.b[x] { x }", "a[\"b\"][x] { x }"),
      ("a.b.c", "a[\"b\"][\"c\"]"),
      ("p[x] = y { y := xs[x] }", "p[x] = y { (assign y xs[x]) }"),
      ("deny [msg] { msg }", "deny contains msg { msg }"),
      ("f(x) = y { y := x }", "f(x) = y { (assign y x) }"), ("f(_) { a } { b }", "f($0) { a }\nf($1) { b }"),
      ("p { a } else { b }", "p { a } else p { b }"),
      ("p = 1 { a } else = 2 { b }", "p = 1 { a } else p = 2 { b }"),
      ("p { a } else = 2", "p { a } else p = 2"), ("p { a }\n{ b }", "p { a }\np { b }"),
      ("if { in == contains }", "if { (equal in contains) }"),
      ("contains[x] { x }", "contains contains x { x }"),
      ("every = 1 { some in; in }", "every = 1 { some in; in }"),
      ("import future.keywords.in\np { 1 in xs }", "p { (internal[\"member_2\"] 1 xs) }"),
      ("import future.keywords.if\np[x] if x", "p[x] { x }"),
      ("import future.keywords\np contains x { every y in x { y } }", "p contains x { every y in x { y } }"),
      ("import future.keywords.every\np { every x in xs { x } }", "p { every x in xs { x } }"),
      ("import future.keywords.contains\np contains 1", "p contains 1"),
    ])
  func v0(source: String, expected: String) { #expect(rules(source, .v0) == expected) }

  @Test(
    "without a dialect a file is v1, and v0 where it is no v1",
    arguments: [
      ("p if x", Dialect.v1), ("p := 1", .v1), ("p { x }", .v0), ("p[x] { x }", .v0),
      ("import rego.v1\np if x", .v1), ("import future.keywords.if\np if x", .v1),
      ("import future.keywords.if\np if x\nq { y }", .v0),
    ])
  func dialects(source: String, expected: Dialect) throws {
    #expect(try RegoParser.module("package p\n" + source, file: "", dialect: nil).dialect == expected)
  }

  @Test("where both dialects fail the errors are those of the dialect that most rules are written in")
  func errorsOfDialects() {
    #expect(rules("p if { x }\nq if { ) }", nil) == "3: unexpected ) token")
    #expect(rules("p { x }\nq { ) }", nil) == "3: unexpected ) token")
    #expect(
      rules("p { x }\nq { ) }", .v1) == "2: `if` keyword is required before rule body\n3: unexpected ) token")
  }

  @Test(
    "what v1 demands",
    arguments: [
      ("p { x }", "2: `if` keyword is required before rule body"),
      ("f(x) { x }", "2: `if` keyword is required before function body"),
      (
        "p[x] { x }",
        "2: `if` keyword is required before rule body\n2: `contains` keyword is required for partial set rules"
      ),
      ("p[1]", "2: `contains` keyword is required for partial set rules"),
      ("p.q.r", "2: rule must have value assignment and/or body declaration"),
      ("p if { x } else { y }", "2: `if` keyword is required before rule body"),
      ("p contains x { x }", "2: `if` keyword is required before rule body"),
      ("contains := 1", "2: contains keyword cannot be used for rule name"),
    ])
  func demands(source: String, expected: String) {
    #expect(rules(source, .v1) == expected)
    #expect(
      rules("import rego.v1\n" + source, .v0) == expected.replacing(/(?m)^2:/, with: "3:"),
      "v0 that imports rego.v1 must do the same")
  }

  @Test("package and imports")
  func imports() throws {
    let module = try RegoParser.module(
      """
      # before
      package a.if["b c"]
      import data.x["y.z"]
      import input.foo as bar
      import data
      import data.foo.if as x
      import rego.v1
      import future.keywords.every
      """, file: "f.rego", dialect: .v1)
    #expect(module.package.path == ["a", "if", "b c"])
    #expect(
      module.imports.map(\.path) == [
        ["data", "x", "y.z"], ["input", "foo"], ["data"], ["data", "foo", "if"], ["rego", "v1"],
        ["future", "keywords", "every"],
      ])
    #expect(module.imports.map(\.alias) == [nil, "bar", nil, "x", nil, nil])
    #expect(module.comments.map(\.text) == [" before"])
  }
}
