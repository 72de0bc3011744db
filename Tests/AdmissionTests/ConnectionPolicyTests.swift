import Connectivity
import Kubernetes
import Rego
import Testing

@testable import Admission

/// The built-in policies that ask what network policies mean, beside the functions themselves.
@Suite("Built-in policies about connections")
struct ConnectionPolicyTests {
  typealias Cluster = NetworkPolicyFunctionTests

  static func fixture(
    _ name: String, _ parameters: String = "{}", more: String = ""
  ) throws -> Fixture {
    let sources = try Configuration.BuiltinSelection(name).sources
    return try Fixture(
      sources, overrides: "{\(name): {parameters: \(parameters)}}",
      inventory: try Cluster.inventory(Cluster.cluster + more))
  }

  static func messages(
    _ fixture: Fixture, _ operation: String, old: String? = nil, new: String? = nil
  ) throws -> [String] {
    let decision = try fixture.decide(Cluster.review(operation, old: old, new: new)).decision
    #expect(decision.failures.isEmpty, "\(decision.failures)")
    return decision.violations.map(\.message)
  }

  static let ledger = "{workloads: [{namespaces: [pay], podSelector: {matchLabels: {app: ledger}}}]}"

  @Test("a harmless-looking label of a namespace does not open a path into a protected workload")
  func label() throws {
    let fixture = try Self.fixture("protected_workloads", Self.ledger)
    let old = Cluster.namespace("dev", "{env: dev}")
    #expect(
      try Self.messages(fixture, "UPDATE", old: old, new: Cluster.namespace("dev", "{env: prod}")) == [
        "changing Namespace dev would open dev/tool[Pod] => pay/ledger[Deployment] : TCP 5432, through NetworkPolicy pay/ledger ingress[0]; pay/ledger[Deployment] is protected"
      ])
    #expect(
      try Self.messages(fixture, "UPDATE", old: old, new: Cluster.namespace("dev", "{env: test}")) == [])
  }

  @Test("neither does a policy, nor its deletion, nor a workload; listed peers may")
  func ways() throws {
    let fixture = try Self.fixture("protected_workloads", Self.ledger)
    let own = Cluster.policy("ledger", in: "pay", Cluster.ledger)
    #expect(try Self.messages(fixture, "DELETE", old: own).count == 3)
    #expect(try Self.messages(fixture, "UPDATE", old: own, new: own) == [])
    let wide = Cluster.policy(
      "more", in: "pay",
      "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}")
    #expect(
      try Self.messages(fixture, "CREATE", new: wide).sorted() == [
        "creating NetworkPolicy pay/more would open dev/tool[Pod] => pay/ledger[Deployment] : TCP 80, through NetworkPolicy pay/more ingress[0]; pay/ledger[Deployment] is protected",
        "creating NetworkPolicy pay/more would open shop/web[Deployment] => pay/ledger[Deployment] : TCP 80, through NetworkPolicy pay/more ingress[0]; pay/ledger[Deployment] is protected",
      ])
    let batch = Cluster.deployment("batch", in: "shop", labels: "{app: batch}")
    #expect(try Self.messages(fixture, "CREATE", new: batch).count == 1)
    let peers = "{workloads: [{namespaces: [pay]}], allowedPeers: [{namespaces: [shop]}]}"
    #expect(try Self.messages(Self.fixture("protected_workloads", peers), "CREATE", new: batch) == [])
  }

  static let cilium = """

    ---
    apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata: {name: tool, namespace: dev}
    spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {app: friend}}]}]}
    """
  static let tool = "{workloads: [{namespaces: [dev]}]}"

  @Test(
    "what policies of Cilium and Calico allow is not known: it neither hides what opens nor keeps all as it is"
  )
  func foreign() throws {
    let fixture = try Self.fixture("protected_workloads", Self.tool, more: Self.cilium)
    let all = Cluster.policy("all", in: "dev", "{podSelector: {}, ingress: [{}]}")
    #expect(
      try Self.messages(fixture, "CREATE", new: all).sorted() == [
        "creating NetworkPolicy dev/all would open 0.0.0.0-255.255.255.255 => dev/tool[Pod] : All Connections, through NetworkPolicy dev/all ingress[0]; dev/tool[Pod] is protected",
        "creating NetworkPolicy dev/all would open shop/web[Deployment] => dev/tool[Pod] : All Connections, through NetworkPolicy dev/all ingress[0]; dev/tool[Pod] is protected",
      ])
    // Nothing that another end's policies, or one that allows nothing, can do.
    #expect(
      try Self.messages(fixture, "CREATE", new: Cluster.policy("none", in: "dev", "{podSelector: {}}")) == [])
    let narrow = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}"
    #expect(try Self.messages(fixture, "CREATE", new: Cluster.policy("narrow", in: "shop", narrow)) == [])
    // Whom it lets in goes by labels, which may be anybody's.
    let batch = Cluster.deployment("batch", in: "shop", labels: "{app: friend}")
    #expect(
      try Self.messages(fixture, "CREATE", new: batch) == [
        "creating Deployment shop/batch would open shop/batch[Deployment] => dev/tool[Pod] : All Connections, through CiliumNetworkPolicy dev/tool, whose rules are not modelled; dev/tool[Pod] is protected"
      ])
    let internet = try Self.fixture("no_new_internet_exposure", more: Self.cilium)
    #expect(try Self.messages(internet, "CREATE", new: all).count == 1)
  }

  @Test(
    "a policy of Cilium that goes, or is edited, opens what it may have denied; one that comes opens nothing")
  func foreignChanges() throws {
    let own = Self.cilium.split(separator: "---").last.map(String.init) ?? ""
    let wider = own.split(separator: "friend").joined(separator: "all")
    let fixture = try Self.fixture("protected_workloads", Self.tool, more: Self.cilium)
    #expect(try Self.messages(fixture, "DELETE", old: own).count == 2)
    #expect(try Self.messages(fixture, "UPDATE", old: own, new: wider).count == 2)
    let before = try Self.fixture("protected_workloads", Self.tool)
    #expect(try Self.messages(before, "CREATE", new: own) == [])
  }

  @Test("a pod whose ReplicaSet has not been seen yet is its Deployment's, as its label says")
  func unseenReplicaSet() throws {
    let more = "\n---\n" + Cluster.deployment("desk", in: "shop", labels: "{app: desk}")
    let fixture = try Self.fixture("protected_workloads", Self.ledger, more: more)
    func pod(_ hash: String) -> String {
      """
      apiVersion: v1
      kind: Pod
      metadata:
        name: desk-5d9f-x
        namespace: shop
        labels: {app: desk, pod-template-hash: \(hash)}
        ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: desk-5d9f, uid: u, controller: true}]
      spec: {containers: [{name: c, image: i}]}
      """
    }
    #expect(try Self.messages(fixture, "CREATE", new: pod("5d9f")) == [])
    #expect(try Self.messages(fixture, "CREATE", new: pod("other")).count == 1)
  }

  @Test("IPv6 that only its absence from a block denied is told when it opens")
  func addressFamilies() throws {
    let block = Cluster.policy(
      "open", in: "shop", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}")
    let all = Cluster.policy("open", in: "shop", "{podSelector: {}, ingress: [{}]}")
    let fixture = try Self.fixture("no_new_internet_exposure", more: "\n---\n" + block)
    let found = try Self.messages(fixture, "UPDATE", old: block, new: all)
    #expect(found.count == 1 && found[0].contains("ffff:ffff"), "\(found)")
  }

  @Test("a label protects as well, and is not taken off")
  func labelled() throws {
    let fixture = try Self.fixture("protected_workloads")
    let guarded = Cluster.deployment(
      "ledger", in: "pay", labels: "{app: ledger, portcullis.dev/protected: 'true'}")
    let bare = Cluster.deployment("ledger", in: "pay", labels: "{app: ledger}")
    // What connects to it already is not new.
    #expect(try Self.messages(fixture, "UPDATE", old: bare, new: guarded) == [])
    #expect(
      try Self.messages(fixture, "UPDATE", old: guarded, new: bare) == [
        "changing Deployment pay/ledger carries portcullis.dev/protected=true: taking it off would end the protection, and is not alice's to do"
      ])
    let out = Cluster.deployment(
      "ledger", in: "pay", labels: "{app: elsewhere, portcullis.dev/protected: 'true'}")
    #expect(try Self.messages(fixture, "UPDATE", old: guarded, new: out).count == 3)
  }

  @Test("nothing new faces the internet")
  func internet() throws {
    let fixture = try Self.fixture("no_new_internet_exposure")
    func policy(_ cidr: String) -> String {
      Cluster.policy(
        "open", in: "shop",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: \(cidr)}}], ports: [{port: 443}]}]}")
    }
    #expect(
      try Self.messages(fixture, "CREATE", new: policy("0.0.0.0/0")) == [
        "creating NetworkPolicy open would expose shop/web[Deployment] to the internet: 0.0.0.0-255.255.255.255 => shop/web[Deployment] : TCP 443, through NetworkPolicy shop/open ingress[0]"
      ])
    #expect(try Self.messages(fixture, "CREATE", new: policy("10.0.0.0/8")) == [])
    let listed = try Self.fixture("no_new_internet_exposure", "{exposed: [{namespaces: [shop]}]}")
    #expect(try Self.messages(listed, "CREATE", new: policy("0.0.0.0/0")) == [])
    let bare = Cluster.deployment("bare", in: "dev", labels: "{app: bare}")
    #expect(try Self.messages(fixture, "CREATE", new: bare).count == 1)
  }

  @Test("the last policy of a running workload stays")
  func coverage() throws {
    let own = Cluster.policy("ledger", in: "pay", Cluster.ledger)
    let fixture = try Self.fixture("keep_coverage")
    #expect(
      try Self.messages(fixture, "DELETE", old: own) == [
        "deleting NetworkPolicy ledger would leave pay/ledger[Deployment] without a policy for ingress: only NetworkPolicy pay/ledger isolates it. Have another policy select it first."
      ])
    let elsewhere = Cluster.policy("ledger", in: "pay", "{podSelector: {matchLabels: {app: other}}}")
    #expect(try Self.messages(fixture, "UPDATE", old: own, new: elsewhere).count == 1)
    let wider = Cluster.policy("ledger", in: "pay", "{podSelector: {}}")
    #expect(try Self.messages(fixture, "UPDATE", old: own, new: wider) == [])
    let second = try Self.fixture(
      "keep_coverage", more: "\n---\n" + Cluster.policy("second", in: "pay", "{podSelector: {}}"))
    #expect(try Self.messages(second, "DELETE", old: own) == [])
    let cilium = """

      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: c, namespace: pay}
      spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}
      """
    #expect(try Self.messages(Self.fixture("keep_coverage", more: cilium), "DELETE", old: own) == [])
  }

  @Test("a policy without effect is warned about")
  func effect() throws {
    let fixture = try Self.fixture("no_effectless_policy")
    func warnings(_ spec: String) throws -> [String] {
      let review = try Cluster.review("CREATE", new: Cluster.policy("p", in: "shop", spec))
      let decision = try fixture.decide(review).decision
      #expect(decision.allowed && decision.failures.isEmpty, "\(decision.failures)")
      return decision.warnings.map(\.message)
    }
    #expect(
      try warnings("{podSelector: {matchLabels: {app: none}}, ingress: [{from: [{podSelector: {}}]}]}") == [
        "NetworkPolicy p: it selects no pods"
      ])
    #expect(
      try warnings("{podSelector: {matchLabels: {app: web}}, ingress: [{}]}") == [
        "NetworkPolicy p: it allows everything, so that no policy restricts the pods that it selects"
      ])
    #expect(
      try warnings(
        "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}"
      ) == [])
    #expect(
      try warnings("{podSelector: {}, policyTypes: [Ingress]}") == [
        "NetworkPolicy p: it has no effect beside NetworkPolicy shop/nothing-in, which selects the same pods and allows as much"
      ])
    let wrong = try warnings(
      "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: nowhere}}}], ports: [{port: nothing}]}]}"
    )
    #expect(
      wrong == [
        "NetworkPolicy p: ingress[0]: no pod that it is about has a port named nothing",
        "NetworkPolicy p: ingress[0]: there is no namespace nowhere",
      ])
  }

  @Test("a workload that only Cilium or Calico isolates is covered, where their kinds are enforced")
  func covered() throws {
    let calico = """

      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: g}
      spec: {namespaceSelector: env == 'dev', selector: app == 'tool', types: [Ingress]}
      """
    let review = try Cluster.review(
      "CREATE", new: Cluster.deployment("tool", in: "dev", labels: "{app: tool}"))
    let other = try Cluster.review(
      "CREATE", new: Cluster.deployment("tool", in: "dev", labels: "{app: other}"))
    func allowed(_ review: Value, _ kinds: Set<RegoString>?) throws -> Bool {
      var compiler = PolicyCompiler()
      compiler.enforcedKinds = kinds
      let policies = try compiler.compile(BuiltinPolicies.sources)
      let inventory = try Cluster.inventory(Cluster.cluster + calico)
      let service = AdmissionService(AdmissionSnapshot(policies: policies, inventory: inventory))
      let answer = Array(review.json.utf8).withUnsafeBytes {
        service.answer($0, deadline: .now + .seconds(60), isFinal: true)
      }
      guard case .decided(let decision, _) = answer else { return false }
      #expect(decision.failures.isEmpty, "\(decision.failures)")
      return decision.allowed
    }
    #expect(try allowed(review, nil))
    #expect(try allowed(review, ["NetworkPolicy", "GlobalNetworkPolicy"]))
    #expect(try !allowed(review, ["NetworkPolicy"]))
    #expect(try !allowed(other, nil))
  }

  @Test("the built-in policies that are off are switched on by their names")
  func selection() throws {
    func names(_ text: String) throws -> [String] {
      try Configuration.BuiltinSelection(text).sources.map(\.builtinName)
    }
    #expect(try names("all") == ["ingress_rules_required", "workload_policy_required"])
    #expect(try names("all,keep-coverage").count == 3)
    #expect(
      try names("protected_workloads,no_effectless_policy") == [
        "protected_workloads", "no_effectless_policy",
      ])
    #expect(throws: PolicyProblems.self) { try names("all,nothing") }
    let error = #expect(throws: PolicyProblems.self) {
      try Fixture(overrides: "{keep_coverage: {enforcement: warn}}")
    }
    #expect(error?.description.contains("this built-in policy is off") ?? false)
  }

  @Test("a model follows changes as if it were made anew")
  func follow() throws {
    let policies = try PolicyCompiler().compile(
      try Configuration.BuiltinSelection("protected_workloads").sources)
    var builder = InventoryBuilder()
    var model = ClusterModel(builder.build(), for: policies)
    let manifests = ManifestReader().read(Array(Cluster.cluster.utf8), file: "c").manifests
    for manifest in manifests {
      try builder.add(manifest.object)
      model = model.applying([InventoryChange(manifest.reference, object: manifest.object)], for: policies)
    }
    let made = ClusterModel(builder.build(), for: policies)
    #expect(Analysis(made).connections() == Analysis(model).connections())
    // What is the same shares everything.
    let same = model.applying(
      manifests.map { InventoryChange($0.reference, object: $0.object) }, for: policies)
    for (name, namespace) in model.namespaces { #expect(same.namespaces[name] === namespace) }
    let gone = model.applying(manifests.map { InventoryChange($0.reference, object: nil) }, for: policies)
    #expect(gone.namespaces.isEmpty)
    let ended: Value = [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "tool", "namespace": "dev"],
      "spec": ["containers": []], "status": ["phase": "Succeeded"],
    ]
    let tool = try #require(manifests.first { $0.reference.name == "tool" }).reference
    #expect(
      model.applying([InventoryChange(tool, object: ended)], for: policies).namespaces["dev"]?.groups.isEmpty
        == true)
  }
}

extension ConnectionPolicyTests {
  @Test("the README's label is refused, with the path that it would open")
  func sample() throws {
    let folder = Files.root.appending(path: "manifests/samples/protected")
    let inventory = try InventoryLoader.load([folder.appending(path: "cluster").path])
    let fixture = try Fixture(
      try Configuration.BuiltinSelection("all,protected_workloads").sources, inventory: inventory)
    let (decision, response) = try fixture.decide(
      try Files.text(folder.appending(path: "label-change.json")))
    #expect(!decision.allowed)
    let message = try #require(response["status"]?["message"]?.string)
    #expect(try Files.text(Files.root.appending(path: "README.md")).contains("\"message\":\"\(message)\""))
  }
}
