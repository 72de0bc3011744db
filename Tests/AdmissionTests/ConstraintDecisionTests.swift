import Kubernetes
import Rego
import Testing

@testable import Admission

/// Constraints take part in decisions as they do with Gatekeeper.
@Suite struct ConstraintDecisionTests {
  static let images = """
    package k8simages
    violation[{"msg": msg}] {
      container := input.review.object.spec.containers[_]
      not startswith(container.image, input.parameters.prefix)
      msg := sprintf("%v: image %v of %v", [input.review.operation, container.image, input.review.userInfo.groups[0]])
    }
    """

  static func pod(_ image: String, labels: Value = ["app": "web"]) -> Value {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["name": "web", "namespace": "shop", "labels": labels, "managedFields": []],
      "spec": ["containers": [["name": "a", "image": .string(image)]], "nodeName": "n"],
    ]
  }

  static func service(_ spec: String, inventory: Inventory = .empty) throws -> AdmissionService {
    try PolicyFixture.service(
      templates: [PolicyFixture.template("K8sImages", images)],
      constraints: [try PolicyFixture.constraint("K8sImages", "ours", spec)], inventory: inventory)
  }

  @Test("a constraint reads all of the request that its template names")
  func denial() throws {
    let service = try Self.service("{parameters: {prefix: ours/}, match: {kinds: [{kinds: [Pod]}]}}")
    let denied = try service.decide(Review.make("Pod", object: Self.pod("theirs/a")))
    #expect(!denied.allowed && denied.code == 403)
    #expect(denied.violations.map(\.text) == ["[ours] CREATE: image theirs/a of developers"])
    #expect(denied.auditAnnotations["policy-set"] == service.snapshot.policies.hash)
    #expect(denied.evaluatedPolicies == ["K8sImages/ours"])
    #expect(try service.decide(Review.make("Pod", object: Self.pod("ours/a"))).allowed)
    let other = try service.decide(Review.make("Service", object: Self.pod("theirs/a")))
    #expect(other.allowed && other.evaluatedPolicies.isEmpty)
  }

  @Test("a replica for one event loop decides as the service does")
  func lane() throws {
    let service = try Self.service("{parameters: {prefix: ours/}}")
    let lane = service.lane()
    let review = Array(Review.make("Pod", object: Self.pod("theirs/a")).json.utf8)
    let answer = review.withUnsafeBytes { lane.answer($0, deadline: .now + .seconds(60), isFinal: true) }
    guard case .decided(let decision, _) = answer else {
      Issue.record("\(answer)")
      return
    }
    #expect(decision.violations.count == 1)
  }

  @Test("on DELETE the object that goes stands in, with all that the template reads of it")
  func deletion() throws {
    let service = try Self.service(
      "{parameters: {prefix: ours/}, match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}}")
    let decision = try service.decide(Review.make("Pod", operation: "DELETE", old: Self.pod("theirs/a")))
    #expect(decision.violations.map(\.message) == ["DELETE: image theirs/a of developers"])
  }

  @Test(
    "what violations lead to",
    arguments: [
      ("{}", ["deny"]), ("{enforcementAction: warn}", ["warn"]), ("{enforcementAction: dryrun}", ["dryrun"]),
      ("{enforcementAction: other}", ["dryrun"]),
      (
        "{enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]}",
        []
      ),
      (
        "{enforcementAction: scoped, scopedEnforcementActions: [{action: warn, enforcementPoints: [{name: validation.gatekeeper.sh}]}, {action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]}",
        ["warn"]
      ),
      (
        "{enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: '*'}]}]}",
        ["deny"]
      ),
    ])
  func enforcement(action: String, outcomes: [String]) throws {
    let spec = "{parameters: {prefix: ours/}, \(action.dropFirst().dropLast())}"
    let decision = try Self.service(spec).decide(Review.make("Pod", object: Self.pod("theirs/a")))
    let found = [
      decision.violations.isEmpty ? nil : "deny", decision.warnings.isEmpty ? nil : "warn",
      decision.dryRunViolations.isEmpty ? nil : "dryrun",
    ].compactMap(\.self)
    #expect(found == outcomes)
    #expect(decision.allowed == !outcomes.contains("deny"))
  }

  @Test(
    "match asks the request, the object before and the inventory's namespaces",
    arguments: [
      ("{namespaces: [sh*]}", true), ("{excludedNamespaces: [shop]}", false),
      ("{labelSelector: {matchLabels: {app: web}}}", true),
      ("{labelSelector: {matchLabels: {app: old}}}", true),
      ("{labelSelector: {matchLabels: {app: db}}}", false),
      ("{namespaceSelector: {matchLabels: {team: a}}}", true),
      ("{namespaceSelector: {matchLabels: {team: b}}}", false), ("{scope: Cluster}", false),
      ("{name: we*}", true), ("{name: db}", false), ("{source: Generated}", false),
      ("{kinds: [{apiGroups: [apps], kinds: [Pod]}]}", false), ("{kinds: [{kinds: ['*']}]}", true),
    ])
  func match(match: String, isAbout: Bool) throws {
    var builder = InventoryBuilder()
    try builder.add([
      "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop", "labels": ["team": "a"]],
    ])
    let service = try Self.service(
      "{parameters: {prefix: ours/}, match: \(match)}", inventory: builder.build())
    let review = Review.make(
      "Pod", operation: "UPDATE", object: Self.pod("theirs/a"),
      old: Self.pod("theirs/a", labels: ["app": "old"]))
    #expect(try service.decide(review).violations.isEmpty != isAbout)
  }

  @Test("a Namespace is matched by its own labels, though the inventory has older ones")
  func ownLabels() throws {
    var builder = InventoryBuilder()
    try builder.add([
      "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop", "labels": ["team": "b"]],
    ])
    let service = try PolicyFixture.service(
      templates: [PolicyFixture.template("K8sAlways", PolicyFixture.always)],
      constraints: [
        try PolicyFixture.constraint(
          "K8sAlways", "x", "{match: {namespaceSelector: {matchLabels: {team: a}}}}")
      ], inventory: builder.build())
    let namespace: Value = [
      "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop", "labels": ["team": "a"]],
    ]
    #expect(!(try service.decide(Review.make("Namespace", object: namespace)).allowed))
  }

  @Test("the options of a CONNECT lie in the request's namespace")
  func connect() throws {
    let service = try PolicyFixture.service(
      templates: [PolicyFixture.template("K8sAlways", PolicyFixture.always)],
      constraints: [
        try PolicyFixture.constraint("K8sAlways", "x", "{match: {excludedNamespaces: [shop]}}"),
        try PolicyFixture.constraint("K8sAlways", "y", "{match: {namespaces: [shop]}}"),
      ])
    let options: Value = ["apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]]
    let decision = try service.decide(Review.make("PodExecOptions", operation: "CONNECT", object: options))
    #expect(decision.violations.map(\.policy) == ["K8sAlways/y"])
  }

  @Test("an error of the evaluation is a violation")
  func failure() throws {
    let conflict = "package t\np = x { x := [1, 2][_] }\nviolation[{\"msg\": \"no\"}] { p == 3 }"
    let service = try PolicyFixture.service(
      templates: [PolicyFixture.template("K8sConflict", conflict)],
      constraints: [try PolicyFixture.constraint("K8sConflict", "x")])
    let decision = try service.decide(Review.make("Pod", object: Self.pod("a")))
    #expect(!decision.allowed && decision.code == 403)
    #expect(decision.violations.count == 1 && decision.failures.isEmpty)
  }

  @Test("running out of time is a failure, or for another try")
  func budget() throws {
    let slow =
      "package t\nviolation[{\"msg\": \"no\"}] { count([1 | numbers.range(1, 100000)[_]; numbers.range(1, 100000)[_]]) == 0 }"
    let service = try PolicyFixture.service(
      templates: [PolicyFixture.template("K8sSlow", slow)],
      constraints: [try PolicyFixture.constraint("K8sSlow", "x")])
    let body = Array(Review.make("Pod", object: Self.pod("a")).json.utf8)
    func answer(isFinal: Bool) -> ReviewAnswer {
      body.withUnsafeBytes { service.answer($0, deadline: .now + .milliseconds(30), isFinal: isFinal) }
    }
    guard case .tooSlow = answer(isFinal: false) else {
      Issue.record("decided all the same")
      return
    }
    guard case .decided(let decision, _) = answer(isFinal: true) else {
      Issue.record("not decided")
      return
    }
    #expect(decision.code == 500 && decision.failures.count == 1)
  }

  @Test("constraints and policies decide together, and see the inventory")
  func together() throws {
    var builder = InventoryBuilder()
    try builder.add(["apiVersion": "v1", "kind": "Service", "metadata": ["name": "db", "namespace": "shop"]])
    let unique = """
      package t
      violation[{"msg": msg}] {
        data.inventory.namespace[input.review.namespace]["v1"].Service[name]
        msg := concat(" ", [name, input.review.object.metadata.name])
      }
      """
    let service = try PolicyFixture.service(
      configMaps: [PolicyFixture.configMap("a", ["a.rego": PolicyFixture.policy("a")])],
      templates: [PolicyFixture.template("K8sUnique", unique)],
      constraints: [try PolicyFixture.constraint("K8sUnique", "x", "{enforcementAction: warn}")],
      inventory: builder.build())
    let decision = try service.decide(Review.make("Pod", object: Self.pod("a")))
    #expect(decision.violations.map(\.text) == ["a: no"])
    #expect(decision.warnings.map(\.text) == ["[x] db web"])
  }

  @Test("a template that names operations is asked about them alone")
  func operations() throws {
    let service = try PolicyFixture.service(
      templates: [
        PolicyFixture.template("K8sAlways", PolicyFixture.always, target: ["operations": ["DELETE"]])
      ],
      constraints: [try PolicyFixture.constraint("K8sAlways", "x")])
    #expect(try service.decide(Review.make("Pod", object: Self.pod("a"))).allowed)
    #expect(!(try service.decide(Review.make("Pod", operation: "DELETE", old: Self.pod("a"))).allowed))
  }

  @Test("constraints of other kinds cost a request nothing: they are not even looked at")
  func prefilter() throws {
    let template = PolicyFixture.template("K8sImages", Self.images)
    let constraints = try (0..<1_000).map {
      try PolicyFixture.constraint("K8sImages", "c\($0)", "{match: {kinds: [{kinds: [Kind\($0)]}]}}")
    }
    let (_, cluster) = try PolicyFixture.compile(templates: [template], constraints: constraints)
    let set = ConstraintSet(cluster.constraints, at: .webhook)
    #expect(set.count == 1_000)
    #expect(set.candidates(forKind: "Kind7").count == 1)
    #expect(set.candidates(forKind: "Pod").isEmpty)
    if case .none = set.shape(forKind: "Pod", .create) {
    } else {
      Issue.record("a pod is read for others' sake")
    }
  }
}
