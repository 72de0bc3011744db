import Admission
import Foundation
import Synchronization
import Testing

@testable import WebhookServer

/// Lets the tests hold evaluations back.
final class Gate: Sendable {
  private let isOpen = Atomic<Bool>(false)
  private let waiting = Atomic<Int>(0)

  func open() { isOpen.store(true, ordering: .relaxed) }

  var waitingCount: Int { waiting.load(ordering: .relaxed) }

  func wait() {
    waiting.wrappingAdd(1, ordering: .relaxed)
    while !isOpen.load(ordering: .relaxed) { usleep(1_000) }
    waiting.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Decides nothing on event loops, and on threads once the gate is open.
  var service: FakeService {
    FakeService { _, _, isFinal in
      guard isFinal else { return .tooSlow }
      self.wait()
      return .decided(Decision(), response: Array("{}".utf8))
    }
  }
}

@Suite("Bounds and patience")
struct BoundTests {
  @Test("beyond the concurrent evaluations a review is a 503 to be tried again")
  func shedsLoad() async throws {
    let gate = Gate()
    try await withServer(
      service: gate.service,
      configure: {
        $0.limits.concurrentEvaluations = 2
      }
    ) { server in
      var clients: [TestClient] = []
      for count in 1...2 {
        let client = try await server.connect()
        try await client.send(review())
        try await eventually("it is being decided") { gate.waitingCount == count }
        clients.append(client)
      }
      let late = try await server.connect()
      let response = try await late.exchange(review())
      #expect(response.status == 503)
      #expect(response.headers["retry-after"] == "1")
      #expect(response.body.hasPrefix("{\"error\":"))
      #expect(try await late.exchange(get("/healthz")).status == 200)
      gate.open()
      for client in clients { #expect(try await client.response().status == 200) }
      #expect(try await late.exchange(review()).status == 200)
      #expect(
        server.metric("portcullis_admission_requests_total{outcome=\"overloaded\",operation=\"unknown\"}")
          == 1)
    }
  }

  @Test("a review whose time passes while it waits for a thread is a 503")
  func shedsStaleReviews() async throws {
    let gate = Gate()
    try await withServer(
      service: gate.service,
      configure: {
        $0.evaluation.threads = 1
      }
    ) { server in
      let first = try await server.connect()
      try await first.send(review())
      try await eventually("it is being decided") { gate.waitingCount == 1 }
      let second = try await server.connect()
      try await second.send(review(path: "/validate?timeout=100ms"))
      try await Task.sleep(for: .milliseconds(120))
      gate.open()
      #expect(try await second.response().status == 503)
      #expect(try await first.response().status == 200)
    }
  }

  @Test("slow headers and slow bodies are 408, one byte at a time or none")
  func losesPatience() async throws {
    try await withServer(configure: {
      $0.timeouts.header = .milliseconds(200)
      $0.timeouts.bodyGrace = .milliseconds(200)
    }) { server in
      let request = Array(review(10_000).utf8)
      let headEnd = request.count - 10_000
      for (sent, what) in [(5, "headers"), (headEnd, "body"), (headEnd + 3, "body")] {
        let client = try await server.connect()
        try await client.send(Array(request[..<sent]))
        let trickle = Task {
          for byte in request[sent...] {
            try await Task.sleep(for: .milliseconds(10))
            try await client.send([byte])
          }
        }
        let response = try await client.response()
        trickle.cancel()
        #expect(response.status == 408)
        #expect(response.body.contains(what))
        #expect(response.isClosing)
        try await client.ended()
      }
      #expect(try await server.connect().exchange(review()).status == 200)
    }
  }

  @Test("a body that keeps coming, but not to its end, is 408 when its time is up")
  func boundsBodies() async throws {
    try await withServer(configure: {
      $0.timeouts.body = .milliseconds(300)
    }) { server in
      let client = try await server.connect()
      try await client.send(
        "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n"
      )
      let flow = Task {
        while !Task.isCancelled {
          try await client.send([UInt8](repeating: 0, count: 5_000))
          try await Task.sleep(for: .milliseconds(5))
        }
      }
      #expect(try await client.response().status == 408)
      flow.cancel()
    }
  }

  @Test("idle connections are closed in time, and not before")
  func closesIdleConnections() async throws {
    try await withServer(configure: {
      $0.timeouts.idle = .seconds(1)
    }) { server in
      let silent = try await server.connect()
      let used = try await server.connect()
      let start = ContinuousClock.now
      #expect(try await used.exchange(review()).status == 200)
      try await used.ended()
      try await silent.ended()
      #expect(ContinuousClock.now - start >= .milliseconds(800))
      #expect(silent.errors.isEmpty && used.errors.isEmpty)
    }
    #expect(ServerConfiguration.Timeouts().idle > .seconds(90))
  }

  @Test("a client that never reads is cut off, and holds little meanwhile")
  func cutsOffSilentReaders() async throws {
    let answered = Atomic<Int>(0)
    let large = [UInt8](repeating: UInt8(ascii: " "), count: 50_000)
    let service = FakeService { _, _, _ in
      answered.wrappingAdd(1, ordering: .relaxed)
      return .decided(Decision(), response: large)
    }
    try await withServer(
      service: service,
      configure: {
        $0.timeouts.write = .milliseconds(300)
      }
    ) { server in
      // Handshake first, then no reading any more: the peer's socket buffers fill.
      let client = try await TestClient.connect(
        to: server.addresses.reviews, tls: TestAuthority.clientContext, autoRead: false)
      client.readTwice()
      let requests = Array(String(repeating: review(), count: 100).utf8)
      for _ in 0..<20 { client.sendLater(requests) }
      try await eventually("the connection is closed") {
        answered.load(ordering: .relaxed) > 0 && server.metric("portcullis_connections") == 0
      }
      // The kernel's buffers take some megabytes; without a bound all 2,000 answers would have been made.
      #expect(answered.load(ordering: .relaxed) < 500)
      #expect(try await server.connect().exchange(review()).status == 200)
    }
  }

  @Test("over the connection cap those without a review go first, oldest first; then new ones are refused")
  func capsConnections() async throws {
    try await withServer(configure: {
      $0.limits.connections = 3
    }) { server in
      let proven = try await server.connect()
      #expect(try await proven.exchange(review()).status == 200)
      let oldest = try await server.connect()
      #expect(try await oldest.exchange(get("/healthz")).status == 200)
      let second = try await server.connect()
      #expect(try await second.exchange(get("/healthz")).status == 200)

      let fourth = try await server.connect()
      #expect(try await fourth.exchange(review()).status == 200)
      try await oldest.ended()
      #expect(try await second.exchange(review()).status == 200)
      #expect(server.metric("portcullis_connections_evicted_total") == 1)

      // Now all three have proven themselves.
      let refused = try await server.connect()
      try await refused.ended()
      #expect(server.metric("portcullis_connections_refused_total") == 1)
      for client in [proven, second, fourth] { #expect(try await client.exchange(review()).status == 200) }
      #expect(server.metric("portcullis_connections") == 3)
      await second.close()
      try await eventually("there is room again") { server.metric("portcullis_connections") == 2 }
      #expect(try await server.connect().exchange(review()).status == 200)
    }
  }

  @Test("large bodies share a budget; small ones do not need it")
  func boundsBufferedBytes() async throws {
    try await withServer(configure: {
      $0.limits.bufferedBytes = 1 << 20
    }) { server in
      let first = try await server.connect()
      let request = Array(review(900_000).utf8)
      try await first.send(Array(request.dropLast(1)))
      var refusal: TestClient.Response?
      try await eventually("the budget is used up") {
        let second = try await server.connect()
        let response = try await second.exchange(review(200_000))
        refusal = response
        await second.close()
        return response.status == 503
      }
      #expect(refusal?.headers["retry-after"] == "1")
      #expect(try await server.connect().exchange(review(60_000)).status == 200)
      try await first.send([UInt8(ascii: "x")])
      #expect(try await first.response().status == 200)
      #expect(try await server.connect().exchange(review(900_000)).status == 200)
    }
  }

  @Test("a client that closes its side still gets its answer; one that leaves mid-body gets 400")
  func servesHalfClosedConnections() async throws {
    let gate = Gate()
    try await withServer(service: gate.service) { server in
      let client = try await server.connect()
      try await client.send(review())
      try await eventually("it is being decided") { gate.waitingCount == 1 }
      try await client.closeOutput()
      gate.open()
      #expect(try await client.response().status == 200)
      try await client.ended()

      let truncated = try await server.connect()
      try await truncated.send(String(review(100).dropLast(50)))
      try await truncated.closeOutput()
      let response = try await truncated.response()
      #expect(response.status == 400)
      #expect(response.body.contains("middle of the request"))
      try await truncated.ended()
      try await eventually("all are gone") { server.metric("portcullis_connections") == 0 }
    }
  }

  @Test("a client that goes away while its review is decided leaves nothing behind")
  func forgetsAbandonedReviews() async throws {
    let gate = Gate()
    try await withServer(service: gate.service) { server in
      let client = try await server.connect()
      try await client.send(review())
      try await eventually("it is being decided") { gate.waitingCount == 1 }
      await client.close()
      gate.open()
      try await eventually("the connection is forgotten") { server.metric("portcullis_connections") == 0 }
      #expect(try await server.connect().exchange(review()).status == 200)
    }
  }
}
