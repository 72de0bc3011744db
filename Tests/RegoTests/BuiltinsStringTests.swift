import Testing

@testable import Rego

@Suite("String builtins")
struct BuiltinsStringTests {
  static let cases: [BuiltinCase] = [
    BuiltinCase("concat", "/", ["", "foo", "0"], gives: "/foo/0"),
    BuiltinCase("concat", ",", [], gives: ""),
    BuiltinCase("concat", ", ", set("b", "a", "c"), gives: "a, b, c"),
    BuiltinCase("contains", "abcdefgh", "defg", gives: true),
    BuiltinCase("contains", "abc", "", gives: true),
    BuiltinCase("contains", "aaab", "aab", gives: true),
    BuiltinCase("contains", "e\u{301}", "é", gives: false),
    BuiltinCase("endswith", "abc", "bc", gives: true),
    BuiltinCase("endswith", "bc", "abc", gives: false),
    BuiltinCase("startswith", "abc", "", gives: true),
    BuiltinCase("startswith", "abc", "abcd", gives: false),
    BuiltinCase("format_int", 255, 16, gives: "ff"),
    BuiltinCase("format_int", -5, 2, gives: "-101"),
    BuiltinCase("format_int", decimal("15.9"), 16, gives: "f"),
    BuiltinCase("format_int", decimal("-15.9"), 8, gives: "-17"),
    BuiltinCase("format_int", decimal("18446744073709551615"), 16, gives: "ffffffffffffffff"),
    BuiltinCase("indexof", "μx", "x", gives: 1),
    BuiltinCase("indexof", "abc", "z", gives: -1),
    BuiltinCase("indexof_n", "aaaa", "aa", gives: [0, 1, 2]),
    BuiltinCase("indexof_n", "😇😀😇😀", "😀", gives: [1, 3]),
    BuiltinCase("indexof_n", "abc", "z", gives: []),
    BuiltinCase("lower", "ABC ÀÉ İ", gives: "abc àé i"),
    BuiltinCase("upper", "straße ŉ ᾳ ﬁ", gives: "STRAßE ŉ ᾼ ﬁ"),
    BuiltinCase("replace", "foo...bar", "..", ",,", gives: "foo,,.bar"),
    BuiltinCase("replace", "abc", "", "-", gives: "-a-b-c-"),
    BuiltinCase("replace", "é", "", "-", gives: "-é-"),
    BuiltinCase("split", "foo.bar.baz", ".", gives: ["foo", "bar", "baz"]),
    BuiltinCase("split", "aé", "", gives: ["a", "é"]),
    BuiltinCase("split", "", "", gives: []),
    BuiltinCase("split", "", ".", gives: [""]),
    BuiltinCase("split", "a.", ".", gives: ["a", ""]),
    BuiltinCase("strings.any_prefix_match", ["a/b", "c/d"], ["x", "c/"], gives: true),
    BuiltinCase("strings.any_prefix_match", ["a/b", "c/d"], ["x", "d"], gives: false),
    BuiltinCase("strings.any_prefix_match", "abc", set("ab", "x"), gives: true),
    BuiltinCase("strings.any_prefix_match", [], ["a"], gives: false),
    BuiltinCase("strings.any_suffix_match", ["a/b", "c/d"], ["x", "/d"], gives: true),
    BuiltinCase("strings.any_suffix_match", ["a/b", "c/d"], ["x", "c"], gives: false),
    BuiltinCase("strings.count", "cheese", "e", gives: 3),
    BuiltinCase("strings.count", "é", "", gives: 2),
    BuiltinCase("strings.count", "11111", "11", gives: 2),
    BuiltinCase("strings.replace_n", ["<": "&lt;", ">": "&gt;"], "<b>", gives: "&lt;b&gt;"),
    BuiltinCase("strings.replace_n", ["a": "1", "ab": "2"], "abab", gives: "1b1b"),
    BuiltinCase("strings.replace_n", ["": "-", "a": "1"], "ab", gives: "-1-b-"),
    BuiltinCase("strings.reverse", "1😀𝛾", gives: "𝛾😀1"),
    BuiltinCase("substring", "abcdef", 2, 3, gives: "cde"),
    BuiltinCase("substring", "åäö", 1, -1, gives: "äö"),
    BuiltinCase("substring", "åäö", 1, 1, gives: "ä"),
    BuiltinCase("substring", "åäö", 9, 1, gives: ""),
    BuiltinCase("substring", "abc", 9, 1, gives: ""),
    BuiltinCase("substring", "abc", 1, .int(.max), gives: "bc"),
    BuiltinCase("trim", "¡¡foo!!", "!¡", gives: "foo"),
    BuiltinCase("trim", "..a.b..", ".", gives: "a.b"),
    BuiltinCase("trim", "aaa", "a", gives: ""),
    BuiltinCase("trim_left", "..a..", ".", gives: "a.."),
    BuiltinCase("trim_right", "..a..", ".", gives: "..a"),
    BuiltinCase("trim_prefix", "foobar", "foo", gives: "bar"),
    BuiltinCase("trim_prefix", "foobar", "bar", gives: "foobar"),
    BuiltinCase("trim_suffix", "foobar", "bar", gives: "foo"),
    BuiltinCase("trim_space", " \t\n\u{a0}x\u{2003}", gives: "x"),
    BuiltinCase("trim_space", "  ", gives: ""),
    BuiltinCase(
      "internal.template_string",
      ["a ", set("b"), set(), 1, set(["x"]), .null],
      gives: #"a b<undefined>1["x"]null"#),
  ]

  @Test("give what OPA's documentation says", arguments: cases)
  func results(_ example: BuiltinCase) throws {
    try example.check()
  }

  static let failures: [BuiltinFailure] = [
    BuiltinFailure(
      "concat", ",", ["a", 1], fails: "operand 2 must be array of strings but got array containing number"),
    BuiltinFailure(
      "concat", ",", set(1), fails: "operand 2 must be set of strings but got set containing number"),
    BuiltinFailure(
      "strings.any_prefix_match", [1], "a",
      fails: "operand 1 must be array of strings but got array containing number"),
    BuiltinFailure("format_int", 1, 3, fails: "operand 2 must be one of {2, 8, 10, 16}"),
    BuiltinFailure("substring", "a", -1, 1, fails: "negative offset"),
    BuiltinFailure(
      "substring", "a", decimal("0.5"), 1,
      fails: "operand 2 must be integer number but got floating-point number"),
    BuiltinFailure("indexof", "a", "", fails: "empty search character"),
    BuiltinFailure(
      "strings.replace_n", [1: "a"], "x", fails: "operand 1 non-string key found in pattern object"),
    BuiltinFailure(
      "strings.replace_n", ["a": 1], "x", fails: "operand 1 non-string value found in pattern object"),
  ]

  @Test("word their errors as OPA does", arguments: failures)
  func errors(_ example: BuiltinFailure) { example.check() }

  @Test(
    "sprintf prints as Go does",
    arguments: [
      ("%s-%d", ["a", 3], "a-3"),
      ("%v %v %v", [.null, true, ["x", 1]], #"null true ["x", 1]"#),
      ("%s", [["a": set(1, "b")]], #"{"a": {1, "b"}}"#),
      ("%v", [set()], "set()"),
      ("hi %02X.%02X", [127, 1], "hi 7F.01"),
      (
        "%5d|%-5d|%05d|%+d|% d|%x|%#x|%o|%#o|%O|%b|%c|%q|%U|%#U",
        [42, 42, -42, 42, 42, 255, 255, 8, 8, 8, 5, 0x4e16, 0x4e16, 0x4e16, 0x4e16],
        "   42|42   |-0042|+42| 42|ff|0xff|10|010|0o10|101|世|'世'|U+4E16|U+4E16 '世'"
      ),
      ("%.3d|%8.3d|%-8.3d|%.0d|", [7, 7, 7, 0], "007|     007|007     ||"),
      (
        "%.2f|%8.3f|%-8.2f|%08.3f|%+.1f|%e|%g|%G|%.3g", Array(repeating: decimal("3.14159"), count: 9),
        "3.14|   3.142|3.14    |0003.142|+3.1|3.141590e+00|3.14159|3.14159|3.14"
      ),
      (
        "%v %v %v %v", [decimal("0.1"), decimal("1234567.5"), decimal("0.00001234"), decimal("-2.5e-7")],
        "0.1 1.2345675e+06 1.234e-05 -2.5e-07"
      ),
      (
        "%#g|%#.3g|%#.0f|%x|%.1x|%b",
        [decimal("0.5"), decimal("0.5"), decimal("2.4"), decimal("1.5"), decimal("1.97"), decimal("1.5")],
        "0.500000|0.500|2.|0x1.8p+00|0x1.0p+01|6755399441055744p-52"
      ),
      (
        "%s|%10s|%-10s|%.2s|%q|%x|% X|%#x|%08s", ["hé", "hé", "hé", "hé!", "a\n\"", "hi", "hi", "hi", "x"],
        #"hé|        hé|hé        |hé|"a\n\""|6869|68 69|0x6869|0000000x"#
      ),
      ("%#q %+q", ["a`b", "é"], "\"a`b\" \"\\u00e9\""),
      ("%d", ["hi"], "%!d(string=hi)"),
      ("%d", [true], "%!d(string=true)"),
      ("%s", [3], "%!s(int=3)"),
      ("%s", [decimal("3.5")], "%!s(float64=3.5)"),
      ("%d", [decimal("3.5")], "%!d(float64=3.5)"),
      ("%t", [true], "%!t(string=true)"),
      ("%5d", ["hi"], "%!d(string=   hi)"),
      ("%d %d", [1], "1 %!d(MISSING)"),
      ("%d", [1, "x", 2], "1%!(EXTRA string=x, int=2)"),
      ("", [decimal("1.5")], "%!(EXTRA float64=1.5)"),
      ("%!", [1], "%!!(int=1)"),
      ("%", [], "%!(NOVERB)"),
      ("100%%", [], "100%"),
      ("%[2]d %[1]d", [1, 2], "2 1"),
      ("%[3]d", [1, 2], "%!d(BADINDEX)"),
      ("%[x]d", [1], "%!d(BADINDEX)"),
      ("%[2]*[1]d|%*d|%.*f", [7, 4, 5, 6, 2], "   7|   5|%!f(int=000002)"),
      ("%*d %.*d", ["x", 1, -1, 2], "%!(BADWIDTH)1 %!(BADPREC)2"),
      ("%[1]5d|%[1].2d|%99999999d", [1], "%!d(BADINDEX)|%!d(BADINDEX)|%!(NOVERB)"),
      ("%*d|%-*d|%*d|", [4, 1, 4, 2, -4, 3], "   1|2   |3   |"),
      ("%.*f", [2, decimal("1.255")], "1.25"),
      (
        "%T %T %T %T", [1, "a", decimal("1.5"), decimal("99999999999999999999")],
        "int string float64 *big.Int"
      ),
      (
        "%d %x %v %s %+d %25d %025d", Array(repeating: decimal("99999999999999999999"), count: 7),
        "99999999999999999999 56bc75e2d630fffff 99999999999999999999 99999999999999999999 +99999999999999999999      99999999999999999999 0000099999999999999999999"
      ),
      ("%f", [decimal("99999999999999999999")], "%!f(big.Int=99999999999999999999)"),
      ("%v %s", [decimal("2e308"), decimal("2e308")], "2e308 2e308"),
      ("%6é", [1], "%!é(int=     1)"),
      ("日本%d", [1], "日本1"),
      ("%v", ["a\u{301}"], "a\u{301}"),
    ] as [(String, [Value], String)])
  func sprintf(_ format: String, _ values: [Value], _ expected: String) throws {
    let result = try callBuiltin("sprintf", [.string(format), .array(values)])?.string
    #expect(result.map { Array($0.utf8) } == Array(expected.utf8), "\(result ?? "nil")")
  }

  @Test("sprintf and replace end before they fill the memory")
  func bounds() {
    #expect(
      errorText("sprintf", [.string(String(repeating: "%[1]*[1]d", count: 200)), [1_000_000]]) == "cancelled")
    let long = String(repeating: "a", count: 100_000)
    #expect(errorText("replace", [.string(long), "a", .string(long)]) == "cancelled")
    #expect(errorText("strings.replace_n", [["a": .string(long)], .string(long)]) == "cancelled")
    #expect(errorText("replace", [.string(long), "", .string(long)]) == "cancelled")
  }

  @Test("searching a text that repeats takes linear time")
  func repeating() throws {
    let text = Value.string(String(repeating: "a", count: 1_000_000))
    let needle = Value.string(String(repeating: "a", count: 400_000) + "b")
    let started = ContinuousClock.now
    #expect(try callBuiltin("contains", [text, needle]) == false)
    #expect(try callBuiltin("indexof", [text, needle]) == -1)
    #expect(try callBuiltin("strings.count", [text, needle]) == 0)
    #expect(
      try callBuiltin("indexof_n", [text, .string(String(repeating: "a", count: 999_990))])?.array?.count
        == 11)
    #expect(ContinuousClock.now - started < .seconds(10))
  }
}
