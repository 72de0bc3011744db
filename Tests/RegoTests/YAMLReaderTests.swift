import Testing

@testable import Rego

private func value(_ text: String) throws -> Value { try YAMLReader.value(text) }

private func errors(_ text: String) -> [String] {
  YAMLReader.documents(text, file: "f.yaml").compactMap {
    if case .failure(let error) = $0 { error.description } else { nil }
  }
}

@Suite("Reading YAML")
struct YAMLReaderTests {
  @Test(
    "plain scalars mean what sigs.k8s.io/yaml makes of them",
    arguments: [
      ("y", "true"), ("Yes", "true"), ("on", "true"), ("TRUE", "true"), ("n", "false"), ("NO", "false"),
      ("off", "false"),
      ("yEs", "\"yEs\""), ("nope", "\"nope\""), ("~", "null"), ("Null", "null"), ("", "null"),
      ("nULL", "\"nULL\""),
      ("0", "0"), ("-17", "-17"), ("+5", "5"), ("1_000", "1000"), ("0x1F", "31"), ("-0x10", "-16"),
      ("0o17", "15"),
      ("017", "15"), ("0b101", "5"), ("-0b11", "-3"), ("08", "8"), ("0_7", "7"), ("0x", "\"0x\""),
      ("0xg", "\"0xg\""),
      ("18446744073709551615", "18446744073709551615"), ("0x1ffffffffffffffff", "36893488147419103231"),
      ("18446744073709551616", "18446744073709552000"), ("-9223372036854775808", "-9223372036854775808"),
      ("1.5", "1.5"), ("1.0", "1"), (".5", "0.5"), ("-.5", "-0.5"), ("1.", "1"), ("1e3", "1000"),
      ("1.5e-3", "0.0015"), ("+1.5", "1.5"),
      ("1e999", "\"1e999\""), ("1.2.3", "\"1.2.3\""), ("1:30", "\"1:30\""), ("12:30:45", "\"12:30:45\""),
      ("0.1", "0.1"),
      ("3.14159265358979323846", "3.141592653589793"), ("2001-12-14", "\"2001-12-14\""),
      ("2026-01-01T00:00:00Z", "\"2026-01-01T00:00:00Z\""),
      ("500m", "\"500m\""), ("1Gi", "\"1Gi\""), ("-", "[null]"), ("+", "\"+\""), (".", "\".\""),
      ("..5", "\"..5\""), ("a b", "\"a b\""),
      ("'yes'", "\"yes\""), ("\"1\"", "\"1\""), ("'~'", "\"~\""), ("<<", "\"<<\""), ("=", "\"=\""),
      ("!!str 1", "\"1\""), ("!!str yes", "\"yes\""), ("!!int \"5\"", "5"), ("!!float 1", "1"),
      ("!!bool 'on'", "true"), ("!!null ''", "null"),
      ("!!binary aGVsbG8=", "\"hello\""), ("!custom 5", "\"5\""),
      ("!!timestamp 2001-12-14", "\"2001-12-14\""),
    ])
  func scalars(_ text: String, _ json: String) throws {
    #expect(try value(text).json == json)
  }

  @Test(
    "structures",
    arguments: [
      ("a: 1\nb:\n- x\n- w: z\n", "{\"a\":1,\"b\":[\"x\",{\"w\":\"z\"}]}"),
      ("{a: [1, 2], b: {c: }}", "{\"a\":[1,2],\"b\":{\"c\":null}}"),
      ("1: a\ntrue: b\n1.5: c\n'x': d\nyes: e\n", "e!"), ("y: 1\nn: 2\n", "{\"false\":2,\"true\":1}"),
      ("1: a\n0x10: b\n1.5: c\n1e7: d\n", "{\"1\":\"a\",\"1.5\":\"c\",\"10000000\":\"d\",\"16\":\"b\"}"),
      (
        "text: |\n  one\n  two\nfolded: >\n  three\n  four\n",
        "{\"folded\":\"three four\\n\",\"text\":\"one\\ntwo\\n\"}"
      ),
      ("a: &x {b: 1}\nc: *x\nd: [*x]\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1}]}"),
      (
        "base: &b {x: 1, z: 2}\nd:\n  <<: *b\n  z: 3\n",
        "{\"base\":{\"x\":1,\"z\":2},\"d\":{\"x\":1,\"z\":3}}"
      ),
      ("a: {w: 3, <<: [{x: 1, w: 0}, {x: 2, z: 4}]}", "{\"a\":{\"w\":3,\"x\":1,\"z\":4}}"),
      ("'<<': 1", "{\"<<\":1}"),
      ("{\"a\": \"\\u00e9\\n\", \"b\": [1.50, null, true]}", "{\"a\":\"\u{e9}\\n\",\"b\":[1.5,null,true]}"),
      ("# only a comment\n", "null"), ("--- a\n--- b\n", "\"a\""), ("\u{feff}a: 1\n", "{\"a\":1}"),
      ("a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"),
      ("&k key: *k\n", "{\"key\":\"key\"}"), ("? a\n: b\n", "{\"a\":\"b\"}"),
    ])
  func structures(_ text: String, _ json: String) throws {
    // Marked ones are refused, by kubectl or for what they lack.
    if json.hasSuffix("!") {
      #expect(throws: YAMLError.self) { try value(text) }
    } else {
      #expect(try value(text).json == json)
    }
  }

  @Test(
    "float keys are strings as Go prints them",
    arguments: [
      ("1.5", "1.5"), ("0.25", "0.25"), ("1.5e-9", "1.5e-09"), ("-1.25e-30", "-1.25e-30"),
      ("123456.5", "123456.5"),
    ])
  func floatKeys(_ key: String, _ text: String) throws {
    #expect(try value("\(key): 0").object?.keys == [.string(text)])
  }

  @Test(
    "what is refused, and where",
    arguments: [
      ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key \"a\" already set in map"),
      ("x:\n  {b: 1, 'b': 2}\n", "f.yaml:2:10: key \"b\" already set in map"),
      ("a:\n\tb: 1\n", "f.yaml:2:1: found a tab character, but YAML is indented by spaces"),
      ("a: [1, 2", "f.yaml:1:9: did not find expected ',' or ']'"),
      ("a: b: c\n", "f.yaml:1:5: mapping values are not allowed in this context"),
      ("a: 1\n b: 2\n", "f.yaml:2:3: mapping values are not allowed in this context"),
      ("a: *x\n", "f.yaml:1:4: unknown anchor 'x' referenced"),
      ("a: &x [*x]\n", "f.yaml:1:8: anchor 'x' value contains itself"),
      ("a: .inf\n", "f.yaml:1:4: +Inf is not a value of JSON"),
      ("[1]: 2\n", "f.yaml:1:1: invalid map key: array cannot be the key of a mapping"),
      ("~: 2\n", "f.yaml:1:1: invalid map key: null cannot be the key of a mapping"),
      ("a: !!int x\n", "f.yaml:1:4: cannot decode !!str `x` as a !!int"),
      ("<<: 1\n", "f.yaml:1:5: map merge requires map or sequence of maps as the value"),
      ("a: !!binary '*'\n", "f.yaml:1:4: !!binary value contains invalid base64 data"),
      ("a: \"x\n", "f.yaml:2:1: found unexpected end of stream"),
      ("a: @x\n", "f.yaml:1:4: found character that cannot start any token"),
      ("1: a\n'1': b\n", "f.yaml:2:1: key \"1\" already set in map"),
    ])
  func refused(_ text: String, _ message: String) {
    #expect(errors(text) == [message])
  }

  @Test("ill-formed UTF-8 is refused with its place")
  func invalidUTF8() {
    let results = Array("a: 1\nb: \u{e9}".utf8).dropLast().withUnsafeBytes {
      YAMLReader.documents($0, file: "f.yaml")
    }
    guard case .failure(let error)? = results.last else {
      Issue.record("an error")
      return
    }
    #expect(error.line == 2)
    #expect(error.problem == "incomplete UTF-8 octet sequence")
  }

  @Test("a broken document loses neither those before nor those after it")
  func severalDocuments() throws {
    let text = """
      a: 1
      ---
      b: [
      ---
      c: 3
      ---
      d: 4
      d: 5
      ---
      e: 6
      """
    let results = YAMLReader.documents(text, file: "f.yaml")
    let values = results.map { try? $0.get().value.json }
    #expect(values == ["{\"a\":1}", nil, "{\"c\":3}", nil, "{\"e\":6}"])
    #expect(results.compactMap { try? $0.get().line } == [1, 5, 10])
    #expect(
      errors(text) == [
        "f.yaml:4:1: did not find expected node content", "f.yaml:8:1: key \"d\" already set in map",
      ])
  }

  @Test("places are those of keys and elements")
  func positions() throws {
    let text = """
      # a list
      apiVersion: v1
      items:
      - kind: Pod
        metadata: {name: "x", labels: &l {app: a}}
      - kind: Service
        spec:
          selector: *l
          ports: [80, 443]
      - <<: &m {kind: Merged}
        own: 1
      """
    let document = try #require(try YAMLReader.documents(text, file: "f.yaml").first?.get())
    let places: [([Value], Int, Int)] = [
      ([], 2, 1), (["apiVersion"], 2, 1), (["items"], 3, 1), (["items", 0], 4, 3),
      (["items", 0, "metadata", "name"], 5, 14),
      (["items", 1, "kind"], 6, 3), (["items", 1, "spec", "selector"], 8, 5),
      (["items", 1, "spec", "selector", "app"], 5, 37),
      (["items", 1, "spec", "ports", 1], 9, 17), (["items", 2, "kind"], 10, 11),
      (["items", 2, "own"], 11, 3),
    ]
    for (path, line, column) in places {
      #expect(document.positions.position(of: path) == .init(line: line, column: column), "\(path)")
    }
    #expect(document.positions.position(of: ["items", 3]) == nil)
    #expect(document.positions.position(of: ["nothing"]) == nil)
    #expect(
      document.positions.nearestPosition(to: ["items", 1, "spec", "nothing", "x"])
        == .init(line: 7, column: 3))
  }

  @Test("a billion laughs and deep nesting are refused quickly")
  func bounds() {
    let start = ContinuousClock.now
    var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      laughs += "a\(level): &a\(level) [\((0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
    }
    #expect(errors(laughs).first?.hasSuffix("document contains excessive aliasing") == true)
    for deep in [
      String(repeating: "[", count: 100_000),
      (0..<3000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
    ] {
      let message = errors(deep).first ?? ""
      #expect(message.contains("nested more than 1000 deep") || message.contains("exceeded"), "\(message)")
    }
    let wide = (0..<50_000).map { "k\($0): [\($0)]\n" }.joined()
    #expect(errors(wide).isEmpty)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test("JSON means the same in both readers")
  func againstJSON() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let value = randomValue(depth: 4, using: &generator)
      // YAML's numbers are doubles, and U+007F must be escaped there.
      let text = value.json
      guard !text.contains("\u{7f}"), !hasLongNumbers(value) else { continue }
      #expect(try YAMLReader.value(text) == value, "\(text)")
    }
  }

  private func hasLongNumbers(_ value: Value) -> Bool {
    switch value {
    case .number(let number): number.int == nil
    case .array(let elements): elements.contains(where: hasLongNumbers)
    case .object(let object): object.values.contains(where: hasLongNumbers)
    default: false
    }
  }
}
