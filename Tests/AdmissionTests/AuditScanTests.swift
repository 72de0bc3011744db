import Kubernetes
import Rego
import Testing

@testable import Admission

/// What exists is judged as if it were created now.
@Suite struct AuditScanTests {
  static func object(_ yaml: String) throws -> Value { try YAMLReader.value(yaml) }

  static func workload(_ kind: String, _ name: String, app: String, more: String = "") throws -> Value {
    let pods = "metadata: {labels: {app: \(app)}}, spec: {containers: []}"
    return try object(
      kind == "Pod"
        ? "{apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: shop, uid: \(kind)-\(name), labels: {app: \(app)} \(more)}, spec: {containers: []}}"
        : "{apiVersion: apps/v1, kind: \(kind), metadata: {name: \(name), namespace: shop, uid: \(kind)-\(name) \(more)}, spec: {template: {\(pods)}}}"
    )
  }

  static func owned(by kind: String, _ name: String) -> String {
    ", ownerReferences: [{apiVersion: apps/v1, kind: \(kind), name: \(name), uid: \(kind)-\(name), controller: true}]"
  }

  static func scan(
    _ objects: [Value], constraints: [CompiledConstraint] = [],
    sources: [PolicySource] = BuiltinPolicies.sources
  ) throws -> AuditReport {
    var builder = InventoryBuilder()
    for object in objects { try builder.add(object) }
    let policies = try PolicyCompiler().compile(sources)
    var scan = AuditScan(policies: policies, constraints: constraints, inventory: builder.build())
    for object in objects { scan.add(object) }
    return scan.finished()
  }

  @Test("a workload is found once, with its owner, and not again as each of its pods")
  func owners() throws {
    let report = try Self.scan([
      try Self.workload("Deployment", "web", app: "web"),
      try Self.workload("ReplicaSet", "web-1", app: "web", more: Self.owned(by: "Deployment", "web")),
      try Self.workload("Pod", "web-1-a", app: "web", more: Self.owned(by: "ReplicaSet", "web-1")),
    ])
    #expect(report.findings.map(\.object.description) == ["Deployment shop/web"])
    #expect(report.objectCount == 3 && report.deniedCount == 1)
    #expect(
      report.counts == [
        AuditReport.Key(policy: "workload_policy_required", namespace: "shop", effect: .deny): 1
      ])
    #expect(report.findings[0].severity == .high && report.findings[0].uid == "Deployment-web")
  }

  @Test("an ownerReference to what makes other pods, or is not there, proves nothing")
  func forged() throws {
    let report = try Self.scan([
      try Self.workload("ReplicaSet", "web-1", app: "web"),
      try Self.workload("Pod", "stranger", app: "other", more: Self.owned(by: "ReplicaSet", "web-1")),
      try Self.workload("Pod", "orphan", app: "web", more: Self.owned(by: "ReplicaSet", "gone")),
    ])
    #expect(
      report.findings.map(\.object.name) == ["web-1", "stranger", "orphan"], "\(report.findings)")
  }

  @Test("coverage by namespace, of workloads that policies can isolate")
  func coverage() throws {
    let report = try Self.scan([
      try Self.workload("Deployment", "web", app: "web"), try Self.workload("Deployment", "db", app: "db"),
      try Self.object(
        "{apiVersion: v1, kind: Pod, metadata: {name: host, namespace: shop, labels: {app: db}}, spec: {hostNetwork: true}}"
      ),
      try Self.object(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{}]}}"
      ),
    ])
    #expect(report.coverage.count == 1)
    let shop = try #require(report.coverage.first)
    #expect(shop.workloads == 2 && shop.ingress == 1 && shop.egress == 0 && shop.hostNetwork == 1)
    #expect(report.findings.filter { $0.effect == .deny }.map(\.object.name) == ["db"])
  }

  @Test("constraints are asked that audit enforces, whatever admission does")
  func constraints() throws {
    let (_, cluster) = try PolicyFixture.compile(
      templates: [PolicyFixture.template("K8sAlways", PolicyFixture.always)],
      constraints: [
        try PolicyFixture.constraint("K8sAlways", "plain"),
        try PolicyFixture.constraint(
          "K8sAlways", "audited",
          "{enforcementAction: scoped, scopedEnforcementActions: [{action: warn, enforcementPoints: [{name: audit.gatekeeper.sh}]}]}"
        ),
        try PolicyFixture.constraint(
          "K8sAlways", "admitted",
          "{enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}]}"
        ),
      ])
    let pod = try Self.workload("Pod", "a", app: "a")
    let report = try Self.scan([pod], constraints: cluster.constraints, sources: [])
    #expect(report.findings.map(\.policy) == ["K8sAlways/plain", "K8sAlways/audited"])
    #expect(report.findings.map(\.effect) == [.deny, .warn])
    #expect(AuditScan.kinds(of: .empty, cluster.constraints).contains("Pod"))
  }

  @Test("built-in policies are about some kinds; a policy or constraint that names none is about any")
  func anyKind() throws {
    let builtin = try PolicyCompiler().compile(BuiltinPolicies.sources)
    #expect(AuditScan.aboutAnyKind(builtin, []).isEmpty)
    let any = try PolicyCompiler().compile([PolicySource(path: "p.rego", text: PolicyFixture.policy("p"))])
    #expect(AuditScan.aboutAnyKind(any, []) == ["p"])
  }

  @Test("what is being deleted is nobody's to mend")
  func leaving() throws {
    let report = try Self.scan([
      try Self.workload("Deployment", "web", app: "web", more: ", deletionTimestamp: '2026-01-01T00:00:00Z'")
    ])
    #expect(report.findings.isEmpty && report.objectCount == 0)
  }

  @Test("where DaemonSets are seen and none of a network that enforces policies, that is said")
  func network() throws {
    let agent = try Self.workload("DaemonSet", "agent", app: "agent")
    #expect(try Self.scan([agent], sources: []).remarks.count == 1)
    let calico = try Self.workload("DaemonSet", "calico-node", app: "calico")
    #expect(try Self.scan([agent, calico], sources: []).remarks.isEmpty)
    #expect(try Self.scan([], sources: []).remarks.isEmpty)
    // That there are none is known only once they have been listed.
    var scan = AuditScan(policies: .empty, inventory: nil)
    scan.endKind("Pod")
    #expect(scan.finished().remarks.isEmpty)
    scan.endKind("DaemonSet")
    #expect(scan.finished().remarks.count == 1)
  }

  @Test("findings without end are counted, and so many kept")
  func many() throws {
    let policy = PolicySource(path: "p.rego", text: PolicyFixture.policy("p"))
    var scan = AuditScan(policies: try PolicyCompiler().compile([policy]), inventory: nil)
    let pod = try Self.workload("Pod", "a", app: "a")
    for _ in 0..<(AuditScan.maximumFindings + 5) { scan.add(pod) }
    let report = scan.finished()
    #expect(report.findings.count == AuditScan.maximumFindings && report.omittedCount == 5)
    #expect(report.count(of: .deny) == AuditScan.maximumFindings + 5)
  }
}
