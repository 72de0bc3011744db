import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("The articles' policies")
struct ArticlePolicyTests {
  /// Which of them the rule on ingress refuses: those without ingress rules.
  static let refused: Set<String> = [
    "allow-all-ingress", "default-deny-all", "deny-external-egress", "app", "frontend-policy",
  ]
  static let admitted: Set<String> = [
    "web-database-access", "allow-from-b-only", "restrict-namespace-traffic", "sample-network-policy",
    "backend-policy",
  ]

  /// The policies as their readers write them, but for `[]` where `writesEmptyLists`: then each list that is missing is written out.
  private func policies(writesEmptyLists: Bool) throws -> [Value] {
    guard let shared = Files.shared else {
      print("skipped: ../shared is missing")
      return []
    }
    let text = try Files.text(shared.appending(path: "articles/policies.yaml"))
    return try YAMLReader.documents(text, file: "policies.yaml").map { document in
      guard case .object(var object) = try document.get().value, case .object(var spec)? = object["spec"]
      else {
        return .null
      }
      for name: Value in ["ingress", "egress"] {
        if writesEmptyLists, spec[name] == nil { spec = spec.inserting(name, []) }
        if !writesEmptyLists, spec[name] == [] { spec = spec.removing(name) }
      }
      object = object.inserting("spec", .object(spec))
      return .object(object)
    }
  }

  private func review(_ policy: Value) -> Value {
    Review.make(
      "NetworkPolicy", group: "networking.k8s.io", namespace: policy["metadata"]?["namespace"]?.string ?? "",
      object: policy)
  }

  @Test("are decided the same with and without [] written out", arguments: [false, true])
  func builtin(_ writesEmptyLists: Bool) throws {
    let fixture = try Fixture()
    for policy in try policies(writesEmptyLists: writesEmptyLists) {
      let name = policy["metadata"]?["name"]?.string ?? ""
      #expect(Self.refused.contains(name) != Self.admitted.contains(name))
      let (decision, _) = try fixture.decide(review(policy))
      #expect(decision.allowed == Self.admitted.contains(name), "\(name): \(decision.violations)")
    }
  }

  @Test("isolating policies are admitted where the parameters say so")
  func waysOut() throws {
    let fixture = try Fixture(
      overrides: "ingress_rules_required: {parameters: {allowDefaultDeny: true, allowEgressOnly: true}}")
    for policy in try policies(writesEmptyLists: false) {
      let name = policy["metadata"]?["name"]?.string ?? ""
      let (decision, _) = try fixture.decide(review(policy))
      // It isolates egress and ingress of some pods: neither an isolated namespace nor egress alone.
      #expect(decision.allowed == (name != "app"), "\(name)")
    }
  }

  @Test("the articles' own rule loads and decides unchanged")
  func articleRule() throws {
    guard let shared = Files.shared else { return }
    let rule = try Files.text(shared.appending(path: "articles/rule.rego"))
    let fixture = try Fixture([PolicySource(path: "rule.rego", text: rule)])
    for policy in try policies(writesEmptyLists: false) {
      let name = policy["metadata"]?["name"]?.string ?? ""
      let (decision, response) = try fixture.decide(review(policy))
      #expect(decision.allowed == Self.admitted.contains(name), "\(name)")
      if !decision.allowed {
        #expect(
          response["status"]?["message"] == "admission: Ingress rules required for all Network Policies")
      }
    }
    // It mentions neither operation nor oldObject: a deletion, whose object is null, is not its business.
    let deletion = Review.make(
      "NetworkPolicy", group: "networking.k8s.io", operation: "DELETE", old: Review.object([:]))
    #expect(try fixture.decide(deletion).decision.allowed)
  }
}
