import Kubernetes
import Rego
import Testing

@testable import Admission

private func plan(
  _ expression: String, synced: Set<GroupVersionKind> = [], allowed: FollowedKinds = .standard,
  versions: [RegoString: RegoString] = ["networking.k8s.io": "v1", "apps": "v1"]
) throws -> WatchPlan {
  let text = "package p\ndeny contains \"no\" if {\n\t\(expression)\n}"
  let set = try PolicyCompiler().compile([PolicySource(path: "p.rego", text: text)])
  #expect(set.problems.isEmpty, "\(set.problems)")
  return WatchPlan(set, .init(synced: synced, allowed: allowed, versions: versions))
}

@Suite("What is followed")
struct WatchPlanTests {
  @Test(
    "the kinds that a policy refers to",
    arguments: [
      ("data.inventory.namespace[_][\"apps/v1\"].Deployment[_]", ["apps/v1 Deployment"]),
      ("data.inventory.cluster.v1.Namespace.x.metadata", ["v1 Namespace"]),
      ("some x in data.inventory.namespace.a.v1.Pod; x", ["v1 Pod"]),
      // Any version, of the groups that the server offers.
      ("data.inventory.namespace[_][_].Ingress[_]", ["networking.k8s.io/v1 Ingress"]),
      // Any kind of a group.
      (
        "data.inventory.namespace[_][\"apps/v1\"][_][_]",
        [
          "apps/v1 ControllerRevision", "apps/v1 DaemonSet", "apps/v1 Deployment", "apps/v1 ReplicaSet",
          "apps/v1 StatefulSet",
        ]
      ),
      ("input.request.object.data.inventory", []), ("input.x == \"data\"", []),
    ])
  func kinds(expression: String, expected: [String]) throws {
    let plan = try plan(expression)
    #expect(plan.kinds.keys.map(\.description).sorted() == expected)
    #expect(plan.uncovered.isEmpty)
  }

  @Test(
    "a reference that can lead anywhere holds its policy back",
    arguments: [
      "data.inventory[_]", "data.inventory.namespace[input.a]", "data.inventory.namespace[_][_][_]",
      "x := data.inventory; x", "data.inventory.cluster[input.a]",
      "count(data.inventory.namespace) > 1", "data.inventory.namespace[_][_].Unknown[_]",
    ])
  func anywhere(expression: String) throws {
    let open = try plan(expression)
    #expect(open.kinds.isEmpty)
    #expect(open.uncovered.keys.sorted() == ["p"])
    let pods = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    // What Gatekeeper is told to replicate is for its templates.
    let synced = try plan(expression, synced: [pods])
    #expect(synced.kinds.keys.contains(pods))
    #expect(synced.uncovered.keys.sorted() == ["p"])
  }

  @Test("Secrets are never followed, whoever asks")
  func secrets() throws {
    let secrets = GroupVersionKind(group: "", version: "v1", kind: "Secret")
    let all = try #require(FollowedKinds(["*"]))
    let asked = try plan("data.inventory.namespace.a.v1.Secret[_]", synced: [secrets], allowed: all)
    #expect(asked.kinds.isEmpty)
    #expect(
      asked.uncovered["p"] == "it reads v1 Secret, which inventoryKinds in the configuration does not allow")
    #expect(FollowedKinds(["Secret"]) == nil)
  }

  @Test("an allow-list is kinds, groups or all")
  func allowList() throws {
    for text in ["", "a/b/c", "*/*", "/Pod", "apps/", "Pod x"] {
      #expect(FollowedKinds([text]) == nil, "\(text)")
    }
    let list = try #require(FollowedKinds(["Pod", "apps/Deployment", "batch/*"]))
    #expect(list.allows(group: "", kind: "Pod") && !list.allows(group: "", kind: "Service"))
    #expect(list.allows(group: "apps", kind: "Deployment") && !list.allows(group: "apps", kind: "DaemonSet"))
    #expect(list.allows(group: "batch", kind: "Job") && !list.allows(group: "x", kind: "Pod"))
  }

  @Test("a status is kept whole only where a policy reads more of it than is kept in any case")
  func status() throws {
    #expect(try plan("data.inventory.cluster.v1.Namespace.x.status.phase").keepsStatus.isEmpty)
    #expect(try !plan("data.inventory.cluster.v1.Namespace.x.status.conditions").keepsStatus.isEmpty)
    #expect(try !plan("n := data.inventory.cluster.v1.Namespace.x; n.status == {}").keepsStatus.isEmpty)
    #expect(try !plan("n := data.inventory.cluster.v1.Namespace.x; n[\"status\"][_]").keepsStatus.isEmpty)
    // Of the kinds that it reads. A policy that does not say which is not asked: what Gatekeeper replicates is for templates.
    let pods = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    let named = try plan("data.inventory.cluster.v1.Namespace.x.status.conditions", synced: [pods])
    #expect(named.keepsStatus.map(\.description) == ["v1 Namespace"] && named.kinds.count == 2)
    #expect(try plan("data.inventory.namespace[_][_][_][_].status.x", synced: [pods]).keepsStatus.isEmpty)
  }

  @Test("a kind of no version that no table knows is looked for, and followed where the server offers it")
  func offered() throws {
    let text = "package p\ndeny contains \"no\" if data.inventory.namespace[_][_].HTTPRoute[_]"
    let set = try PolicyCompiler().compile([PolicySource(path: "p.rego", text: text)])
    var surroundings = WatchPlan.Surroundings()
    let unknown = WatchPlan(set, surroundings)
    #expect(unknown.unresolved == ["HTTPRoute"] && unknown.uncovered.keys.sorted() == ["p"])
    let routes = GroupVersionKind(group: "gateway.networking.k8s.io", version: "v1", kind: "HTTPRoute")
    surroundings.offered = ["HTTPRoute": [routes]]
    let known = WatchPlan(set, surroundings)
    #expect(known.unresolved.isEmpty && known.uncovered.isEmpty && Array(known.kinds.keys) == [routes])
  }

  @Test("a template's annotation says what it needs")
  func templates() throws {
    let template: Value = [
      "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
      "metadata": [
        "name": "t",
        "annotations": [
          "metadata.gatekeeper.sh/requires-sync-data":
            #"[[{"groups":["apps"],"versions":["v1"],"kinds":["Deployment"]}]]"#
        ],
      ],
      "spec": [
        "crd": ["spec": ["names": ["kind": "T"]]],
        "targets": [
          [
            "target": "admission.k8s.gatekeeper.sh",
            "rego":
              "package t\nviolation[{\"msg\": \"no\"}] { data.inventory.namespace[_][_][_][_].status.x }",
          ]
        ],
      ],
    ]
    let constraint: Value = [
      "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "T", "metadata": ["name": "c"], "spec": [:],
    ]
    let compiled = ClusterPolicyCompiler(PolicyCompiler()).compile(
      PolicyObjects(templates: [template], constraints: [constraint]))
    #expect(compiled.quarantined.isEmpty)
    let set = PolicySet.empty.adding(compiled)
    let plan = WatchPlan(set, .init())
    #expect(plan.kinds.keys.map(\.description) == ["apps/v1 Deployment"])
    #expect(plan.uncovered.isEmpty)
    let unsaid = template.object?.inserting("metadata", ["name": "t"])
    let compiledUnsaid = ClusterPolicyCompiler(PolicyCompiler()).compile(
      PolicyObjects(templates: [.object(try #require(unsaid))], constraints: [constraint]))
    let unsaidSet = PolicySet.empty.adding(compiledUnsaid)
    #expect(WatchPlan(unsaidSet, .init()).uncovered.keys.sorted() == ["t"])
    let pods = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    #expect(WatchPlan(unsaidSet, .init(synced: [pods])).uncovered.isEmpty)
    // Who may read any kind may read the status of any.
    #expect(WatchPlan(unsaidSet, .init(synced: [pods])).keepsStatus == [pods])
    // Held back, it is asked about nothing; the rest goes on.
    let withheld = set.withholding(["t": "it waits"])
    #expect(withheld.constraints.isEmpty && withheld.hash == set.hash)
    #expect(withheld.notLoaded.map(\.name) == ["t"])
  }
}
