import Connectivity
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("Functions about what network policies mean")
struct NetworkPolicyFunctionTests {
  static let cluster = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: pay, labels: {env: prod}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {env: prod}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: dev, labels: {env: dev}}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ledger, namespace: pay}
    spec:
      selector: {matchLabels: {app: ledger}}
      template:
        metadata: {labels: {app: ledger}}
        spec: {containers: [{name: c, image: i, ports: [{name: db, containerPort: 5432}]}]}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, image: i}]}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: tool, namespace: dev, labels: {app: tool}}
    spec: {containers: [{name: c, image: i}]}
    status: {podIP: 10.0.0.9}
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: ledger, namespace: pay}
    spec:
      podSelector: {matchLabels: {app: ledger}}
      policyTypes: [Ingress, Egress]
      ingress:
      - from: [{namespaceSelector: {matchLabels: {env: prod}}}]
        ports: [{port: db}]
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: nothing-in, namespace: shop}
    spec: {podSelector: {}, policyTypes: [Ingress]}
    """

  static let changes = """
    package changes

    deny contains text if {
    	some kind in ["added", "removed"]
    	some one in netpol.changes(input.request)[kind]
    	text := sprintf("%s %s => %s : %s through %s", [kind, one.source.text, one.destination.text, one.portsText, one.through])
    }

    deny contains text if {
    	some one in netpol.uncovered(input.request)
    	text := sprintf("%s of %s was covered by %s", [one.direction, one.workload.text, concat(", ", one.policies)])
    }

    warn contains text if some text in netpol.changes(input.request).warnings
    """

  static func review(
    _ operation: String, old: String? = nil, new: String? = nil, subresource: String? = nil
  ) throws -> Value {
    let objects = try [old, new].map { text in
      try text.map { try #require(ManifestReader().read(Array($0.utf8), file: "o").manifests.first) }
    }
    let manifest = try #require(objects[1] ?? objects[0])
    let kind: Value = [
      "group": .string(manifest.kind.group), "version": .string(manifest.kind.version),
      "kind": .string(manifest.kind.kind),
    ]
    var request: [(Value, Value)] = [
      ("uid", "1-2-3"), ("operation", .string(operation)), ("kind", kind),
      ("name", .string(manifest.reference.name)), ("userInfo", ["username": "alice", "groups": []]),
      ("object", objects[1]?.object ?? .null), ("oldObject", objects[0]?.object ?? .null),
      (
        "namespace",
        .string(
          manifest.kind.kind == "Namespace" ? manifest.reference.name : manifest.reference.namespace ?? "")
      ),
    ]
    if let subresource { request.append(("subResource", .string(subresource))) }
    return [
      "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
      "request": .object(ObjectValue(request)),
    ]
  }

  static func inventory(_ text: String = cluster) throws -> Inventory {
    var builder = InventoryBuilder()
    let set = ManifestReader().read(Array(text.utf8), file: "cluster.yaml")
    #expect(set.errors.isEmpty, "\(set.errors)")
    for manifest in set.manifests { try builder.add(manifest.object) }
    return builder.build()
  }

  static let web = "kind: Namespace\napiVersion: v1\nmetadata: {name: dev, labels: {env: dev}}"

  static func policy(_ name: String, in namespace: String, _ spec: String) -> String {
    """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: \(name), namespace: \(namespace)}
    spec: \(spec)
    """
  }

  static func deployment(_ name: String, in namespace: String, labels: String) -> String {
    """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: \(name), namespace: \(namespace)}
    spec:
      selector: {matchLabels: {app: x}}
      template:
        metadata: {labels: \(labels)}
        spec: {containers: [{name: c, image: i}]}
    """
  }

  static func namespace(_ name: String, _ labels: String) -> String {
    "kind: Namespace\napiVersion: v1\nmetadata: {name: \(name), labels: \(labels)}"
  }

  struct Case: CustomTestStringConvertible {
    let name: String
    let operation: String
    var old: String?
    var new: String?
    let expected: [String]

    var testDescription: String { name }
  }

  static let ledger =
    "{podSelector: {matchLabels: {app: ledger}}, policyTypes: [Ingress, Egress], ingress: [{from: [{namespaceSelector: {matchLabels: {env: prod}}}], ports: [{port: db}]}]}"

  static let cases = [
    Case(
      name: "a label of a namespace", operation: "UPDATE", old: namespace("dev", "{env: dev}"),
      new: namespace("dev", "{env: prod}"),
      expected: [
        "added dev/tool[Pod] => pay/ledger[Deployment] : TCP 5432 through NetworkPolicy pay/ledger ingress[0]"
      ]),
    Case(
      name: "another label of a namespace", operation: "UPDATE", old: namespace("dev", "{env: dev}"),
      new: namespace("dev", "{env: dev, owner: me}"), expected: []),
    Case(
      name: "the label taken off", operation: "UPDATE", old: namespace("shop", "{env: prod}"),
      new: namespace("shop", "{}"),
      expected: [
        "removed shop/web[Deployment] => pay/ledger[Deployment] : TCP 5432 through NetworkPolicy pay/ledger ingress[0]"
      ]),
    Case(
      name: "a policy that goes", operation: "DELETE", old: policy("ledger", in: "pay", ledger),
      expected: [
        "Egress of pay/ledger[Deployment] was covered by NetworkPolicy pay/ledger",
        "Ingress of pay/ledger[Deployment] was covered by NetworkPolicy pay/ledger",
        "added 0.0.0.0-255.255.255.255 => pay/ledger[Deployment] : All Connections through no policy, since none restricts them",
        "added dev/tool[Pod] => pay/ledger[Deployment] : All Connections through no policy, since none restricts them",
        "added pay/ledger[Deployment] => 0.0.0.0-255.255.255.255 : All Connections through no policy, since none restricts them",
        "added pay/ledger[Deployment] => dev/tool[Pod] : All Connections through no policy, since none restricts them",
        "added shop/web[Deployment] => pay/ledger[Deployment] : SCTP 1-65535,TCP 1-5431,5433-65535,UDP 1-65535 through no policy, since none restricts them",
      ]),
    Case(
      name: "a policy that widens, about which the inventory is behind", operation: "UPDATE",
      old: policy("unseen", in: "dev", "{podSelector: {}, policyTypes: [Ingress, Egress]}"),
      new: policy(
        "unseen", in: "dev",
        "{podSelector: {}, policyTypes: [Ingress, Egress], egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 443}]}]}"
      ),
      expected: [
        "added dev/tool[Pod] => 192.0.2.0-192.0.2.255 : TCP 443 through NetworkPolicy dev/unseen egress[0]"
      ]),
    Case(
      name: "a new workload", operation: "CREATE",
      new: deployment("batch", in: "shop", labels: "{app: batch}"),
      expected: [
        "added shop/batch[Deployment] => 0.0.0.0-255.255.255.255 : All Connections through no policy, since none restricts them",
        "added shop/batch[Deployment] => dev/tool[Pod] : All Connections through no policy, since none restricts them",
        "added shop/batch[Deployment] => pay/ledger[Deployment] : TCP 5432 through NetworkPolicy pay/ledger ingress[0]",
      ]),
    Case(
      name: "a workload's labels", operation: "UPDATE",
      old: deployment("ledger", in: "pay", labels: "{app: ledger}"),
      new: deployment("ledger", in: "pay", labels: "{app: ledgers}"),
      expected: [
        "added 0.0.0.0-255.255.255.255 => pay/ledger[Deployment] : All Connections through no policy, since none restricts them",
        "added dev/tool[Pod] => pay/ledger[Deployment] : All Connections through no policy, since none restricts them",
        "added pay/ledger[Deployment] => 0.0.0.0-255.255.255.255 : All Connections through no policy, since none restricts them",
        "added pay/ledger[Deployment] => dev/tool[Pod] : All Connections through no policy, since none restricts them",
        "added shop/web[Deployment] => pay/ledger[Deployment] : All Connections through no policy, since none restricts them",
      ]),
    Case(
      name: "what decides nothing", operation: "CREATE",
      new: "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c, namespace: shop}", expected: []),
  ]

  @Test("netpol.changes and netpol.uncovered tell what a request does", arguments: cases)
  func change(_ example: Case) throws {
    let fixture = try Fixture(policy: Self.changes, inventory: try Self.inventory())
    let (decision, _) = try fixture.decide(
      Self.review(example.operation, old: example.old, new: example.new))
    #expect(decision.failures.isEmpty, "\(decision.failures)")
    #expect(decision.violations.map(\.message).sorted() == example.expected)
  }

  @Test("what is not modelled of an object is told with its changes")
  func warnings() throws {
    let fixture = try Fixture(policy: Self.changes, inventory: try Self.inventory())
    let policy = """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: nodes}
      spec:
        priority: 5
        subject: {namespaces: {matchLabels: {env: dev}}}
        egress: [{action: Deny, to: [{nodes: {}}]}]
      """
    let (decision, _) = try fixture.decide(Self.review("CREATE", new: policy))
    #expect(decision.violations == [])
    #expect(
      decision.warnings.map(\.message) == [
        "egress[0].to[0].nodes is not modelled: what it matches is passed over"
      ])
  }

  /// The one message of a policy that says what an expression is.
  private func value(
    _ expression: String, of review: Value, inventory: Inventory? = nil
  ) throws -> (text: [String], failures: [String]) {
    let policy = "package value\n\ndeny contains json.marshal(value) if value := \(expression)"
    let fixture = try Fixture(policy: policy, inventory: try inventory ?? Self.inventory())
    let decision = try fixture.decide(review).decision
    return (decision.violations.map(\.message), decision.failures.map(\.message))
  }

  @Test(
    "questions about the cluster with the request applied",
    arguments: [
      (#"netpol.can_connect("shop/web", "pay/ledger", 5432, "TCP")"#, "true"),
      (#"netpol.can_connect("shop/web", "pay/ledger[Deployment]", "db", "TCP")"#, "true"),
      (
        #"netpol.can_connect({"namespace": "shop", "name": "web"}, {"namespace": "pay", "name": "ledger", "kind": "Deployment"}, 5432, "TCP")"#,
        "true"
      ),
      (#"netpol.can_connect("shop/web", "pay/ledger", 5433, "TCP")"#, "false"),
      (#"netpol.can_connect("shop/web", "pay/ledger", 5432, "UDP")"#, "false"),
      (#"netpol.can_connect("10.0.0.9", "pay/ledger", 5432, "TCP")"#, "false"),
      (#"netpol.can_connect("pay/ledger", "1.1.1.1", 443, "TCP")"#, "false"),
      (#"netpol.can_connect("shop/web", "1.1.1.1", 443, "TCP")"#, "true"),
      (#"netpol.can_connect("shop/web", "shop/batch", 80, "TCP")"#, "false"),
      (#"netpol.can_connect(input.request.object, "pay/ledger", 5432, "TCP")"#, "true"),
      (#"count(netpol.selecting(input.request.object))"#, "1"),
      (#"netpol.selecting(input.request.object)[0].text"#, #""NetworkPolicy shop/nothing-in""#),
      (#"netpol.selecting(input.request.object)[0].isolates"#, #"["Ingress"]"#),
      (
        #"[one.source.text | some one in netpol.connections(data.inventory.namespace.pay["apps/v1"].Deployment.ledger).ingress]"#,
        #"["shop/batch[Deployment]","shop/web[Deployment]"]"#
      ),
      (
        #"[one.destination.text | some one in netpol.connections(input.request.object).egress]"#,
        #"["dev/tool[Pod]","pay/ledger[Deployment]","0.0.0.0-255.255.255.255"]"#
      ),
      (#"netpol.connections(input.request.object).ingress"#, "[]"),
      (#"netpol.lint(input.request)"#, "[]"),
    ])
  func question(_ expression: String, _ expected: String) throws {
    let review = try Self.review("CREATE", new: Self.deployment("batch", in: "shop", labels: "{app: batch}"))
    let found = try value(expression, of: review)
    #expect(found.failures == [])
    #expect(found.text == [expected])
  }

  @Test(
    "what is not known fails, and is never undefined",
    arguments: [
      (#"netpol.can_connect("shop/nobody", "pay/ledger", 5432, "TCP")"#, "there is no workload shop/nobody"),
      (#"netpol.can_connect("shop/web", "pay/ledger", 0, "TCP")"#, "the port must be"),
      (#"netpol.can_connect("shop/web", "pay/ledger", "web", "TCP")"#, "no TCP port named web"),
      (#"netpol.can_connect("shop/web", "pay/ledger", 80, "ICMP")"#, "the protocol must be"),
      (#"netpol.can_connect("1.1.1.1", "1.1.1.2", 80, "TCP")"#, "neither end is a workload"),
      (#"netpol.can_connect("web", "pay/ledger", 80, "TCP")"#, "neither an address nor a workload"),
      (#"netpol.selecting(object.union(input.request.object, {"metadata": {"namespace": "new"}}))"#, ""),
      (
        #"netpol.connections(object.union(input.request.object, {"metadata": {"namespace": "new"}}))"#,
        "the labels of namespace new are not known"
      ),
      (#"netpol.selecting({"kind": "Service", "apiVersion": "v1"})"#, "is no workload"),
      (#"netpol.selecting(null)"#, "has no apiVersion"),
      (#"netpol.changes({"operation": "CREATE"})"#, "kind is missing"),
      (#"netpol.changes({"operation": "LIST", "kind": {"kind": "Pod"}})"#, "operation must be"),
    ])
  func unknown(_ expression: String, _ expected: String) throws {
    let review = try Self.review("CREATE", new: Self.deployment("batch", in: "shop", labels: "{app: batch}"))
    let found = try value("true if not \(expression)".isEmpty ? "" : expression, of: review)
    if expected.isEmpty {
      #expect(found.failures == [])
      return
    }
    #expect(found.text == [])
    #expect(found.failures.count == 1)
    #expect(found.failures.first?.contains(expected) ?? false, "\(found.failures)")
  }

  @Test("without objects of a cluster they fail")
  func withoutInventory() throws {
    let policy =
      "package value\n\ndeny contains \"closed\" if not netpol.can_connect(\"a/b\", \"c/d\", 1, \"TCP\")"
    let fixture = try Fixture(policy: policy, inventory: nil)
    let decision = try fixture.decide(Self.review("CREATE", new: Self.deployment("a", in: "b", labels: "{}")))
      .decision
    #expect(decision.code == 500)
    #expect(decision.failures.first?.message.contains("there are no objects of a cluster") ?? false)
  }

  @Test("whether a rule about nodes is about a pod on its node's network cannot be told, and counts as added")
  func nodes() throws {
    let more = """

      ---
      apiVersion: apps/v1
      kind: DaemonSet
      metadata: {name: agent, namespace: shop}
      spec:
        selector: {matchLabels: {app: agent}}
        template:
          metadata: {labels: {app: agent}}
          spec: {hostNetwork: true, containers: [{name: c, image: i}]}
      """
    let policy = """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: nodes}
      spec:
        priority: 5
        subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: pay}}}
        egress: [{action: Allow, to: [{nodes: {}}], ports: [{portNumber: {protocol: TCP, port: 9100}}]}]
      """
    let fixture = try Fixture(policy: Self.changes, inventory: try Self.inventory(Self.cluster + more))
    let (decision, _) = try fixture.decide(Self.review("CREATE", new: policy))
    #expect(
      decision.violations.map(\.message).sorted() == [
        "added pay/ledger[Deployment] => 0.0.0.0-255.255.255.255 : TCP 9100 through AdminNetworkPolicy nodes egress[0]",
        "added pay/ledger[Deployment] => shop/agent[DaemonSet] : TCP 9100 through AdminNetworkPolicy nodes egress[0]",
      ])
    let question = "netpol.can_connect(\"pay/ledger\", \"shop/agent\", 9100, \"TCP\")"
    let found = try value(
      question, of: Self.review("CREATE", new: policy), inventory: try Self.inventory(Self.cluster + more))
    #expect(found.failures.first?.contains("it cannot be told") ?? false)
  }

  @Test("a model is made where a policy asks for it, and only of what it asks for")
  func extent() throws {
    let inventory = try Self.inventory()
    func model(_ body: String) throws -> ClusterModel? {
      try Fixture(policy: "package p\n\ndeny contains \"x\" if \(body)", inventory: inventory).service
        .snapshot.model
    }
    #expect(try model("input.request.name == \"x\"") == nil)
    let policies = try #require(try model("count(netpol.selecting(input.request.object)) == 0"))
    #expect(policies.namespaces["pay"]?.policies.count == 1)
    #expect(policies.namespaces["pay"]?.groups.isEmpty == true)
    let everything = try #require(try model("count(netpol.changes(input.request).added) == 0"))
    #expect(everything.namespaces["pay"]?.groups.count == 1)
  }
}
