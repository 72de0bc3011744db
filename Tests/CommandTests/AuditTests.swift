import FakeAPIServer
import Foundation
import Rego
import Testing

@Suite struct AuditTests {
  static let deployments = FakeCluster.Resource("apps/v1", "deployments", "Deployment")

  /// A cluster with one workload that a policy isolates and one that none does.
  static func cluster() throws -> FakeCluster {
    let cluster = FakeCluster([.pods, .namespaces, .networkPolicies, .configMaps, deployments])
    for name in ["web", "db"] {
      cluster.put(
        deployments,
        [
          "apiVersion": "apps/v1", "kind": "Deployment",
          "metadata": ["name": .string(name), "namespace": "shop", "uid": .string(name)],
          "spec": [
            "template": ["metadata": ["labels": ["app": .string(name)]], "spec": ["containers": []]]
          ],
        ])
    }
    cluster.put(
      .networkPolicies,
      [
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": ["name": "web", "namespace": "shop"],
        "spec": [
          "podSelector": ["matchLabels": ["app": "web"]], "policyTypes": ["Ingress"], "ingress": [[:]],
        ],
      ])
    return cluster
  }

  /// A cluster with an Ingress and a constraint that reads what Ingresses there are.
  static func clusterOfHosts() -> FakeCluster {
    let templates = FakeCluster.Resource(
      "templates.gatekeeper.sh/v1", "constrainttemplates", "ConstraintTemplate", isNamespaced: false)
    let hosts = FakeCluster.Resource(
      "constraints.gatekeeper.sh/v1beta1", "uniquehosts", "UniqueHosts", isNamespaced: false)
    let cluster = FakeCluster([
      .pods, .namespaces, .networkPolicies, .ingresses, .configMaps, templates, hosts,
    ])
    cluster.put(
      templates,
      [
        "metadata": ["name": "uniquehosts"],
        "spec": [
          "crd": ["spec": ["names": ["kind": "UniqueHosts"]]],
          "targets": [
            [
              "target": "admission.k8s.gatekeeper.sh",
              "rego": """
              package u
              violation[{"msg": "taken"}] {
                data.inventory.namespace[_]["networking.k8s.io/v1"]["Ingress"][_].spec.x == input.review.object.spec.x
              }
              """,
            ]
          ],
        ],
      ])
    cluster.put(
      hosts,
      [
        "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "UniqueHosts", "metadata": ["name": "all"],
        "spec": ["match": ["kinds": [["apiGroups": ["*"], "kinds": ["Ingress"]]]]],
      ])
    cluster.put(
      .ingresses,
      [
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": ["name": "i", "namespace": "shop", "uid": "i"], "spec": ["x": "h"],
      ])
    return cluster
  }

  /// A folder with a kubeconfig of a server.
  static func folder(with server: FakeServer) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      apiVersion: v1
      kind: Config
      current-context: a
      contexts: [{name: a, context: {cluster: a, user: a}}]
      clusters: [{name: a, cluster: {server: "http://127.0.0.1:\(server.port)"}}]
      users: [{name: a, user: {}}]
      """, to: "kubeconfig")
    return folder
  }

  static func run(_ arguments: [String], _ server: FakeServer) async throws -> CommandRun {
    let folder = try folder(with: server)
    return try await CommandRun.run(
      ["audit", "--kubeconfig", "kubeconfig"] + arguments, in: folder.url, program: CommandRun.program)
  }

  @Test("what exists is judged by the cluster's policies too, and nothing is written")
  func findings() async throws {
    let cluster = try Self.cluster()
    cluster.put(
      .configMaps,
      [
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": ["name": "p", "namespace": "portcullis", "labels": ["portcullis.dev/policy": ""]],
        "data": [
          "p.rego": "package p\n\nwarn contains \"mind\" if input.request.kind.kind == \"Deployment\"\n",
          "broken_test.rego": "?",
        ],
      ])
    let server = try await cluster.start()
    let run = try await Self.run(["--format", "json"], server)
    #expect(run.status == 1, "\(run.errors)")
    let report = try JSONReader.value(run.output)
    let findings = (report["findings"]?.array ?? []).map {
      "\($0["effect"]?.string ?? "") \($0["object"]?["name"]?.string ?? "") \($0["policy"]?.string ?? "")"
    }
    #expect(
      Set(findings) == ["deny db workload_policy_required", "warn db p", "warn web p"], "\(run.output)")
    #expect(report["coverage"]?.array?.first?["ingress"] == 1)
    #expect(report["coverage"]?.array?.first?["workloads"] == 2)
    #expect(!cluster.requests.contains { $0.method != "GET" })
    await server.stop()
  }

  @Test("text has a line for each finding and a table of namespaces; all is well where nothing is refused")
  func text() async throws {
    let cluster = try Self.cluster()
    let server = try await cluster.start()
    let run = try await Self.run([], server)
    #expect(run.status == 1)
    #expect(run.output.contains("deny  Deployment shop/db  workload_policy_required: "), "\(run.output)")
    #expect(
      run.output.contains("| shop      | 2         | 1                | 0               | 1       |"),
      "\(run.output)")
    #expect(run.errors.contains("1 would be refused"), "\(run.errors)")
    cluster.remove(Self.deployments, namespace: "shop", name: "db")
    #expect(try await Self.run([], server).status == 0)
    await server.stop()
  }

  @Test("what the cluster's policies read is waited for, however long it takes; what cannot be read is said")
  func slowLists() async throws {
    let cluster = Self.clusterOfHosts()
    cluster.intercept { request in
      if request.path.hasSuffix("/ingresses"), request.query["watch"] == nil {
        try? await Task.sleep(for: .seconds(2))
      }
      return nil
    }
    let server = try await cluster.start()
    let slow = try await Self.run([], server)
    #expect(slow.status == 1 && slow.output.contains("Ingress shop/i"), "\(slow.output) \(slow.errors)")
    cluster.intercept(nil)
    cluster.forbid(["ingresses"])
    let forbidden = try await Self.run([], server)
    #expect(forbidden.status == 0)
    #expect(
      forbidden.errors.contains("policy uniquehosts is not loaded: it needs networking.k8s.io/v1 Ingress"),
      "\(forbidden.errors)")
    await server.stop()
  }

  @Test("a cluster that cannot be reached, and a kubeconfig that is not there, are told")
  func failures() async throws {
    let server = try await Self.cluster().start()
    await server.stop()
    let run = try await Self.run(["--timeout", "500ms"], server)
    #expect(run.status == 2)
    #expect(run.errors.contains("could not be read in time"), "\(run.errors)")
    let folder = try TemporaryFolder()
    let missing = try await CommandRun.run(
      ["audit", "--kubeconfig", "nothing"], in: folder.url, program: CommandRun.program)
    #expect(missing.status == 2)
    #expect(missing.errors.hasPrefix("nothing: "), "\(missing.errors)")
  }
}
