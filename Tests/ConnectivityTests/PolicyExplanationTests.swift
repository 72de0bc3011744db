import ConformanceSuite
import Connectivity
import Foundation
import Kubernetes
import Rego
import Testing

@Suite("What policies do, in words")
struct PolicyExplanationTests {
  /// By policy, what the article that brought it is mistaken about.
  static let articles = [
    (
      "default/allow-all-ingress",
      "ingress: denies all of it, since policyTypes has Ingress and there is no rule"
    ),
    (
      "default/sample-network-policy",
      "pods of other namespaces with the same labels are not meant: a podSelector alone is about default"
    ),
    ("default/web-database-access", "egress: denies all of it, inside the cluster and beyond, DNS included"),
    ("production/default-deny-all", "ingress: denies all of it"),
    (
      "sensitive-data/deny-external-egress",
      "egress: denies all of it, inside the cluster and beyond, DNS included"
    ),
    (
      "default/frontend-policy",
      "DNS is not among these: names are not found, unless another policy allows it"
    ),
    ("test/app", "DNS over TCP is not among these: answers that are too long for UDP fail"),
    (
      "production/restrict-namespace-traffic",
      "its own namespace is shut out as well, unless production has these labels"
    ),
  ]

  @Test("the articles' policies are told for what they are", arguments: articles)
  func mistaken(name: String, truth: String) throws {
    guard let file = SharedSuites.path("articles/policies.yaml") else {
      print("skipped: ../shared is missing")
      return
    }
    let explanations = ManifestModel(paths: [file.path]).analysis.policyExplanations()
    #expect(explanations.count == 10)
    let found = try #require(explanations.first { $0.lines[0] == "NetworkPolicy \(name)" })
    #expect(found.lines.contains { $0.contains(truth) }, "\(found.lines)")
  }

  @Test("what is allowed on purpose is not remarked on")
  func quiet() throws {
    let policy = """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: all, namespace: ns}
      spec:
        podSelector: {}
        policyTypes: [Ingress, Egress]
        ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}]}]
        egress: [{}]
      """
    let found = try #require(model(twoPods + "\n---\n" + policy).analysis.policyExplanations().first)
    #expect(
      found.lines == [
        "NetworkPolicy ns/all", "  selects every pod of namespace ns", "  ingress: allows only",
        "    everything from every pod of namespace ns", "    everything from every pod of all namespaces",
        "  egress: allows only", "    everything to everywhere",
      ])
  }

  @Test("a namespace that lacks the labels of its own policy is known where its object is there")
  func ownNamespace() throws {
    func note(_ environment: String) throws -> Bool {
      let policy = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: all, namespace: ns}
        spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {env: \(environment)}}}]}]}
        """
      let found = try #require(model(twoPods + "\n---\n" + policy).analysis.policyExplanations().first)
      return found.lines.contains("    its own namespace is not among these: pods of ns are shut out as well")
    }
    #expect(try note("prod"))
    #expect(try !note("test"))
  }

  @Test("policies of the cluster say when they decide, and what of them is not known")
  func cluster() throws {
    let rules =
      "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {x: z}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Accept, from: [{planets: {}}]}]"
    let found = try #require(
      model(twoPods + adminPolicy("ClusterNetworkPolicy", tier: "Admin", rules: rules)).analysis
        .policyExplanations().first)
    #expect(found.lines[1].hasPrefix("  decides before NetworkPolicies, with priority "))
    #expect(found.lines.contains("  ingress[0]: denies TCP 80 from every pod of namespaces with x=z"))
    #expect(found.lines.contains("  ingress[1]: matches nothing, since it has a field that is not known"))
    #expect(found.lines.last == "  isolates nothing: what no rule matches is decided by what comes after")
  }
}
