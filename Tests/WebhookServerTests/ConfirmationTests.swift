import Admission
import Kubernetes
import Rego
import Synchronization
import Testing

@testable import WebhookServer

/// A cluster without policies that answers when the test says, or when the time is up.
private final class HeldReader: LiveReader {
  private let isReleased = Mutex(false)

  func release() { isReleased.withLock { $0 = true } }

  func objects(
    of kind: GroupVersionKind, in namespace: RegoString, until deadline: ContinuousClock.Instant
  ) async throws -> [Value] {
    while !isReleased.withLock(\.self), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(2))
    }
    return []
  }
}

@Suite("Denials that the cluster is asked about")
struct ConfirmationTests {
  private static func service(_ reader: HeldReader) throws -> FakeService {
    let set = try PolicyCompiler(hasInventory: true).compile(BuiltinPolicies.sources)
    let service = AdmissionService(AdmissionSnapshot(policies: set, inventory: .empty))
    service.setLiveReader(reader)
    return FakeService { service.answer($0, deadline: $1, isFinal: $2) }
  }

  private static func pod(_ name: String) -> String {
    #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"\#(name)","operation":"CREATE","namespace":"shop","#
      + #""kind":{"group":"","version":"v1","kind":"Pod"},"userInfo":{"username":"a"},"object":{"metadata":{"name":"p","namespace":"shop","#
      + #""labels":{"a":"b"}},"spec":{"containers":[]}}}}"#
  }

  private static func post(_ body: String, path: String = "/validate") -> String {
    "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  @Test("wait for it without keeping the event loop from others, and answers stay in order")
  func order() async throws {
    let reader = HeldReader()
    let server = try await TestServer(service: try Self.service(reader)) {
      $0.eventLoopThreads = 1
      $0.evaluation.budget = .seconds(100)
    }
    let waiting = try await server.connect()
    let allowed =
      #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"2","operation":"CREATE","kind":{"group":"","version":"v1","kind":"ConfigMap"},"userInfo":{"username":"a"},"object":{}}}"#
    try await waiting.send(Self.post(Self.pod("1")) + Self.post(allowed))
    let other = try await server.connect()
    // Twice, so that the first connection's requests have been read for sure.
    #expect(try await other.exchange(Self.post(allowed)).status == 200)
    #expect(try await other.exchange(Self.post(allowed)).status == 200)
    reader.release()
    let first = try await waiting.response()
    #expect(first.status == 200 && first.body.contains(#""code":403"#) && first.body.contains(#""uid":"1""#))
    #expect(try await waiting.response().body.contains(#""uid":"2""#))
    try await server.stop()
  }

  @Test("are answered within the request's time, and a connection that goes meanwhile does no harm")
  func time() async throws {
    let server = try await TestServer(service: try Self.service(HeldReader()))
    let client = try await server.connect()
    let start = ContinuousClock.now
    let response = try await client.exchange(Self.post(Self.pod("1"), path: "/validate?timeout=1s"))
    #expect(response.status == 200 && response.body.contains(#""allowed":false"#))
    #expect(ContinuousClock.now - start < .seconds(60))
    let gone = try await server.connect()
    try await gone.send(Self.post(Self.pod("1"), path: "/validate?timeout=1s"))
    await gone.close()
    try await Task.sleep(for: .milliseconds(1_200))
    #expect(try await client.exchange(get("/healthz")).status == 200)
    try await server.stop()
  }
}
