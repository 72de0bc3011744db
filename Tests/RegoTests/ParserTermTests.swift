import Testing

@testable import Rego

/// The tree of a term or expression as ``Term/description`` writes it, or the first error.
private func tree(_ source: String, _ dialect: Dialect = .v1) -> String {
  do throws(RegoErrors) {
    return "\(try RegoParser.query(source, dialect: dialect))"
  } catch {
    return error.errors.first.map { "\($0.location?.column ?? 0): \($0.message)" } ?? "no error"
  }
}

@Suite("Parsing terms")
struct ParserTermTests {
  @Test(
    "operators bind as in OPA and group to the left",
    arguments: [
      ("1 + 2 * 3", "(plus 1 (mul 2 3))"),
      ("(1 + 2) * 3", "(mul (plus 1 2) 3)"),
      ("1 - 2 - 3", "(minus (minus 1 2) 3)"),
      ("1 - (2 - 3)", "(minus 1 (minus 2 3))"),
      ("8 / 4 % 3", "(rem (div 8 4) 3)"),
      ("a | b & c", "(or a (and b c))"),
      ("a & b | c", "(or (and a b) c)"),
      ("a & b - c", "(and a (minus b c))"),
      ("a | b == c | d", "(equal (or a b) (or c d))"),
      ("1 < 2 == true", "(equal (lt 1 2) true)"),
      ("a != b; a <= b; a >= b; a > b", "(neq a b); (lte a b); (gte a b); (gt a b)"),
      ("x := 1 + 2 == 3", "(assign x (equal (plus 1 2) 3))"),
      ("x = y - 1", "(eq x (minus y 1))"),
      ("x in xs", "(internal[\"member_2\"] x xs)"),
      ("x + 1 in xs | ys", "(internal[\"member_2\"] (plus x 1) (or xs ys))"),
      ("x == 1 in xs", "(internal[\"member_2\"] (equal x 1) xs)"),
      ("1 in xs in ys", "(internal[\"member_2\"] (internal[\"member_2\"] 1 xs) ys)"),
      ("k, v in xs", "(internal[\"member_3\"] k v xs)"),
      ("x := (k, v in xs)", "(assign x (internal[\"member_3\"] k v xs))"),
      ("[k, v in xs]", "[k, (internal[\"member_2\"] v xs)]"),
      ("[(k, v in xs)]", "[(internal[\"member_3\"] k v xs)]"),
      ("f(k, v in xs)", "(f k (internal[\"member_2\"] v xs))"),
      ("f((k, v in xs))", "(f (internal[\"member_3\"] k v xs))"),
      ("xs[k, v in ys]", "xs[(internal[\"member_3\"] k v ys)]"),
      ("x-1", "(minus x 1)"),
      ("x - -1", "(minus x -1)"),
      ("- 1", "-1"),
    ])
  func operators(source: String, expected: String) { #expect(tree(source) == expected) }

  @Test(
    "collections and comprehensions",
    arguments: [
      ("[]", "[]"), ("{}", "{}"), ("set()", "set()"), ("[1,]", "[1]"), ("{1, 2,}", "{1, 2}"),
      ("{\"a\": 1,}", "{\"a\": 1}"), ("[, 1]", "[1]"), ("{, 1}", "{1}"),
      ("[\n1,\n# comment\n2\n]", "[1, 2]"),
      ("{a + 1: b | c, \"d\": e in f}", "{(plus a 1): (or b c), \"d\": (internal[\"member_2\"] e f)}"),
      ("[x | x := 1]", "[x | (assign x 1)]"),
      ("{x | some x in xs; x > 1}", "{x | some x in xs; (gt x 1)}"),
      ("{k: v | v := xs[k]}", "{k: v | (assign v xs[k])}"),
      ("{k + 1: v | true}", "{(plus k 1): v | true}"),
      ("[f(x)[0] | x\n y]", "[(f x)[0] | x; y]"),
      ("{a | b}", "{a | b}"),
      ("{(a | b)}", "{(or a b)}"),
      ("{a | b, c}", "{(or a b), c}"),
      ("[a | b, c]", "[(or a b), c]"),
      ("[a | b == c,]", "[(equal (or a b) c)]"),
      ("{\"x\": a | b, \"y\": c}", "{\"x\": (or a b), \"y\": c}"),
      ("{a + b | c}", "{(or (plus a b) c)}"),
      ("[a + b | c]", "[(or (plus a b) c)]"),
      ("[[a | [b | c, d], e], f]", "[[(or a [(or b c), d]), e], f]"),
      ("[x | [x, y in zs]]", "[x | [x, (internal[\"member_2\"] y zs)]]"),
      ("[x | k, v in zs]", "[x | (internal[\"member_3\"] k v zs)]"),
      ("{{1}, {\"a\": {2}}, [{}]}", "{{1}, {\"a\": {2}}, [{}]}"),
    ])
  func collections(source: String, expected: String) { #expect(tree(source) == expected) }

  @Test(
    "references and calls",
    arguments: [
      ("a.b[c].d[\"e\"][0]", "a[\"b\"][c][\"d\"][\"e\"][0]"),
      ("input.request.object.spec", "input[\"request\"][\"object\"][\"spec\"]"),
      ("data.foo.if.package.not.true", "data[\"foo\"][\"if\"][\"package\"][\"not\"][\"true\"]"),
      ("not.foo == 1", "(equal not[\"foo\"] 1)"),
      ("not not.foo", "not not[\"foo\"]"),
      ("if[\"x\"]", "if[\"x\"]"),
      ("x := 1\nin.foo == 1", "(assign x 1); (equal in[\"foo\"] 1)"),
      ("x\nin xs", "(internal[\"member_2\"] x xs)"),
      ("f(x)", "(f x)"), ("f()", "(f)"), ("f(x,)", "(f x)"),
      ("io.jwt.decode(a, b)", "(io[\"jwt\"][\"decode\"] a b)"),
      ("f(x)[0].a", "(f x)[0][\"a\"]"),
      ("[1, 2][i]", "[1, 2][i]"), ("{\"a\": 1}.a", "{\"a\": 1}[\"a\"]"), ("{1}[x]", "{1}[x]"),
      ("[x | x := 1][_]", "[x | (assign x 1)][$0]"),
      ("(f(x))[0]", "(f x)[0]"), ("(x)[0]", "x[0]"),
      ("x [0]", "3: unexpected [ token: expected \\n or ; or eof"),
      ("contains(a, b)", "(contains a b)"),
      ("_ = _", "(eq $0 $1)"),
      ("x[_][_]", "x[$0][$1]"),
      ("a[b.c[d]]", "a[b[\"c\"][d]]"),
    ])
  func references(source: String, expected: String) { #expect(tree(source) == expected) }

  @Test(
    "strings and numbers",
    arguments: [
      (#""a\n\"\\\/é😀""#, Value.string("a\n\"\\/é😀")),
      (#""\ud800""#, .string("\u{fffd}")), (#""\ud800A""#, .string("\u{fffd}A")),
      (#""\ude00\ud83d""#, .string("\u{fffd}\u{fffd}")),
      ("`raw \\n\n\"`", .string("raw \\n\n\"")), ("``", .string("")), ("\"\"", .string("")),
      ("1", 1), ("-12", -12), ("- 3", -3), ("0", 0), ("9223372036854775807", .int(.max)),
    ])
  func scalars(source: String, expected: Value) throws {
    let term = try RegoParser.term(source)
    switch (term.kind, expected) {
    case (.string(let string), .string(let wanted)): #expect(string == wanted)
    case (.number(let number), .number(let wanted)): #expect(number == wanted)
    default: Issue.record("\(term) is not \(expected)")
    }
  }

  @Test(
    "numbers keep their exact value",
    arguments: ["1.5", "1e3", "0.1", "100000000000000000000", "1.25E-2", "-0.5", "0e5", "1e30000"])
  func numbers(source: String) throws {
    guard case .number(let number) = try RegoParser.term(source).kind else {
      Issue.record("\(source) is no number")
      return
    }
    #expect(number == Number(json: source))
  }

  @Test("a number may begin with its point")
  func point() throws {
    guard case .number(let number) = try RegoParser.term("-.25").kind else { return }
    #expect(number == Number(json: "-0.25"))
  }

  @Test(
    "templates",
    arguments: [
      ("$\"\"", "$[]"),
      ("$\"a {x} b\"", "$[\"a \", {x}, \" b\"]"),
      ("$\"{1 + x}{f(y)}\"", "$[{(plus 1 x)}, {(f y)}]"),
      ("$\"\\{x} \\\" \\n{{1}}\"", "$[\"{x} \\\" \\n\", {{1}}]"),
      ("$\"{{\"a\": {\"}\"}}}\"", "$[{{\"a\": {\"}\"}}}]"),
      ("$\"{$\"{x}-\"}-{$`{y}`}\"", "$[{$[{x}, \"-\"]}, \"-\", {$[{y}]}]"),
      ("$`a\\n\"\n\\{{x}`", "$[\"a\\\\n\\\"\\n{\", {x}]"),
      ("$\"{x with input as {\"a\": 1}}\"", "$[{x with input as {\"a\": 1}}]"),
      ("$\"{[y | some y in ys]}\"", "$[{[y | some y in ys]}]"),
      ("$\"{x\n}\"", "$[{x}]"),
    ])
  func templates(source: String, expected: String) { #expect(tree(source) == expected) }
}

@Suite("Parsing bodies")
struct ParserBodyTests {
  @Test(
    "expressions",
    arguments: [
      ("a; b", "a; b"), ("a\n\n b", "a; b"), ("a # c\nb", "a; b"), ("a ;\nb", "a; b"),
      ("not a", "not a"), ("not f(x) == 1", "not (equal (f x) 1)"),
      ("some x", "some x"), ("some x, y\nx == y", "some x, y; (equal x y)"),
      ("some x in xs", "some x in xs"), ("some k, v in xs", "some k, v in xs"),
      ("some {\"a\": x} in xs", "some {\"a\": x} in xs"),
      ("some 0, [x, _] in f(y)", "some 0, [x, $0] in (f y)"),
      ("some x in {1, 2} | ys", "some x in (or {1, 2} ys)"),
      ("some x\nin.a == x", "some x; (equal in[\"a\"] x)"),
      ("every x in xs { x > 1; y }", "every x in xs { (gt x 1); y }"),
      ("every k, v in {1: 2} { k\nv }", "every k, v in {1: 2} { k; v }"),
      ("every _, _ in [] { true } with input as 1", "every $0, $1 in [] { true } with input as 1"),
      (
        "a with input as 1 with data.b as {2} with count as f",
        "a with input as 1 with data[\"b\"] as {2} with count as f"
      ),
      (
        "x := y with input.a as b\n  with input.c as d",
        "(assign x y) with input[\"a\"] as b with input[\"c\"] as d"
      ),
      ("some x in xs with input as 1", "some x in xs with input as 1"),
    ])
  func expressions(source: String, expected: String) { #expect(tree(source) == expected) }

  @Test(
    "words of v1 are names in v0",
    arguments: [
      ("in", "in"), ("if == every", "(equal if every)"), ("contains := 1", "(assign contains 1)"),
      ("some in, every", "some in, every"),
    ])
  func words(source: String, expected: String) { #expect(tree(source, .v0) == expected) }
}
