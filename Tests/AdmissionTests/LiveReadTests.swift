import FakeAPIServer
import Kubernetes
import KubernetesClient
import Rego
import Synchronization
import Testing

@testable import Admission

/// Lists that end when the test says.
private final class Lists: Sendable {
  private struct State {
    var begun: [RegoString] = []
    var held: [CheckedContinuation<Void, Never>] = []
    var holds = true
  }

  private let state = Mutex(State())

  var begun: [RegoString] { state.withLock { $0.begun } }

  func list(in namespace: RegoString) async -> [Value] {
    let number = state.withLock { state in
      state.begun.append(namespace)
      return state.begun.count
    }
    await withCheckedContinuation { continuation in
      let isHeld = state.withLock { state in
        if state.holds { state.held.append(continuation) }
        return state.holds
      }
      if !isHeld { continuation.resume() }
    }
    return [.int(number)]
  }

  func release(all: Bool = false) {
    let held = state.withLock { state in
      if all { state.holds = false }
      defer { state.held = [] }
      return state.held
    }
    for continuation in held { continuation.resume() }
  }
}

private let policies = GroupVersionKind(group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy")

private func wait(until condition: () -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(100)
  while !condition() {
    try #require(ContinuousClock.now < deadline)
    try await Task.sleep(for: .milliseconds(2))
  }
}

/// What a test says is in the cluster.
private struct FixedReader: LiveReader {
  var answer: @Sendable () throws -> [Value]

  func objects(
    of kind: GroupVersionKind, in namespace: RegoString, until deadline: ContinuousClock.Instant
  ) async throws -> [Value] {
    #expect(kind == policies && namespace == "shop")
    return try answer()
  }
}

@Suite("Asking the cluster before a denial")
struct LiveReadTests {
  @Test("one list serves all who came before it began; who came later waits for the next")
  func coalescing() async throws {
    let lists = Lists()
    let reads = LiveReads(perSecond: 1_000, burst: 1_000) { _, namespace in await lists.list(in: namespace) }
    @Sendable func read() async throws -> [Value] {
      try await reads.objects(of: policies, in: "shop", until: .now + .seconds(100))
    }
    async let first = read()
    try await wait { lists.begun.count == 1 }
    async let second = read()
    async let third = read()
    async let other = reads.objects(of: policies, in: "other", until: .now + .seconds(100))
    try await wait { lists.begun.count == 2 }
    // Time for the two to come, and for a list that must not begin.
    try await wait { reads.counters.requests.load(ordering: .relaxed) == 4 }
    try await Task.sleep(for: .milliseconds(20))
    #expect(lists.begun == ["shop", "other"])
    lists.release(all: true)
    #expect(try await first == [1])
    #expect(try await other == [2])
    let (a, b) = try await (second, third)
    #expect(a == b && a == [3])
    #expect(lists.begun.count == 3)
  }

  @Test("nobody waits for longer than their time, whatever the API server does", .timeLimit(.minutes(10)))
  func deadlines() async throws {
    let lists = Lists()
    let reads = LiveReads(perSecond: 1_000, burst: 1_000) { _, namespace in await lists.list(in: namespace) }
    await #expect(throws: LiveReadFailure.self) {
      try await reads.objects(of: policies, in: "shop", until: .now + .milliseconds(50))
    }
    // It waits for a list that never begins, too.
    await #expect(throws: LiveReadFailure.self) {
      try await reads.objects(of: policies, in: "shop", until: .now + .milliseconds(50))
    }
    #expect(reads.counters.failures.load(ordering: .relaxed) == 2)
    lists.release(all: true)
  }

  @Test("no more lists are made than may be")
  func rate() async throws {
    let lists = Lists()
    lists.release(all: true)
    let reads = LiveReads(perSecond: 20, burst: 2) { _, namespace in await lists.list(in: namespace) }
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<6 {
        group.addTask {
          _ = try await reads.objects(of: policies, in: RegoString("n\(number)"), until: .now + .seconds(100))
        }
      }
      try await group.waitForAll()
    }
    // Two at once, then one every 50 ms.
    #expect(ContinuousClock.now - start >= .milliseconds(180))
    #expect(lists.begun.count == 6)
  }

  @Test(
    "a policy that the inventory lacks but the cluster has lets the workload in; without it the denial stands"
  )
  func confirmation() async throws {
    let policy: Value = [
      "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
      "metadata": ["name": "all", "namespace": "shop"], "spec": ["podSelector": [:]],
    ]
    struct Unreachable: Error, CustomStringConvertible { var description = "it is away" }
    let cases: [(code: Int, reader: FixedReader)] = [
      (200, FixedReader { [policy] }), (403, FixedReader { [] }),
      (403, FixedReader { [.null, ["metadata": [:]]] }),
      (500, FixedReader { throw Unreachable() }),
    ]
    for (code, reader) in cases {
      let fixture = try Fixture()
      fixture.service.setLiveReader(reader)
      guard case .unconfirmed(let review) = fixture.answer(Review.pod(["app": "web"]).json) else {
        Issue.record("the cluster must be asked")
        return
      }
      guard case .decided(let decision, let response) = await review.confirm(until: .now + .seconds(100))
      else {
        Issue.record("there must be a decision")
        return
      }
      #expect(decision.code == code)
      #expect(decision.allowed == (code == 200))
      let status = try JSONReader.value(response)["response"]?["status"]
      #expect(status?["code"]?.int == (code == 200 ? nil : code))
      if code == 500 {
        let message =
          "workload_policy_required: the policy failed: the cluster could not be asked whether what it wants is there by now: it is away"
        #expect(status?["message"]?.string == message)
      }
    }
  }

  @Test("a policy that is in the inventory but no longer in the cluster counts no more")
  func staleInventory() async throws {
    var builder = InventoryBuilder()
    try builder.add([
      "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
      "metadata": ["name": "other", "namespace": "shop"],
      "spec": ["podSelector": ["matchLabels": ["a": "b"]]],
    ])
    let fixture = try Fixture(inventory: builder.build())
    fixture.service.setLiveReader(FixedReader { [] })
    guard case .unconfirmed(let review) = fixture.answer(Review.pod(["app": "web"]).json),
      case .decided(let decision, _) = await review.confirm(until: .now + .seconds(100))
    else {
      Issue.record("there must be a decision")
      return
    }
    #expect(decision.code == 403)
  }

  @Test("what is denied for another reason too is denied at once, and what is allowed is allowed at once")
  func nothingToConfirm() throws {
    let fixture = try Fixture(
      BuiltinPolicies.sources + [
        PolicySource(
          path: "p.rego", text: "package p\ndeny contains \"no\" if input.request.kind.kind == \"Pod\"")
      ])
    fixture.service.setLiveReader(
      FixedReader {
        Issue.record("nobody must be asked")
        return []
      })
    #expect(try fixture.decide(Review.pod(["app": "web"])).decision.code == 403)
    #expect(try fixture.decide(Review.make("ConfigMap", object: ["metadata": [:]])).decision.allowed)
    // Without a cluster to ask, the inventory is all there is.
    #expect(try Fixture().decide(Review.pod(["app": "web"])).decision.code == 403)
  }

  /// What a test says is in the cluster, by kind.
  private struct ClusterReader: LiveReader {
    var objects: @Sendable (RegoString) throws -> [Value]

    func objects(
      of kind: GroupVersionKind, in namespace: RegoString, until deadline: ContinuousClock.Instant
    ) async throws -> [Value] {
      #expect(namespace == "shop")
      return try objects(kind.kind)
    }
  }

  @Test("a Namespace that a constraint asks for and the inventory has not is read before the decision counts")
  func namespaces() async throws {
    struct Unreachable: Error {}
    @Sendable func namespace(_ name: Value, _ team: Value) -> Value {
      ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": name, "labels": ["team": team]]]
    }
    let missing =
      "[x] failed to run Match criteria: namespace selector for namespace-scoped object but missing Namespace"
    let cases: [(expected: [String], reader: @Sendable () throws -> [Value])] = [
      ([], { [namespace("shop", "b")] }), (["[x] no"], { [namespace("shop", "a")] }), ([missing], { [] }),
      ([missing], { [namespace("other", "b")] }), ([missing], { throw Unreachable() }),
    ]
    for action in ["deny", "warn"] {
      for (expected, reader) in cases {
        let service = try PolicyFixture.service(
          templates: [PolicyFixture.template("K8sAlways", PolicyFixture.always)],
          constraints: [
            try PolicyFixture.constraint(
              "K8sAlways", "x",
              "{enforcementAction: \(action), match: {namespaceSelector: {matchLabels: {team: a}}}}")
          ])
        let review = Review.make("ConfigMap", object: ["metadata": ["name": "c", "namespace": "shop"]])
        service.setLiveReader(ClusterReader { _ in try reader() })
        let answer = Array(review.json.utf8).withUnsafeBytes {
          service.answer($0, deadline: .now + .seconds(100), isFinal: true)
        }
        guard case .unconfirmed(let unconfirmed) = answer,
          case .decided(let decision, _) = await unconfirmed.confirm(until: .now + .seconds(100))
        else {
          Issue.record("the cluster must be asked")
          return
        }
        let found = action == "deny" ? decision.violations : decision.warnings
        #expect(found.map(\.text) == expected)
        #expect(decision.allowed == (action == "warn" || expected.isEmpty))
      }
    }
  }

  @Test("once the Namespace is there a denial for want of a policy is confirmed too")
  func namespaceAndPolicy() async throws {
    let service = try PolicyFixture.service(
      templates: [PolicyFixture.template("K8sAlways", PolicyFixture.always)],
      constraints: [
        try PolicyFixture.constraint(
          "K8sAlways", "x", "{match: {namespaceSelector: {matchLabels: {team: a}}}}")
      ], beside: BuiltinPolicies.sources)
    service.setLiveReader(
      ClusterReader { kind in
        kind == "Namespace"
          ? [["metadata": ["name": "shop"]]]
          : [["metadata": ["name": "all", "namespace": "shop"], "spec": ["podSelector": [:]]]]
      })
    let answer = Array(Review.pod(["app": "web"]).json.utf8).withUnsafeBytes {
      service.answer($0, deadline: .now + .seconds(100), isFinal: true)
    }
    guard case .unconfirmed(let unconfirmed) = answer,
      case .decided(let decision, _) = await unconfirmed.confirm(until: .now + .seconds(100))
    else {
      Issue.record("the cluster must be asked")
      return
    }
    #expect(decision.allowed, "\(decision.violations)")
  }

  @Test("a Namespace is listed by its name, for which the inventory's permission is enough")
  func namespaceList() async throws {
    let cluster = FakeCluster([.namespaces])
    cluster.put(.namespaces, ["metadata": ["name": "shop"]])
    let server = try await cluster.start()
    let client = KubernetesClient(
      ClientConfiguration(server: ServerAddress(isSecure: false, host: "127.0.0.1", port: server.port)))
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Namespace")
    let found = try await LiveReads(client).objects(of: kind, in: "shop", until: .now + .seconds(100))
    #expect(found.map { $0["metadata"]?["name"] } == ["shop"])
    let request = try #require(cluster.requests.last)
    #expect(request.path == "/api/v1/namespaces" && request.query["fieldSelector"] == "metadata.name=shop")
    client.close()
    await server.stop()
  }

  @Test("the kinds to confirm by must be known")
  func settings() throws {
    let text = """
      # METADATA
      # custom:
      #   confirm: KINDS
      package p
      deny contains "no" if input.request.kind.kind == "Pod"
      """
    func problems(_ kinds: String) throws -> [String] {
      let source = PolicySource(path: "p.rego", text: text.replacing("KINDS", with: kinds))
      return try PolicyCompiler().compile([source]).problems.map(\.message)
    }
    #expect(try problems("[networking.k8s.io/v1/NetworkPolicy, v1/ConfigMap]") == [])
    for kinds in ["NetworkPolicy", "networking.k8s.io/v1/Thing", "v1/Namespace", "7", "''"] {
      #expect(try problems(kinds).count == 1, "\(kinds)")
    }
  }
}
