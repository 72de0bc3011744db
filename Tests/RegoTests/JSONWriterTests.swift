import Testing

@testable import Rego

@Suite("Writing JSON")
struct JSONWriterTests {
  @Test("sets are arrays, and keys of other types are strings of their JSON")
  func types() {
    let value: Value = [
      "b": .set(SetValue([2, 1])), 1: true, [1, "x"]: .null, .set(SetValue(["s"])): "v", false: [:], "a": [],
    ]
    #expect(value.json == #"{"1":true,"[\"s\"]":"v","[1,\"x\"]":null,"a":[],"b":[1,2],"false":{}}"#)
  }

  @Test("strings are escaped as Go escapes them")
  func escapes() {
    let value: Value = "a\"b\\c/d\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}<>&\u{2028}\u{2029}\u{202a}\u{e9}\u{1f600}"
    #expect(
      JSONWriter().string(value)
        == "\"a\\\"b\\\\c/d\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}\\u003c\\u003e\\u0026\\u2028\\u2029\u{202a}\u{e9}\u{1f600}\""
    )
    #expect(JSONWriter(escapesHTML: false).string("<>&") == "\"<>&\"")
  }

  @Test("indented")
  func indented() {
    let value: Value = ["a": [1, [:], []], "b": ["c": .null]]
    #expect(
      JSONWriter(indent: "  ").string(value)
        == """
        {
          "a": [
            1,
            {},
            []
          ],
          "b": {
            "c": null
          }
        }
        """)
    #expect(JSONWriter(indent: "\t", prefix: "> ").string([1]) == "[\n> \t1\n> ]")
  }

  @Test("numbers", arguments: [Int.min, Int.max, 0, -1, 10, 1_234_567_890])
  func numbers(_ value: Int) {
    #expect(Value.int(value).json == String(value))
  }
}
