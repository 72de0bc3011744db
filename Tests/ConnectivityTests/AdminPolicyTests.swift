import Connectivity
import Kubernetes
import Rego
import Testing

@Suite("Policies of the cluster")
struct AdminPolicyTests {
  static let open = ["ns/a[Pod] => ns/b[Pod] : All Connections", "ns/b[Pod] => ns/a[Pod] : All Connections"]

  @Test(
    "What is not known fails closed: an Accept rule matches nothing, and any other denies all",
    arguments: [
      ("Accept", "{planets: {}}", open), ("Deny", "{planets: {}}", []), ("Pass", "{planets: {}}", []),
    ])
  func failsClosed(action: String, peer: String, list: [String]) {
    let found = model(
      twoPods
        + adminPolicy(
          "ClusterNetworkPolicy", tier: "Admin", rules: "ingress: [{action: \(action), from: [\(peer)]}]"))
    #expect(found.inside == list)
    #expect(
      found.warnings.contains { $0.message.contains("from[0].planets is not known: the rule fails closed") })
  }

  @Test("A protocol that is not known fails closed, too")
  func unknownProtocol() {
    let rule =
      "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {x: z}}}], protocols: [{icmp: {}}]}]"
    #expect(model(twoPods + adminPolicy("ClusterNetworkPolicy", tier: "Admin", rules: rule)).inside.isEmpty)
  }

  @Test(
    "What is not known of a protocol fails closed as well, and so do both schemas of ports at once",
    arguments: [
      "protocols: [{tcp: {sourcePort: {number: 1}}}]",
      "ports: [{portNumber: {protocol: TCP, port: 80}}], protocols: [{tcp: {}}]",
    ])
  func unknownMembers(ports: String) {
    func list(_ action: String) -> [String] {
      let rule = "ingress: [{action: \(action), from: [{namespaces: {}}], \(ports)}]"
      let denial = adminPolicy(
        "ClusterNetworkPolicy", name: "q", priority: 6, tier: "Admin",
        rules: "ingress: [{action: Deny, from: [{namespaces: {}}]}]")
      return model(twoPods + adminPolicy("ClusterNetworkPolicy", tier: "Admin", rules: rule) + denial).inside
    }
    #expect(list("Accept").isEmpty)
    #expect(list("Deny").isEmpty)
  }

  @Test("A misspelt field is warned about")
  func misspelt() {
    let policy = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: p, namespace: ns}
      spec:
        podselector: {}
        ingress: [{form: [{podSelector: {}}], ports: [{prot: 80, port: 80}]}]

      """
    let pods = "ingress: [{action: Deny, protocol: TCP, from: [{pods: {namespaces: {}}}]}]"
    let found = model(twoPods + policy + adminPolicy("ClusterNetworkPolicy", tier: "Admin", rules: pods))
    let unknown = found.warnings.map(\.message).filter { $0.contains("is not known: it is passed over") }
    #expect(
      unknown.map { $0.split(separator: " ")[0] }.sorted() == [
        "spec.ingress[0].form", "spec.ingress[0].from[0].pods.namespaces", "spec.ingress[0].ports[0].prot",
        "spec.ingress[0].protocol", "spec.podselector",
      ])
  }

  @Test(
    "Both schemas of ports say the same",
    arguments: [
      "ports: [{portNumber: {protocol: TCP, port: 80}}, {portRange: {protocol: UDP, start: 5, end: 9}}, {namedPort: http}]",
      "protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 5, end: 9}}}}, {destinationNamedPort: http}]",
    ])
  func ports(ports: String) {
    let rule = "ingress: [{action: Deny, from: [{namespaces: {}}], \(ports)}]"
    let found = model(twoPods + adminPolicy("ClusterNetworkPolicy", tier: "Baseline", rules: rule))
    #expect(
      found.inside == [
        "ns/a[Pod] => ns/b[Pod] : SCTP 1-65535,TCP 1-79,81-8079,8081-65535,UDP 1-4,10-65535",
        "ns/b[Pod] => ns/a[Pod] : SCTP 1-65535,TCP 1-79,81-65535,UDP 1-4,10-65535",
      ])
  }

  @Test("A protocol without a port is all of its ports")
  func wholeProtocol() {
    let rule = "egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{udp: {}}, {sctp: {}}]}]"
    let found = model(twoPods + adminPolicy("ClusterNetworkPolicy", tier: "Admin", rules: rule))
    #expect(found.inside.first == "ns/a[Pod] => ns/b[Pod] : TCP 1-65535")
  }

  @Test("The tiers go one after the other, and what is passed on skips the rest of its tier")
  func tiers() {
    let isolation = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: np, namespace: ns}
      spec: {podSelector: {matchLabels: {app: b}}, ingress: [{ports: [{port: 1, endPort: 100}]}]}

      """
    let admin = adminPolicy(
      priority: 1,
      rules: "ingress: [{action: Pass, from: [{namespaces: {}}], ports: [{portNumber: {port: 10}}]}, "
        + "{action: Allow, from: [{namespaces: {}}], ports: [{portRange: {start: 500, end: 501}}]}]")
    let later = adminPolicy(
      name: "q", priority: 2,
      rules: "ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portRange: {start: 10, end: 20}}]}]"
    )
    let found = model(twoPods + isolation + admin + later)
    #expect(
      found.inside == [
        "ns/a[Pod] => ns/b[Pod] : TCP 1-10,21-100,500-501",
        "ns/b[Pod] => ns/a[Pod] : SCTP 1-65535,TCP 1-10,21-65535,UDP 1-65535",
      ])
  }

  @Test("Networks are about pods with such addresses")
  func networks() {
    let found = model(
      twoPods + adminPolicy(rules: "egress: [{action: Deny, to: [{networks: [10.0.0.1/32]}]}]"))
    #expect(found.inside == ["ns/a[Pod] => ns/b[Pod] : All Connections"])
    let both = model(
      twoPods + adminPolicy(rules: "egress: [{action: Deny, to: [{networks: [10.0.0.0/8, \"fd00::/8\"]}]}]"))
    #expect(both.inside.isEmpty)
  }

  @Test("Equal priorities are refused, and the later policy is named")
  func equalPriorities() {
    let rule = "ingress: [{action: Deny, from: [{namespaces: {}}]}]"
    let found = model(twoPods + adminPolicy(name: "p", rules: rule) + adminPolicy(name: "q", rules: rule))
    #expect(!found.isMeaningful)
    #expect(found.errors.first?.object?.description == "AdminNetworkPolicy q")
    #expect(found.errors.first?.message.contains("AdminNetworkPolicy p") == true)
    // Tiers have their own priorities.
    let tiers = model(
      twoPods + adminPolicy("ClusterNetworkPolicy", name: "p", tier: "Admin", rules: rule)
        + adminPolicy("ClusterNetworkPolicy", name: "q", tier: "Baseline", rules: rule))
    #expect(tiers.isMeaningful)
  }

  @Test("What is not modelled opens all that it could, and only for decisions")
  func bounds() throws {
    let denied = adminPolicy(
      "BaselineAdminNetworkPolicy", name: "default", priority: nil,
      rules: "egress: [{action: Deny, to: [{networks: [0.0.0.0/0, \"::/0\"]}]}]")
    let before = model(twoPods + denied)
    let nodes = adminPolicy(
      rules: "egress: [{action: Allow, to: [{nodes: {}}], ports: [{portNumber: {port: 443}}]}]")
    let manifest = try #require(ManifestReader().read(Array(nodes.utf8), file: "p.yaml").manifests.first)
    let change = try ModelChange(
      ObjectChange(manifest.reference, new: .init(object: manifest.object, metadata: manifest.metadata)),
      to: before.analysis.model)
    let possible = try change.connections().map {
      "\($0.source) => \($0.destination) : +\($0.added) -\($0.removed)"
    }
    #expect(
      possible.contains("ns/a[Pod] => 0.0.0.0-255.255.255.255[External] : +TCP 443 -No Connections"))
    #expect(try change.connections(bounds: false).isEmpty)
    // The other way round nothing is taken away for certain.
    let after = model(twoPods + denied + nodes)
    let back = try ModelChange(ObjectChange(manifest.reference, new: nil), to: after.analysis.model)
    #expect(try back.connections().isEmpty)
  }
}
