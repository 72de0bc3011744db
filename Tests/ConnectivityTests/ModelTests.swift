import Connectivity
import Kubernetes
import Rego
import Testing

@Suite("What objects mean")
struct ModelTests {
  @Test("IPv6 is listed where a NetworkPolicy names it, or where it is asked for")
  func v6() {
    let policy = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: np, namespace: ns}
      spec:
        podSelector: {matchLabels: {app: b}}
        ingress: [{from: [{ipBlock: {cidr: "2001:db8::/32", except: ["2001:db8::/48"]}}], ports: [{port: http}]}]

      """
    let found = model(twoPods + policy)
    #expect(
      found.outside.filter { $0.contains("=> ns/b") } == [
        "2001:db8:1::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff[External] => ns/b[Pod] : TCP 8080"
      ])
    #expect(model(twoPods).outside.count == 4)
    #expect(model(twoPods).analysis.connections(includesV6: true).lines.count == 10)
  }

  @Test("Pods belong to the topmost of their owners that is there")
  func owners() {
    let text = """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web, namespace: ns}
      spec:
        selector: {matchLabels: {app: web}}
        template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
      ---
      apiVersion: apps/v1
      kind: ReplicaSet
      metadata:
        name: web-1
        namespace: ns
        ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]
      spec:
        selector: {matchLabels: {app: web}}
        template: {metadata: {labels: {app: web, hash: "1"}}, spec: {containers: [{name: c, image: i}]}}
      ---
      apiVersion: v1
      kind: Pod
      metadata:
        name: web-1-x
        namespace: ns
        labels: {app: web, hash: "1"}
        ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: v, controller: true}]
      spec: {containers: [{name: c, image: i}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata:
        name: node-agent
        namespace: ns
        ownerReferences: [{apiVersion: v1, kind: Node, name: node, uid: w, controller: true}]
      spec: {containers: [{name: c, image: i}]}
      """
    #expect(
      model(text).analysis.workloadNames.map(\.description) == ["ns/node-agent[Pod]", "ns/web[Deployment]"])
  }

  static let ingress = """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: s, namespace: ns}
    spec: {selector: {app: b}, ports: [{name: web, port: 80, targetPort: http}, {name: other, port: 81}]}
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: i, namespace: ns}
    spec: {defaultBackend: {service: {name: s, port: {name: web}}}}

    """

  @Test("An Ingress lets the controller reach what its Service selects, by declared ports")
  func gateways() {
    #expect(model(twoPods + Self.ingress).inside.contains("{ingress-controller} => ns/b[Pod] : TCP 8080"))
    let undeclared = Self.ingress.replacing("name: web}}", with: "name: other}}")
    let found = model(twoPods + undeclared)
    #expect(!found.inside.contains { $0.hasPrefix("{") })
    let nowhere = model(twoPods + Self.ingress.replacing("{name: s, port", with: "{name: t, port"))
    #expect(nowhere.warnings.contains { $0.message.contains("there is no Service ns/t") })
  }

  @Test("What policies block is not reached, and that is said")
  func blockedGateways() {
    let policy = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: np, namespace: ns}
      spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}

      """
    let found = model(twoPods + Self.ingress + policy)
    #expect(!found.inside.contains { $0.hasPrefix("{") })
    #expect(found.warnings.contains { $0.object?.description == "Ingress ns/i" })
  }

  static let lints: [(policy: String, message: String)] = [
    ("podSelector: {matchLabels: {app: x}}", "it selects no pods"),
    ("podSelector: {}, ingress: [{}]", "it allows everything"),
    (
      "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: m}}}]}]",
      "ingress[0]: there is no namespace m"
    ),
    ("podSelector: {}, ingress: [{ports: [{port: nosuch}]}]", "has a port named nosuch"),
    (
      "podSelector: {}, policyTypes: [Ingress], egress: [{}]",
      "its egress rules have no effect: policyTypes leaves them out"
    ),
    (
      "podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: http}]}]",
      "has no meaning for an ipBlock"
    ),
  ]

  @Test("Policies that do not do what they seem to", arguments: lints)
  func lint(policy: String, message: String) {
    let text = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: np, namespace: ns}
      spec: {\(policy)}

      """
    let found = model(twoPods + text)
    #expect(found.isMeaningful)
    #expect(
      found.warnings.contains {
        $0.object?.description == "NetworkPolicy ns/np" && $0.message.contains(message)
      },
      "\(found.warnings)")
  }

  @Test("A policy beside one that does the same and more, and a rule after one that decides all")
  func shadows() {
    let text = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: small, namespace: ns}
      spec: {podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 80}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: wide, namespace: ns}
      spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}

      """
    let admin = adminPolicy(
      rules:
        "ingress: [{action: Deny, from: [{namespaces: {}}]}, {action: Allow, from: [{namespaces: {matchLabels: {env: test}}}]}]"
    )
    let messages = model(twoPods + text + admin).warnings.map(\.description)
    #expect(
      messages.contains {
        $0.contains("NetworkPolicy ns/small: it has no effect beside NetworkPolicy ns/wide")
      }
    )
    #expect(!messages.contains { $0.contains("NetworkPolicy ns/wide: it has no effect") })
    #expect(messages.contains { $0.contains("ingress[1] is never reached: ingress[0] decides") })
  }

  static let foreign: [(String, Set<String>)] = [
    (
      "cilium.io/v2 CiliumNetworkPolicy {endpointSelector: {matchLabels: {app: a}}, ingress: [{}]}",
      ["a Ingress"]
    ),
    (
      "cilium.io/v2 CiliumNetworkPolicy {endpointSelector: {matchLabels: {'k8s:app': a}}, egress: [{}]}",
      ["a Egress"]
    ),
    ("cilium.io/v2 CiliumNetworkPolicy {endpointSelector: {}, ingress: []}", []),
    (
      "cilium.io/v2 CiliumNetworkPolicy {endpointSelector: {}, ingress: [{}], enableDefaultDeny: {ingress: false, egress: true}}",
      ["a Egress", "b Egress"]
    ),
    (
      "cilium.io/v2 CiliumClusterwideNetworkPolicy {endpointSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': ns, app: b}}, ingressDeny: [{}]}",
      ["b Ingress"]
    ),
    ("cilium.io/v2 CiliumClusterwideNetworkPolicy {nodeSelector: {}, ingress: [{}]}", []),
    (
      "projectcalico.org/v3 NetworkPolicy {selector: app == 'a' && !has(x), types: [Ingress, Egress]}",
      ["a Ingress", "a Egress"]
    ),
    (
      "projectcalico.org/v3 NetworkPolicy {selector: \"app in {'b', 'c'}\", egress: [{action: Deny}]}",
      ["b Egress"]
    ),
    (
      "projectcalico.org/v3 GlobalNetworkPolicy {namespaceSelector: env != 'prod', types: [Ingress]}",
      ["a Ingress", "b Ingress"]
    ),
    (
      "projectcalico.org/v3 GlobalNetworkPolicy {namespaceSelector: env starts with \"pr\" || (global()), types: [Ingress]}",
      []
    ),
  ]

  @Test("Cilium's and Calico's policies cover the directions that they isolate", arguments: foreign)
  func coverage(policy: String, covered: Set<String>) {
    let parts = policy.split(separator: " ", maxSplits: 2)
    let namespace = parts[1].contains("lobal") || parts[1].contains("Clusterwide") ? "" : ", namespace: ns"
    let text = """
      ---
      apiVersion: \(parts[0])
      kind: \(parts[1])
      metadata: {name: p\(namespace)}
      spec: \(parts[2])

      """
    let found = model(twoPods + text)
    #expect(found.errors.isEmpty && found.unread.isEmpty, "\(found.errors) \(found.unread)")
    var names: Set<String> = []
    for element in found.analysis.coverage() {
      for direction in Direction.allCases where element[direction].isComplete {
        names.insert("\(element.workload.name) \(direction.rawValue)")
      }
    }
    #expect(names == covered)
    #expect(found.warnings.contains { $0.message.contains("its rules are not modelled yet") })
  }

  @Test("A kind that is not enforced covers nothing, and decides nothing")
  func enforcedKinds() {
    let policy = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: np, namespace: ns}
      spec: {podSelector: {}}

      """
    #expect(model(twoPods + policy).inside.isEmpty)
    #expect(model(twoPods + policy, enforcedKinds: ["AdminNetworkPolicy"]).inside.count == 2)
  }

  @Test("Pods on their node's network are covered by nothing")
  func hostNetwork() {
    let policy = """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: np, namespace: ns}
      spec: {podSelector: {}}

      """
    let pods = twoPods.replacing(
      "spec: {containers: [{name: c, image: i}]}",
      with: "spec: {hostNetwork: true, containers: [{name: c, image: i}]}")
    let coverage = model(pods + policy).analysis.coverage()
    #expect(coverage.map { $0.covers([.ingress]) } == [false, true])
  }
}
