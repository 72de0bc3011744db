import NIOHTTP1

/// What the server needs of a request's headers, gathered in one pass over them.
struct RequestFraming {
  /// The length of the body where the client says it.
  private(set) var contentLength: Int?
  private(set) var isChunked = false
  private(set) var contentType: String?
  private(set) var contentEncoding: String?
  private(set) var hostCount = 0
  private(set) var expectation: String?

  init(_ headers: HTTPHeaders) {
    for (name, value) in headers {
      // By length first: nearly all names differ in it.
      switch name.utf8.count {
      case 4 where isEqual(name, "host"): hostCount += 1
      case 6 where isEqual(name, "expect"): expectation = value
      case 12 where isEqual(name, "content-type"): contentType = value
      case 14 where isEqual(name, "content-length"): contentLength = Int(value)
      case 16 where isEqual(name, "content-encoding"): contentEncoding = value
      case 17 where isEqual(name, "transfer-encoding"): isChunked = true
      default: break
      }
    }
  }

  var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

  /// `Expect: 100-continue` (RFC 9110 section 10.1.1).
  var expectsContinue: Bool { expectation.map { isEqual($0, "100-continue") } ?? false }

  /// Whether the body says that it is JSON; parameters such as a charset do not matter (RFC 8259 section 11).
  var isJSON: Bool {
    guard let contentType else { return false }
    let essence = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }
    return isEqual(trim(essence), "application/json")
  }

  /// Whether the body is sent as it is, not compressed.
  var isIdentityEncoded: Bool { contentEncoding.map { isEqual($0, "identity") } ?? true }
}

private func trim(_ text: Substring.UTF8View) -> Substring.UTF8View {
  var text = text
  while let last = text.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
  return text
}

private func isEqual(_ text: String, _ lowercase: StaticString) -> Bool { isEqual(text.utf8[...], lowercase) }

/// Compares without regard to ASCII case.
private func isEqual(_ text: Substring.UTF8View, _ lowercase: StaticString) -> Bool {
  guard text.count == lowercase.utf8CodeUnitCount else { return false }
  var expected = lowercase.utf8Start
  for byte in text {
    let folded = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    if folded != expected.pointee { return false }
    expected += 1
  }
  return true
}
