import Testing

@testable import Rego

/// Well-formed texts, damaged at random: what comes of them must be a value or an error, and the same by every way of reading.
@Suite("Damaged texts")
struct ReaderMutationTests {
  private static let json =
    "{\"a\":[1,2.5e-3,\"x\\u00e9\\ud83d\\ude00 and a longer text\",null,true,{\"b\":\"\u{e9}\"}],\"c\":{\"d\":[[]],\"e\":{}},\"a\":0}"
  private static let yaml =
    "a: &x [1, 0x1f, yes, ~, 'q', \"d\\n\"]\nb: *x\nc:\n  <<: {d: e}\n---\n- |\n  lit\n- >\n  fold\n---\n? k\n: !!binary aGk=\n"

  private static func damaged(_ text: String, using generator: inout SystemRandomNumberGenerator) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      let end = Int.random(in: place..<min(bytes.count, place + 20), using: &generator)
      switch Int.random(in: 0...4, using: &generator) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 1:
        bytes.insert(
          Array("\"\\{}[]:,\t\n -&*!|>%@0e.".utf8).randomElement(using: &generator) ?? 0, at: place)
      case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 3: bytes.removeSubrange(place..<end)
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  @Test("JSON is accepted or refused alike, whether built, skipped or projected")
  func json() throws {
    var generator = SystemRandomNumberGenerator()
    let shape = PathShape.path([.key("a"), .any], leaf: .shallow).union(.path([.key("c"), .any, .any]))
    var accepted = 0
    for _ in 0..<5000 {
      let bytes = ReaderMutationTests.damaged(ReaderMutationTests.json, using: &generator)
      let built = Result { try JSONReader.value(bytes) }
      let skipped = Result { try bytes.withUnsafeBytes { try JSONReader.validate($0) } }
      let projected = Result { try bytes.withUnsafeBytes { try JSONReader.project($0, shape: shape) } }
      switch (built, skipped, projected) {
      case (.success(let value), .success, .success):
        accepted += 1
        #expect(try JSONReader.value(value.json) == value)
      case (.failure(let error), .failure(let other), .failure): #expect("\(error)" == "\(other)")
      default: Issue.record("read in one way but not in another: \(String(decoding: bytes, as: UTF8.self))")
      }
    }
    #expect(accepted > 0 && accepted < 5000)
  }

  @Test("YAML documents are read or refused, each with its line")
  func yaml() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let bytes = ReaderMutationTests.damaged(ReaderMutationTests.yaml, using: &generator)
      let lines = bytes.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } + 1
      for result in bytes.withUnsafeBytes({ YAMLReader.documents($0, file: "f") }) {
        switch result {
        case .success(let document): #expect(document.line >= 1 && document.positions.position(of: []) != nil)
        case .failure(let error): #expect(error.line >= 1 && error.line <= lines + 1 && error.column >= 1)
        }
      }
    }
  }
}
