import Connectivity
import Kubernetes
import Rego
import Testing

@Suite("Suggested policies")
struct SuggestionTests {
  @Test("Policies for random clusters cover every workload and keep what is wanted", arguments: 0..<5)
  func random(part: Int) throws {
    for offset in 0..<40 {
      let seed = UInt64(part * 40 + offset)
      var random = SeededGenerator(seed: seed)
      var cluster = SmallCluster(seed: seed)
      // Half of them start without any policy of their own.
      if Bool.random(using: &random) { cluster.policies.removeAll { $0.kind == .network } }
      let analysis = Analysis(try cluster.model())
      let wanted = analysis.connections().filter { _ in Bool.random(using: &random) }.map {
        WantedConnection(source: $0.source, destination: $0.destination, connections: $0.connections)
      }
      let policies = analysis.suggestions(keeping: wanted, directions: [.ingress, .egress])
      let unmet = analysis.unmet(wanted, with: policies)
      #expect(unmet.isEmpty, "seed \(seed): \(unmet)")

      var builder = ClusterModelBuilder(analysis.model)
      for policy in policies {
        // As `kubectl apply` would read it.
        let manifests = ManifestReader().read(Array(policy.yaml.utf8), file: "policy.yaml")
        #expect(manifests.errors.isEmpty)
        for manifest in manifests.manifests { builder.add(manifest) }
      }
      #expect(builder.problems.isEmpty, "seed \(seed): \(builder.problems)")
      let coverage = Analysis(builder.build()).coverage()
      #expect(coverage.allSatisfy { $0.covers([.ingress, .egress]) }, "seed \(seed)")
    }
  }

  @Test("What suggestions allow beyond what is wanted is told", arguments: 0..<60)
  func excess(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var cluster = SmallCluster(seed: UInt64(seed))
    cluster.policies = []
    let analysis = Analysis(try cluster.model())
    func leadsInside(_ element: AllowedConnections) -> Bool {
      if case .workload = element.destination { true } else { false }
    }
    let wanted = analysis.connections().filter(leadsInside)
      .filter { _ in Int.random(in: 0..<5, using: &random) == 0 }.map {
        WantedConnection(source: $0.source, destination: $0.destination, connections: $0.connections)
      }
    let after = analysis.adding(analysis.suggestions(keeping: wanted))
    func text(_ source: Endpoint, _ destination: Endpoint) -> String { "\(source) => \(destination)" }
    let known = Set(
      (wanted + analysis.excess(over: wanted, in: after)).map { text($0.source, $0.destination) })
    let found = after.connections().filter(leadsInside)
    #expect(Set(found.map { text($0.source, $0.destination) }) == known, "seed \(seed)")
  }

  @Test(
    "Workloads of one name get policies of different names, and labels that others have single nobody out")
  func names() {
    let pods = """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web, namespace: ns}
      spec:
        selector: {matchLabels: {app: web}}
        template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
      ---
      apiVersion: batch/v1
      kind: Job
      metadata: {name: web, namespace: ns}
      spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: alone, namespace: other}
      spec: {containers: [{name: c, image: i}]}
      """
    let policies = model(pods).analysis.suggestions(keeping: [])
    #expect(
      policies.map { $0.object["metadata"]?["name"] } == ["web-ingress", "web-ingress-2", "alone-ingress"])
    #expect(
      policies[1].object["spec"]?["podSelector"]
        == ["matchExpressions": [["key": "app", "operator": "DoesNotExist"]]])
    // An empty selector would let in whoever comes to the namespace later.
    #expect(policies[2].object["spec"] == ["podSelector": [:], "policyTypes": ["Ingress"]])
  }

  @Test("Without a wish workloads keep what their Services lead to, and no more")
  func services() {
    let found = model(twoPods + ModelTests.ingress)
    let expected = found.analysis.expectedConnections()
    let policies = found.analysis.suggestions(keeping: expected)
    #expect(policies.map(\.workload.description) == ["ns/a[Pod]", "ns/b[Pod]"])
    let text = policies.map(\.yaml).joined(separator: "---\n")
    #expect(
      model(twoPods + ModelTests.ingress + "---\n" + text).inside == [
        "ns/a[Pod] => ns/b[Pod] : TCP 81,8080", "{ingress-controller} => ns/b[Pod] : TCP 8080",
      ])
  }

  static let lines: [(line: String, wanted: String?)] = [
    ("ns/a[Pod] => ns/b[Pod] : TCP 80,8080-8090,UDP 53", "ns/a[Pod] => ns/b[Pod] : TCP 80,8080-8090,UDP 53"),
    ("  a => b : All Connections  ", "ns/a[Pod] => ns/b[Pod] : All Connections"),
    (
      "10.0.0.0-10.0.0.255[External] => b : SCTP 1-65535",
      "10.0.0.0-10.0.0.255[External] => ns/b[Pod] : SCTP 1-65535"
    ),
    ("{ingress-controller} => b : TCP 8080", "{ingress-controller} => ns/b[Pod] : TCP 8080"),
    (
      #"{"flow":{"verdict":"FORWARDED","l4":{"TCP":{"source_port":4,"destination_port":80}},"source":{"namespace":"ns","pod_name":"a"},"destination":{"namespace":"ns","workloads":[{"name":"b","kind":"Pod"}]}}}"#,
      "ns/a[Pod] => ns/b[Pod] : TCP 80"
    ),
    (
      #"{"flow":{"verdict":"FORWARDED","l4":{"UDP":{"destination_port":53}},"IP":{"source":"10.0.0.1","destination":"8.8.8.8"},"source":{"namespace":"ns","pod_name":"a"},"destination":{"labels":["reserved:world"]}}}"#,
      "ns/a[Pod] => 8.8.8.8-8.8.8.8[External] : UDP 53"
    ),
    (#"{"flow":{"verdict":"DROPPED","l4":{"TCP":{"destination_port":80}}}}"#, nil),
    (#"{"flow":{"verdict":"FORWARDED","is_reply":true,"l4":{"TCP":{"destination_port":80}}}}"#, nil),
    ("", nil),
  ]

  @Test("Wishes are lines of lists and flows of Hubble", arguments: lines)
  func wishes(line: String, wanted: String?) {
    let found = model(twoPods).analysis.wantedConnections(line)
    #expect(found.errors.isEmpty)
    #expect(
      found.wanted.map { "\($0.source) => \($0.destination) : \($0.connections)" }
        == [wanted].compactMap(\.self))
  }

  @Test(
    "Lines that are none of these are errors with their number",
    arguments: [
      "a -> b : TCP 80", "a => nobody : TCP 80", "a => b : TCP 0", "a => b : 80", "a => b : TCP 9-8",
      "{\"flow\":",
      "10.0.0.9-10.0.0.1[External] => a : TCP 1",
      #"{"l4":{"TCP":{"destination_port":70000}},"source":{"namespace":"ns","pod_name":"a"},"destination":{"namespace":"ns","pod_name":"b"}}"#,
    ])
  func misread(line: String) {
    let found = model(twoPods).analysis.wantedConnections("\n" + line)
    #expect(found.wanted.isEmpty)
    #expect(found.errors.map(\.line) == [2])
  }
}
