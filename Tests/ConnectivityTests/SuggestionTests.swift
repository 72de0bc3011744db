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
    let (found, errors) = model(twoPods).analysis.wantedConnections(line)
    #expect(errors.isEmpty)
    #expect(
      found.map { "\($0.source) => \($0.destination) : \($0.connections)" } == [wanted].compactMap(\.self))
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
    let (found, errors) = model(twoPods).analysis.wantedConnections("\n" + line)
    #expect(found.isEmpty)
    #expect(errors.map(\.line) == [2])
  }
}
