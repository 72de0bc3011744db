import FakeAPIServer
import Foundation
import Kubernetes
import NIOCore
import NIOHTTP1
import Rego
import Synchronization
import TLS
import Testing

@testable import KubernetesClient

/// With patience: where many tests run at a time on few cores, a test may wait long for its turn.
var patient: KubernetesClient.Limits {
  var limits = KubernetesClient.Limits()
  limits.requestTimeout = .seconds(600)
  limits.connectTimeout = .seconds(600)
  return limits
}

/// A cluster with a client of it, ended when the test is.
func withCluster(
  _ cluster: FakeCluster = FakeCluster(), limits: KubernetesClient.Limits = patient,
  configure: (inout ClientConfiguration) -> Void = { _ in },
  _ body: (FakeCluster, FakeServer, KubernetesClient) async throws -> Void
) async throws {
  let server = try await cluster.start()
  var configuration = ClientConfiguration(
    server: ServerAddress(isSecure: false, host: "127.0.0.1", port: server.port))
  configure(&configuration)
  let client = KubernetesClient(configuration, limits: limits)
  do {
    try await body(cluster, server, client)
  } catch {
    client.close()
    await server.stop()
    throw error
  }
  client.close()
  await server.stop()
}

func pod(_ name: String, _ namespace: String = "shop", labels: [String: String] = [:]) -> Value {
  [
    "apiVersion": "v1", "kind": "Pod",
    "metadata": [
      "name": .string(name), "namespace": .string(namespace),
      "labels": .object(ObjectValue(labels.map { (.string($0.key), .string($0.value)) })),
    ],
  ]
}

func expectPods(_ client: KubernetesClient, _ expected: [Value]) async {
  let found = (try? await client.list(.pods))?.items
  #expect(found == expected)
}

private func apiError(_ body: () async throws -> Void) async -> APIError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? APIError
  }
}

@Suite("Objects of the API")
struct ObjectTests {
  @Test("are read, made, replaced, patched and deleted; refusals say why")
  func writes() async throws {
    try await withCluster { cluster, server, client in
      let made = try await client.create(.pods, namespace: "shop", pod("a"))
      #expect(made["metadata"]?["resourceVersion"] != nil)
      let again = await apiError { _ = try await client.create(.pods, namespace: "shop", pod("a")) }
      #expect(again?.isAlreadyExists == true && again?.isConflict == false)

      let patched = try await client.patch(
        .pods, namespace: "shop", name: "a", ["metadata": ["labels": ["app": "web"]]])
      #expect(patched["metadata"]?["labels"]?["app"] == "web")
      // The version from before the patch is no longer the object's.
      let conflict = await apiError {
        _ = try await client.replace(.pods, namespace: "shop", name: "a", made)
      }
      #expect(conflict?.isConflict == true)
      _ = try await client.replace(.pods, namespace: "shop", name: "a", patched)
      #expect(
        try await client.get(.pods, namespace: "shop", name: "a")["metadata"]?["labels"]?["app"] == "web")
      try await client.delete(.pods, namespace: "shop", name: "a")
      let absent = await apiError { _ = try await client.get(.pods, namespace: "shop", name: "a") }
      #expect(absent?.isNotFound == true)
      #expect(absent?.description == #"get pods shop/a: pods "a" not found"#)
      // All of it over one connection.
      #expect(server.connectionCount == 1)
    }
  }

  @Test("names that are not plain do not lead elsewhere")
  func escaping() {
    #expect(
      APIResource.pods.path(namespace: "a/../b", name: "x?y=#é")
        == "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%3D%23%C3%A9")
    #expect(APIResource.pods.path(namespace: "..", name: ".") == "/api/v1/namespaces/%2E%2E/pods/%2E")
    #expect(
      APIResource.networkPolicies.path(namespace: nil)
        == "/apis/networking.k8s.io/v1/networkpolicies")
    #expect(
      APIResource.namespaces.path(namespace: "x", name: "y", subresource: "status")
        == "/api/v1/namespaces/y/status")
  }

  @Test("a kind's resource is found, and is nil where its definition is not there yet")
  func discovery() async throws {
    try await withCluster { cluster, _, client in
      let found = try await client.resource(group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy")
      #expect(found == .networkPolicies)
      #expect(try await client.resource(group: "networking.k8s.io", version: "v1", kind: "Gateway") == nil)
      #expect(try await client.resources(group: "example.org", version: "v1") == nil)
    }
  }

  @Test("a connection that was closed while it was free is no failure")
  func staleConnections() async throws {
    try await withCluster { cluster, server, client in
      cluster.put(.pods, pod("a"))
      for _ in 0..<3 {
        _ = try await client.get(.pods, namespace: "shop", name: "a")
        server.dropConnections()
      }
      _ = try await client.get(.pods, namespace: "shop", name: "a")
    }
  }
}

@Suite("Lists")
struct ListTests {
  @Test("come in pages, each object with its kind")
  func pages() async throws {
    try await withCluster { cluster, _, client in
      for index in 0..<25 { cluster.put(.pods, pod("p\(index)")) }
      var options = ListOptions()
      options.pageSize = 10
      var sizes: [Int] = []
      var remaining: [Int?] = []
      let version = try await client.list(.pods, options: options) { page in
        #expect(page.isFirst == sizes.isEmpty)
        sizes.append(page.items.count)
        remaining.append(page.remainingCount)
        #expect(page.items.allSatisfy { $0["kind"] == "Pod" && $0["apiVersion"] == "v1" })
      }
      #expect(sizes == [10, 10, 5])
      #expect(remaining == [15, 5, nil])
      #expect(version == "1025")
    }
  }

  @Test("start anew, with larger pages, where the server has forgotten the state they are from")
  func expiredToken() async throws {
    try await withCluster { cluster, _, client in
      for index in 0..<25 { cluster.put(.pods, pod("p\(index)")) }
      var options = ListOptions()
      options.pageSize = 10
      var names: Set<String> = []
      var starts = 0
      try await client.list(.pods, options: options) { page in
        if page.isFirst {
          starts += 1
          names = []
          if starts == 1 { cluster.compact() }
        }
        names.formUnion(page.items.compactMap { $0["metadata"]?["name"]?.string })
      }
      #expect(starts == 2)
      #expect(names.count == 25)
      #expect(cluster.requests.map { $0.query["limit"] } == ["10", "10", "20", "20"])
    }
  }

  @Test("a server that forgets again and again is given up on")
  func alwaysExpired() async throws {
    try await withCluster { cluster, _, client in
      for index in 0..<2_000 { cluster.put(.pods, pod("p\(index)")) }
      var options = ListOptions()
      options.pageSize = 2
      let error = await apiError {
        try await client.list(.pods, options: options) { page in if page.isFirst { cluster.compact() } }
      }
      #expect(error?.isExpired == true)
      #expect(cluster.requests.count == 10)
    }
  }

  @Test("pages that are too large are asked for in smaller ones")
  func largePages() async throws {
    var limits = patient
    limits.responseBytes = 20_000
    try await withCluster(limits: limits) { cluster, _, client in
      for index in 0..<100 {
        cluster.put(.pods, pod("p\(index)", labels: ["padding": String(repeating: "x", count: 1_000)]))
      }
      let all = try await client.list(.pods)
      #expect(all.items.count == 100)
      // One object that is too large is an error, not a large allocation.
      cluster.put(.pods, pod("huge", labels: ["padding": String(repeating: "x", count: 50_000)]))
      let error = await apiError { _ = try await client.list(.pods) }
      #expect(error == .responseTooLarge(operation: "list pods", limit: 20_000))
    }
  }

  @Test("what is no list is an error")
  func malformed() async throws {
    let answers = [
      "", "nonsense", "[]", "{}", #"{"metadata":{"resourceVersion":"1"},"items":{}}"#,
      #"{"metadata":{"resourceVersion":"1"},"items":[{]}"#, #"{"metadata":{},"items":[]}"#,
    ]
    try await withCluster { cluster, _, client in
      for answer in answers {
        cluster.intercept { _ in .whole(status: 200, body: Array(answer.utf8)) }
        let error = await apiError { _ = try await client.list(.pods) }
        guard case .malformedResponse? = error else {
          Issue.record("\(answer): \(String(describing: error))")
          continue
        }
      }
      // An empty list may have no items at all, and items may be of any form.
      cluster.intercept { _ in
        .whole(status: 200, body: Array(#"{"metadata":{"resourceVersion":"1"},"items":null}"#.utf8))
      }
      await expectPods(client, [])
      cluster.intercept { _ in
        .whole(status: 200, body: Array(#"{"metadata":{"resourceVersion":"1"},"items":[null,7,{}]}"#.utf8))
      }
      await expectPods(client, [.null, 7, ["apiVersion": "v1", "kind": "Pod"]])
    }
  }
}

@Suite("Requests that fail")
struct FailureTests {
  @Test("a token that was replaced is read again")
  func tokenRotation() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("first\n".utf8).write(to: URL(filePath: file))
    try await withCluster(configure: { $0.credentials = .tokenFile(file) }) { cluster, _, client in
      cluster.require(token: "first")
      await expectPods(client, [])
      // The server knows the new token before the file has it: once is tried again, then it is a failure.
      cluster.require(token: "second")
      let error = await apiError { _ = try await client.list(.pods) }
      #expect(error?.isUnauthorized == true)
      try Data("second".utf8).write(to: URL(filePath: file))
      await expectPods(client, [])
      for broken in ["", "  \n", "two words"] {
        try Data(broken.utf8).write(to: URL(filePath: file))
        #expect(
          await apiError { _ = try await client.list(.pods) }
            == .credentials(reason: "\(file): holds no token"))
      }
    }
  }

  @Test("a connection that is refused is closed, and a certificate of files shown again on a new one, once")
  func certificateRotation() async throws {
    for hasFiles in [true, false] {
      let cluster = FakeCluster()
      try await withCluster(
        cluster,
        configure: {
          $0.clientCertificate = hasFiles ? .file("/nowhere/tls.crt") : .bytes([])
          $0.clientKey = .file("/nowhere/tls.key")
        }
      ) { cluster, server, client in
        await expectPods(client, [])
        await expectPods(client, [])
        #expect(server.connectionCount == 1)
        // The certificate with which the first connection was made is no longer good.
        cluster.intercept { _ in
          server.connectionCount == 1 ? FakeCluster.status(401, "Unauthorized", "Unauthorized") : nil
        }
        let error = await apiError { _ = try await client.list(.pods) }
        #expect(error?.isUnauthorized == (hasFiles ? nil : true))
        await expectPods(client, [])
        #expect(server.connectionCount == 2)
        // A new connection that is refused too is a failure.
        cluster.forgetRequests()
        cluster.intercept { _ in FakeCluster.status(401, "Unauthorized", "Unauthorized") }
        #expect(await apiError { _ = try await client.list(.pods) }?.isUnauthorized == true)
        #expect(cluster.requests.count == (hasFiles ? 2 : 1))
      }
    }
  }

  @Test("a server that is overloaded is asked again when it says")
  func retryAfter() async throws {
    try await withCluster { cluster, _, client in
      let count = Mutex(0)
      cluster.intercept { _ in
        let attempt = count.withLock {
          $0 += 1
          return $0
        }
        if attempt > 2 { return nil }
        guard case .whole(let status, let body, _) = FakeCluster.status(429, "TooManyRequests", "later")
        else {
          return nil
        }
        return .whole(status: status, body: body, headers: ["Retry-After": "0"])
      }
      await expectPods(client, [])
      #expect(count.withLock { $0 } == 3)
      // Without the header it is not for repeating.
      cluster.intercept { _ in FakeCluster.status(503, "ServiceUnavailable", "down") }
      cluster.forgetRequests()
      #expect(await apiError { _ = try await client.list(.pods) }?.code == 503)
      #expect(cluster.requests.count == 1)
    }
  }

  @Test("no answer, a cut answer and a server that is not there are told apart, in time")
  func lost() async throws {
    var limits = KubernetesClient.Limits()
    limits.requestTimeout = .milliseconds(300)
    try await withCluster(limits: limits) { cluster, server, client in
      cluster.intercept { _ in
        try? await Task.sleep(for: .seconds(600))
        return nil
      }
      let start = ContinuousClock.now
      #expect(await apiError { _ = try await client.list(.pods) } == .timedOut(operation: "list pods"))
      #expect(ContinuousClock.now - start < .seconds(60))
    }
    try await withCluster { cluster, server, client in
      cluster.intercept { _ in .cut }
      guard case .connectionLost? = await apiError({ _ = try await client.list(.pods) }) else {
        Issue.record("a connection that is cut must be said to be lost")
        return
      }
      cluster.intercept { _ in .whole(status: 502, body: Array("<html>Bad gateway</html>\nmore".utf8)) }
      #expect(
        await apiError { _ = try await client.list(.pods) }?.description
          == "list pods: the API server answered 502 Bad Gateway: <html>Bad gateway</html>")
    }
    let closed = KubernetesClient(
      ClientConfiguration(server: ServerAddress(isSecure: false, host: "127.0.0.1", port: 1)))
    #expect(
      await apiError { _ = try await closed.list(.pods) }
        == .unreachable(server: "http://127.0.0.1:1", reason: "Connection refused"))
  }

  @Test("cancelling ends a request at once")
  func cancellation() async throws {
    try await withCluster { cluster, _, client in
      cluster.intercept { _ in
        try? await Task.sleep(for: .seconds(600))
        return nil
      }
      let task = Task { try await client.list(.pods) }
      try await Task.sleep(for: .milliseconds(100))
      let start = ContinuousClock.now
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(ContinuousClock.now - start < .seconds(60))
      cluster.intercept { _ in .cut }
    }
  }

  @Test("waits grow, vary, stay in bounds and are never shorter than was asked for")
  func backoff() {
    var random = SystemRandomNumberGenerator()
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))
    var waits: [Duration] = []
    for _ in 0..<10 { waits.append(backoff.delay(using: &random)) }
    for (index, wait) in waits.enumerated() {
      let base = min(Duration.milliseconds(100) * Int(1 << min(index, 10)), .seconds(1))
      #expect(wait <= base && wait >= base / 2)
    }
    #expect(Set(waits).count > 5)
    backoff.reset()
    #expect(backoff.delay(using: &random) <= .milliseconds(100))
    #expect(backoff.delay(atLeast: .seconds(3), using: &random) >= .seconds(3))
  }
}
