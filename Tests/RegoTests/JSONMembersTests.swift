import Testing

@testable import Rego

@Suite("Members and elements of JSON text")
struct JSONMembersTests {
  private func members(_ text: String) throws -> [String: String]? {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBytes { try JSONReader.members($0) }.map { members in
      Dictionary(members.map { ($0.key.string, String(decoding: bytes[$0.range], as: UTF8.self)) }) { $1 }
    }
  }

  @Test("members are found with the text of their values")
  func objects() throws {
    #expect(
      try members(#" { "a" : [1, {"b": 2}] , "\u0063":"d"} "#) == ["a": #"[1, {"b": 2}]"#, "c": #""d""#])
    #expect(try members("{}") == [:])
    #expect(try members("[1]") == nil)
    #expect(try members("3") == nil)
  }

  @Test("elements are found with their text")
  func arrays() throws {
    let bytes = Array(#" [ 1, "b" ,{} ] "#.utf8)
    let ranges = try bytes.withUnsafeBytes { try JSONReader.elements($0) }
    #expect(ranges?.map { String(decoding: bytes[$0], as: UTF8.self) } == ["1", #""b""#, "{}"])
    #expect(try Array("{}".utf8).withUnsafeBytes { try JSONReader.elements($0) } == nil)
  }

  @Test(
    "what is no JSON is an error, wherever it is",
    arguments: ["", "{", #"{"a":}"#, #"{"a":[1,}"#, "{} x", "[1"])
  func errors(_ text: String) {
    #expect(throws: JSONError.self) { try members(text) }
  }

  @Test("equal parts of documents are held once")
  func pool() throws {
    var pool = ValuePool(interner: StringInterner())
    let text = #"{"a": [{"b": "c"}, {"b": "c"}], "b": "c"}"#
    let first = pool.pooled(try JSONReader.value(text))
    let second = pool.pooled(try JSONReader.value(text))
    #expect(try first == JSONReader.value(text))
    let one = try #require(first.object)
    let other = try #require(second.object)
    #expect(one.isIdentical(to: other))
    let elements = first["a"]?.array ?? []
    let inner = elements.compactMap(\.object)
    try #require(inner.count == 2)
    #expect(inner[0].isIdentical(to: inner[1]))
  }
}
