import Admission
import Foundation
import Synchronization
import Testing

@testable import WebhookServer

@Suite("Health and shutdown")
struct LifecycleTests {
  @Test("readiness lists its checks, with reasons")
  func readiness() async throws {
    let isLoaded = Atomic<Bool>(false)
    let checks = [
      ReadinessCheck("policies") { .ready("2 compiled, 1 quarantined") },
      ReadinessCheck("inventory") {
        isLoaded.load(ordering: .relaxed) ? .ready() : .notReady("still loading")
      },
    ]
    try await withServer(readiness: checks) { server in
      let client = try await server.connect()
      let before = try await client.exchange(get("/readyz"))
      #expect(before.status == 503)
      #expect(before.body == "not ready: inventory\n")
      #expect(
        try await client.exchange(get("/readyz?verbose")).body
          == """
          [+]policies ok: 2 compiled, 1 quarantined
          [-]inventory failed: still loading
          readyz check failed

          """)
      #expect(try await client.exchange(get("/healthz")).status == 200)
      isLoaded.store(true, ordering: .relaxed)
      #expect(try await client.exchange(get("/readyz")).body == "ok\n")
      #expect(try await client.exchange(get("/readyz?verbose=1")).body.hasSuffix("readyz check passed\n"))
    }
  }

  @Test("health and metrics move to a port of their own, in plain HTTP")
  func healthPort() async throws {
    try await withServer(configure: {
      $0.healthListen = ListenAddress(host: "127.0.0.1", port: 0)
    }) { server in
      let client = try await server.connect()
      for path in ["/healthz", "/readyz", "/metrics"] {
        #expect(try await client.exchange(get(path)).status == 404)
      }
      #expect(try await client.exchange(review()).status == 200)
      let address = try #require(server.addresses.health)
      let plain = try await TestClient.connect(to: address, tls: nil)
      #expect(try await plain.exchange(get("/healthz")).status == 200)
      #expect(try await plain.exchange(get("/readyz")).status == 200)
      #expect(try await plain.exchange(review()).status == 404)
      let metrics = try await plain.exchange(get("/metrics", headers: "Connection: close\r\n"))
      #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      #expect(metrics.body.contains("portcullis_admission_duration_seconds_bucket{le=\"10\"} 1\n"))
      #expect(metrics.body.contains("portcullis_build_info{version=\"test\"} 1\n"))
      let memory = try #require(server.metric("process_resident_memory_bytes"))
      #expect(memory > 1e6 && memory < 1e12)
      #expect((server.metric("process_open_fds") ?? 0) > 5)
      #expect((server.metric("process_cpu_seconds_total") ?? 0) > 0)
      try await plain.ended()
    }
  }

  @Test(
    "a review of policies that takes too long is answered in time, keeps nobody else waiting and no server from its end"
  )
  func slowPolicies() async throws {
    let gate = Gate()
    let policies = FakeService { body, _, _ in
      gate.wait()
      return .decided(Decision(), response: Array("{}".utf8))
    }
    let service = FakeService { _, _, isFinal in
      isFinal ? .decided(Decision(), response: Array("{}".utf8)) : .tooSlow
    }
    let server = try await TestServer(service: service, policyService: policies) {
      $0.evaluation.threads = 1
      $0.shutdown.drain = .milliseconds(100)
    }
    let client = try await server.connect()
    for _ in 0..<2 {
      let late = try await client.exchange(review(path: "/validate-policies?timeout=1s"))
      #expect(late.status == 503)
      #expect(late.body.contains("could not be compiled in time"))
    }
    #expect(try await client.exchange(review()).status == 200)
    try await server.stop()
    gate.open()
  }

  @Test("on shutdown readiness fails at once, requests are served on, then drained")
  func drains() async throws {
    let gate = Gate()
    let service = FakeService { body, _, isFinal in
      if body.count == 3 {
        guard isFinal else { return .tooSlow }
        gate.wait()
      }
      return .decided(Decision(), response: Array("{}".utf8))
    }
    let server = try await TestServer(service: service) { $0.shutdown.delay = .seconds(2) }
    let busy = try await server.connect()
    let idle = try await server.connect()
    let active = try await server.connect()
    #expect(try await idle.exchange(review()).status == 200)
    #expect(try await active.exchange(get("/readyz")).status == 200)
    await server.beginShutdown()
    try await eventually("readiness fails") { try await active.exchange(get("/readyz")).status == 503 }
    // Meanwhile everything is served, on old and new connections.
    let meanwhile = try await active.exchange(review())
    #expect(meanwhile.status == 200 && !meanwhile.isClosing)
    let new = try await server.connect()
    #expect(try await new.exchange(review()).status == 200)
    try await busy.send(review(3))
    try await eventually("it is being decided") { gate.waitingCount == 1 }
    // Then idle connections are closed, no new ones taken, and what is being decided is answered.
    try await idle.ended()
    try await eventually("the port is closed") { (try? await server.connect()) == nil }
    gate.open()
    let last = try await busy.response()
    #expect(last.status == 200)
    #expect(last.isClosing)
    try await busy.ended()
    try await server.ended()
  }

  @Test("an address that is taken is an error that names it")
  func namesTakenAddresses() async throws {
    try await withServer { server in
      let taken = server.addresses.reviews
      for isHealth in [false, true] {
        let error = await #expect(throws: ListenError.self) {
          _ = try await TestServer { if isHealth { $0.healthListen = taken } else { $0.listen = taken } }
        }
        #expect(error?.description == "cannot listen on \(taken): Address already in use")
      }
    }
  }

  @Test("a drain that does not end is ended")
  func boundsDrain() async throws {
    let server = try await TestServer {
      $0.shutdown.drain = .milliseconds(200)
      $0.timeouts.bodyGrace = .seconds(60)
    }
    let client = try await server.connect()
    try await client.send(String(review(100).dropLast(50)))
    try await Task.sleep(for: .milliseconds(50))
    let start = ContinuousClock.now
    try await server.stop()
    #expect(ContinuousClock.now - start < .seconds(2))
    try await client.ended()
  }
}

@Suite("Decision log")
struct DecisionLogTests {
  @Test("a decision is one line of JSON with what was asked and answered")
  func rendersDecisions() throws {
    var decision = Decision()
    decision.uid = "a\"b\\c\n\u{1}é"
    decision.kind = .init(group: "apps", version: "v1", name: "Deployment")
    decision.namespace = "default"
    decision.name = "web"
    decision.operation = "CREATE"
    decision.user = "jane"
    decision.allowed = false
    decision.code = 403
    decision.isDryRun = true
    decision.evaluatedPolicies = ["one", "two"]
    decision.violations = [.init(policy: "one", message: "no")]
    decision.warnings = [.init(policy: "two", message: "hm")]
    decision.failures = [.init(policy: "three", message: "broke")]
    decision.duration = .microseconds(1_234_567)
    let line = decision.logLine(at: Timestamp(secondsSince1970: 1_700_000_000, nanoseconds: 1_234_567))
    #expect(line.last == UInt8(ascii: "\n"))
    #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
    let parsed = try JSONSerialization.jsonObject(with: Data(line)) as? NSDictionary
    #expect(
      parsed == [
        "time": "2023-11-14T22:13:20.001234Z", "uid": "a\"b\\c\n\u{1}é",
        "kind": ["group": "apps", "version": "v1", "kind": "Deployment"], "namespace": "default",
        "name": "web",
        "operation": "CREATE", "user": "jane", "allowed": false, "code": 403, "dryRun": true,
        "policies": ["one", "two"], "messages": [["policy": "one", "message": "no"]],
        "warnings": [["policy": "two", "message": "hm"]],
        "failures": [["policy": "three", "message": "broke"]],
        "duration": 1.234567,
      ] as NSDictionary)
  }

  @Test("every decision is logged once, in order, and the rest is written at the end")
  func logsDecisions() async throws {
    let pipe = Pipe()
    let log = DecisionLog(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    let reader = Task.detached { pipe.fileHandleForReading.readDataToEndOfFile() }
    let service = FakeService { body, _, _ in
      var decision = Decision()
      decision.uid = "\(body.count)"
      return .decided(decision, response: [])
    }
    try await withServer(service: service, decisionLog: log) { server in
      let client = try await server.connect()
      for count in 1...200 { #expect(try await client.exchange(review(count)).status == 200) }
    }
    try pipe.fileHandleForWriting.close()
    let lines = String(decoding: await reader.value, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 200)
    for (index, line) in lines.enumerated() { #expect(line.contains("\"uid\":\"\(index + 1)\"")) }
    #expect(log.dropped == 0)
  }

  @Test("a reader who stalls costs lines, which are counted, and no decision", .timeLimit(.minutes(5)))
  func survivesStalledReaders() async throws {
    let pipe = Pipe()
    let log = DecisionLog(descriptor: pipe.fileHandleForWriting.fileDescriptor, maximumBytes: 10_000)
    let service = FakeService { _, _, _ in
      var decision = Decision()
      decision.user = String(repeating: "u", count: 1_000)
      return .decided(decision, response: [])
    }
    try await withServer(service: service, decisionLog: log) { server in
      let client = try await server.connect()
      for _ in 1...300 { #expect(try await client.exchange(review()).status == 200) }
      #expect(log.dropped > 100)
      #expect(server.metric("portcullis_decision_log_dropped_total") == Double(log.dropped))
      // Let go of the reader's end: the log's thread ends when the server stops.
      try pipe.fileHandleForReading.close()
    }
  }
}
