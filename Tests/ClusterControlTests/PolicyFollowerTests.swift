import FakeAPIServer
import Kubernetes
import KubernetesClient
import Rego
import Synchronization
import Testing

@testable import Admission
@testable import ClusterControl

extension FakeCluster.Resource {
  static let events = Self("v1", "events", "Event")
  static let templates = Self(
    "templates.gatekeeper.sh/v1", "constrainttemplates", "ConstraintTemplate", isNamespaced: false)
  static let definitions = Self(
    "apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", isNamespaced: false)
  static let labels = Self("constraints.gatekeeper.sh/v1beta1", "k8slabels", "K8sLabels", isNamespaced: false)
}

final class Completions: Sendable {
  private let value = Mutex(0)

  var count: Int { value.withLock(\.self) }
  func add() { value.withLock { $0 += 1 } }
}

/// A replica that follows a cluster of the test's.
final class FollowedCluster: Sendable {
  let cluster: FakeCluster
  let server: FakeServer
  let service: AdmissionService
  let assembly: PolicyAssembly
  let follower: PolicyFollower
  /// How often it was told that all policies are judged by.
  let completions: Completions
  private let task: Task<Void, any Error>

  init(
    _ resources: [FakeCluster.Resource], base: [PolicySource] = [], prepare: (FakeCluster) -> Void = { _ in }
  ) async throws {
    cluster = FakeCluster(resources)
    completions = Completions()
    prepare(cluster)
    server = try await cluster.start()
    let compiler = PolicyCompiler()
    let set = try compiler.compile(base)
    service = AdmissionService(AdmissionSnapshot(policies: set, inventory: .empty))
    assembly = PolicyAssembly(
      PolicyAssembly.Base(policies: set, compiler: compiler, overrides: PolicyOverrides()), service: service)
    follower = PolicyFollower(
      try client(of: server), assembly: assembly, namespace: "portcullis", logger: silent,
      batching: .milliseconds(10), completed: { [completions] in completions.add() })
    let follower = follower
    task = Task { try await follower.run() }
  }

  func stop() async {
    task.cancel()
    _ = await task.result
    await server.stop()
  }

  /// The messages that refuse a Pod.
  func violations() throws -> [String] {
    let review = """
      {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "operation": "CREATE",
       "kind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "web", "namespace": "shop",
       "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}}}
      """
    let answer = Array(review.utf8).withUnsafeBytes {
      service.answer($0, deadline: .now + .seconds(60), isFinal: true)
    }
    guard case .decided(let decision, _) = answer else { return ["\(answer)"] }
    return decision.violations.map(\.text)
  }

  func eventually(_ what: String, _ holds: () throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while !(try holds()) {
      if ContinuousClock.now > end {
        Issue.record("waited in vain until \(what)")
        return
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}

@Suite struct PolicyFollowerTests {
  static func configMap(_ name: String, _ rego: String) -> Value {
    [
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": [
        "name": .string(name), "namespace": "portcullis", "uid": .string("uid-\(name)"),
        "labels": ["portcullis.dev/policy": ""],
      ], "data": ["policy.rego": .string(rego)],
    ]
  }

  static func policy(_ name: String, _ message: String) -> String {
    "package \(name)\n\ndeny contains \"\(message)\" if true\n"
  }

  @Test("a ConfigMap is judged by, quarantined where it breaks, and judged by again once it is mended")
  func configMaps() async throws {
    let followed = try await FollowedCluster([.configMaps, .events])
    try await followed.eventually("it is ready") { followed.follower.readiness.isReady }
    #expect(try followed.violations().isEmpty)
    let empty = followed.service.snapshot.policies.hash
    followed.cluster.put(.configMaps, Self.configMap("one", Self.policy("one", "no")))
    followed.cluster.put(.configMaps, Self.configMap("two", Self.policy("two", "neither")))
    try await followed.eventually("both judge") { try followed.violations() == ["one: no", "two: neither"] }
    let hash = followed.service.snapshot.policies.hash
    #expect(hash != empty)
    followed.cluster.put(.configMaps, Self.configMap("one", "package one\n\ndeny contains x if true\n"))
    try await followed.eventually("the broken one does not judge") {
      try followed.violations() == ["two: neither"]
    }
    #expect(followed.service.snapshot.policies.quarantined.map(\.name) == ["ConfigMap portcullis/one"])
    try await followed.eventually("it is told of") {
      followed.cluster.requests.contains { $0.method == "POST" && $0.path.hasSuffix("/events") }
    }
    let request = try #require(followed.cluster.requests.last { $0.method == "POST" })
    let event = try JSONReader.value(request.body)
    #expect(event["involvedObject"]?["uid"] == "uid-one" && event["involvedObject"]?["kind"] == "ConfigMap")
    #expect(event["message"]?.string?.hasPrefix("configmap/one/policy.rego:3:") == true)
    #expect(event["type"] == "Warning" && event["metadata"]?["namespace"] == "portcullis")
    followed.cluster.put(.configMaps, Self.configMap("one", Self.policy("one", "no")))
    try await followed.eventually("it judges again") { followed.service.snapshot.policies.hash == hash }
    followed.cluster.remove(.configMaps, namespace: "portcullis", name: "two")
    try await followed.eventually("the other is gone") { try followed.violations() == ["one: no"] }
    await followed.stop()
  }

  static let template: Value = [
    "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
    "metadata": ["name": "k8slabels", "uid": "t", "generation": 3],
    "spec": [
      "crd": ["spec": ["names": ["kind": "K8sLabels"]]],
      "targets": [
        [
          "target": "admission.k8s.gatekeeper.sh",
          "rego": "package k\nviolation[{\"msg\": input.parameters.message}] { true }",
        ]
      ],
    ],
  ]

  static func constraint(_ message: String) -> Value {
    [
      "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sLabels", "metadata": ["name": "all"],
      "spec": ["match": ["kinds": [["kinds": ["Pod"]]]], "parameters": ["message": .string(message)]],
    ]
  }

  static let ownDefinition: Value = [
    "metadata": ["name": "constrainttemplates.templates.gatekeeper.sh", "labels": [:]]
  ]

  @Test("a template gets its definition and status, and its constraints judge")
  func templates() async throws {
    let followed = try await FollowedCluster([.configMaps, .events, .templates, .definitions]) {
      $0.put(.definitions, Self.ownDefinition)
    }
    followed.cluster.put(.templates, Self.template)
    try await followed.eventually("there is a definition") {
      followed.cluster.object(.definitions, name: "k8slabels.constraints.gatekeeper.sh") != nil
    }
    // The API server serves what is defined.
    followed.cluster.add(.labels)
    followed.cluster.put(.labels, Self.constraint("first"))
    try await followed.eventually("it judges") { try followed.violations() == ["[all] first"] }
    followed.cluster.put(.labels, Self.constraint("second"))
    try await followed.eventually("it judges anew") { try followed.violations() == ["[all] second"] }
    #expect(followed.follower.readiness.isReady)
    let requests = followed.cluster.requests.filter { $0.method == "PATCH" && $0.path.hasSuffix("/status") }
    let status = try #require(requests.first { $0.path.contains("constrainttemplates") })
    let byPod = try JSONReader.value(status.body)["status"]?["byPod"]
    #expect(byPod == [["id": "portcullis", "observedGeneration": 3]])
    followed.cluster.remove(.templates, name: "k8slabels")
    try await followed.eventually("it no longer judges") { try followed.violations().isEmpty }
    await followed.stop()
  }

  @Test("where Gatekeeper runs, definitions and status are its own")
  func gatekeeper() async throws {
    let theirs: Value = [
      "metadata": [
        "name": "constrainttemplates.templates.gatekeeper.sh", "labels": ["gatekeeper.sh/system": "yes"],
      ]
    ]
    let followed = try await FollowedCluster([.configMaps, .events, .templates, .definitions, .labels]) {
      $0.put(.definitions, theirs)
      $0.put(.templates, Self.template)
      $0.put(.labels, Self.constraint("theirs"))
    }
    try await followed.eventually("all is told to be there") { followed.completions.count == 1 }
    // By then it judges.
    #expect(try followed.violations() == ["[all] theirs"])
    try await followed.eventually("it has looked") {
      followed.cluster.requests.contains { $0.path.hasSuffix("/constrainttemplates.templates.gatekeeper.sh") }
    }
    try await Task.sleep(for: .milliseconds(200))
    #expect(!followed.cluster.requests.contains { $0.method == "POST" || $0.method == "PATCH" })
    await followed.stop()
  }

  @Test("what may not be read counts as none, and is said")
  func forbidden() async throws {
    let followed = try await FollowedCluster([.configMaps, .templates]) { $0.forbid(["constrainttemplates"]) }
    try await followed.eventually("it is ready") { followed.follower.readiness.isReady }
    #expect(followed.follower.readiness.detail.contains("ConstraintTemplates cannot be followed"))
    await followed.stop()
  }

  @Test("policies of files stay, and a ConfigMap cannot take their names")
  func base() async throws {
    let followed = try await FollowedCluster(
      [.configMaps, .events], base: [PolicySource(path: "one.rego", text: Self.policy("one", "file"))])
    followed.cluster.put(.configMaps, Self.configMap("one", Self.policy("one", "cluster")))
    try await followed.eventually("it is quarantined") { !followed.assembly.cluster.quarantined.isEmpty }
    #expect(try followed.violations() == ["one: file"])
    // A reload of files keeps what the cluster says.
    let compiler = PolicyCompiler()
    let other = try compiler.compile([PolicySource(path: "two.rego", text: Self.policy("two", "file"))])
    followed.assembly.replace(
      base: PolicyAssembly.Base(policies: other, compiler: compiler, overrides: PolicyOverrides()))
    #expect(try followed.violations() == ["two: file", "one: cluster"])
    await followed.stop()
  }

  @Test("a change of policies does not wait for what is told of the one before")
  func slowStatus() async throws {
    let isOpen = Atomic<Bool>(false)
    let followed = try await FollowedCluster([.configMaps, .events, .templates, .definitions, .labels]) {
      $0.put(.definitions, Self.ownDefinition)
      $0.put(.templates, Self.template)
      $0.put(.labels, Self.constraint("first"))
    }
    followed.cluster.intercept { request in
      guard request.method != "GET" else { return nil }
      while !isOpen.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(5)) }
      return nil
    }
    try await followed.eventually("it judges") { try followed.violations() == ["[all] first"] }
    for message in ["second", "third"] {
      followed.cluster.put(.labels, Self.constraint(message))
      try await followed.eventually("it judges anew") { try followed.violations() == ["[all] \(message)"] }
    }
    isOpen.store(true, ordering: .relaxed)
    await followed.stop()
  }

  @Test("what cannot be told of one object keeps the others from nothing, and is told the next time")
  func partialReports() async throws {
    let cluster = FakeCluster([.events, .templates, .labels])
    cluster.put(.templates, Self.template)
    cluster.put(.labels, Self.constraint("first"))
    let objects = PolicyObjects(
      configMaps: ["one", "two"].map { Self.configMap($0, "package \($0)\n\ndeny contains x if true\n") },
      templates: [Self.template], constraints: [Self.constraint("first")])
    let compiled = ClusterPolicyCompiler(PolicyCompiler()).compile(objects)
    #expect(compiled.quarantined.count == 2)
    cluster.intercept { request in
      let isRefused =
        request.method == "PATCH" && request.path.contains("constrainttemplates")
        || request.method == "POST" && String(decoding: request.body, as: UTF8.self).contains("uid-one")
      return isRefused ? FakeCluster.status(500, "InternalError", "not today") : nil
    }
    let server = try await cluster.start()
    let reporter = PolicyReporter(try client(of: server), namespace: "portcullis", logger: silent)
    func written() -> [String] {
      defer { cluster.forgetRequests() }
      return cluster.requests.filter { $0.method != "GET" }.map {
        let isOfOne = String(decoding: $0.body, as: UTF8.self).contains("uid-one")
        return "\($0.method) \($0.path.split(separator: "/").suffix(3).first ?? "")\(isOfOne ? " one" : "")"
      }.sorted()
    }
    await reporter.report(compiled, on: objects, mayWriteStatus: true)
    #expect(Set(written()).count == 4)
    cluster.intercept(nil)
    await reporter.report(compiled, on: objects, mayWriteStatus: true)
    // Of the constraint the same has been said a moment ago, whoever has written something else since.
    #expect(written() == ["PATCH constrainttemplates", "POST namespaces one"])
    await reporter.report(compiled, on: objects, mayWriteStatus: true)
    #expect(written().isEmpty)
    await server.stop()
  }

  @Test(
    "a definition that is as the template wants it, or as near as the API server has it, is not asked for again"
  )
  func definitionsOnce() async throws {
    let cluster = FakeCluster([.definitions])
    cluster.put(.definitions, Self.ownDefinition)
    var other = try #require(ConstraintDefinition.definition(of: Self.template)?.object)
    other = other.inserting("spec", ["group": "constraints.gatekeeper.sh"])
    cluster.put(.definitions, .object(other))
    // It takes what is asked for, and changes nothing.
    let stored = Value.object(other).json
    cluster.intercept { request in
      request.method == "PATCH" ? .whole(status: 200, body: Array(stored.utf8)) : nil
    }
    let server = try await cluster.start()
    let definitions = ConstraintDefinitions(try client(of: server), logger: silent, recheck: .zero)
    for _ in 0..<3 { await definitions.write(for: [Self.template]) }
    #expect(cluster.requests.filter { $0.method == "PATCH" }.count == 1)
    cluster.forgetRequests()
    let lasting = ConstraintDefinitions(try client(of: server), logger: silent)
    for _ in 0..<3 { await lasting.write(for: [Self.template]) }
    #expect(cluster.requests.filter { $0.method == "GET" }.count == 2)
    await server.stop()
  }
}
