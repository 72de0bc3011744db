import NIOCore

/// What one request is answered with, before it is put into HTTP.
struct Answer: Sendable {
  enum ContentType: Sendable {
    case json
    case text
    /// Prometheus' text format, version 0.0.4.
    case metrics
  }

  var status: Status
  var contentType: ContentType
  var body: [UInt8]
  /// What `Allow` says (RFC 9110 section 10.2.1), where anything.
  var allowedMethods: String?

  init(_ status: Status, _ contentType: ContentType, body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  /// An error as `{"error": "..."}`.
  static func error(_ status: Status, _ sentence: String) -> Answer {
    var body: [UInt8] = []
    body.reserveCapacity(sentence.utf8.count + 16)
    body.append("{\"error\":")
    body.appendJSON(string: sentence)
    body.append("}\n")
    return Answer(status, .json, body: body)
  }

  static func wrongMethod(allowed: String) -> Answer {
    var answer = error(.methodNotAllowed, "this path answers \(allowed) only")
    answer.allowedMethods = allowed
    return answer
  }

  /// Overload, which the API server tries again after the time that `Retry-After` says.
  static func overloaded(_ sentence: String) -> Answer { error(.serviceUnavailable, sentence) }
}

/// The status codes that the server uses.
enum Status: Int, Sendable, CaseIterable {
  case ok = 200
  case badRequest = 400
  case forbidden = 403
  case notFound = 404
  case methodNotAllowed = 405
  case requestTimeout = 408
  case contentTooLarge = 413
  case unsupportedMediaType = 415
  case expectationFailed = 417
  case headersTooLarge = 431
  case internalError = 500
  case serviceUnavailable = 503
  case versionNotSupported = 505

  fileprivate var line: StaticString {
    switch self {
    case .ok: "HTTP/1.1 200 OK\r\n"
    case .badRequest: "HTTP/1.1 400 Bad Request\r\n"
    case .forbidden: "HTTP/1.1 403 Forbidden\r\n"
    case .notFound: "HTTP/1.1 404 Not Found\r\n"
    case .methodNotAllowed: "HTTP/1.1 405 Method Not Allowed\r\n"
    case .requestTimeout: "HTTP/1.1 408 Request Timeout\r\n"
    case .contentTooLarge: "HTTP/1.1 413 Content Too Large\r\n"
    case .unsupportedMediaType: "HTTP/1.1 415 Unsupported Media Type\r\n"
    case .expectationFailed: "HTTP/1.1 417 Expectation Failed\r\n"
    case .headersTooLarge: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    case .internalError: "HTTP/1.1 500 Internal Server Error\r\n"
    case .serviceUnavailable: "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    case .versionNotSupported: "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    }
  }
}

/// How an answer ends its connection, or does not.
enum Persistence: Sendable {
  case keepAlive
  /// An HTTP/1.0 client asked for the connection to be kept and must be told that it is.
  case announcedKeepAlive
  case close
}

extension ByteBuffer {
  /// Appends an answer in HTTP/1.1.
  ///
  /// - Parameters:
  ///   - dateLine: the `Date` field with its line end.
  ///   - hasBody: false for HEAD, which gets the headers that GET would.
  mutating func write(_ answer: Answer, _ persistence: Persistence, dateLine: [UInt8], hasBody: Bool = true) {
    reserveCapacity(minimumWritableBytes: 256 + answer.body.count)
    writeStaticString(answer.status.line)
    writeBytes(dateLine)
    switch answer.contentType {
    case .json: writeStaticString("Content-Type: application/json\r\nContent-Length: ")
    case .text: writeStaticString("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ")
    case .metrics:
      writeStaticString("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: ")
    }
    writeDecimal(answer.body.count)
    writeStaticString("\r\n")
    if let allowed = answer.allowedMethods { writeString("Allow: \(allowed)\r\n") }
    switch persistence {
    case .keepAlive: writeStaticString("\r\n")
    case .announcedKeepAlive: writeStaticString("Connection: keep-alive\r\n\r\n")
    case .close: writeStaticString("Connection: close\r\n\r\n")
    }
    if hasBody { writeBytes(answer.body) }
  }

  private mutating func writeDecimal(_ value: Int) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: 20) { free in
      var rest = value
      var count = 1
      while rest >= 10 {
        rest /= 10
        count += 1
      }
      rest = value
      for index in (0..<count).reversed() {
        free[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
      return count
    }
  }
}
