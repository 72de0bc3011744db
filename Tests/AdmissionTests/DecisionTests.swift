import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("Decisions")
struct DecisionTests {
  /// A policy with settings whose rules are given; `custom` is YAML in flow style.
  static func policy(_ custom: String, package: String = "test.p", _ rules: String) -> String {
    "# METADATA\n# custom: \(custom)\npackage \(package)\n\n\(rules)\n"
  }

  static let always = "deny contains \"no\" if input.request.kind.kind == \"Pod\""

  @Test(
    "enforcement says what violations do",
    arguments: [
      ("{enforcement: deny}", false, 403, 1, 0, 0), ("{}", false, 403, 1, 0, 0),
      ("{enforcement: warn}", true, 200, 0, 1, 0), ("{enforcement: dryrun}", true, 200, 0, 0, 1),
    ])
  func enforcement(
    _ custom: String, _ allowed: Bool, _ code: Int, _ violations: Int, _ warnings: Int, _ dryRun: Int
  ) throws {
    let (decision, response) = try Fixture(policy: Self.policy(custom, Self.always)).decide(Review.pod([:]))
    #expect(decision.allowed == allowed)
    #expect(decision.code == code)
    #expect(decision.violations.count == violations)
    #expect(decision.warnings.count == warnings)
    #expect(decision.dryRunViolations.count == dryRun)
    #expect(decision.evaluatedPolicies == ["p"])
    #expect(response["allowed"]?.boolean == allowed)
    #expect(response["uid"] == "1-2-3")
    #expect(response["status"]?["message"] == (allowed ? nil : "p: no"))
    #expect(response["status"]?["reason"] == (allowed ? nil : "Forbidden"))
    #expect(response["warnings"] == (warnings == 1 ? ["p: no"] : nil))
    #expect(response["auditAnnotations"]?["policies"] == "p")
    #expect(response["auditAnnotations"]?["dryrun-violations"] == (dryRun == 1 ? "p: no" : nil))
  }

  @Test("the configuration file overrides enforcement and match")
  func overrides() throws {
    let text = Self.policy("{}", Self.always)
    let warned = try Fixture(policy: text, overrides: "p: {enforcement: warn}").decide(Review.pod([:]))
      .decision
    #expect(warned.allowed)
    #expect(warned.warnings.map(\.text) == ["p: no"])
    let elsewhere = try Fixture(policy: text, overrides: "p: {match: {namespaces: [team-*]}}")
    #expect(try elsewhere.decide(Review.pod([:])).decision.evaluatedPolicies == [])
  }

  @Test("messages come from strings and from objects with msg, each once and in order")
  func messages() throws {
    let rules = """
      deny contains "b" if true
      deny contains {"msg": "a", "details": {"x": 1}} if true
      violation contains {"msg": "b"} if true
      violation contains "c" if true
      warn contains "d" if true
      warn contains {"msg": "d"} if true
      """
    let (decision, response) = try Fixture(policy: Self.policy("{}", rules)).decide(Review.pod([:]))
    #expect(decision.violations.map(\.message) == ["b", "a", "c"])
    #expect(decision.warnings.map(\.message) == ["d"])
    #expect(response["status"]?["message"] == "p: b\np: a\np: c")
    #expect(response["warnings"] == ["p: d"])
  }

  @Test(
    "a policy that fails denies with 500, unless onError allows",
    arguments: [
      "deny contains 1 + 1 if true", "deny contains {\"msg\": 3} if { x := 1; x == 1 }",
      "deny contains x if x := f(1)\nf(x) := 1\nf(x) := 2 if true",
      "deny contains \"no\" if not k8s.selector_matches({\"matchLabel\": {}}, {})",
      "deny contains \"no\" if not k8s.selector_matches(input.request.nothing.at.all, input.request.kind)\ndeny contains x if k8s.selector_matches(3, 3)\nx := \"y\"",
    ])
  func failures(_ rules: String) throws {
    // A constant that is no message is found at load already.
    guard let fixture = try? Fixture(policy: Self.policy("{}", rules)) else {
      #expect(rules.contains("1 + 1") || rules.contains("msg"))
      return
    }
    let (decision, response) = try fixture.decide(Review.pod([:]))
    #expect(!decision.allowed)
    #expect(decision.code == 500)
    #expect(decision.outcome == .failed)
    #expect(decision.failures.count == 1)
    #expect(response["status"]?["code"] == 500)
    #expect(response["status"]?["message"]?.string?.hasPrefix("p: the policy failed: ") ?? false)

    let lenient = try Fixture(policy: Self.policy("{onError: allow}", rules)).decide(Review.pod([:])).decision
    #expect(lenient.allowed)
    #expect(lenient.failures.count == 1)
    let warning = try Fixture(policy: Self.policy("{enforcement: warn}", rules)).decide(Review.pod([:]))
      .decision
    #expect(warning.allowed)
  }

  @Test("a violation is certain, whatever another policy would have said")
  func violationBesideFailure() throws {
    let failing = Self.policy("{}", package: "a.failing", "deny contains x if { x := input.request.kind }")
    let (decision, response) = try Fixture([
      PolicySource(path: "a.rego", text: failing),
      PolicySource(path: "p.rego", text: Self.policy("{}", Self.always)),
    ]).decide(Review.pod([:]))
    #expect(decision.code == 403)
    #expect(decision.failures.map(\.policy) == ["failing"])
    let message = response["status"]?["message"]?.string ?? ""
    #expect(message.hasPrefix("p: no\nfailing: the policy failed: "), "\(message)")
  }

  @Test("errors of builtins are collected, and are failures where the policy is strict")
  func builtinErrors() throws {
    let rules = "deny contains \"no\" if { not to_number(input.request.name) }"
    let lax = try Fixture(policy: Self.policy("{}", rules)).decide(Review.pod([:])).decision
    #expect(lax.code == 403)
    #expect(lax.builtinErrors.count == 1)
    #expect(lax.builtinErrors.first?.message.contains("to_number") ?? false)
    let strict = try Fixture(policy: Self.policy("{strictBuiltinErrors: true}", rules)).decide(
      Review.pod([:]))
    #expect(strict.decision.code == 500)
  }

  @Test("a policy that runs out of time fails; where there may be another try nothing is decided")
  func budget() throws {
    let rules = """
      deny contains "no" if {
        some i in numbers.range(1, 3000)
        some j in numbers.range(1, 3000)
        i * j == 7.5
      }
      """
    let fixture = try Fixture(policy: Self.policy("{}", rules))
    let review = Review.pod([:]).json
    guard case .tooSlow = fixture.answer(review, deadline: .now + .milliseconds(5), isFinal: false) else {
      Issue.record("the first try was not given up")
      return
    }
    guard case .decided(let decision, _) = fixture.answer(review, deadline: .now + .milliseconds(20)) else {
      Issue.record("no decision")
      return
    }
    #expect(decision.code == 500)
    #expect(decision.failures.first?.message.hasPrefix("eval_cancel_error") ?? false)
    // The next request is untouched.
    #expect(try Fixture(policy: Self.policy("{}", Self.always)).decide(Review.pod([:])).decision.code == 403)
  }

  @Test("a policy that collects more than an evaluation may fails, and the next request is decided")
  func memory() throws {
    let strings = (1...10).map {
      "s\($0) := concat(\"\", [s\($0 - 1), s\($0 - 1), s\($0 - 1), s\($0 - 1)])\n"
    }
    let copies = (0..<8).map { "startswith(concat(\"\", [s10, \"\($0)\"]), \"a\")\n" }
    let rules = """
      s0 := "aaaaaaaaaaaaaaaa"
      \(strings.joined())
      deny contains "no" if {
        input.request.namespace == "shop"
        \(copies.joined())
      }
      """
    let fixture = try Fixture(policy: Self.policy("{}", rules))
    let (decision, _) = try fixture.decide(Review.pod([:]))
    #expect(decision.code == 500)
    #expect(decision.failures.first?.message.hasPrefix("eval_cancel_error") == true)
    let (next, _) = try fixture.decide(
      Review.make("Pod", namespace: "calm", object: Review.pod([:])["request"]?["object"] ?? .null))
    #expect(next.allowed && next.failures.isEmpty)
  }

  @Test(
    "a policy is asked about the operations that it knows of",
    arguments: [
      ("{}", "deny contains \"no\" if input.request.kind.kind == \"Pod\"", ["CREATE", "UPDATE"]),
      (
        "{}", "deny contains \"no\" if input.request.operation != \"x\"",
        ["CREATE", "UPDATE", "DELETE", "CONNECT"]
      ),
      (
        "{}", "deny contains \"no\" if not input.request[\"oldObject\"].x",
        ["CREATE", "UPDATE", "DELETE", "CONNECT"]
      ),
      ("{match: {operations: [DELETE]}}", always, ["DELETE"]),
    ])
  func operations(_ custom: String, _ rules: String, _ asked: [String]) throws {
    let fixture = try Fixture(policy: Self.policy(custom, rules))
    for operation in ["CREATE", "UPDATE", "DELETE", "CONNECT"] {
      let object: Value = ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web"]]
      let decision = try fixture.decide(
        Review.make(
          "Pod", operation: operation, object: operation == "DELETE" ? .null : object,
          old: operation == "CREATE" ? .null : object)
      ).decision
      #expect(decision.allowed != asked.contains(operation), "\(operation)")
    }
  }

  @Test(
    "match chooses by kind, namespace and labels",
    arguments: [
      ("{kinds: [Pod]}", true), ("{kinds: [Service]}", false), ("{kinds: [Pod.apps]}", false),
      ("{namespaces: [shop]}", true), ("{namespaces: [s*p]}", true), ("{namespaces: [s*x]}", false),
      ("{excludedNamespaces: [sh*]}", false), ("{excludedNamespaces: [other]}", true),
      ("{labels: {app: web}}", true), ("{labels: {app: db}}", false),
      ("{labels: {matchLabels: {app: web}}}", true),
      ("{labels: {matchExpressions: [{key: app, operator: DoesNotExist}]}}", false),
    ])
  func match(_ match: String, _ isAsked: Bool) throws {
    let rules = "deny contains \"no\" if true"
    let fixture = try Fixture(policy: Self.policy("{match: \(match)}", rules))
    #expect(try fixture.decide(Review.pod(["app": "web"])).decision.allowed != isAsked)
  }

  @Test("labels match those of before too, so that an update cannot slip out")
  func oldLabels() throws {
    let fixture = try Fixture(
      policy: Self.policy("{match: {labels: {app: web}}}", "deny contains \"no\" if true"))
    let old: Value = [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "labels": ["app": "web"]],
    ]
    let new: Value = ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web"]]
    #expect(
      !(try fixture.decide(Review.make("Pod", operation: "UPDATE", object: new, old: old)).decision.allowed))
    #expect(
      try fixture.decide(Review.make("Pod", operation: "UPDATE", object: new, old: new)).decision.allowed)
  }

  @Test("a v1beta1 request gets a v1beta1 response")
  func beta() throws {
    let fixture = try Fixture()
    let review = Review.pod([:]).json.replacing("admission.k8s.io/v1\"", with: "admission.k8s.io/v1beta1\"")
    guard case .decided(let decision, let response) = fixture.answer(review) else {
      Issue.record("no decision")
      return
    }
    #expect(decision.apiVersion == "admission.k8s.io/v1beta1")
    #expect(try JSONReader.value(response)["apiVersion"] == "admission.k8s.io/v1beta1")
  }

  @Test(
    "what is no review is malformed",
    arguments: [
      ("", "unexpected end"), ("{", "unexpected end"), ("[]", "must be an object"), ("{}", "missing"),
      (#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#, "request is missing"),
      (#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","request":{}}"#, "unknown version"),
      (
        #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"kind":{"kind":"Pod"}}}"#,
        "uid"
      ),
      (String(repeating: "[", count: 100_000), "nested"),
    ])
  func malformed(_ body: String, _ expected: String) throws {
    guard case .malformed(let message) = try Fixture().answer(body) else {
      Issue.record("was decided")
      return
    }
    #expect(message.contains(expected), "\(message)")
  }

  @Test("labels that are no strings and objects that are missing are malformed")
  func malformedObjects() throws {
    for review in [
      Review.pod(["app": 1]), Review.make("Pod"),
      Review.make(
        "Deployment", group: "apps",
        object: [
          "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
          "spec": ["template": ["metadata": ["labels": ["app": true]]]],
        ]),
    ] {
      guard case .malformed = try Fixture().answer(review.json) else {
        Issue.record("was decided: \(review)")
        continue
      }
    }
  }

  @Test("nothing of a Secret leaves in any text")
  func secrets() throws {
    let rules = """
      deny contains sprintf("found %v", [input.request.object.data.password]) if true
      deny contains sprintf("decoded %v", [base64.decode(input.request.object.data.password)]) if true
      warn contains sprintf("all: %v", [input.request.object]) if true
      warn contains "x" if to_number(input.request.object.stringData.token)
      violation contains input.request.object if true
      """
    let object: Value = [
      "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "web"], "data": ["password": "aHVudGVyMg=="],
      "stringData": ["token": "sesame"],
    ]
    for enforcement in Enforcement.allCases {
      let fixture = try Fixture(policy: Self.policy("{enforcement: \(enforcement.rawValue)}", rules))
      let (decision, response) = try fixture.decide(Review.make("Secret", object: object))
      let text = "\(decision) \(response.json)"
      #expect(enforcement == .dryrun || text.contains("found"))
      for secret in ["aHVudGVyMg==", "hunter2", "sesame"] { #expect(!text.contains(secret), "\(text)") }
    }
  }

  @Test("the answers depend on the snapshot, which is replaced as a whole")
  func replacement() throws {
    let fixture = try Fixture(policy: Self.policy("{}", Self.always))
    #expect(!(try fixture.decide(Review.pod([:])).decision.allowed))
    fixture.service.replace(with: AdmissionSnapshot(policies: .empty, inventory: nil))
    #expect(try fixture.decide(Review.pod([:])).decision.allowed)
  }

  @Test("a request that no policy is asked about is allowed without evaluation")
  func uninvolved() throws {
    let (decision, response) = try Fixture().decide(
      Review.make("Service", object: ["metadata": ["name": "web"]]))
    #expect(decision.evaluatedPolicies == [])
    #expect(response == ["uid": "1-2-3", "allowed": true])
  }
}
