import Testing

@testable import Rego

@Suite struct JSONPeekTests {
  @Test(
    "a string is found by its path without what follows being read",
    arguments: [
      (#"{"request":{"uid":"1","kind":{"kind":"Pod","#, "Pod"),
      (#" { "a" : [1, {"kind": 2}] , "request" : { "kind" : { "kind" : "Job" } } } trailing"#, "Job"),
      (#"{"request":{"kind":{"kind":7}}}"#, nil),
      (#"{"request":{"kind":"Pod"}}"#, nil),
      (#"{"request":[]}"#, nil),
      (#"{"requests":{"kind":{"kind":"Pod"}}}"#, nil),
      (#"{"request":{"kind":{"kind":"P\u006fd"}}}"#, nil),
      ("", nil), ("{", nil), ("[[[", nil), (#"{"request"}"#, nil), (#"{"a":tru"#, nil),
    ] as [(String, String?)])
  func peek(_ text: String, _ expected: String?) {
    let found = Array(text.utf8).withUnsafeBytes {
      JSONReader.peekString(at: ["request", "kind", "kind"], in: $0)
    }
    #expect(found?.string == expected)
  }
}
