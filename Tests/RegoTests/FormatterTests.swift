import Foundation
import Rego
import Testing

@Suite("The canonical format")
struct FormatterTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var source: String
    var formatted: String
    var formatter = RegoFormatter()

    var testDescription: String { name }
  }

  /// Facts of `opa fmt`, after a line `package p` and a blank one.
  static let cases: [Case] = [
    Case(
      name: "heads assign, bodies get tabs, true goes without saying",
      source: "allow = true { input.x }\nn = 1 {\n  true\n}\nf(x) = y {y := x;y > 1}",
      formatted: "allow if input.x\nn := 1\n\nf(x) := y if {\n\ty := x\n\ty > 1\n}\n",
      formatter: RegoFormatter(compatibility: .v1)),
    Case(
      name: "a body of one expression stays where it was",
      source: "p if 1 > 0\nq if { 1 > 0 }\nr if {\n  1 > 0\n}\ns if\n  1 > 0",
      formatted: "p if 1 > 0\nq if 1 > 0\n\nr if {\n\t1 > 0\n}\n\ns if 1 > 0\n"),
    Case(
      name: "a set as body keeps its braces", source: "p if { {1, 2} }\nq if not {1}\nr if {1} == {x}",
      formatted: "p if {\n\t{1, 2}\n}\n\nq if not {1}\nr if {1} == {x}\n"),
    Case(
      name: "rules of one line stay together",
      source: "a := 1\nb := 2\n\n\nc := 3\nd if {\n\ta\n\tb\n}\ne := 5\n# why\nf := 6",
      formatted:
        "a := 1\nb := 2\n\nc := 3\n\nd if {\n\ta\n\tb\n}\n\ne := 5\n\n# why\nf := 6\n"),
    Case(
      name: "else stays beside its brace, or apart",
      source:
        "p := 1 if {\n\ta\n} else := 2 if {\n\tb\n}\nelse := 3\n\nq := 1 if { a } else := 2 if { {1} == b }",
      formatted:
        "p := 1 if {\n\ta\n} else := 2 if {\n\tb\n}\n\nelse := 3\n\nq := 1 if a\n\nelse := 2 if {\n\t{1} == b\n}\n"
    ),
    Case(
      name: "bodies of one head become rules", source: "p contains x if {\n\tx := 1\n} {\n\tx := 2\n}",
      formatted: "p contains x if {\n\tx := 1\n}\n\np contains x if {\n\tx := 2\n}\n"),
    Case(
      name: "imports are sorted where nothing parts them",
      source:
        "import data.b # of b\nimport data.a as z\nimport data.a\n# alone\nimport input.a\n\nimport data.c\nx := 1",
      formatted:
        "import data.a\nimport data.a as z\nimport data.b # of b\n\n# alone\nimport input.a\n\nimport data.c\n\nx := 1\n"
    ),
    Case(
      name: "imports that rego.v1 covers go", source: "import rego.v1\nimport future.keywords.if\np := 1",
      formatted: "import rego.v1\n\np := 1\n"),
    Case(
      name: "collections follow the source's lines",
      source: "a := {\"x\": 1,\n\"y\": 2, \"z\": [1,\n2]}\nb := [ 1,2 ]\nc := [{\n\"k\": 1}]\nd := {}",
      formatted:
        "a := {\n\t\"x\": 1,\n\t\"y\": 2, \"z\": [\n\t\t1,\n\t\t2,\n\t],\n}\n\nb := [1, 2]\n\nc := [{\n\t\"k\": 1,\n}]\n\nd := {}\n"
    ),
    Case(
      name: "so do the arguments of calls",
      source: "p if {\n\tf(\n1, 2\n)\n\tg(1,\n2)\n\tx := h({\n\"a\": 1,\n\"b\": 2})\n}",
      formatted:
        "p if {\n\tf(1, 2)\n\tg(\n\t\t1,\n\t\t2,\n\t)\n\tx := h({\n\t\t\"a\": 1,\n\t\t\"b\": 2,\n\t})\n}\n"),
    Case(
      name: "comprehensions follow the row of their body",
      source: "a := [x | x := b[_]; x > 1]\nc := {x |\nx := b[_] }\nd := {k:\nv | b[k] = v}",
      formatted: "a := [x | x := b[_]; x > 1]\n\nc := {x |\n\tx := b[_]\n}\n\nd := {k: v |\n\tb[k] = v\n}\n"),
    Case(
      name: "operators beside operators get parentheses",
      source: "p if {\n\tx = 1+2*3\n\tnot a%2==0\n\ty := (a|b)[_]\n\tplus(1, 2)\n\tf(a|b)\n\t1 in a|b\n}",
      formatted:
        "p if {\n\tx = 1 + (2 * 3)\n\tnot (a % 2) == 0\n\ty := (a | b)[_]\n\t1 + 2\n\tf(a | b)\n\t1 in (a | b)\n}\n"
    ),
    Case(
      name: "a function that has an operator's name is called", source: "plus(x, y) := x\nz := plus(1, 2)",
      formatted: "plus(x, y) := x\nz := plus(1, 2)\n"),
    Case(
      name: "unions in collections keep their parentheses",
      source: "a := {(x|y), 1}\nb := [(x|y) | z]\nc := {\"k\": (x|y)}\nd := {(x, y in z)}",
      formatted: "a := {(x | y), 1}\nb := [(x | y) | z]\nc := {\"k\": (x | y)}\nd := {(x, y in z)}\n"),
    Case(
      name: "names in brackets become names after dots, but for keywords",
      source: "a.b.c := input[\"x\"].y[\"a-b\"][\"if\"].not[\"_\"]\np[\"q\"] := 1",
      formatted: "a.b.c := input.x.y[\"a-b\"][\"if\"].not[\"_\"]\np.q := 1\n"),
    Case(
      name: "one operand in a head stands in brackets, where no head has more", source: "p.q := 1",
      formatted: "p[\"q\"] := 1\n"),
    Case(
      name: "with on lines of their own",
      source: "p if {\n\ta with input as 1\n with data.x as [\n1]\n\tb\nwith input as 2 with data.y as 3\n}",
      formatted:
        "p if {\n\ta with input as 1\n\t\twith data.x as [\n\t\t\t1,\n\t\t]\n\tb\n\t\twith input as 2 with data.y as 3\n}\n"
    ),
    Case(
      name: "some and every",
      source:
        "p if {\n\tsome a,b\n\tsome k,v in c|d\n\tevery x in c { f(x); g(x) }\n\tevery x in c { f(x) }\n\tevery x in c {\nf(x)}\n}",
      formatted:
        "p if {\n\tsome a, b\n\tsome k, v in (c | d)\n\tevery x in c { f(x); g(x)}\n\tevery x in c { f(x) }\n\tevery x in c {\n\t\tf(x)\n\t}\n}\n"
    ),
    Case(
      name: "one blank line stays between expressions", source: "p if {\n\n\ta\n\n\n\tb\n\tc\n\n}",
      formatted: "p if {\n\ta\n\n\tb\n\tc\n}\n"),
    Case(
      name: "comments everywhere",
      source:
        "# own  \n\n\n# above\np if { # open\n\n  # first\n\n  a # behind\n  # middle\n  x := 1 + # within\n    2\n\n  # last\n} # close\nq := [ # open\n1, # one\n# before the bracket\n]\n# end",
      formatted:
        "# own\n\n# above\np if { # open\n\t# first\n\n\ta # behind\n\t# middle\n\tx := 1 + 2 # within\n\t# last\n} # close\n\nq := [ # open\n\t1, # one\n\t# before the bracket\n]\n\n# end\n"
    ),
    Case(
      name: "a comment below annotations does not become one",
      source: "# METADATA\n# title: t\n  # not YAML: [\np := 1",
      formatted: "# METADATA\n# title: t\n\n# not YAML: [\np := 1\n"),
    Case(
      name: "strings and numbers as they are written",
      source: "a := \"\\u001b\\/\"\nb := `raw\n text`\nc := 1.50e3\nd := - 4\ne := $\"x {1+1} \\{ {f( 1 )}\"",
      formatted:
        "a := \"\\u001b\\/\"\n\nb := `raw\n text`\n\nc := 1.50e3\nd := -4\ne := $\"x {1 + 1} \\{ {f(1)}\"\n"),
    Case(
      name: "v0 stays v0", source: "deny[msg] { msg := 1 }\np[x] = true { x = 1 }\na.b\nq = 1 { true }",
      formatted:
        "deny[msg] {\n\tmsg := 1\n}\n\np[x] = true {\n\tx = 1\n}\n\na[\"b\"]\nq = 1\n"),
    Case(
      name: "v0 that is no more v0 when it is formatted", source: "p { true }\nq.r.s\nf(x) { true }",
      formatted: "p := true\nq.r.s := true\nf(x)\n"),
    Case(
      name: "v0 uses the keywords that it imports",
      source: "import future.keywords\ndeny[msg] { msg := 1 }\np[x] = true { x = 1 }",
      formatted: "import future.keywords\n\ndeny contains msg if msg := 1\np[x] if x = 1\n"),
    Case(
      name: "v0 with if alone keeps sets in brackets",
      source: "import future.keywords.if\np[x] { x = 1 }\nq { p }",
      formatted: "import future.keywords.if\n\np[x] {\n\tx = 1\n}\n\nq if p\n"),
    Case(
      name: "v0 for both dialects",
      source: "import future.keywords.in # gone\ndeny[msg] { msg := 1 in [] }\na.b.c\na.b",
      formatted:
        "import rego.v1\n\n# gone\ndeny contains msg if msg := 1 in []\na.b.c := true\na contains \"b\"\n",
      formatter: RegoFormatter(compatibility: .both)),
    Case(
      name: "v1 without what v0 needs", source: "import rego.v1\n\nimport data.x\np := 1",
      formatted: "import data.x\n\np := 1\n", formatter: RegoFormatter(compatibility: .v1)),
  ]

  @Test("Format", arguments: cases)
  func format(_ element: Case) throws {
    let text = try element.formatter.format("package p\n\n\(element.source)", file: "")
    let wanted = "package p\n\n\(element.formatted)"
    #expect(text.utf8.elementsEqual(wanted.utf8), "\(text)")
    let again = try element.formatter.format(text, file: "")
    #expect(again.utf8.elementsEqual(text.utf8), "\(again)")
  }

  @Test("a package's name keeps its brackets where it needs them")
  func package() throws {
    let text = try RegoFormatter().format("package a . b\n".replacing(" . ", with: "."), file: "")
    #expect(text == "package a.b\n")
    #expect(
      try RegoFormatter().format("package  a[\"b\"][\"c-d\"].if[\"in\"] # c", file: "")
        == "package a.b[\"c-d\"].if[\"in\"] # c\n")
  }

  @Test("what cannot be parsed is not formatted")
  func errors() throws {
    let errors = #expect(throws: RegoErrors.self) {
      try RegoFormatter().format("package p\n\np := ", file: "p.rego")
    }
    #expect(errors?.errors.first?.location?.line == 3)
  }

  @Test("what v1 forbids cannot be written for both dialects")
  func impossible() throws {
    let errors = #expect(throws: RegoErrors.self) {
      try RegoFormatter(compatibility: .both).format("package p\n\nin = 1", file: "p.rego")
    }
    #expect(errors?.description.contains("cannot be formatted") == true)
  }
}
