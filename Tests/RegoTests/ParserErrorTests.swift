import Foundation
import Testing

@testable import Rego

private func errors(_ source: String, _ dialect: Dialect = .v1) -> [String] {
  do throws(RegoErrors) {
    _ = try RegoParser.module(source, file: "f.rego", dialect: dialect)
    return []
  } catch {
    return error.errors.map(\.description)
  }
}

@Suite("Errors of the parser")
struct ParserErrorTests {
  @Test(
    "name the place and what is wrong",
    arguments: [
      ("", "1:1: rego_parse_error: empty module"),
      ("p := 1", "1:1: rego_parse_error: package expected"),
      ("package", "1:8: rego_parse_error: unexpected eof token"),
      ("package 1", "1:9: rego_parse_error: unexpected number token"),
      ("package a[x]", "1:11: rego_parse_error: unexpected var token: expecting string"),
      ("package a\npackage b", "2:1: rego_parse_error: unexpected package"),
      (
        "package a\nimport foo",
        "2:8: rego_parse_error: unexpected import path, must begin with one of: {data, future, input, rego}, got: foo (hint: if this is unexpected, try updating OPA)"
      ),
      (
        "package a\nimport data.if",
        "2:8: rego_parse_error: unexpected import path, must not end with a keyword, got: if"
      ),
      ("package a\nimport data.x as if", "2:18: rego_parse_error: unexpected if keyword: expected var"),
      ("package a\nimport future.foo", "2:8: rego_parse_error: invalid import, must be `future.keywords`"),
      (
        "package a\nimport future.keywords.x",
        "2:8: rego_parse_error: unexpected keyword, must be one of [contains every if in]"
      ),
      ("package a\nimport rego.v2", "2:8: rego_parse_error: invalid import `rego.v2`, must be `rego.v1`"),
      ("package a\np", "2:1: rego_parse_error: var cannot be used for rule name"),
      ("package a\n\"p\"", "2:1: rego_parse_error: string cannot be used for rule name"),
      ("package a\n1 := 2", "2:1: rego_parse_error: number cannot be used for rule name"),
      ("package a\n(eq())", "2:1: rego_parse_error: rule name conflicts with built-in function"),
      ("package a\nnot p", "2:1: rego_parse_error: negated expressions cannot be used for rule head"),
      ("package a\nsome x", "2:1: rego_parse_error: 'some' declarations cannot be used for rule head"),
      ("package a\np == 1", "2:3: rego_parse_error: unexpected equal token"),
      ("package a\nf()", "2:1: rego_parse_error: rule argument list must take at least one argument"),
      ("package a\np if", "2:5: rego_parse_error: unexpected eof token: rule body expected"),
      ("package a\np if {", "2:7: rego_parse_error: unexpected eof token"),
      ("package a\np if { x", "2:9: rego_parse_error: unexpected eof token: expected \\n or ; or }"),
      (
        "package a\np if { x y }",
        "2:10: rego_parse_error: unexpected identifier token: expected \\n or ; or }"
      ),
      ("package a\np if { x; }", "2:11: rego_parse_error: unexpected } token"),
      ("package a\np := [x | ]", "2:11: rego_parse_error: found empty body"),
      ("package a\np := [1, 2", "2:11: rego_parse_error: unexpected eof token: expected \",\" or \"]\""),
      ("package a\np := {1 2}", "2:9: rego_parse_error: unexpected number token: non-terminated set"),
      (
        "package a\np := {\"a\": 1 2}",
        "2:14: rego_parse_error: unexpected number token: non-terminated object"
      ),
      ("package a\np := {\"a\": 1, \"b\"}", "2:18: rego_parse_error: unexpected } token: expected \":\""),
      ("package a\np := (1", "2:8: rego_parse_error: non-terminated expression"),
      ("package a\np := f(1", "2:9: rego_parse_error: unexpected eof token: expected \",\" or \")\""),
      ("package a\np := x[1", "2:9: rego_parse_error: unexpected eof token: expected ]"),
      ("package a\np := x.", "2:8: rego_parse_error: unexpected eof token: expected identifier"),
      ("package a\np := \"x", "2:6: rego_parse_error: non-terminated string"),
      ("package a\np := \"x\n  y\"", "2:6: rego_parse_error: non-terminated string"),
      ("package a\np := `x", "2:6: rego_parse_error: non-terminated string"),
      ("package a\np := \"\\x\"", "2:6: rego_parse_error: illegal escape sequence"),
      ("package a\np := \"\\u12g4\"", "2:6: rego_parse_error: illegal escape sequence"),
      (
        "package a\np := 01",
        "2:6: rego_parse_error: unexpected number token: expected number without leading zero"
      ),
      ("package a\np := 1.", "2:6: rego_parse_error: expected fraction"),
      ("package a\np := 1e", "2:6: rego_parse_error: expected exponent"),
      ("package a\np := 0x1", "2:6: rego_parse_error: illegal number format"),
      ("package a\np := 1e999999", "2:6: rego_parse_error: number too big"),
      ("package a\np := 1e-999999", "2:6: rego_parse_error: number too big"),
      ("package a\np := 1e99999999999999999999", "2:6: rego_parse_error: number too big"),
      ("package a\np := -x", "2:7: rego_parse_error: unexpected identifier token: expected number"),
      ("package a\np := !x", "2:6: rego_parse_error: illegal ! character"),
      ("package a\np := a ? b", "2:8: rego_parse_error: illegal token"),
      ("package a\np := $x", "2:6: rego_parse_error: illegal $ character"),
      ("package a\np := \u{e9}", "2:6: rego_parse_error: illegal token"),
      ("package a\np := \u{0}", "2:6: rego_parse_error: illegal null character"),
      ("package a\np := \"\u{0}\"", "2:6: rego_parse_error: illegal null character"),
      ("package a\n\u{feff}p := 1", "2:1: rego_parse_error: illegal byte-order mark"),
      ("package a\np := \"x\"[0]", "2:6: rego_parse_error: illegal ref (head cannot be string)"),
      ("package a\np := 1[0]", "2:6: rego_parse_error: illegal ref (head cannot be number)"),
      ("package a\ndefault p", "2:1: rego_parse_error: illegal default rule (must have a value)"),
      ("package a\ndefault p := x", "2:1: rego_parse_error: illegal default rule (value cannot contain var)"),
      (
        "package a\ndefault p := [input.x]",
        "2:1: rego_parse_error: illegal default rule (value cannot contain ref)"
      ),
      (
        "package a\ndefault p := f(1)",
        "2:1: rego_parse_error: illegal default rule (value cannot contain call)"
      ),
      (
        "package a\ndefault f([x]) := 1",
        "2:1: rego_parse_error: illegal default rule (arguments cannot contain array)"
      ),
      (
        "package a\ndefault f(x, x) := 1",
        "2:1: rego_parse_error: illegal default rule (arguments cannot be repeated x)"
      ),
      (
        "package a\np[x] := 1 if { x } else := 2",
        "2:20: rego_parse_error: else keyword cannot be used on rules with variables in head"
      ),
      (
        "package a\np contains 1 if { x } else := 2",
        "2:23: rego_parse_error: else keyword cannot be used on multi-value rules"
      ),
      (
        "package a\np if { x } else y",
        "2:17: rego_parse_error: unexpected identifier token: expected else value term or rule body"
      ),
      (
        "package a\np if { not some x }",
        "2:12: rego_parse_error: unexpected some keyword: illegal negation of 'some'"
      ),
      (
        "package a\np if { every x { y } }",
        "2:16: rego_parse_error: unexpected { token: expected `x[, y] in xs { ... }` expression"
      ),
      ("package a\np if { every x in xs }", "2:22: rego_parse_error: unexpected } token: missing body"),
      (
        "package a\np if { every [x] in xs { x } }",
        "2:24: rego_parse_error: unexpected { token: expected value to be a variable"
      ),
      (
        "package a\np if { x with 1 as 2 }", "2:15: rego_parse_error: unexpected number token: expected ident"
      ),
      (
        "package a\np if { x with f(x) as 2 }",
        "2:20: rego_parse_error: unexpected as keyword: expected with target path"
      ),
      (
        "package a\np if { x with input 2 }",
        "2:21: rego_parse_error: unexpected number token: expected as keyword"
      ),
      (
        "package a\nf(x) contains y",
        "2:6: rego_parse_error: unexpected contains keyword: the contains keyword can only be used with multi-value rule definitions (e.g., f contains <VALUE> { ... })"
      ),
      ("package a\np := $\"{x", "2:10: rego_parse_error: expected } to end template string expression"),
      ("package a\np := $\"{}\"", "2:9: rego_parse_error: unexpected } token"),
      (
        "package a\np := $\"{not x}\"",
        "2:9: rego_parse_error: unexpected negation ('not') in template-string expression"
      ),
      (
        "package a\np := $\"{x = 1}\"",
        "2:9: rego_parse_error: unexpected unification ('=') in template-string expression"
      ),
      (
        "package a\np := $\"{x := 1}\"",
        "2:9: rego_parse_error: unexpected assignment (':=') in template-string expression"
      ),
      (
        "package a\np := $\"{some x in y}\"",
        "2:9: rego_parse_error: unexpected 'some' in template-string expression"
      ),
      ("package a\np := $\"x", "2:6: rego_parse_error: non-terminated string"),
      ("package a\n_ := 1", "2:1: rego_parse_error: _ cannot be used for rule name"),
    ])
  func messages(source: String, expected: String) { #expect(errors(source) == ["f.rego:" + expected]) }

  @Test("v0 hints at the imports that it lacks")
  func hints() {
    #expect(
      errors("package a\np { 1 in xs }", .v0) == [
        "f.rego:2:7: rego_parse_error: unexpected identifier token: expected \\n or ; or }"
          + " (hint: `import future.keywords.in` for `some x in xs` expressions)"
      ])
  }

  @Test("several are reported, one a rule")
  func several() {
    let source = """
      package a

      p if { x == }

      q if {
        ok
      }

      r := [1, 2
      s := )

      t := "unterminated
      """
    #expect(
      errors(source) == [
        "f.rego:3:13: rego_parse_error: unexpected } token",
        "f.rego:10:1: rego_parse_error: unexpected identifier token: expected \",\" or \"]\"",
        "f.rego:12:6: rego_parse_error: non-terminated string",
      ])
  }

  @Test("no more than ten are reported")
  func bounded() {
    let source = "package a\n" + String(repeating: "p := )\n", count: 1000)
    #expect(errors(source).count == 10)
  }

  @Test("a query and a term end where they should")
  func wholes() {
    for (source, message) in [
      ("x y", "1:3: rego_parse_error: unexpected identifier token: expected \\n or ; or eof"),
      ("", "1:1: rego_parse_error: found empty body"), ("x;", "1:3: rego_parse_error: unexpected eof token"),
    ] {
      #expect(throws: RegoErrors.self, "\(source)") { try RegoParser.query(source) }
      do { _ = try RegoParser.query(source) } catch { #expect("\(error)" == message) }
    }
    #expect(throws: RegoErrors.self) { try RegoParser.term("1 2") }
    #expect(throws: RegoErrors.self) { try RegoParser.term("x := 1") }
  }
}
