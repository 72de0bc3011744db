import Rego
import Testing

@testable import Admission

@Suite("The configuration file")
struct ConfigurationTests {
  @Test("every key is read, in camel case or as the flag is written")
  func keys() throws {
    let configuration = try Configuration.read(
      """
      listen: 0.0.0.0:8443
      health-listen: :8080
      tlsCert: tls.crt
      tls-key: tls.key
      clientCA: ca.crt
      clientName: apiserver
      policyPaths: [a, b]
      builtin: ingress_rules_required
      inventory: cluster
      regoVersion: v1
      allowedBuiltins: [opa.runtime]
      maxBodySize: 4MiB
      max-header-size: 4096
      maxConnections: 10
      maxConcurrentEvaluations: 2
      headerTimeout: 5s
      bodyTimeout: 1m30s
      idleTimeout: 100
      writeTimeout: 1500ms
      evaluationBudget: 2s
      evaluationMargin: 0s
      shutdownDelay: 1h
      shutdownDrain: 3s
      policies:
        p: {enforcement: warn}
      """, file: "c.yaml")
    #expect(configuration.listen == "0.0.0.0:8443")
    #expect(configuration.healthListen == ":8080")
    #expect(configuration.tlsCert == "tls.crt")
    #expect(configuration.tlsKey == "tls.key")
    #expect(configuration.clientCA == "ca.crt")
    #expect(configuration.clientNames == ["apiserver"])
    #expect(configuration.policyPaths == ["a", "b"])
    #expect(configuration.builtin == .named(["ingress_rules_required"]))
    #expect(configuration.inventoryPaths == ["cluster"])
    #expect(configuration.regoVersion == .v1)
    #expect(configuration.allowedBuiltins == ["opa.runtime"])
    #expect(configuration.maxBodySize == 4 << 20)
    #expect(configuration.maxHeaderSize == 4096)
    #expect(configuration.maxConnections == 10)
    #expect(configuration.maxConcurrentEvaluations == 2)
    #expect(configuration.headerTimeout == .seconds(5))
    #expect(configuration.bodyTimeout == .seconds(90))
    #expect(configuration.idleTimeout == .seconds(100))
    #expect(configuration.writeTimeout == .milliseconds(1500))
    #expect(configuration.evaluationBudget == .seconds(2))
    #expect(configuration.evaluationMargin == .zero)
    #expect(configuration.shutdownDelay == .seconds(3600))
    #expect(configuration.shutdownDrain == .seconds(3))
    #expect(!configuration.overrides.isEmpty)
  }

  @Test("policies is a list of paths or a map of settings")
  func policies() throws {
    #expect(try Configuration.read("policies: [a]", file: "").policyPaths == ["a"])
    #expect(try Configuration.read("policies: {a: {}}", file: "").policyPaths == nil)
    #expect(try Configuration.read("", file: "").overrides.isEmpty)
    #expect(try Configuration.read("# nothing\n", file: "").listen == nil)
  }

  @Test("flags come before the file")
  func filled() throws {
    var flags = Configuration()
    flags.listen = "a:1"
    let file = try Configuration.read("{listen: 'b:2', tlsKey: k, policies: {p: {}}}", file: "")
    let both = flags.filled(from: file)
    #expect(both.listen == "a:1")
    #expect(both.tlsKey == "k")
    #expect(!both.overrides.isEmpty)
  }

  @Test(
    "mistakes name their line and column",
    arguments: [
      ("listen: a\nlisen: b", "c.yaml:2:1: lisen: unknown key; known are allowedBuiltins, "),
      ("listen: 1", "c.yaml:1:1: listen: must be a string, but is a number"),
      ("tlsCert: a\ntls-cert: b", "c.yaml:1:1: tlsCert: is the same setting as tls-cert"),
      (
        "idleTimeout: soon",
        "c.yaml:1:1: idleTimeout: must be a duration such as 500ms, 5s or 1m30s, but is \"soon\""
      ),
      ("maxBodySize: 8MB", "c.yaml:1:1: maxBodySize: must be a size such as"),
      ("maxConnections: -1", "c.yaml:1:1: maxConnections: must be a whole number, not negative"),
      ("regoVersion: v2", "c.yaml:1:1: regoVersion: must be v0 or v1"),
      ("- a", "c.yaml:1:1: must be a map, but is a list"),
      ("a: [b", "c.yaml:"),
      ("listen: a\nlisten: b", "c.yaml:2:"),
      ("policies: 3", "c.yaml:1:1: policies: must be a map, but is a number"),
      ("{}\n---\n{}", "c.yaml:3:1: a configuration file holds a single document"),
      ("{policies: [a], policyPaths: [b]}", "c.yaml:1:17: policyPaths: is the same setting as policies"),
    ])
  func mistakes(_ text: String, _ expected: String) throws {
    let error = #expect(throws: PolicyProblems.self) { try Configuration.read(text, file: "c.yaml") }
    let found = error?.description ?? ""
    #expect(found.hasPrefix(expected), "\(found)")
  }

  @Test("every mistake is reported")
  func allMistakes() throws {
    let error = #expect(throws: PolicyProblems.self) {
      try Configuration.read("listen: 1\nidleTimeout: x\nfoo: 1", file: "c")
    }
    #expect(error?.problems.count == 3)
  }

  @Test(
    "settings of policies are typed, and name their place",
    arguments: [
      (
        "nobody: {}",
        "c.yaml:2:3: policies.nobody: there is no policy of this name; there are ingress_rules_required, "
      ),
      (
        "ingress_rules_required: {enforce: deny}",
        "c.yaml:2:28: policies.ingress_rules_required.enforce: unknown key"
      ),
      (
        "ingress_rules_required: {enforcement: off}",
        "c.yaml:2:28: policies.ingress_rules_required.enforcement: must be a string, but is a boolean"
      ),
      (
        "ingress_rules_required: {enforcement: audit}",
        "c.yaml:2:28: policies.ingress_rules_required.enforcement: must be one of deny, warn, dryrun, but is \"audit\""
      ),
      (
        "ingress_rules_required: {parameters: {allowDefault: true}}",
        "c.yaml:2:41: policies.ingress_rules_required.parameters.allowDefault: unknown key; known are "
      ),
      (
        "ingress_rules_required: {parameters: {allowDefaultDeny: 1}}",
        "c.yaml:2:41: policies.ingress_rules_required.parameters.allowDefaultDeny: must be true or false, but is a number"
      ),
      (
        "workload_policy_required: {parameters: {isolate: [Both]}}",
        "c.yaml:2:53: policies.workload_policy_required.parameters.isolate[0]: must be one of Ingress, Egress, but is Both"
      ),
      (
        "workload_policy_required: {match: {kinds: [Pod, 3]}}",
        "c.yaml:2:51: policies.workload_policy_required.match.kinds[1]: must be a string"
      ),
      (
        "workload_policy_required: {match: {operations: [PATCH]}}",
        "c.yaml:2:51: policies.workload_policy_required.match.operations[0]: must be one of CREATE, UPDATE, DELETE, CONNECT"
      ),
      (
        "workload_policy_required: {match: {name: a}}",
        "c.yaml:2:38: policies.workload_policy_required.match.name: unknown key; known are kinds"
      ),
    ])
  func policySettings(_ setting: String, _ expected: String) throws {
    let configuration = try Configuration.read("policies:\n  \(setting)\n", file: "c.yaml")
    for hasInventory in [true, false] {
      let error = #expect(throws: PolicyProblems.self) {
        try PolicyCompiler(hasInventory: hasInventory).compile(
          BuiltinPolicies.sources, overrides: configuration.overrides)
      }
      let found = error?.description ?? ""
      #expect(found.hasPrefix(expected), "\(found)")
    }
  }
}
