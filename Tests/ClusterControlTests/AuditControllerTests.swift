import FakeAPIServer
import Foundation
import Kubernetes
import KubernetesClient
import Rego
import Synchronization
import Testing

@testable import Admission
@testable import ClusterControl

extension FakeCluster.Resource {
  static let leases = Self("coordination.k8s.io/v1", "leases", "Lease")
  static let reports = Self("wgpolicyk8s.io/v1alpha2", "policyreports", "PolicyReport")
  static let secretsToo = Self("v1", "secrets", "Secret")
}

@Suite struct AuditControllerTests {
  static func pod(_ name: String, _ namespace: String = "shop") -> Value {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["name": .string(name), "namespace": .string(namespace), "uid": .string("uid-\(name)")],
      "spec": [:],
    ]
  }

  static let policy = """
    package bad_names

    deny contains "this name is bad" if {
      input.request.kind.kind == "Pod"
      startswith(input.request.name, "bad")
    }

    deny contains "a secret" if input.request.kind.kind == "Secret"
    """

  static func controller(
    _ server: FakeServer, change: (inout AuditController.Settings) -> Void = { _ in }
  ) throws -> AuditController {
    let set = try PolicyCompiler().compile([PolicySource(path: "p.rego", text: policy)])
    let snapshot = AdmissionSnapshot(policies: set, inventory: .empty)
    var settings = AuditController.Settings(namespace: "portcullis", identity: "one")
    change(&settings)
    return AuditController(
      try client(of: server), settings, logger: silent,
      isReady: { true }, subject: { (snapshot, []) })
  }

  @Test("what is found is told in PolicyReports and Events, and taken back once it is mended")
  func reports() async throws {
    let cluster = FakeCluster([.pods, .namespaces, .events, .leases, .reports, .secretsToo])
    cluster.put(.pods, Self.pod("bad-1"))
    cluster.put(.pods, Self.pod("good"))
    cluster.put(.pods, Self.pod("good", "other"))
    cluster.put(
      .secretsToo, ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s", "namespace": "shop"]])
    let server = try await cluster.start()
    let controller = try Self.controller(server)
    try await controller.scanOnce()
    let report = try #require(cluster.object(.reports, namespace: "shop", name: "portcullis"))
    #expect(report["summary"]?["fail"] == 1)
    let result = try #require(report["results"]?.array?.first)
    #expect(result["policy"] == "bad_names" && result["result"] == "fail")
    #expect(result["resources"]?.array?.first?["uid"] == "uid-bad-1")
    #expect(cluster.object(.reports, namespace: "other", name: "portcullis") == nil)
    let event = try #require(cluster.requests.last { $0.method == "POST" && $0.path.hasSuffix("/events") })
    #expect(event.path == "/api/v1/namespaces/shop/events")
    // Nothing reads Secrets, whatever a policy asks for.
    #expect(!cluster.requests.contains { $0.path.contains("secrets") })

    let version = report["metadata"]?["resourceVersion"]
    try await controller.scanOnce()
    #expect(
      cluster.object(.reports, namespace: "shop", name: "portcullis")?["metadata"]?["resourceVersion"]
        == version)
    cluster.remove(.pods, namespace: "shop", name: "bad-1")
    try await controller.scanOnce()
    #expect(cluster.object(.reports, namespace: "shop", name: "portcullis") == nil)
    await server.stop()
  }

  @Test("a report that the API server refuses keeps the others from nothing")
  func refusedReport() async throws {
    let cluster = FakeCluster([.pods, .namespaces, .events, .leases, .reports])
    let namespaces = ["a", "b", "c"]
    for namespace in namespaces { cluster.put(.pods, Self.pod("bad-\(namespace)", namespace)) }
    cluster.intercept { request in
      request.method == "POST" && request.path.contains("/namespaces/b/")
        ? FakeCluster.status(500, "InternalError", "not today") : nil
    }
    let server = try await cluster.start()
    let controller = try Self.controller(server)
    await #expect(throws: APIError.self) { try await controller.scanOnce() }
    for namespace in namespaces {
      let report = cluster.object(.reports, namespace: namespace, name: "portcullis")
      #expect((report == nil) == (namespace == "b"))
      #expect(
        cluster.requests.contains {
          $0.method == "POST" && $0.path == "/api/v1/namespaces/\(namespace)/events"
        })
    }
    await server.stop()
  }

  @Test("a report of long messages stays below what etcd takes")
  func longMessages() {
    var report = AuditReport()
    for index in 0..<600 {
      report.findings.append(
        AuditReport.Finding(
          object: ObjectReference(
            kind: GroupVersionKind(group: "", version: "v1", kind: "Pod"), namespace: "shop",
            name: RegoString("pod-\(index)")), uid: "u", policy: "p", effect: .deny,
          message: String(repeating: "ä", count: 10_000), severity: nil))
    }
    report.counts[AuditReport.Key(policy: "p", namespace: "shop", effect: .deny)] = 600
    let reports = PolicyReports.reports(report, now: Date())
    #expect((reports["shop"]?.json.utf8.count ?? 0) < 1 << 20)
  }

  @Test("a kind that may not be listed is a remark, and the others are scanned")
  func forbidden() async throws {
    let cluster = FakeCluster([.pods, .namespaces, .networkPolicies])
    cluster.forbid(["networkpolicies"])
    cluster.put(.pods, Self.pod("bad-1"))
    let server = try await cluster.start()
    let set = try PolicyCompiler().compile([PolicySource(path: "p.rego", text: Self.policy)])
    let report = try await ClusterAuditor(try client(of: server)).scan(
      policies: set, constraints: [], inventory: .empty)
    #expect(report.deniedCount == 1)
    #expect(
      report.remarks.count == 1
        && report.remarks[0].hasPrefix("networkpolicies.networking.k8s.io cannot be listed"))
    await server.stop()
  }

  @Test("a replica that loses the Lease while it scans writes nothing more")
  func lostLease() async throws {
    let cluster = FakeCluster([.pods, .namespaces, .events, .leases, .reports])
    for namespace in ["a", "b", "c"] { cluster.put(.pods, Self.pod("bad-1", namespace)) }
    let server = try await cluster.start()
    let controller = try Self.controller(server)
    await #expect(throws: (any Error).self) { try await controller.scanOnce(while: { false }) }
    #expect(!cluster.requests.contains { $0.method != "GET" })
    let count = Mutex(0)
    let once: @Sendable () -> Bool = {
      count.withLock { count in
        count += 1
        return count == 1
      }
    }
    await #expect(throws: (any Error).self) { try await controller.scanOnce(while: once) }
    #expect(cluster.requests.filter { $0.method != "GET" }.count == 1)
    await server.stop()
  }

  @Test("a scan that fails is made again before the next one is due")
  func retry() async throws {
    let cluster = FakeCluster([.pods, .namespaces, .events, .leases, .reports])
    cluster.put(.pods, Self.pod("bad-1"))
    cluster.intercept { request in
      request.path == "/apis" ? FakeCluster.status(500, "InternalError", "no") : nil
    }
    let server = try await cluster.start()
    let controller = try Self.controller(server) {
      $0.interval = .seconds(3_600)
      $0.retry = .milliseconds(5)
    }
    let task = Task { try await controller.run() }
    func wait(_ what: Testing.Comment, until holds: () -> Bool) async throws {
      let end = ContinuousClock.now + .seconds(100)
      while !holds() {
        try #require(ContinuousClock.now < end, what)
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    try await wait("it has failed") { cluster.requests.contains { $0.path == "/apis" } }
    cluster.intercept(nil)
    try await wait("it is told") {
      cluster.object(.reports, namespace: "shop", name: "portcullis") != nil
    }
    task.cancel()
    _ = await task.result
    await server.stop()
  }

  @Test("who waits long for another's Lease gives it all of its time")
  func slowLease() async throws {
    let cluster = FakeCluster([.leases])
    let server = try await cluster.start()
    let client = try client(of: server)
    let time = Mutex(ContinuousClock.now)
    func election(_ identity: String) -> LeaseElection {
      LeaseElection(
        client, namespace: "portcullis", name: "portcullis", identity: identity, duration: .seconds(60),
        now: { time.withLock { $0 } })
    }
    try await election("one").attempt()
    let two = election("two")
    // The answer takes half a minute, and the Lease was renewed as late as that.
    cluster.intercept { request in
      if request.method == "GET" { time.withLock { $0 += .seconds(30) } }
      return nil
    }
    try await two.attempt()
    cluster.intercept(nil)
    time.withLock { $0 += .seconds(59) }
    try await two.attempt()
    #expect(!two.isHeld)
    time.withLock { $0 += .seconds(2) }
    try await two.attempt()
    #expect(two.isHeld)
    await server.stop()
  }

  @Test(
    "a policy about any kind has all kinds scanned that may be listed, but for Secrets and Events; the others are a remark"
  )
  func anyKind() async throws {
    let cluster = FakeCluster([
      .pods, .namespaces, .configMaps, .ingresses, .networkPolicies, .secretsToo, .events,
    ])
    cluster.forbid(["ingresses"])
    cluster.put(
      .configMaps,
      ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "bad", "namespace": "shop"]])
    let server = try await cluster.start()
    func scan(_ body: String) async throws -> AuditReport {
      let source = PolicySource(path: "p.rego", text: "package p\n\ndeny contains \"no\" if { \(body) }")
      return try await ClusterAuditor(try client(of: server)).scan(
        policies: try PolicyCompiler().compile([source]), constraints: [], inventory: .empty)
    }
    let report = try await scan("input.request.name == \"bad\"")
    #expect(report.findings.map(\.object.description) == ["ConfigMap shop/bad"])
    #expect(
      report.remarks == [
        "p may be about any kind, and these may not be listed: ingresses.networking.k8s.io"
      ])
    #expect(!cluster.requests.contains { $0.path.hasSuffix("/secrets") || $0.path.hasSuffix("/events") })
    cluster.forgetRequests()
    #expect(try await scan("input.request.kind.kind == \"Pod\"").remarks.isEmpty)
    #expect(!cluster.requests.contains { $0.path.hasSuffix("/configmaps") })
    await server.stop()
  }

  @Test("one of several replicas holds the Lease, and another takes it where that one gives it up or is gone")
  func lease() async throws {
    let cluster = FakeCluster([.leases])
    let server = try await cluster.start()
    let client = try client(of: server)
    let time = Mutex(ContinuousClock.now)
    func election(_ identity: String) -> LeaseElection {
      LeaseElection(
        client, namespace: "portcullis", name: "portcullis", identity: identity, duration: .seconds(60),
        now: { time.withLock { $0 } })
    }
    let (one, two) = (election("one"), election("two"))
    try await one.attempt()
    try await two.attempt()
    #expect(one.isHeld && !two.isHeld)
    let lease = try #require(cluster.object(.leases, namespace: "portcullis", name: "portcullis"))
    #expect(lease["spec"]?["holderIdentity"] == "one")
    #expect(lease["spec"]?["renewTime"]?.string?.count == "2026-01-01T00:00:00.000000Z".count)
    try await one.attempt()
    await one.release()
    try await two.attempt()
    #expect(!one.isHeld && two.isHeld)
    // The second is heard of no more: the first waits for as long as the Lease is good for, by its own clock.
    try await one.attempt()
    #expect(!one.isHeld)
    time.withLock { $0 += .seconds(59) }
    try await one.attempt()
    #expect(!one.isHeld && two.isHeld)
    time.withLock { $0 += .seconds(2) }
    try await one.attempt()
    #expect(one.isHeld && !two.isHeld)
    await server.stop()
  }
}
