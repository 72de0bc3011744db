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
      case 4 where name.isEqual(ignoringCase: "host"): hostCount += 1
      case 6 where name.isEqual(ignoringCase: "expect"): expectation = value
      case 12 where name.isEqual(ignoringCase: "content-type"): contentType = value
      case 14 where name.isEqual(ignoringCase: "content-length"): contentLength = Int(value)
      case 16 where name.isEqual(ignoringCase: "content-encoding"): contentEncoding = value
      case 17 where name.isEqual(ignoringCase: "transfer-encoding"): isChunked = true
      default: break
      }
    }
  }

  var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

  /// `Expect: 100-continue` (RFC 9110 section 10.1.1).
  var expectsContinue: Bool { expectation?.isEqual(ignoringCase: "100-continue") ?? false }

  /// Whether the body says that it is JSON; parameters such as a charset do not matter (RFC 8259 section 11).
  var isJSON: Bool {
    guard let contentType else { return false }
    if contentType.isEqual(ignoringCase: "application/json") { return true }
    var essence = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }
    while let last = essence.last, last == 0x20 || last == 0x09 { essence = essence.dropLast() }
    return String(Substring(essence)).isEqual(ignoringCase: "application/json")
  }

  /// Whether the body is sent as it is, not compressed.
  var isIdentityEncoded: Bool { contentEncoding?.isEqual(ignoringCase: "identity") ?? true }
}

extension String {
  /// Compares without regard to ASCII case.
  ///
  /// - Parameter lowercase: what to compare with, in lower case.
  fileprivate func isEqual(ignoringCase lowercase: StaticString) -> Bool {
    guard utf8.count == lowercase.utf8CodeUnitCount else { return false }
    var text = self
    return text.withUTF8 { bytes in
      for index in bytes.indices {
        let byte = bytes[index]
        let folded = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
        if folded != lowercase.utf8Start[index] { return false }
      }
      return true
    }
  }
}
