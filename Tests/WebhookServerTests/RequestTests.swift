import Admission
import Foundation
import Synchronization
import TLS
import Testing

@testable import WebhookServer

@Suite("Requests over TLS")
struct RequestTests {
  @Test("a review is answered and the connection kept")
  func answersReviews() async throws {
    try await withServer { server in
      let client = try await server.connect()
      for count in [2, 10, 100_000, 3_000_000] {
        let response = try await client.exchange(review(count))
        #expect(response.status == 200)
        #expect(response.body == "{\"bytes\":\(count)}")
        #expect(response.headers["content-type"] == "application/json")
        #expect(response.headers["connection"] == nil)
        #expect(response.headers["date"]?.hasSuffix("GMT") == true)
      }
      #expect(client.tlsVersion == "TLSv1.3")
      #expect(
        server.metric("portcullis_admission_requests_total{outcome=\"allowed\",operation=\"other\"}") == 4)
      #expect(server.metric("portcullis_http_responses_total{code=\"200\"}") == 4)
      #expect(server.metric("portcullis_connections") == 1)
      await client.close()
      try await eventually("the connection is forgotten") { server.metric("portcullis_connections") == 0 }
    }
  }

  @Test("reviews of policies have a path of their own, and never hold up an event loop")
  func answersPolicyReviews() async throws {
    try await withServer { server in
      let client = try await server.connect()
      for count in [2, 100_000] {
        let response = try await client.exchange(review(count, path: "/validate-policies"))
        #expect(response.status == 200)
        #expect(response.body == "{\"policies\":\(count),\"final\":true}")
      }
      #expect(try await client.exchange(get("/validate-policies")).status == 405)
    }
  }

  struct BadRequest: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var request: String
    var status: Int
    /// A part of the error's sentence.
    var sentence: String
    var keepsConnection = true
    var allow: String?
  }

  static let badRequests: [BadRequest] = [
    BadRequest(
      testDescription: "unknown path", request: get("/nothing"), status: 404, sentence: "nothing at this path"
    ),
    BadRequest(
      testDescription: "path below a path", request: review(path: "/validate/x"), status: 404,
      sentence: "nothing"),
    BadRequest(
      testDescription: "GET where POST belongs", request: get("/validate"), status: 405, sentence: "POST",
      allow: "POST"),
    BadRequest(
      testDescription: "POST where GET belongs", request: review(path: "/healthz"), status: 405,
      sentence: "GET",
      allow: "GET, HEAD"),
    BadRequest(
      testDescription: "wrong content type",
      request:
        "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
      status: 415, sentence: "text/plain"),
    BadRequest(
      testDescription: "no content type",
      request: "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", status: 415,
      sentence: "there is none"),
    BadRequest(
      testDescription: "a compressed body", request: review(headers: "Content-Encoding: gzip\r\n"),
      status: 415,
      sentence: "Content-Encoding"),
    BadRequest(
      testDescription: "a timeout that is none", request: review(path: "/validate?timeout=soon"), status: 400,
      sentence: "soon"),
    BadRequest(
      testDescription: "no Host", request: "GET /healthz HTTP/1.1\r\n\r\n", status: 400, sentence: "Host"),
    BadRequest(
      testDescription: "two Hosts", request: get("/healthz", headers: "Host: b\r\n"), status: 400,
      sentence: "Host"),
    BadRequest(
      testDescription: "an expectation that cannot be met",
      request: get("/healthz", headers: "Expect: magic\r\n"),
      status: 417, sentence: "magic", keepsConnection: false),
    BadRequest(
      testDescription: "a body that is announced too large",
      request:
        "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 52428800\r\n\r\n",
      status: 413, sentence: "8388608", keepsConnection: false),
    BadRequest(
      testDescription: "headers too large",
      request: get("/healthz", headers: "X: \(String(repeating: "x", count: 20_000))\r\n"),
      status: 431, sentence: "headers", keepsConnection: false),
    BadRequest(
      testDescription: "too many headers",
      request: get("/healthz", headers: String(repeating: "X: y\r\n", count: 200)), status: 431,
      sentence: "headers",
      keepsConnection: false),
    BadRequest(
      testDescription: "not HTTP", request: "hello, is there anybody?\r\n\r\n", status: 400,
      sentence: "not an HTTP/1.1 request", keepsConnection: false),
    BadRequest(
      testDescription: "HTTP/2's preface", request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400,
      sentence: "HTTP/1.1", keepsConnection: false),
    BadRequest(
      testDescription: "another version of HTTP", request: "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
      status: 505,
      sentence: "HTTP/1.1", keepsConnection: false),
    BadRequest(
      testDescription: "two lengths",
      request: "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      status: 400,
      sentence: "not an HTTP/1.1 request", keepsConnection: false),
    BadRequest(
      testDescription: "a length and chunks",
      request:
        "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      status: 400, sentence: "not an HTTP/1.1 request", keepsConnection: false),
  ]

  @Test(
    "bad requests get a status, a sentence, and a next chance where HTTP allows it", arguments: badRequests)
  func refuses(_ bad: BadRequest) async throws {
    try await withServer { server in
      let client = try await server.connect()
      let response = try await client.exchange(bad.request)
      #expect(response.status == bad.status)
      #expect(response.body.hasPrefix("{\"error\":\""))
      #expect(response.body.contains(bad.sentence))
      #expect(response.headers["allow"] == bad.allow)
      #expect(response.isClosing == !bad.keepsConnection)
      if bad.keepsConnection {
        #expect(try await client.exchange(review()).status == 200)
      } else {
        try await client.ended()
      }
      let next = try await server.connect()
      #expect(try await next.exchange(review()).status == 200)
    }
  }

  @Test("headers without end are refused while they are being sent")
  func refusesEndlessHeaders() async throws {
    try await withServer { server in
      let client = try await server.connect()
      try await client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n")
      for count in 0..<500 {
        client.sendLater(Array("X-\(count): \(String(repeating: "x", count: 2_000))\r\n".utf8))
      }
      let response = try await client.response()
      #expect(response.status == 431)
      #expect(response.isClosing)
      try await client.ended()
    }
  }

  @Test(
    "a body of 50 MB is refused while it is being sent, announced or in chunks", arguments: [false, true])
  func refusesHugeBodies(isChunked: Bool) async throws {
    try await withServer { server in
      let client = try await server.connect()
      let head = "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      try await client.send(
        head + (isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 50000000\r\n\r\n"))
      let piece = [UInt8](repeating: UInt8(ascii: " "), count: 100_000)
      for _ in 0..<500 {
        if isChunked { client.sendLater(Array("186a0\r\n".utf8)) }
        client.sendLater(piece)
        if isChunked { client.sendLater(Array("\r\n".utf8)) }
      }
      let response = try await client.response()
      #expect(response.status == 413)
      #expect(response.isClosing)
      let next = try await server.connect()
      #expect(try await next.exchange(review()).status == 200)
    }
  }

  @Test("what follows a large refused body on its connection is not taken for a request")
  func discardsRefusedBodies() async throws {
    try await withServer { server in
      let client = try await server.connect()
      // 200,000 bytes are worth discarding, 400,000 are not.
      let discarded = try await client.exchange(review(200_000, path: "/nothing"))
      #expect(discarded.status == 404)
      #expect(!discarded.isClosing)
      #expect(try await client.exchange(review()).status == 200)
      let closing = try await client.exchange(review(400_000, path: "/nothing"))
      #expect(closing.status == 404)
      #expect(closing.isClosing)
      try await client.ended()
    }
  }

  @Test("chunked bodies, trailers and pieces of any size come together")
  func takesChunks() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let request =
        "POST /validate?timeout=10s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json; charset=utf-8\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nb;ext=1\r\n, you there\r\n0\r\nX-Trailer: y\r\n\r\n"
      #expect(try await client.exchange(request).body == "{\"bytes\":16}")
      for byte in request.utf8 { try await client.send([byte]) }
      #expect(try await client.response().body == "{\"bytes\":16}")
    }
  }

  @Test("a client that expects 100 gets it before it sends, or gets its refusal at once")
  func continues() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let head =
        "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
      #expect(try await client.exchange(head + "Content-Length: 2\r\n\r\n").status == 100)
      #expect(try await client.exchange("{}").status == 200)
      let refusal = try await client.exchange(head + "Content-Length: 90000000\r\n\r\n")
      #expect(refusal.status == 413)
      #expect(refusal.isClosing)
    }
  }

  @Test("pipelined requests are answered in order, whichever thread decides them")
  func answersInOrder() async throws {
    let service = FakeService { body, _, isFinal in
      // Every odd one is left to a thread, which takes its time.
      if body.count % 2 == 1 {
        guard isFinal else { return .tooSlow }
        usleep(2_000)
      }
      return .decided(Decision(), response: Array("\(body.count)".utf8))
    }
    try await withServer(service: service) { server in
      let client = try await server.connect()
      let counts = (1...60).map { $0 * 7 % 61 }
      var requests = counts.map { review($0) }
      requests.insert(get("/nothing"), at: 30)
      try await client.send(requests.joined())
      for (index, request) in requests.enumerated() {
        let response = try await client.response()
        if index == 30 {
          #expect(response.status == 404)
        } else {
          #expect(request.hasSuffix("\r\n\r\n" + String(repeating: "x", count: Int(response.body) ?? -1)))
        }
      }
    }
  }

  @Test("a syntax error behind good requests is answered after them")
  func answersErrorsInOrder() async throws {
    let service = FakeService { _, _, isFinal in
      guard isFinal else { return .tooSlow }
      usleep(20_000)
      return .decided(Decision(), response: Array("{}".utf8))
    }
    try await withServer(service: service) { server in
      let client = try await server.connect()
      try await client.send(review() + review() + "nonsense\r\n\r\n")
      #expect(try await client.response().status == 200)
      #expect(try await client.response().status == 200)
      let last = try await client.response()
      #expect(last.status == 400)
      #expect(last.isClosing)
      try await client.ended()
    }
  }

  @Test("HTTP/1.0, Connection: close, the absolute form and HEAD are served as HTTP prescribes")
  func servesVariants() async throws {
    try await withServer { server in
      let kept = try await server.connect()
      let absolute = try await kept.exchange(get("https://localhost/healthz"))
      #expect(absolute.status == 200)
      let head = try await kept.exchange("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(head.status == 200)
      #expect(head.headers["content-length"] == "3")
      let old = try await kept.exchange("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(old.headers["connection"] == "keep-alive")
      let last = try await kept.exchange(get("/healthz", headers: "Connection: close\r\n"))
      #expect(last.isClosing)
      try await kept.ended()
      let older = try await server.connect()
      #expect(try await older.exchange("GET /healthz HTTP/1.0\r\n\r\n").isClosing)
      try await older.ended()
    }
  }

  @Test("the deadline is the caller's timeout less a margin, or the budget where that is shorter")
  func setsDeadlines() async throws {
    let service = FakeService { _, deadline, isFinal in
      guard isFinal else { return .tooSlow }
      let left = (deadline - .now).components
      let milliseconds = left.seconds * 1_000 + left.attoseconds / 1_000_000_000_000_000
      return .decided(Decision(), response: Array("\(milliseconds)".utf8))
    }
    try await withServer(service: service) { server in
      let client = try await server.connect()
      for (query, expected) in [
        ("", 2_500), ("?timeout=10s", 2_500), ("?timeout=1s", 750), ("?timeout=400ms", 300),
        ("?timeout=1.5s", 1_250),
      ] {
        let left = Int(try await client.exchange(review(path: "/validate\(query)")).body) ?? 0
        #expect(left <= expected && left > expected - 200, "\(query): \(left) ms left")
      }
    }
  }

  @Test("what the service calls malformed is a 400 with its sentence")
  func passesOnMalformed() async throws {
    let service = FakeService { _, _, _ in .malformed("line 1, column 2: a \"quoted\" thing") }
    try await withServer(service: service) { server in
      let client = try await server.connect()
      let response = try await client.exchange(review())
      #expect(response.status == 400)
      #expect(response.body == "{\"error\":\"line 1, column 2: a \\\"quoted\\\" thing\"}\n")
      #expect(
        server.metric("portcullis_admission_requests_total{outcome=\"malformed\",operation=\"unknown\"}") == 1
      )
      #expect(try await client.exchange(review()).status == 400)
    }
  }
}
