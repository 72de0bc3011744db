import Testing

@testable import Rego

@Suite("Regular expression builtins")
struct BuiltinsRegexTests {
  static let cases: [BuiltinCase] = [
    BuiltinCase("regex.match", "^[a-z]+\\[[0-9]+\\]$", "foo[1]", gives: true),
    BuiltinCase("regex.match", "", "", gives: true),
    BuiltinCase("regex.match", "^$", "x", gives: false),
    BuiltinCase("regex.match", "^.$", "😀", gives: true),
    BuiltinCase("regex.match", "(?<y>\\d+)-(?P<m>\\d+)", "2024-01", gives: true),
    BuiltinCase("regex.match", "^\\p{Letter}+$", "Æther", gives: true),
    BuiltinCase("regex.match", "^[\\p{Uppercase_Letter}]+$", "ÆT", gives: true),
    BuiltinCase("regex.match", "^\\p{Greek}$", "δ", gives: true),
    BuiltinCase("regex.match", "\\Q(?<x\\E", "(?<x", gives: true),
    BuiltinCase("regex.match", "[](?<x]", "<", gives: true),
    BuiltinCase("re_match", "a", "cat", gives: true),
    BuiltinCase("regex.is_valid", "++", gives: false),
    BuiltinCase("regex.is_valid", ".+", gives: true),
    BuiltinCase("regex.is_valid", "\\C", gives: false),
    BuiltinCase("regex.is_valid", 10, gives: false),
    BuiltinCase("regex.is_valid", "(?=a)", gives: false),
    BuiltinCase("regex.is_valid", "(a)\\1", gives: false),
    BuiltinCase("regex.find_n", "a.", "paranormal", -1, gives: ["ar", "an", "al"]),
    BuiltinCase("regex.find_n", "a.", "paranormal", 2, gives: ["ar", "an"]),
    BuiltinCase("regex.find_n", "a.", "paranormal", 0, gives: []),
    BuiltinCase("regex.find_n", "^a.", "abacad", -1, gives: ["ab"]),
    BuiltinCase("regex.find_n", "a*", "baaé", -1, gives: ["", "aa", ""]),
    BuiltinCase("regex.find_n", "\\b", "ab cd", -1, gives: ["", "", "", ""]),
    BuiltinCase(
      "regex.find_all_string_submatch_n", "a(x*)b(y)?", "-axxb-ab-", -1,
      gives: [["axxb", "xx", ""], ["ab", "", ""]]),
    BuiltinCase("regex.find_all_string_submatch_n", "a", "b", -1, gives: []),
    BuiltinCase("regex.split", "a", "banana", gives: ["b", "n", "n", ""]),
    BuiltinCase("regex.split", "", "abc", gives: ["a", "b", "c"]),
    BuiltinCase("regex.split", "x*", "axbxc", gives: ["a", "b", "c"]),
    BuiltinCase("regex.split", "b", "", gives: [""]),
    BuiltinCase("regex.split", "", "", gives: []),
    BuiltinCase("regex.split", "^[a-z ]+$", "foobar baz", gives: ["", ""]),
    BuiltinCase("regex.replace", "foobar", "o(.)", "<$1>", gives: "f<o>bar"),
    BuiltinCase("regex.replace", "-ab-axxb-", "a(x*)b", "${1}W", gives: "-W-xxW-"),
    BuiltinCase("regex.replace", "-ab-axxb-", "a(x*)b", "$1W", gives: "---"),
    BuiltinCase("regex.replace", "-ab-axxb-", "a(?P<n>x*)b", "$n.$$${n}", gives: "-.$-xx.$xx-"),
    BuiltinCase("regex.replace", "abc", "", "-", gives: "-a-b-c-"),
    BuiltinCase("regex.replace", "é", "x*", "-", gives: "-é-"),
    BuiltinCase("regex.replace", "baaac", "a*", "-", gives: "-b-c-"),
    BuiltinCase("regex.replace", "abc", "z", "-", gives: "abc"),
    BuiltinCase("regex.replace", "abc", "b", "$", gives: "a$c"),
    BuiltinCase("regex.replace", "abc", "b", "${1", gives: "a${1c"),
    BuiltinCase("regex.replace", "abc", "b", "$9$é", gives: "ac"),
    BuiltinCase("regex.template_match", "urn:foo:{.*}", "urn:foo:bar:baz", "{", "}", gives: true),
    BuiltinCase("regex.template_match", "a.b<[0-9]{2}>", "a.b42", "<", ">", gives: true),
    BuiltinCase("regex.template_match", "a.b<[0-9]{2}>", "axb42", "<", ">", gives: false),
    BuiltinCase("regex.globs_match", "a.a.", ".b.b", gives: true),
    BuiltinCase("regex.globs_match", "[a-z]+", "[0-9]*", gives: false),
    BuiltinCase("regex.globs_match", "a*", "b*", gives: false),
    BuiltinCase("regex.globs_match", "a*b", "b", gives: true),
    BuiltinCase("regex.globs_match", "[a-z]+\\[[0-9]+\\]", "foo[\"bar\"]", gives: false),
    BuiltinCase("regex.globs_match", "[a-f]+x*", "..c", gives: true),
    BuiltinCase("regex.globs_match", "a+b+", "[b-z]*", gives: false),
    BuiltinCase("regex.globs_match", "", "", gives: false),
  ]

  @Test("give what OPA's documentation says", arguments: cases)
  func results(_ example: BuiltinCase) throws { try example.check() }

  static let failures: [BuiltinFailure] = [
    BuiltinFailure("regex.match", "[a", "", fails: "error parsing regexp: missing closing ]: `[a`"),
    BuiltinFailure("regex.match", "(a", "", fails: "error parsing regexp: missing closing ): `(a`"),
    BuiltinFailure("regex.match", "a)", "", fails: "error parsing regexp: unexpected ): `a)`"),
    BuiltinFailure(
      "regex.match", "*", "", fails: "error parsing regexp: missing argument to repetition operator: `*`"),
    BuiltinFailure(
      "regex.match", "a**", "", fails: "error parsing regexp: invalid nested repetition operator: `**`"),
    BuiltinFailure(
      "regex.match", "a{2000}", "", fails: "error parsing regexp: invalid repeat count: `{2000}`"),
    BuiltinFailure("regex.match", "\\y", "", fails: "error parsing regexp: invalid escape sequence: `\\y`"),
    BuiltinFailure("regex.match", "a\\C", "", fails: "error parsing regexp: invalid escape sequence: `\\C`"),
    BuiltinFailure(
      "regex.match", "a\\", "", fails: "error parsing regexp: trailing backslash at end of expression: ``"),
    BuiltinFailure(
      "regex.match", "[z-a]", "", fails: "error parsing regexp: invalid character class range: `z-a`"),
    BuiltinFailure(
      "regex.match", "(?=a)", "", fails: "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
    BuiltinFailure(
      "regex.match", "(?<n!>a)", "", fails: "error parsing regexp: invalid named capture: `(?<n!>`"),
    BuiltinFailure(
      "regex.template_match", "a", "a", "{{", "}",
      fails: "start delimiter has to be exactly one character long but is 2 long"),
    BuiltinFailure("regex.template_match", "a{b", "a", "{", "}", fails: "unbalanced braces in \"a{b\""),
    BuiltinFailure("regex.template_match", "a}", "a", "{", "}", fails: "unbalanced braces in \"a}\""),
    BuiltinFailure(
      "regex.find_n", "a", "a", decimal("1.5"),
      fails: "operand 3 must be integer number but got floating-point number"),
    BuiltinFailure(
      "regex.globs_match", "pqrs]", "[a-b]+",
      fails: "input:pqrs], pos:5, set-close ']' with no preceding '[': the input provided is invalid"),
    BuiltinFailure(
      "regex.globs_match", "a", "b++",
      fails: "input:b++, pos:3, flag '+' must be preceded by a non-flag: the input provided is invalid"),
    BuiltinFailure(
      "regex.globs_match", "a", "[z-a]",
      fails:
        "input:[z-a], pos:4, range is out of order: 'a' comes before 'z' in Unicode: the input provided is invalid"
    ),
    BuiltinFailure(
      "regex.globs_match", "[ab", "a",
      fails: "input:[ab, pos:3, found [ without matching ]: the input provided is invalid"),
  ]

  @Test("word their errors as Go does", arguments: failures)
  func errors(_ example: BuiltinFailure) { example.check() }

  @Test("do not backtrack, and refuse what would take too much memory")
  func bounds() throws {
    let started = ContinuousClock.now
    let text = Value.string(String(repeating: "a", count: 20_000))
    #expect(try callBuiltin("regex.match", ["(a*)*(a*)*(a*)*b", text]) == false)
    #expect(
      errorText("regex.match", ["((a{100}){100}){100}", text])?.hasPrefix("error parsing regexp") == true)
    let glob = Value.string(String(repeating: "[a-z]*", count: 1000) + "b")
    #expect(
      try callBuiltin("regex.globs_match", [glob, .string(String(repeating: "a*", count: 1000) + "c")])
        == false)
    #expect(ContinuousClock.now - started < .seconds(20))
  }

  @Test("a search that outlasts the deadline ends the evaluation")
  func deadline() {
    let context = BuiltinContext(nowNanoseconds: 0, deadline: .now - .seconds(1))
    #expect(throws: BuiltinError.self) {
      try callBuiltin("regex.find_n", ["a", "aaa", -1], context: context)
    }
  }

  @Test("the cache of compiled patterns keeps what is used, within its limit")
  func cache() {
    let cache = PatternCache<Int, Int>(limit: 10)
    var compiled = 0
    for key in 0..<1000 {
      _ = cache.value(for: 7) {
        compiled += 1
        return 7
      }
      _ = cache.value(for: key) { key }
      #expect(cache.count <= 11)
    }
    #expect(compiled == 1)
  }
}

@Suite("Glob builtins")
struct BuiltinsGlobTests {
  static let cases: [(pattern: String, delimiters: Value, text: String, matches: Bool)] = [
    ("*.github.com", ["."], "api.github.com", true),
    ("*.github.com", [], "api.cdn.github.com", false),
    ("*.github.com", .null, "api.cdn.github.com", true),
    ("api.**.com", ["."], "api.cdn.github.com", true),
    ("*:github:com", [":"], "api:github:com", true),
    ("?at", ["f"], "fat", false),
    ("?at", [], "😀at", true),
    ("[abc]at", [], "cat", true),
    ("[!abc]at", [], "cat", false),
    ("[a-c]at", [], "bat", true),
    ("[!a-c]at", [], "fat", true),
    ("[abc-]", [], "-", true),
    ("[a\\]b]", [], "]", true),
    ("[^a]", [], "^", true),
    ("{cat,bat,[fr]at}", [], "rat", true),
    ("{a,{b,c*}}d", [], "cxd", true),
    ("{a,b", [], "b", true),
    ("x{,y}", [], "x", true),
    ("a,b}", [], "a,b}", true),
    ("\\*a\\{", [], "*a{", true),
    ("a+b$", [], "a+b$", true),
    ("", [], "", true),
    ("*", [], "", true),
    ("?", [], "", false),
    ("a*", .null, "a\nb", true),
    ("*", ["]", "^"], "a]", false),
    ("Aa", [], "aa", false),
  ]

  @Test("match as OPA's do", arguments: cases)
  func matching(_ pattern: String, _ delimiters: Value, _ text: String, _ matches: Bool) throws {
    #expect(
      try callBuiltin("glob.match", [.string(pattern), delimiters, .string(text)]) == .boolean(matches))
  }

  static let failures: [BuiltinFailure] = [
    BuiltinFailure(
      "glob.match", "a", ["ab"], "a",
      fails: "operand 2 must be array of runes but got array containing string"),
    BuiltinFailure(
      "glob.match", "a", [1], "a", fails: "operand 2 must be array of strings but got array containing number"
    ),
    BuiltinFailure("glob.match", "[a", [], "a", fails: "unexpected end of input"),
    BuiltinFailure("glob.match", "[]", [], "a", fails: "could not parse range"),
    BuiltinFailure("glob.match", "[z-a]", [], "a", fails: "hi character 'a' should be greater than lo 'z'"),
    BuiltinFailure("glob.match", "[a-bc]", [], "a", fails: "expected close range character"),
  ]

  @Test("word their errors as OPA's do", arguments: failures)
  func errors(_ example: BuiltinFailure) { example.check() }

  @Test("quoting leaves nothing special")
  func quoting() throws {
    #expect(try callBuiltin("glob.quote_meta", ["*.github.com"]) == "\\*.github.com")
    let text: Value = #"a?b[c]{d,e}\*"#
    let quoted = try #require(try callBuiltin("glob.quote_meta", [text]))
    #expect(try callBuiltin("glob.match", [quoted, [], text]) == true)
  }

  @Test("alternatives nested without end are no crash")
  func nesting() {
    #expect(errorText("glob.match", [.string(String(repeating: "{", count: 200_000)), [], "a"]) == nil)
    #expect(errorText("glob.match", [.string(String(repeating: "{a,b", count: 200_000)), [], "a"]) == nil)
    #expect(errorText("regex.match", [.string(String(repeating: "(", count: 200_000)), "a"]) != nil)
    let closed = String(repeating: "(?:a|", count: 5000) + String(repeating: ")", count: 5000)
    #expect(errorText("regex.match", [.string(closed), "a"]) == nil)
  }
}
