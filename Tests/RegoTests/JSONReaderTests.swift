import Testing

@testable import Rego

private func read(_ text: String, depth: Int = 1000) throws -> Value {
  try JSONReader.value(text, options: .init(depth: depth))
}

@Suite("Reading JSON")
struct JSONReaderTests {
  @Test(
    "values",
    arguments: [
      ("null", .null), ("true", true), (" false ", false), ("\"\"", ""), ("[]", []), ("{}", [:]),
      ("\t[\r\n]\n", []),
      ("[1, -2,3 ]", [1, -2, 3]), ("{\"a\":{\"b\":[null]}}", ["a": ["b": [.null]]]),
      ("{\"b\":1,\"a\":2, \"c\" : 3}", ["a": 2, "b": 1, "c": 3]),
      ("{\"a\":1,\"b\":2,\"a\":3}", ["a": 3, "b": 2]),
      ("\"a long string without anything special in it\"", "a long string without anything special in it"),
      (
        "\"tab\\t quote\\\" slash\\/ backslash\\\\ \\b\\f\\n\\r\"",
        "tab\t quote\" slash/ backslash\\ \u{8}\u{c}\n\r"
      ),
      ("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "A\u{e9}\u{20ac}\u{1f600}"),
      ("\"caf\u{e9} \u{1f600} e\u{301}\"", "caf\u{e9} \u{1f600} e\u{301}"),
      ("\"\\ud800\"", "\u{fffd}"), ("\"\\ude00\\ud83d\"", "\u{fffd}\u{fffd}"), ("\"\\ud83dx\"", "\u{fffd}x"),
      ("\"\\ud83d\\u0041\"", "\u{fffd}A"), ("\"\\u0000\"", "\u{0}"), ("{\"\\u0061\":1}", ["a": 1]),
      ("{\"\":0}", ["": 0]),
    ] as [(String, Value)])
  func values(_ text: String, _ value: Value) throws {
    #expect(try read(text) == value)
  }

  @Test("composed and decomposed keys are two keys")
  func canonicalEquivalence() throws {
    #expect(try read("{\"\u{e9}\":1,\"e\u{301}\":2}").object?.count == 2)
  }

  @Test(
    "numbers",
    arguments: [
      ("0", "0"), ("-0", "0"), ("1.50", "1.5"), ("1e3", "1000"),
      ("12345678901234567890", "12345678901234567890"),
      ("0.1", "0.1"), ("1E-7", "1e-07"), ("1e999999", "1e+999999"),
      ("-9223372036854775808", "-9223372036854775808"),
    ])
  func numbers(_ text: String, _ printed: String) throws {
    #expect(try read("[\(text)]").json == "[\(printed)]")
  }

  @Test(
    "what is not JSON, and where",
    arguments: [
      ("", "1:1: unexpected end of JSON input"), ("  ", "1:3: unexpected end of JSON input"),
      ("[1,\n 2,\n x]", "3:2: unexpected 'x', expected a value"),
      ("[1 2]", "1:4: unexpected '2', expected ',' or ']'"),
      ("{\"a\" 1}", "1:6: unexpected '1', expected ':'"),
      ("{\"a\":1,}", "1:8: unexpected '}', expected a string"),
      ("{a:1}", "1:2: unexpected 'a', expected a string or '}'"),
      ("[1,]", "1:4: unexpected ']', expected a value"),
      ("{\"a\":1 \"b\":2}", "1:8: unexpected '\"', expected ',' or '}'"),
      ("[", "1:2: unexpected end of JSON input"),
      ("{", "1:2: unexpected end of JSON input"), ("\"abc", "1:5: unexpected end of JSON input"),
      ("1 2", "1:3: unexpected content after the JSON value"), ("nul", "1:4: unexpected end of JSON input"),
      ("nulL", "1:4: unexpected 'L', expected null"), ("fals", "1:5: unexpected end of JSON input"),
      ("truex", "1:5: unexpected content after the JSON value"),
      ("\"\\x\"", "1:2: invalid escape sequence in a string"),
      ("\"\\u12g4\"", "1:2: invalid escape sequence in a string"), ("01", "1:2: invalid number"),
      ("[1.]", "1:4: invalid number"),
      ("-", "1:2: unexpected end of JSON input"), ("[-a]", "1:3: invalid number"),
      ("1e", "1:3: unexpected end of JSON input"),
      ("\"a\nb\"", "1:3: unescaped control character byte 0x0a in a string"),
      ("'a'", "1:1: unexpected ''', expected a value"),
      ("\u{feff}1", "1:1: unexpected byte order mark, JSON starts with its value"),
      ("]", "1:1: unexpected ']', expected a value"),
      ("[}", "1:2: unexpected '}', expected a value"),
      ("{\"a\":1]", "1:7: unexpected ']', expected ',' or '}'"),
      ("{\"a\"", "1:5: unexpected end of JSON input"), ("{\"a\":", "1:6: unexpected end of JSON input"),
      ("NaN", "1:1: unexpected 'N', expected a value"),
    ])
  func errors(_ text: String, _ message: String) throws {
    // The three ways over a text agree on what is wrong with it.
    let error = #expect(throws: JSONError.self) { try read(text) }
    #expect(error?.description == message)
    let skipping = #expect(throws: JSONError.self) {
      try Array(text.utf8).withUnsafeBytes { try JSONReader.validate($0) }
    }
    #expect(skipping?.description == message)
    let nested = "{\"wanted\":1,\"skipped\":\(text)"
    #expect(throws: JSONError.self) {
      try Array(nested.utf8).withUnsafeBytes {
        try JSONReader.project($0, shape: .path([.key("wanted")]))
      }
    }
  }

  @Test(
    "ill-formed UTF-8 is refused wherever it stands",
    arguments: [
      [0x80], [0xc0, 0x80], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x82],
    ] as [[UInt8]])
  func invalidUTF8(_ bytes: [UInt8]) {
    for padding in 0..<10 {
      let filler = [UInt8](repeating: UInt8(ascii: "a"), count: padding)
      let text = Array("{\"x\":\"".utf8) + filler + bytes + filler + Array("\",\"y\":1}".utf8)
      let whole = #expect(throws: JSONError.self) { try JSONReader.value(text) }
      #expect(whole?.reason == .invalidUTF8)
      #expect(whole?.offset == 6 + padding)
      let skipped = #expect(throws: JSONError.self) {
        try text.withUnsafeBytes { try JSONReader.project($0, shape: .path([.key("y")])) }
      }
      #expect(skipped?.reason == .invalidUTF8)
    }
  }

  @Test("strings end where they end, however they lie on words")
  func stringAlignment() throws {
    for length in 0..<40 {
      for special in ["\\n", "\u{e9}", "\u{1f600}", "\\u00e9", "\u{7f}", "~"] {
        for place in 0...length {
          let before = String(repeating: "x", count: place)
          let after = String(repeating: "y", count: length - place)
          let text = "[\"\(before)\(special)\(after)\",7]"
          let plain = special == "\\n" ? "\n" : special == "\\u00e9" ? "\u{e9}" : special
          #expect(try read(text) == [.string(before + plain + after), 7])
          try Array(text.utf8).withUnsafeBytes { try JSONReader.validate($0) }
        }
      }
    }
  }

  @Test("nesting is bounded")
  func depth() throws {
    func nested(_ count: Int) -> String {
      String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    #expect(throws: Never.self) { try read(nested(1000)) }
    let error = #expect(throws: JSONError.self) { try read(nested(1001)) }
    #expect(error?.reason == .tooDeep(limit: 1000))
    #expect(error?.offset == 1000)
    for opening in ["[", "{\"a\":"] {
      let deep = Array(String(repeating: opening, count: 100_000).utf8)
      let built = #expect(throws: JSONError.self) { try JSONReader.value(deep) }
      let skipped = #expect(throws: JSONError.self) {
        try deep.withUnsafeBytes { try JSONReader.project($0, shape: .shallow) }
      }
      #expect(built == skipped)
      #expect(built?.reason == .tooDeep(limit: 1000))
    }
    let mixed = String(repeating: "[{\"a\":", count: 100) + "1" + String(repeating: "}]", count: 100)
    try Array(mixed.utf8).withUnsafeBytes { try JSONReader.validate($0) }
    #expect(try read(mixed).json == mixed)
    let crossed = String(repeating: "[{\"a\":", count: 100) + "1" + String(repeating: "}]", count: 32) + "]"
    #expect(throws: JSONError.self) {
      try Array(crossed.utf8).withUnsafeBytes { try JSONReader.validate($0) }
    }
  }

  @Test("equal keys share their storage")
  func sharedKeys() throws {
    let value = try read("[{\"name\":1},{\"name\":2}]")
    guard case .array(let objects) = value, case .string(let a)? = objects[0].object?.keys.first,
      case .string(let b)? = objects[1].object?.keys.first
    else {
      Issue.record("two objects with a key each")
      return
    }
    #expect(a.storage === b.storage)
    let interner = StringInterner()
    let kind = interner.intern("Pod")
    let read = try JSONReader.value("{\"kind\":\"Pod\"}", options: .init(interner: interner))
    guard case .string(let string)? = read["kind"] else { return }
    #expect(string.storage === kind.storage)
  }

  @Test("large documents, wide objects and keys of all lengths are read whole")
  func largeDocuments() throws {
    func key(_ number: Int) -> String { String(repeating: "k", count: number % 23) + String(number) }
    let wide = Value.object(ObjectValue((0..<3000).map { (.string(key($0)), .int($0)) }))
    #expect(try read(wide.json) == wide)
    let backwards = "{" + (0..<3000).reversed().map { "\"\(key($0))\":\($0)" }.joined(separator: ",") + "}"
    #expect(try read(backwards) == wide)
    #expect(try read(backwards).object?[RegoString(key(1234))] == 1234)
    // Objects with the same keys in one order and another, and with a key twice.
    let objects = (0..<2000).map { number in
      switch number % 3 {
      case 0: "{\"b\":\(number),\"a\":\"value \(number % 7)\"}"
      case 1: "{\"a\":\"value \(number % 7)\",\"b\":\(number)}"
      default: "{\"b\":0,\"a\":\"value \(number % 7)\",\"b\":\(number)}"
      }
    }
    let value = try read("[" + objects.joined(separator: ",") + "]")
    for (number, object) in (value.array ?? []).enumerated() {
      #expect(object == ["a": .string("value \(number % 7)"), "b": .int(number)])
    }
    #expect(value.array?.count == 2000)
  }

  @Test("a value comes back from its own text")
  func roundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      let value = randomValue(depth: 4, using: &generator)
      for writer in [JSONWriter(), JSONWriter(indent: "  "), JSONWriter(escapesHTML: false)] {
        #expect(try read(writer.string(value)) == value)
      }
    }
  }
}

/// A value of JSON with strings of all kinds of characters.
func randomValue(depth: Int, using generator: inout SystemRandomNumberGenerator) -> Value {
  func string() -> String {
    let alphabet: [Character] = [
      "a", "b", "z", "0", "\"", "\\", "\n", "\u{1}", "<", "\u{e9}", "\u{2028}", "\u{1f600}", "/", " ", "&",
      "\u{7f}",
    ]
    return String(
      (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        alphabet.randomElement(using: &generator) ?? "a"
      })
  }
  switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &generator) {
  case 0: return .null
  case 1: return .boolean(Bool.random(using: &generator))
  case 2: return .int(Int.random(in: -1000...1000, using: &generator))
  case 3:
    let digits = Int.random(in: Int.min...Int.max, using: &generator)
    return .number(Number(json: "\(digits)e\(Int.random(in: -30...30, using: &generator))") ?? .int(0))
  case 4: return .string(string())
  case 5:
    return .array(
      (0..<Int.random(in: 0...5, using: &generator)).map { _ in
        randomValue(depth: depth - 1, using: &generator)
      })
  default:
    return .object(
      ObjectValue(
        (0..<Int.random(in: 0...12, using: &generator)).map { _ in
          (Value.string(string()), randomValue(depth: depth - 1, using: &generator))
        }))
  }
}
