import Testing

@testable import Rego

@Suite("Builtins on documents")
struct BuiltinsDocumentTests {
  @Test(
    "JSON as text",
    arguments: [
      BuiltinCase(
        "json.marshal", ["b": set(1, 2), "a": "<\u{e9}>"], gives: #"{"a":"\u003cé\u003e","b":[1,2]}"#),
      BuiltinCase("json.marshal", [1: "x", "0": .null], gives: #"{"0":null,"1":"x"}"#),
      BuiltinCase("json.marshal_with_options", [1, []], [:], gives: "[1,[]]"),
      BuiltinCase("json.marshal_with_options", [1], ["pretty": true], gives: "[\n\t1\n]"),
      BuiltinCase("json.marshal_with_options", [1], ["prefix": "> "], gives: "> [\n> \t1\n> ]"),
      BuiltinCase("json.marshal_with_options", [1], ["pretty": false, "indent": "x"], gives: "[1]"),
      BuiltinCase("json.unmarshal", "{\"a\": [1, 2.50]}", gives: ["a": [1, decimal("2.5")]]),
      BuiltinCase("json.is_valid", "{\"a\": 1}", gives: true),
      BuiltinCase("json.is_valid", "{", gives: false),
      BuiltinCase("json.is_valid", 1, gives: false), BuiltinCase("json.is_valid", "", gives: false),
    ])
  func json(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "YAML as text",
    arguments: [
      BuiltinCase(
        "yaml.unmarshal", "a: [yes, 0x10, 1.50]\na: 2\nb: &x {c: ~}\nd: *x",
        gives: ["a": 2, "b": ["c": .null], "d": ["c": .null]]),
      BuiltinCase("yaml.unmarshal", "", gives: .null),
      BuiltinCase("yaml.is_valid", "foo:\n - qux: bar\n - baz: {", gives: false),
      BuiltinCase("yaml.is_valid", "a: 1\n--- [", gives: true), BuiltinCase("yaml.is_valid", 1, gives: false),
      BuiltinCase(
        "yaml.marshal", ["b": [1, ["x": "y1"]], "a": [:], "c": [], "a10": .null, "a9": true],
        gives: "a: {}\na9: true\na10: null\nb:\n- 1\n- x: y1\nc: []\n"),
      BuiltinCase(
        "yaml.marshal",
        [
          "true", "1", "null", "", " x", "a: b", "2001-01-02", "12:30", "# c", "plain text", "x\ny\n",
          "\u{e9}", "- a",
        ],
        gives:
          "- \"true\"\n- \"1\"\n- \"null\"\n- \"\"\n- ' x'\n- 'a: b'\n- \"2001-01-02\"\n- \"12:30\"\n- '# c'\n- plain text\n- |\n  x\n  y\n- é\n- '- a'\n"
      ),
      BuiltinCase(
        "yaml.marshal", [decimal("0.5"), decimal("1e30"), decimal("1234567.5"), set(2, 1), 100_000_000],
        gives: "- 0.5\n- 1e+30\n- 1.2345675e+06\n- - 1\n  - 2\n- 100000000\n"),
      BuiltinCase("yaml.marshal", "x", gives: "x\n"),
    ])
  func yaml(_ test: BuiltinCase) throws { try test.check() }

  @Test("what yaml.marshal writes is read back, by the YAML reader too")
  func yamlRoundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let value = randomValue(depth: 3, using: &generator)
      let doubles = doubled(value)
      let text = try #require(try callBuiltin("yaml.marshal", [doubles])?.string)
      #expect(try YAMLReader.value(text) == doubles, "\(text)")
    }
  }

  /// The value with its numbers as YAML has them, which are doubles.
  private func doubled(_ value: Value) -> Value {
    switch value {
    case .number(.decimal(let number)): return Number(number.double).map(Value.number) ?? .null
    case .array(let elements): return .array(elements.map(doubled))
    case .object(let object): return .object(ObjectValue(object.map { ($0, doubled($1)) }))
    default: return value
    }
  }

  private static let document: Value = [
    "a": ["b": ["c": 7, "d": 8], "e": [10, 11, 12]], "f": set("x", "y"), "g/h": 1,
  ]

  @Test(
    "parts by path",
    arguments: [
      BuiltinCase(
        "json.filter", document, ["a/b/c", "/a/e/1", ["f", "x"], "g~1h"],
        gives: ["a": ["b": ["c": 7], "e": [11]], "f": set("x"), "g/h": 1]),
      BuiltinCase("json.filter", document, ["a/b/c", "a/b"], gives: ["a": ["b": ["c": 7, "d": 8]]]),
      BuiltinCase("json.filter", document, [], gives: [:]),
      BuiltinCase("json.filter", document, ["x/y", ""], gives: [:]),
      BuiltinCase(
        "json.remove", document, set("a/b", "a/e/0", "f/y", "nothing/here"),
        gives: ["a": ["e": [11, 12]], "f": set("x"), "g/h": 1]),
      BuiltinCase("json.remove", ["a": 1], ["a/b"], gives: ["a": 1]),
      BuiltinCase("json.remove", ["a": 1], [], gives: ["a": 1]),
    ])
  func paths(_ test: BuiltinCase) throws { try test.check() }

  // Beside RFC 6902's appendix A, what Rego adds: paths as arrays, sets, and undefined for what fails.
  @Test(
    "patches",
    arguments: [
      BuiltinCase(
        "json.patch", ["foo": "bar"], [["op": "add", "path": "/baz", "value": "qux"]],
        gives: ["baz": "qux", "foo": "bar"]),
      BuiltinCase(
        "json.patch", ["foo": ["bar", "baz"]], [["op": "add", "path": "/foo/1", "value": "qux"]],
        gives: ["foo": ["bar", "qux", "baz"]]),
      BuiltinCase(
        "json.patch", ["foo": ["bar"]], [["op": "add", "path": "/foo/-", "value": ["abc"]]],
        gives: ["foo": ["bar", ["abc"]]]),
      BuiltinCase(
        "json.patch", ["baz": "qux", "foo": "bar"], [["op": "remove", "path": "/baz"]], gives: ["foo": "bar"]),
      BuiltinCase(
        "json.patch", ["foo": ["bar", "qux", "baz"]], [["op": "remove", "path": "/foo/1"]],
        gives: ["foo": ["bar", "baz"]]),
      BuiltinCase(
        "json.patch", ["baz": "qux"], [["op": "replace", "path": "/baz", "value": "boo"]],
        gives: ["baz": "boo"]),
      BuiltinCase(
        "json.patch", ["foo": ["bar": 1], "qux": [:]],
        [["op": "move", "from": "/foo/bar", "path": "/qux/thud"]], gives: ["foo": [:], "qux": ["thud": 1]]),
      BuiltinCase(
        "json.patch", ["foo": [1, 2, 3, 4]], [["op": "move", "from": "/foo/1", "path": "/foo/3"]],
        gives: ["foo": [1, 3, 4, 2]]),
      BuiltinCase(
        "json.patch", ["a": [1]],
        [["op": "copy", "from": "a", "path": "b"], ["op": "test", "path": "b/0", "value": 1]],
        gives: ["a": [1], "b": [1]]),
      BuiltinCase("json.patch", ["a": 1], [["op": "test", "path": "/a", "value": 2]], gives: nil),
      BuiltinCase(
        "json.patch", ["foo": "bar"], [["op": "add", "path": "/baz/bat", "value": "qux"]], gives: nil),
      BuiltinCase("json.patch", ["a": [1]], [["op": "add", "path": "/a/2", "value": 0]], gives: nil),
      BuiltinCase("json.patch", ["a": [1]], [["op": "add", "path": "/a/01", "value": 0]], gives: nil),
      BuiltinCase("json.patch", ["a": 1], [["op": "remove", "path": "/b"]], gives: nil),
      BuiltinCase("json.patch", ["a": 1], [["op": "replace", "path": "", "value": 2]], gives: 2),
      BuiltinCase("json.patch", ["a": 1], [["op": "spam", "path": "/b"]], gives: nil),
      BuiltinCase("json.patch", ["a": 1], [1], gives: nil), BuiltinCase("json.patch", 1, [], gives: 1),
      BuiltinCase(
        "json.patch", ["a": set("x")],
        [["op": "add", "path": "a/y", "value": "y"], ["op": "remove", "path": ["a", "x"]]],
        gives: ["a": set("y")]),
      BuiltinCase("json.patch", ["a": set("x")], [["op": "add", "path": "a/y", "value": "z"]], gives: nil),
      BuiltinCase(
        "json.patch", set([1]), [["op": "add", "path": [[1], 1], "value": 2]], gives: set([1, 2])),
      BuiltinCase("json.patch", [1: 2], [["op": "replace", "path": [1], "value": 3]], gives: [1: 3]),
      BuiltinCase(
        "json.patch", ["a": .null], [["op": "test", "path": "a", "value": .null]], gives: ["a": .null]),
    ])
  func patches(_ test: BuiltinCase) throws { try test.check() }

  @Test(
    "failures",
    arguments: [
      BuiltinFailure(
        "json.marshal_with_options", [], ["x": 1], fails: "operand 2 object contained unknown key \"x\""),
      BuiltinFailure(
        "json.marshal_with_options", [], ["pretty": 1], fails: "operand 2 key \"pretty\" failed cast to bool"),
      BuiltinFailure("json.unmarshal", "[1,", fails: "1:4: unexpected end of JSON input"),
      BuiltinFailure("json.unmarshal", 1, fails: "operand 1 must be string but got number"),
      BuiltinFailure(
        "yaml.unmarshal", "[1,2,3",
        fails: "error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'"),
      BuiltinFailure("json.remove", 1, [], fails: "operand 1 must be object but got number"),
      BuiltinFailure("json.remove", [:], "a", fails: "operand 2 must be one of {set, array} but got string"),
      BuiltinFailure(
        "json.filter", [:], ["a", 1],
        fails:
          "operand 2 must be one of {set, array} containing string paths or array of path segments but got number"
      ),
    ])
  func failures(_ test: BuiltinFailure) { test.check() }
}
