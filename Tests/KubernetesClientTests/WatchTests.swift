import FakeAPIServer
import Foundation
import Kubernetes
import Rego
import Synchronization
import TLS
import Testing

@testable import KubernetesClient

private func name(_ event: WatchEvent) -> String { event.object["metadata"]?["name"]?.string ?? "" }

/// The next events, until so many have come.
private func take(_ count: Int, _ iterator: inout WatchStream.Iterator) async throws -> [WatchEvent] {
  var events: [WatchEvent] = []
  while events.count < count, let more = try await iterator.next() { events += more }
  return events
}

@Suite("Watches")
struct WatchTests {
  @Test("tell what happens from a version on, with bookmarks between")
  func events() async throws {
    try await withCluster { cluster, _, client in
      cluster.put(.pods, pod("a"))
      let (_, version) = try await client.list(.pods)
      cluster.put(.pods, pod("b"))
      var iterator = try await client.watch(.pods, options: WatchOptions(resourceVersion: version))
        .makeAsyncIterator()
      cluster.put(.pods, pod("a", labels: ["x": "y"]))
      cluster.remove(.pods, namespace: "shop", name: "b")
      cluster.bookmark(.pods)
      let events = try await take(4, &iterator)
      #expect(events.map(\.kind) == [.added, .modified, .deleted, .bookmark])
      #expect(events.prefix(3).map(name) == ["b", "a", "b"])
      #expect(events.map(\.resourceVersion) == ["1002", "1003", "1004", "1005"])
      let request = try #require(cluster.requests.last)
      #expect(request.query["allowWatchBookmarks"] == "true" && request.query["resourceVersion"] == "1001")
      #expect((300...600).contains(Int(request.query["timeoutSeconds"] ?? "") ?? 0))
    }
  }

  @Test("only what the shape tells of is built, and the version is known all the same")
  func shapes() async throws {
    try await withCluster { cluster, _, client in
      var options = WatchOptions(resourceVersion: "1000")
      options.shape = .members([("metadata", .members([("name", .all)]))])
      cluster.put(.pods, pod("a", labels: ["x": "y"]))
      var iterator = try await client.watch(.pods, options: options).makeAsyncIterator()
      let events = try await take(1, &iterator)
      #expect(events.map(\.object) == [["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a"]]])
      #expect(events.map(\.resourceVersion) == ["1001"])
    }
  }

  @Test("an expired version is an expiry, as a status and as an event within the stream")
  func expiry() async throws {
    try await withCluster { cluster, _, client in
      cluster.compact()
      do {
        _ = try await client.watch(.pods, options: WatchOptions(resourceVersion: "1"))
        Issue.record("must fail")
      } catch let error as APIError {
        #expect(error.isExpired)
      }
      cluster.put(.pods, pod("a"))
      var iterator = try await client.watch(.pods, options: WatchOptions(resourceVersion: "1001"))
        .makeAsyncIterator()
      #expect(try await take(1, &iterator).map(name) == ["a"])
      let error =
        #"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}}"#
      cluster.put(.pods, pod("b"))
      cluster.endWatches(.pods, sending: Array((error + "\n").utf8))
      // What came before the error is not lost.
      #expect(try await take(1, &iterator).map(name) == ["b"])
      do {
        _ = try await iterator.next()
        Issue.record("must fail")
      } catch let error as APIError {
        #expect(error.isExpired)
        #expect(error.description == "watch pods: too old resource version: 1 (2)")
      }
    }
  }

  @Test("a stream that is cut, in the middle of a line too, loses no event that came whole")
  func cuts() async throws {
    for cut in [true, false] {
      try await withCluster { cluster, _, client in
        cluster.put(.pods, pod("a"))
        var iterator = try await client.watch(.pods, options: WatchOptions(resourceVersion: "1000"))
          .makeAsyncIterator()
        #expect(try await take(1, &iterator).map(name) == ["a"])
        cluster.endWatches(
          .pods, sending: Array(#"{"type":"ADDED","object":{"metadata":{"na"#.utf8), cut: cut)
        do {
          // The server's own end is an end; a connection that breaks is a failure.
          #expect(try await iterator.next() == nil)
          #expect(!cut)
        } catch APIError.connectionLost {
          #expect(cut)
        }
      }
    }
  }

  @Test("lines come in any pieces, and several at a time")
  func pieces() async throws {
    let lines = (1...40).map { number in
      #"{"type":"ADDED","object":{"metadata":{"name":"p\#(number)","resourceVersion":"\#(number)","labels":{"k":"é\n"}}}}"#
        + "\n"
    }
    let bytes = Array(lines.joined().utf8)
    for size in [1, 7, 100, 4_000] {
      try await withCluster { cluster, _, client in
        cluster.intercept { _ in
          .stream(
            AsyncStream { continuation in
              for start in stride(from: 0, to: bytes.count, by: size) {
                continuation.yield(.bytes(Array(bytes[start..<min(start + size, bytes.count)])))
              }
              continuation.finish()
            })
        }
        var names: [String] = []
        for try await events in try await client.watch(.pods, options: WatchOptions(resourceVersion: "1")) {
          names += events.map(name)
        }
        #expect(names == (1...40).map { "p\($0)" })
      }
    }
  }

  @Test("a watch that is silent for too long is over")
  func silence() async throws {
    try await withCluster { cluster, _, client in
      var options = WatchOptions(resourceVersion: "1000")
      options.silence = .milliseconds(400)
      let start = ContinuousClock.now
      var iterator = try await client.watch(.pods, options: options).makeAsyncIterator()
      do {
        _ = try await iterator.next()
        Issue.record("must fail")
      } catch let error as APIError {
        #expect(error == .timedOut(operation: "watch pods"))
      }
      #expect((Duration.milliseconds(400)..<Duration.seconds(60)).contains(ContinuousClock.now - start))
    }
  }

  @Test("a bookmark breaks the silence")
  func bookmarks() async throws {
    try await withCluster { cluster, _, client in
      // On a busy machine a bookmark may come late: then with more time.
      for silence in [Duration.milliseconds(500), .seconds(3), .seconds(20)] {
        var options = WatchOptions(resourceVersion: "1000")
        options.silence = silence
        var iterator = try await client.watch(.pods, options: options).makeAsyncIterator()
        do {
          for _ in 0..<3 {
            try await Task.sleep(for: silence / 2)
            cluster.bookmark(.pods)
            #expect(try await take(1, &iterator).first?.kind == .bookmark)
          }
          return
        } catch APIError.timedOut {
        }
      }
      Issue.record("three bookmarks within one and a half times the silence must keep a watch alive")
    }
  }

  @Test("lines that are no events are errors, and long lines are refused before they are held")
  func malformedLines() async throws {
    var limits = patient
    limits.responseBytes = 10_000
    let lines = [
      "nonsense", "{}", #"{"type":"ADDED"}"#, #"{"type":"ADDED","object":{"metadata":{}}}"#,
      #"{"type":"NEWS","object":{"metadata":{"resourceVersion":"1"}}}"#,
      #"{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}"#,
    ]
    try await withCluster(limits: limits) { cluster, _, client in
      for line in lines {
        cluster.intercept { _ in
          .stream(
            AsyncStream {
              $0.yield(.bytes(Array((line + "\n").utf8)))
              $0.finish()
            })
        }
        var iterator = try await client.watch(.pods, options: WatchOptions(resourceVersion: "1"))
          .makeAsyncIterator()
        do {
          _ = try await iterator.next()
          Issue.record("\(line)")
        } catch APIError.malformedResponse {
        }
      }
      cluster.intercept { _ in
        .stream(
          AsyncStream { continuation in
            for _ in 0..<100 { continuation.yield(.bytes(Array(repeating: UInt8(ascii: "x"), count: 1_000))) }
            continuation.finish()
          })
      }
      var iterator = try await client.watch(.pods, options: WatchOptions(resourceVersion: "1"))
        .makeAsyncIterator()
      do {
        _ = try await iterator.next()
        Issue.record("must fail")
      } catch let error as APIError {
        #expect(error == .responseTooLarge(operation: "watch pods", limit: 10_000))
      }
    }
  }

  @Test("who takes its time holds the server back, not the events in memory")
  func backpressure() async throws {
    let sent = Mutex(0)
    let line = Array(
      (#"{"type":"ADDED","object":{"metadata":{"name":"p","resourceVersion":"1"},"spec":{"x":""#
        + String(repeating: "x", count: 60_000) + "\"}}}\n").utf8)
    try await withCluster { cluster, _, client in
      cluster.intercept { _ in
        .stream(
          AsyncStream(unfolding: {
            let count = sent.withLock {
              $0 += 1
              return $0
            }
            return count <= 1_000 ? .bytes(line) : nil
          }))
      }
      var iterator = try await client.watch(.pods, options: WatchOptions(resourceVersion: "1"))
        .makeAsyncIterator()
      try await Task.sleep(for: .seconds(1))
      // 60 MB in all; what lies between is the sockets' and one megabyte of ours.
      #expect(sent.withLock { $0 } < 300)
      #expect(try await take(1_000, &iterator).count == 1_000)
    }
  }
}

@Suite("Following a kind")
struct ReflectorTests {
  /// What whoever follows was told.
  private final class Told: Sendable {
    private let failures = Mutex(0)

    var failureCount: Int { failures.withLock(\.self) }

    func take(_ change: Reflector.Change) {
      if case .failed = change { failures.withLock { $0 += 1 } }
    }
  }

  private static func run(
    _ cluster: FakeCluster, _ subject: Reflector.Subject, _ options: Reflector.Options,
    _ body: (Told) async throws -> Void
  ) async throws {
    try await withCluster(cluster) { _, _, client in
      let told = Told()
      let task = Task { await Reflector(client, subject, options: options).run { told.take($0) } }
      let result: Result<Void, any Error>
      do {
        result = .success(try await body(told))
      } catch {
        result = .failure(error)
      }
      task.cancel()
      await task.value
      try result.get()
    }
  }

  private static func wait(_ what: Testing.Comment, until holds: () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(100)
    while !holds() {
      try #require(ContinuousClock.now < end, what)
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  @Test("a watch that has lasted resets the wait before the next, however it ended")
  func lastingWatches() async throws {
    var options = Reflector.Options()
    // Without it the sixth wait would be an hour.
    options.backoff = Backoff(first: .milliseconds(200), longest: .seconds(3_600), jitter: 0)
    options.lasting = .milliseconds(20)
    let cluster = FakeCluster([.pods])
    try await Self.run(cluster, .resource(.pods), options) { told in
      for round in 1...12 {
        try await Self.wait("watch \(round)") { cluster.watcherCount(.pods) == 1 }
        try await Task.sleep(for: .milliseconds(60))
        cluster.endWatches(.pods, cut: true)
        try await Self.wait("the end of watch \(round)") { told.failureCount >= round }
      }
    }
  }

  @Test("a kind that is offered and not found is asked for after a wait, and told of once that lasts")
  func missing() async throws {
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    let cluster = FakeCluster([.pods])
    cluster.intercept { request in
      request.path == "/api/v1/pods" ? FakeCluster.status(404, "NotFound", "no") : nil
    }
    var options = Reflector.Options()
    options.backoff = Backoff(first: .seconds(3_600), longest: .seconds(3_600))
    try await Self.run(cluster, .kind(kind), options) { _ in
      try await Self.wait("it is asked for") { cluster.requests.contains { $0.path == "/api/v1/pods" } }
      try await Task.sleep(for: .milliseconds(300))
      #expect(cluster.requests.filter { $0.path == "/api/v1/pods" }.count == 1)
    }
    options.backoff = Backoff(first: .milliseconds(5), longest: .milliseconds(5))
    try await Self.run(cluster, .kind(kind), options) { told in
      try await Self.wait("it is told") { told.failureCount > 0 }
    }
  }
}

@Suite("TLS to the API server")
struct SecurityTests {
  @Test("the server is verified by authority and name, the client by its certificate")
  func verification() async throws {
    let authority = try CertificateAuthority(name: "test", validDays: 1)
    let other = try CertificateAuthority(name: "other", validDays: 1)
    let issued = try authority.issue(names: ["api.test", "127.0.0.1"], validDays: 1)
    let ca = Array(try authority.export().certificatePEM.utf8)
    let client = try authority.issue(names: ["admin"], usage: .client, validDays: 1)
    let context = try TLSContext.server(identity: issued.identity, clientAuthorities: ca)
    let cluster = FakeCluster()
    let server = try await cluster.start(tls: context)
    func attempt(_ change: (inout ClientConfiguration) -> Void) async -> APIError? {
      var configuration = ClientConfiguration(
        server: ServerAddress(isSecure: true, host: "127.0.0.1", port: server.port))
      configuration.authorities = .bytes(ca)
      change(&configuration)
      let client = KubernetesClient(configuration, limits: patient)
      defer { client.close() }
      do {
        _ = try await client.list(.pods)
        return nil
      } catch {
        return error as? APIError
      }
    }
    #expect(await attempt { _ in } == nil)
    #expect(await attempt { $0.serverName = "api.test" } == nil)
    #expect(
      await attempt {
        $0.clientCertificate = .bytes(Array(client.certificatePEM.utf8))
        $0.clientKey = .bytes(Array(client.privateKeyPEM.utf8))
      } == nil)
    let wrongName = await attempt { $0.serverName = "other.test" }
    #expect(
      wrongName?.description
        == "cannot reach the API server https://127.0.0.1:\(server.port): the server's certificate is not trusted: hostname mismatch"
    )
    let stranger = Array(try other.export().certificatePEM.utf8)
    #expect(
      await attempt { $0.authorities = .bytes(stranger) }?.description.contains(
        "the server's certificate is not trusted: ") == true)
    #expect(
      await attempt {
        $0.authorities = nil
        $0.skipsVerification = true
      } == nil)
    guard case .credentials? = await attempt({ $0.authorities = .bytes(Array("nonsense".utf8)) }) else {
      Issue.record("an authority that is none must be said to be")
      return
    }
    guard
      case .unreachable? = await attempt({ $0.server.isSecure = false })
        ?? .unreachable(server: "", reason: "")
    else { return }
    await server.stop()
  }

  @Test("an authority that is replaced in its file is used by the next connection")
  func authorityRotation() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "ca-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    var authorities: [CertificateAuthority] = []
    for number in 1...2 { authorities.append(try CertificateAuthority(name: "test \(number)", validDays: 1)) }
    var port = 0
    var client: KubernetesClient?
    for authority in authorities {
      let context = try TLSContext.server(
        identity: authority.issue(names: ["127.0.0.1"], validDays: 1).identity)
      let server = try await FakeCluster().start(port: port, tls: context)
      port = server.port
      try Data(authority.export().certificatePEM.utf8).write(to: URL(filePath: file))
      if client == nil {
        var configuration = ClientConfiguration(
          server: ServerAddress(isSecure: true, host: "127.0.0.1", port: port))
        configuration.authorities = .file(file)
        client = KubernetesClient(configuration, limits: patient)
      }
      let items = try await client?.list(.pods).items
      #expect(items?.isEmpty == true)
      await server.stop()
    }
    client?.close()
  }
}
