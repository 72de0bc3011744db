import FakeAPIServer
import Foundation
import Kubernetes
import KubernetesClient
import Rego
import Synchronization
import Testing

@testable import Admission

/// A service that follows a cluster of its own.
private struct Followed {
  let cluster: FakeCluster
  let server: FakeServer
  let service: AdmissionService
  let follower: ClusterFollower

  static func run(
    _ sources: [PolicySource] = BuiltinPolicies.sources,
    cluster: FakeCluster = FakeCluster([.pods, .namespaces, .networkPolicies]),
    options: ClusterFollower.Options = quick, _ body: (Followed) async throws -> Void
  ) async throws {
    let server = try await cluster.start()
    let set = try PolicyCompiler(hasInventory: true).compile(sources)
    #expect(set.problems.isEmpty)
    let service = AdmissionService(AdmissionSnapshot(policies: set, inventory: .empty))
    var limits = KubernetesClient.Limits()
    limits.requestTimeout = .seconds(100)
    let client = KubernetesClient(
      ClientConfiguration(server: ServerAddress(isSecure: false, host: "127.0.0.1", port: server.port)),
      limits: limits)
    let follower = ClusterFollower(client, service: service, options: options)
    let task = Task { await follower.run() }
    let failure: (any Error)?
    do {
      try await body(Followed(cluster: cluster, server: server, service: service, follower: follower))
      failure = nil
    } catch {
      failure = error
    }
    task.cancel()
    await task.value
    client.close()
    await server.stop()
    if let failure { throw failure }
  }

  static var quick: ClusterFollower.Options {
    var options = ClusterFollower.Options()
    options.reflector.backoff = Backoff(first: .milliseconds(20), longest: .milliseconds(100))
    options.reflector.absence = Backoff(first: .milliseconds(20), longest: .milliseconds(100))
    return options
  }

  func eventually(
    _ what: Testing.Comment, within limit: Duration = .seconds(100), _ condition: () async -> Bool
  ) async throws {
    let deadline = ContinuousClock.now + limit
    while await !condition() {
      guard ContinuousClock.now < deadline else {
        Issue.record(what)
        throw CancellationError()
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  func synced() async throws { try await eventually("synced") { follower.isSynced } }

  func names(of kind: String, _ apiVersion: String = "v1", in namespace: String = "shop") -> [String] {
    let kinds = service.snapshot.inventory?.value["namespace"]?[namespace]?[apiVersion]
    return kinds?[kind]?.object?.keys.compactMap(\.string) ?? []
  }

  func code(_ review: Value) -> Int? {
    let answer = Array(review.json.utf8).withUnsafeBytes {
      service.answer($0, deadline: .now + .seconds(100), isFinal: true)
    }
    if case .decided(let decision, _) = answer { return decision.code }
    return nil
  }
}

private func networkPolicy(_ name: String, namespace: String = "shop", spec: Value = ["podSelector": [:]])
  -> Value
{
  ["metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec]
}

/// A policy that refuses ConfigMaps as long as some expression holds.
private func policy(_ expression: String, name: String = "p") -> PolicySource {
  PolicySource(
    path: "\(name).rego",
    text: """
      package \(name)
      deny contains "refused" if {
      	input.request.kind.kind == "ConfigMap"
      	\(expression)
      }
      """)
}

/// Names that have been seen.
final class Names: Sendable {
  private let names = Mutex<Set<String>>([])

  func add(_ name: String) { names.withLock { _ = $0.insert(name) } }
  func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}

/// Answers that come when the test says.
private final class Gate: Sendable {
  private let isOpen = Mutex(false)

  func open() { isOpen.withLock { $0 = true } }

  /// Holds lists of a path back.
  func hold(_ path: String, in cluster: FakeCluster) {
    cluster.intercept { request in
      guard request.path == path, request.query["watch"] == nil else { return nil }
      while !self.isOpen.withLock(\.self), !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(2))
      }
      return nil
    }
  }
}

private let configMap = Review.make("ConfigMap", object: ["metadata": ["name": "c", "namespace": "shop"]])

@Suite("Following a cluster")
struct ClusterFollowerTests {
  @Test("decisions follow the cluster: what is made, changed and deleted there counts a moment later")
  func events() async throws {
    try await Followed.run { run in
      // Before the network policies have been read the rule that needs them is not asked.
      #expect(run.service.snapshot.policies.policies.map(\.name) == ["ingress_rules_required"])
      try await run.synced()
      try await run.eventually("the rule is asked") { run.service.snapshot.policies.policies.count == 2 }
      let workload = Review.pod(["app": "web"])
      #expect(run.code(workload) == 403)
      run.cluster.put(.networkPolicies, networkPolicy("all"))
      try await run.eventually("allowed") { run.code(workload) == 200 }
      run.cluster.put(
        .networkPolicies, networkPolicy("all", spec: ["podSelector": ["matchLabels": ["a": "b"]]]))
      try await run.eventually("denied") { run.code(workload) == 403 }
      run.cluster.put(.networkPolicies, networkPolicy("all"))
      try await run.eventually("allowed") { run.code(workload) == 200 }
      run.cluster.remove(.networkPolicies, namespace: "shop", name: "all")
      try await run.eventually("denied") { run.code(workload) == 403 }
      // No more is followed than policies refer to.
      #expect(Set(run.cluster.requests.map(\.path)).isDisjoint(with: ["/api/v1/pods"]))
    }
  }

  @Test("of an object is kept what policies can read")
  func keptFields() async throws {
    try await Followed.run([policy("data.inventory.namespace.shop.v1.Pod[_].spec.x")]) { run in
      run.cluster.put(
        .pods,
        [
          "metadata": [
            "name": "a", "namespace": "shop", "labels": ["l": "1"], "uid": "u", "generation": 7,
            "managedFields": [["manager": "m"]], "ownerReferences": [["kind": "ReplicaSet"]],
            "annotations": ["kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "yes"],
          ], "spec": ["nodeName": "n"],
          "status": ["phase": "Running", "podIPs": [["ip": "1.2.3.4"]], "conditions": [["type": "Ready"]]],
        ])
      try await run.synced()
      #expect(
        run.service.snapshot.inventory?.value["namespace"]?["shop"]?["v1"]?["Pod"]?["a"] == [
          "apiVersion": "v1", "kind": "Pod",
          "metadata": [
            "name": "a", "namespace": "shop", "labels": ["l": "1"], "uid": "u",
            "ownerReferences": [["kind": "ReplicaSet"]], "annotations": ["mine": "yes"],
          ], "spec": ["nodeName": "n"], "status": ["phase": "Running", "podIPs": [["ip": "1.2.3.4"]]],
        ])
    }
    // Where a policy reads a status, it is there.
    try await Followed.run([policy("data.inventory.namespace.shop.v1.Pod[_].status.conditions")]) { run in
      run.cluster.put(
        .pods,
        ["metadata": ["name": "a", "namespace": "shop"], "status": ["conditions": [["type": "Ready"]]]])
      try await run.synced()
      try await run.eventually("refused") { run.code(configMap) == 403 }
    }
  }

  @Test("an API server that forgets, cuts, stalls or restarts is followed on, and nothing is missed")
  func recovery() async throws {
    var options = Followed.quick
    options.reflector.silence = .milliseconds(300)
    try await Followed.run([policy("count(data.inventory.namespace.shop.v1.Pod) > 100")], options: options) {
      run in
      func put(_ name: String) {
        run.cluster.put(.pods, ["metadata": ["name": .string(name), "namespace": "shop"]])
      }
      put("a")
      try await run.synced()
      try await run.eventually("watching") { run.cluster.watcherCount(.pods) == 1 }
      // Cut in the middle of a line.
      run.cluster.endWatches(.pods, sending: Array(#"{"type":"ADDED","object":{"meta"#.utf8), cut: true)
      put("b")
      try await run.eventually("after a cut") { run.names(of: "Pod") == ["a", "b"] }
      // 410 as an event within the stream, then as a status.
      try await run.eventually("watching") { run.cluster.watcherCount(.pods) == 1 }
      run.cluster.endWatches(
        .pods,
        sending: Array(
          #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#
            .utf8)
          + [10])
      run.cluster.remove(.pods, namespace: "shop", name: "a")
      run.cluster.compact()
      put("c")
      try await run.eventually("after an expiry") { run.names(of: "Pod") == ["b", "c"] }
      // A watch that says nothing at all, as behind a broken proxy: another takes its place.
      try await run.eventually("watching") { run.cluster.watcherCount(.pods) > 0 }
      run.cluster.intercept { request in
        request.query["watch"] == nil ? nil : .stream(AsyncStream { _ in })
      }
      run.cluster.endWatches(.pods)
      try await Task.sleep(for: .milliseconds(100))
      put("d")
      run.cluster.intercept(nil)
      try await run.eventually("after silence") { run.names(of: "Pod") == ["b", "c", "d"] }
      // All connections end at once.
      run.server.dropConnections()
      put("e")
      try await run.eventually("after a restart") { run.names(of: "Pod") == ["b", "c", "d", "e"] }
    }
  }

  @Test("while the API server is away decisions go on, and say how old what they know is")
  func unreachable() async throws {
    try await Followed.run { run in
      run.cluster.put(.networkPolicies, networkPolicy("all"))
      try await run.synced()
      let workload = Review.pod(["app": "web"])
      try await run.eventually("allowed") {
        run.service.snapshot.policies.policies.count == 2 && run.code(workload) == 200
      }
      #expect(run.follower.freshness.staleSeconds == 0)
      run.cluster.intercept { _ in FakeCluster.status(503, "ServiceUnavailable", "starting") }
      run.server.dropConnections()
      try await run.eventually("stale") { run.follower.freshness.staleSeconds > 0 }
      guard
        case .decided(let decision, _) = Array(workload.json.utf8).withUnsafeBytes({
          run.service.answer($0, deadline: .now + .seconds(100), isFinal: true)
        })
      else {
        Issue.record("no decision")
        return
      }
      #expect(decision.allowed)
      #expect(decision.auditAnnotations["inventory-age"]?.hasSuffix("s") == true)
      run.cluster.intercept(nil)
      try await run.eventually("fresh") { run.follower.freshness.staleSeconds == 0 }
    }
  }

  @Test("a token that is replaced while watches go on is taken up, and events keep coming")
  func tokenRotation() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("one".utf8).write(to: URL(filePath: file))
    let cluster = FakeCluster()
    cluster.require(token: "one")
    let server = try await cluster.start()
    var configuration = ClientConfiguration(
      server: ServerAddress(isSecure: false, host: "127.0.0.1", port: server.port))
    configuration.credentials = .tokenFile(file)
    let client = KubernetesClient(configuration)
    let seen = Names()
    var options = Reflector.Options()
    options.backoff = Backoff(first: .milliseconds(20), longest: .milliseconds(50))
    let reflector = Reflector(client, .resource(.pods), options: options)
    let task = Task {
      await reflector.run { change in
        if case .events(let events) = change {
          for event in events {
            if let name = event.object["metadata"]?["name"]?.string { seen.add(name) }
          }
        }
      }
    }
    func saw(_ name: String) async throws {
      for _ in 0..<20_000 where !seen.contains(name) { try await Task.sleep(for: .milliseconds(5)) }
      #expect(seen.contains(name))
    }
    for _ in 0..<20_000 where cluster.watcherCount(.pods) == 0 { try await Task.sleep(for: .milliseconds(5)) }
    cluster.put(.pods, ["metadata": ["name": "a", "namespace": "shop"]])
    try await saw("a")
    cluster.require(token: "two")
    cluster.endWatches(.pods)
    try await Task.sleep(for: .milliseconds(100))
    cluster.put(.pods, ["metadata": ["name": "b", "namespace": "shop"]])
    try Data("two".utf8).write(to: URL(filePath: file))
    try await saw("b")
    task.cancel()
    await task.value
    client.close()
    await server.stop()
  }

  @Test("a kind that RBAC forbids is told with the rule that would allow it; other policies are asked on")
  func forbidden() async throws {
    let cluster = FakeCluster([.pods, .namespaces, .networkPolicies])
    cluster.forbid(["networkpolicies"])
    try await Followed.run(
      BuiltinPolicies.sources + [policy("data.inventory.namespace.shop.v1.Pod.a")], cluster: cluster
    ) { run in
      run.cluster.put(.pods, ["metadata": ["name": "a", "namespace": "shop"]])
      try await run.eventually("the other policy is asked") { run.code(configMap) == 403 }
      try await run.eventually("told") {
        run.service.snapshot.policies.notLoaded.contains { unused in
          unused.name == "workload_policy_required"
            && unused.reasons.contains {
              $0.message.contains(
                #"{"apiGroups":["networking.k8s.io"],"resources":["networkpolicies"],"verbs":["list","watch"]}"#
              )
            }
        }
      }
      // A built-in rule cannot be judged by: this replica is not ready.
      #expect(!run.follower.isSynced)
      run.cluster.forbid([])
      try await run.synced()
      try await run.eventually("denied") { run.code(Review.pod(["a": "b"])) == 403 }
      // Taking the permission away again does not switch the policy off.
      run.cluster.forbid(["networkpolicies"])
      run.cluster.endWatches(.networkPolicies)
      try await run.eventually("noticed") { run.follower.freshness.staleSeconds > 0 }
      #expect(run.code(Review.pod(["a": "b"])) == 403)
    }
  }

  @Test(
    "a kind whose definition is not there yet is waited for; it counts as none, and ends with its definition")
  func absent() async throws {
    try await Followed.run([policy(#"not data.inventory.namespace.shop["example.org/v1"].Widget"#)]) { run in
      try await run.synced()
      // It is none of those that the configuration allows.
      #expect(run.service.snapshot.policies.policies.isEmpty)
      #expect(
        run.service.snapshot.policies.notLoaded.first?.reasons.first?.message
          == "it reads example.org/v1 Widget, which inventoryKinds in the configuration does not allow")
    }
    var options = Followed.quick
    options.kinds = try #require(FollowedKinds(["example.org/*"]))
    let widgets = FakeCluster.Resource("example.org/v1", "widgets", "Widget")
    try await Followed.run(
      [policy(#"not data.inventory.namespace.shop["example.org/v1"].Widget"#)], options: options
    ) { run in
      try await run.synced()
      try await run.eventually("none") { run.code(configMap) == 403 }
      run.cluster.add(widgets)
      run.cluster.put(widgets, ["metadata": ["name": "w", "namespace": "shop"]])
      try await run.eventually("one") { run.code(configMap) == 200 }
    }
  }

  @Test("objects without a name are passed over")
  func malformedObjects() async throws {
    try await Followed.run([policy("data.inventory.namespace.shop.v1.Pod.good")]) { run in
      run.cluster.intercept { request in
        guard request.path == "/api/v1/pods", request.query["watch"] == nil else { return nil }
        let list =
          #"{"metadata":{"resourceVersion":"1000"},"items":[null,7,"x",[],{},{"metadata":null},{"metadata":{"name":7}},{"metadata":{"name":""}},{"metadata":{"namespace":"shop"}},{"metadata":{"name":"good","namespace":"shop","labels":7}}]}"#
        return .whole(status: 200, body: Array(list.utf8))
      }
      try await run.synced()
      try await run.eventually("refused") { run.code(configMap) == 403 }
      #expect(run.names(of: "Pod") == ["good"])
    }
  }

  @Test("it is not synced before the cluster's policies are there, and what these need has been read")
  func awaitsPolicies() async throws {
    var options = Followed.quick
    options.awaitsPolicies = true
    let cluster = FakeCluster([.pods, .namespaces, .networkPolicies, .ingresses])
    let gate = Gate()
    gate.hold("/apis/networking.k8s.io/v1/ingresses", in: cluster)
    try await Followed.run(cluster: cluster, options: options) { run in
      run.cluster.put(.ingresses, ["metadata": ["name": "a", "namespace": "shop"]])
      try await run.eventually("the built-in policies are asked") {
        run.service.snapshot.policies.policies.count == 2
      }
      #expect(!run.follower.isSynced && !run.follower.hasAllPolicies)
      let policies = try PolicyCompiler(hasInventory: true).compile(
        BuiltinPolicies.sources + [
          policy("data.inventory.namespace.shop[\"networking.k8s.io/v1\"].Ingress.a")
        ])
      run.service.replace(policies: policies)
      run.follower.noteAllPolicies()
      try await run.eventually("it is being read") {
        run.cluster.requests.contains { $0.path.hasSuffix("/ingresses") }
      }
      #expect(!run.follower.isSynced && run.code(configMap) == 200)
      gate.open()
      try await run.synced()
      #expect(run.code(configMap) == 403)
    }
  }

  @Test(
    "a kind whose lists keep failing is given up after a while: its policies are withheld, and asked once it can be read"
  )
  func failing() async throws {
    var options = Followed.quick
    options.patience = .milliseconds(50)
    let cluster = FakeCluster([.pods, .namespaces, .networkPolicies])
    cluster.intercept { request in
      request.path == "/api/v1/pods" ? FakeCluster.status(503, "ServiceUnavailable", "no") : nil
    }
    try await Followed.run(
      BuiltinPolicies.sources + [policy("data.inventory.namespace.shop.v1.Pod.a")], cluster: cluster,
      options: options
    ) { run in
      run.cluster.put(.pods, ["metadata": ["name": "a", "namespace": "shop"]])
      try await run.synced()
      #expect(
        run.service.snapshot.policies.notLoaded.map { "\($0.name): \($0.reasons[0].message)" } == [
          "p: it needs v1 Pod, which cannot be read: list pods: no"
        ])
      #expect(run.code(configMap) == 200)
      run.cluster.intercept(nil)
      try await run.eventually("asked") { run.code(configMap) == 403 }
    }
    // Without what a built-in policy needs none is ready.
    let other = FakeCluster([.pods, .namespaces, .networkPolicies])
    other.intercept { request in
      request.path.hasSuffix("/networkpolicies") ? FakeCluster.status(503, "ServiceUnavailable", "no") : nil
    }
    try await Followed.run(cluster: other, options: options) { run in
      try await run.eventually("given up") { run.follower.statuses.contains(where: \.isGivenUp) }
      try await Task.sleep(for: .milliseconds(50))
      #expect(!run.follower.isSynced)
    }
  }

  @Test("a policy that reads a status waits until the kind has been read with it; others are asked on")
  func laterStatus() async throws {
    let first = policy("data.inventory.namespace.shop.v1.Pod.a")
    try await Followed.run([first, policy("data.inventory.cluster.v1.Namespace.x", name: "q")]) { run in
      run.cluster.put(
        .pods,
        ["metadata": ["name": "a", "namespace": "shop"], "status": ["conditions": [["type": "Ready"]]]])
      try await run.synced()
      try await run.eventually("asked") { run.code(configMap) == 403 }
      let gate = Gate()
      gate.hold("/api/v1/pods", in: run.cluster)
      run.cluster.forgetRequests()
      // It would deny all as long as there is no status.
      let second = policy("not data.inventory.namespace.shop.v1.Pod.a.status.conditions", name: "status")
      run.service.replace(policies: try PolicyCompiler(hasInventory: true).compile([first, second]))
      try await run.eventually("it is read again") {
        run.cluster.requests.contains { $0.path == "/api/v1/pods" && $0.query["watch"] == nil }
      }
      try await run.eventually("it is withheld") {
        run.service.snapshot.policies.notLoaded.map(\.reasons[0].message) == [
          "it needs the status of v1 Pod, which has not been read yet"
        ]
      }
      #expect(run.service.snapshot.policies.policies.map(\.name) == ["p"] && run.code(configMap) == 403)
      gate.open()
      try await run.eventually("it is asked") { run.service.snapshot.policies.policies.count == 2 }
      guard
        case .decided(let decision, _) = Array(configMap.json.utf8).withUnsafeBytes({
          run.service.answer($0, deadline: .now + .seconds(100), isFinal: true)
        })
      else {
        Issue.record("no decision")
        return
      }
      #expect(decision.violations.map(\.policy) == ["p"] && decision.evaluatedPolicies.count == 2)
      // What need not be read again is not.
      #expect(!run.cluster.requests.contains { $0.path == "/api/v1/namespaces" })
    }
  }

  @Test("what is listed again is as old as when it was last heard of, until the list is whole")
  func relisting() async throws {
    try await Followed.run { run in
      try await run.synced()
      try await run.eventually("watching") { run.cluster.watcherCount(.networkPolicies) == 1 }
      let gate = Gate()
      gate.hold("/apis/networking.k8s.io/v1/networkpolicies", in: run.cluster)
      run.cluster.compact()
      run.cluster.endWatches(.networkPolicies)
      try await run.eventually("old") { run.follower.freshness.staleSeconds > 0 }
      #expect(
        run.follower.statuses.contains { $0.kind.kind == "NetworkPolicy" && $0.phase == .listing })
      gate.open()
      try await run.eventually("fresh") { run.follower.freshness.staleSeconds == 0 }
    }
  }

  @Test("a kind of no version that no table knows is found among what the server offers, however late")
  func offered() async throws {
    var options = Followed.quick
    options.kinds = try #require(FollowedKinds(["example.org/*", "Pod"]))
    options.discovery = .milliseconds(20)
    let widgets = FakeCluster.Resource("example.org/v2", "widgets", "Widget")
    let sources = [policy("data.inventory.namespace.shop[_].Widget.w")]
    let cluster = FakeCluster([.pods, widgets])
    cluster.put(widgets, ["metadata": ["name": "w", "namespace": "shop"]])
    try await Followed.run(sources, cluster: cluster, options: options) { run in
      try await run.synced()
      #expect(run.code(configMap) == 403)
    }
    try await Followed.run(sources, cluster: FakeCluster([.pods]), options: options) { run in
      try await run.synced()
      #expect(run.service.snapshot.policies.policies.isEmpty)
      run.cluster.add(widgets)
      run.cluster.put(widgets, ["metadata": ["name": "w", "namespace": "shop"]])
      try await run.eventually("it is found") { run.code(configMap) == 403 }
    }
  }

  @Test("a kind whose version the server no longer offers is followed in another")
  func versions() async throws {
    let cluster = FakeCluster([.pods, .networkPolicies, .ingresses])
    let old = FakeCluster.Resource("networking.k8s.io/v1beta1", "ingresses", "Ingress")
    let isOld = Mutex(true)
    cluster.intercept { request in
      let isOld = isOld.withLock(\.self)
      switch request.path {
      case "/apis":
        let groups: Value = [
          "groups": [["name": "networking.k8s.io", "versions": [["version": isOld ? "v1beta1" : "v1"]]]]
        ]
        return .whole(status: 200, body: Array(groups.json.utf8))
      case "/apis/networking.k8s.io/v1beta1" where !isOld,
        "/apis/networking.k8s.io/v1beta1/ingresses" where !isOld:
        return FakeCluster.status(404, "NotFound", "no")
      default: return nil
      }
    }
    cluster.add(old)
    try await Followed.run([policy("data.inventory.namespace.shop[_].Ingress.w")], cluster: cluster) { run in
      try await run.synced()
      #expect(run.follower.statuses.map(\.kind.version) == ["v1beta1"] && run.code(configMap) == 200)
      isOld.withLock { $0 = false }
      run.cluster.put(.ingresses, ["metadata": ["name": "w", "namespace": "shop"]])
      run.cluster.endWatches(old)
      try await run.eventually("it is read in the other version") { run.code(configMap) == 403 }
    }
  }
}
