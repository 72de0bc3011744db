import FakeAPIServer
import Foundation
import Synchronization
import Testing

@Suite("serve")
struct ServeTests {
  static let policy = """
    package house.names

    deny contains "the name is taken" if input.request.name == "cart"
    """

  @Test("From start to end: what is decided is told, reviews are answered and logged, SIGTERM ends it well")
  func samples() async throws {
    let server = try await ServerRun(["--inventory", Samples.cluster], in: try TemporaryFolder())
    let report = server.errors
    for piece in [
      "made a certificate for development: certs/tls.crt", "/readyz", "/metrics", "ingress_rules_required",
      "workload_policy_required", "CREATE,UPDATE", "NetworkPolicy", "(built in)", "inventory: ",
    ] { #expect(report.contains(piece), "\(report)") }
    for (name, isAllowed) in Samples.verdicts {
      let answer = try await server.ask("/validate?timeout=5s", posting: Samples.review(name))
      #expect(
        answer.status == 200 && answer.body.contains(#""allowed":\#(isAllowed)"#), "\(name): \(answer.body)")
    }
    let readiness = try await server.ask("/readyz?verbose")
    #expect(
      readiness.status == 200 && readiness.body.contains("[+]policies ok")
        && readiness.body.contains("[+]inventory ok"))
    #expect(try await server.ask("/healthz").status == 200)
    #expect(try await server.ask("/metrics").body.contains("portcullis_reload_failed 0"))

    server.send(SIGTERM)
    #expect(await server.end() == 0, "\(server.errors)")
    let lines = server.output.split(separator: "\n")
    #expect(lines.count == Samples.verdicts.count)
    #expect(lines.allSatisfy { $0.hasPrefix("{") && $0.contains("\"uid\":") && !$0.contains("\"spec\"") })
  }

  @Test("SIGHUP reads policies and configuration again; what does not compile keeps the old ones")
  func reloadOnSignal() async throws {
    let folder = try TemporaryFolder(["policies/names.rego": Self.policy, "config.yaml": "builtin: none\n"])
    let server = try await ServerRun(["--policies", "policies", "--config", "config.yaml"], in: folder)
    let review = Samples.review("networkpolicy-without-ingress")
    #expect(try await server.ask("/validate", posting: review).body.contains("names: the name is taken"))

    // Both at once, as one configuration.
    try folder.write("builtin: none\npolicies:\n  names:\n    enforcement: warn\n", to: "config.yaml")
    try folder.write(
      Self.policy.replacingOccurrences(of: "taken", with: "reserved"), to: "policies/names.rego")
    server.send(SIGHUP)
    try await server.waitUntil("the policy warns") {
      let body = try await server.ask("/validate", posting: review).body
      return body.contains("\"allowed\":true") && body.contains("names: the name is reserved")
    }

    try folder.write("package house.names\n\ndeny contains x if true\n", to: "policies/names.rego")
    try folder.write("package other\n\ndeny contains", to: "policies/other.rego")
    server.send(SIGHUP)
    try await server.waitUntil("the failure shows") {
      try await server.ask("/metrics").body.contains("portcullis_reload_failed 1")
    }
    let readiness = try await server.ask("/readyz?verbose")
    #expect(readiness.status == 200)
    for problem in ["policies/names.rego:3:15: rego_unsafe_var_error", "policies/other.rego:3:"] {
      #expect(readiness.body.contains(problem), "\(readiness.body)")
      #expect(server.errors.contains(problem))
    }
    #expect(try await server.ask("/validate", posting: review).body.contains("names: the name is reserved"))

    server.send(SIGTERM)
    #expect(await server.end() == 0)
  }

  @Test("Changed policy files are read again by themselves")
  func reloadOnChange() async throws {
    let folder = try TemporaryFolder(["policies/names.rego": Self.policy])
    let server = try await ServerRun(["--builtin", "none", "--policies", "policies"], in: folder)
    let review = Samples.review("networkpolicy-without-ingress")
    #expect(try await server.ask("/validate", posting: review).body.contains("the name is taken"))
    try folder.write("package more\n\ndeny contains \"no more\"\n", to: "policies/deeper/more.rego")
    try await server.waitUntil("the new policy counts") {
      try await server.ask("/validate", posting: review).body.contains("more: no more")
    }
    server.send(SIGTERM)
    #expect(await server.end() == 0)
  }

  @Test("The configuration file has every option as a key, and the command line comes before it")
  func configurationFile() async throws {
    let folder = try TemporaryFolder([
      "config.yaml": """
      listen: 127.0.0.1:1
      builtin: ingress_rules_required
      tlsCert: certs/server.crt
      tlsKey: certs/server.key
      maxBodySize: 100
      shutdownDelay: 10m
      """
    ])
    let server = try await ServerRun(["--config", "config.yaml"], in: folder)
    #expect(
      FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("certs/server.key").path))
    let review = Samples.review("networkpolicy-with-ingress")
    #expect(try await server.ask("/validate", posting: review).status == 413)
    // The delay of the command line, 100 ms, is not the file's.
    server.send(SIGTERM)
    #expect(await server.end() == 0)
  }

  @Test("Health and metrics on a port of their own")
  func healthPort() async throws {
    let server = try await ServerRun(["--health-listen", "127.0.0.1:0"], in: try TemporaryFolder())
    let line = try #require(server.errors.split(separator: "\n").first { $0.hasPrefix("health: http://") })
    let run = try await CommandRun.run(
      ["--silent", String(line.dropFirst("health: ".count))], in: server.folder.url,
      program: URL(fileURLWithPath: "/usr/bin/curl"))
    #expect(run.output.contains("ok"))
    #expect(try await server.ask("/metrics").status == 404)
    server.send(SIGTERM)
    #expect(await server.end() == 0)
  }

  @Test("An interrupt from the terminal ends it at once")
  func interrupt() async throws {
    let server = try await ServerRun(["--shutdown-delay", "10m"], in: try TemporaryFolder())
    server.send(SIGINT)
    #expect(await server.end() == 0, "\(server.errors)")
  }

  static let failures: [CommandCase] = [
    CommandCase(
      name: "policies that do not compile, all of them told",
      arguments: ["serve", "--listen", "127.0.0.1:0", "--policies", "a.rego", "b"],
      files: [
        "a.rego": "package a\n\ndeny contains x if y\n", "b/c.rego": "package c\ndeny contains",
        "b/d.rego": "package d\n\nallow := true\n",
      ], status: 2, output: "",
      errorsHave: [
        "a.rego:3:15: rego_unsafe_var_error: var x is unsafe",
        "a.rego:3:20: rego_unsafe_var_error: var y is unsafe",
        "b/c.rego:2:", "b/d.rego:1:",
      ]),
    CommandCase(
      name: "a configuration with several mistakes", arguments: ["serve", "--config", "c.yaml"],
      files: ["c.yaml": "maxBodySize: lots\nnope: 1\n"], status: 2, output: "",
      errorsHave: ["c.yaml:1:1: maxBodySize: ", "c.yaml:2:1: nope: "]),
    CommandCase(
      name: "a configuration that is not there", arguments: ["serve", "--config", "none.yaml"], status: 2,
      output: "",
      errorsHave: ["none.yaml: "]),
    CommandCase(
      name: "a policy that is said something of, and that there is not",
      arguments: ["serve", "--config", "c.yaml"],
      files: ["c.yaml": "policies:\n  nope:\n    enforcement: warn\n"], status: 2, output: "",
      errorsHave: ["c.yaml:2:", "nope"]),
    CommandCase(
      name: "no certificate beyond the loopback address", arguments: ["serve", "--listen", "0.0.0.0:0"],
      status: 2,
      output: "",
      errorsHave: ["certs/tls.crt: there is no such file", "certs/tls.key: there is no such file"]),
    CommandCase(
      name: "a certificate without its key",
      arguments: ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "a.crt", "--tls-key", "a.key"],
      files: ["a.crt": "x"], status: 2, output: "", errorsHave: ["a.key: there is no such file"]),
    CommandCase(
      name: "a certificate that is none",
      arguments: ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "a.crt", "--tls-key", "a.key"],
      files: ["a.crt": "x", "a.key": "y"], status: 2, output: "", errorsHave: ["a.crt"]),
    CommandCase(
      name: "an address that is none", arguments: ["serve", "--listen", "nowhere"], status: 2, output: "",
      errorsHave: ["--listen must be HOST:PORT"]),
    CommandCase(
      name: "an address that is not this machine's",
      arguments: ["serve", "--listen", "127.0.0.1:0", "--health-listen", "192.0.2.1:1"],
      status: 2, output: "", errorsHave: ["cannot listen on"]),
    CommandCase(
      name: "bounds that are none", arguments: ["serve", "--max-connections", "0", "--idle-timeout", "0s"],
      status: 2,
      output: "", errorsHave: ["--max-connections must be more than 0", "--idle-timeout must be more than 0"]),
    CommandCase(
      name: "a duration without a unit", arguments: ["serve", "--shutdown-delay", "5"], status: 2, output: "",
      errorsHave: ["--shutdown-delay"]),
    CommandCase(
      name: "a client's name without its authority", arguments: ["serve", "--client-name", "x"], status: 2,
      output: "",
      errorsHave: ["--client-ca"]),
    CommandCase(
      name: "an inventory with mistakes",
      arguments: ["serve", "--listen", "127.0.0.1:0", "--inventory", "a.yaml", "none"],
      files: ["a.yaml": "kind: Pod\n"], status: 2, output: "", errorsHave: ["a.yaml:1:1: ", "none: "]),
  ]

  @Test("What keeps it from starting", arguments: failures)
  func failure(_ command: CommandCase) async throws { try await command.check() }

  @Test("it is ready once what the policies of the cluster read has been read, and not before")
  func clusterPolicies() async throws {
    let cluster = AuditTests.clusterOfHosts()
    let isHeld = Mutex(true)
    cluster.intercept { request in
      guard request.path.hasSuffix("/ingresses"), request.query["watch"] == nil else { return nil }
      while isHeld.withLock(\.self), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
      return nil
    }
    let api = try await cluster.start()
    let server = try await ServerRun(
      ["--kubeconfig", "kubeconfig", "--namespace", "portcullis"], in: try AuditTests.folder(with: api))
    try server.folder.write(
      """
      {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "operation": "CREATE",
       "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"}, "name": "j", "namespace": "shop",
       "object": {"metadata": {"name": "j", "namespace": "shop"}, "spec": {"x": "h"}}}}
      """, to: "review.json")
    var readiness = ServerRun.Answer(status: 0, body: "")
    try await server.waitUntil("what the cluster's policies read is being read") {
      readiness = try await server.ask("/readyz?verbose")
      return readiness.body.contains("[+]cluster-policies ok")
        && readiness.body.contains("networking.k8s.io/v1 Ingress is being read")
    }
    #expect(readiness.status == 503)
    isHeld.withLock { $0 = false }
    try await server.waitUntil("it is ready") { try await server.ask("/readyz").status == 200 }
    let answer = try await server.ask("/validate", posting: "review.json")
    #expect(answer.body.contains("[all] taken"), "\(answer.body)")
    server.send(SIGTERM)
    #expect(await server.end() == 0)
    await api.stop()
  }
}
