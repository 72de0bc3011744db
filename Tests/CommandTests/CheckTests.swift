import Foundation
import Rego
import Testing

@Suite("check")
struct CheckTests {
  static let openPolicy = """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: web
    spec:
      podSelector:
        matchLabels: {app: web}
      ingress:
        - {}

    """
  static let closedPolicy = """
    # says nothing of ingress
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: closed}
    spec: {podSelector: {}, policyTypes: [Ingress], ingress: []}

    """
  static let deployment = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, image: i}]}

    """
  static let namePolicy = """
    # METADATA
    # custom:
    #   enforcement: warn
    package house.short_names

    warn contains "names are short" if count(input.request.name) > 5

    deny contains "first line\\nsecond line" if input.request.name == "forbidden"
    """

  static let cases: [CommandCase] = [
    CommandCase(
      name: "nothing to object to", arguments: ["check", "."],
      files: ["policy.yaml": openPolicy, "web.yaml": deployment], output: "",
      errorsHave: ["2 objects checked: 0 denied, 0 findings\n"]),
    CommandCase(
      name: "a folder with a policy that has no rules", arguments: ["check", "deploy"],
      files: [
        "deploy/a/policy.yaml": openPolicy + "---\n" + closedPolicy, "deploy/README.md": "no manifest",
      ],
      status: 1,
      outputHas: [
        "FILE:LINE", "deploy/a/policy.yaml:12", "NetworkPolicy default/closed", "ingress_rules_required",
        "deny",
        "Ingress rules required for all Network Policies",
      ], errorsHave: ["2 objects checked: 1 denied, 1 finding\n"]),
    CommandCase(
      name: "a workload that no policy of the set selects", arguments: ["check", "-", "-n", "shop"],
      status: 1, outputHas: ["stdin:1", "Deployment shop/web", "workload_policy_required"],
      errorsHave: ["1 object checked: 1 denied"]),
    CommandCase(
      name: "a workload that a policy of the inventory selects",
      arguments: ["check", "web.yaml", "--inventory", "cluster.yaml"],
      files: ["web.yaml": deployment, "cluster.yaml": openPolicy], output: "",
      errorsHave: ["1 object checked: 0 denied"]),
    CommandCase(
      name: "a manifest takes the place of what is in the inventory",
      arguments: ["check", "web.yaml", "policy.yaml", "--inventory", "cluster.yaml"],
      files: [
        "web.yaml": deployment, "cluster.yaml": openPolicy,
        "policy.yaml": openPolicy.replacingOccurrences(of: "{app: web}", with: "{app: other}"),
      ], status: 1, outputHas: ["web.yaml:1", "workload_policy_required"]),
    CommandCase(
      name: "policies of one's own, and their enforcement",
      arguments: ["check", "policy.yaml", "--builtin", "none", "--policies", "names.rego"],
      files: [
        "policy.yaml": openPolicy.replacingOccurrences(of: "name: web", with: "name: forbidden"),
        "names.rego": namePolicy,
      ],
      output: """
        FILE:LINE      OBJECT                           POLICY       EFFECT  MESSAGE
        policy.yaml:1  NetworkPolicy default/forbidden  short_names  warn    first line
                                                                             second line
        policy.yaml:1  NetworkPolicy default/forbidden  short_names  warn    names are short

        """, errorsHave: ["1 object checked: 0 denied, 2 findings"]),
    CommandCase(
      name: "the configuration file says what a policy does",
      arguments: ["check", "policy.yaml", "--config", "config.yaml"],
      files: [
        "policy.yaml": closedPolicy,
        "config.yaml": "policies:\n  ingress_rules_required:\n    enforcement: dryrun\n",
      ], outputHas: ["policy.yaml:2", "dryrun"], errorsHave: ["0 denied, 1 finding"]),
    CommandCase(
      name: "a policy sees what the API server would ask",
      arguments: [
        "check", "a.yaml", "--builtin", "none", "--policies", "p.rego", "--as", "ann", "--as-group", "devs",
      ],
      files: [
        "a.yaml": """
        apiVersion: v1
        kind: List
        items:
          - {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
          - apiVersion: v1
            kind: Pod
            metadata: {generateName: web-, namespace: shop}
            spec: {containers: [{name: c, image: i}]}
          - apiVersion: v1
            kind: Pod
            metadata: {generateName: web-, namespace: shop}
            spec: {containers: [{name: c, image: i}]}

        """,
        "p.rego": """
        package seen

        warn contains sprintf("%v %v in %v by %v of %v, %d pods", values) if {
          values := [
            input.request.operation, input.request.resource.resource, input.request.namespace,
            input.request.userInfo.username, concat(" ", input.request.userInfo.groups),
            count(data.inventory.namespace.shop.v1.Pod),
          ]
        }
        """,
      ],
      output: """
        FILE:LINE  OBJECT          POLICY  EFFECT  MESSAGE
        a.yaml:4   Namespace shop  seen    warn    CREATE namespaces in shop by ann of system:authenticated devs, 2 pods
        a.yaml:5   Pod shop/web-   seen    warn    CREATE pods in shop by ann of system:authenticated devs, 2 pods
        a.yaml:9   Pod shop/web-   seen    warn    CREATE pods in shop by ann of system:authenticated devs, 2 pods

        """, errorsHave: ["3 objects checked: 0 denied, 3 findings"]),
    CommandCase(
      name: "a policy that fails refuses",
      arguments: ["check", "policy.yaml", "--builtin", "none", "--policies", "p.rego"],
      files: [
        "policy.yaml": closedPolicy,
        "p.rego":
          "package clash\n\nvalue := 1 if true\n\nvalue := 2 if true\n\ndeny contains \"no\" if value == 3\n",
      ], status: 1, outputHas: ["policy.yaml:2", "clash", "failure", "eval_conflict_error"],
      errorsHave: ["1 object checked: 1 denied"]),
    CommandCase(
      name: "a Secret's contents are not shown",
      arguments: ["check", "s.yaml", "--builtin", "none", "--policies", "p.rego"],
      files: [
        "s.yaml":
          "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2hunter2}\n",
        "p.rego": "package leak\n\nwarn contains sprintf(\"%v\", [input.request.object])\n",
      ], outputHas: ["Secret default/s", "leak"], lacks: ["hunter2", "aHVudGVyMmh1bnRlcjI"],
      errorsHave: ["1 finding"]),
    CommandCase(
      name: "findings for programs", arguments: ["check", "policy.yaml", "--format", "json"],
      files: ["policy.yaml": closedPolicy], status: 1,
      outputHas: [
        """
        {
          "findings": [
            {
              "file": "policy.yaml",
              "line": 2,
              "column": 1,
              "object": {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "namespace": "default",
                "name": "closed"
              },
              "policy": "ingress_rules_required",
              "effect": "deny",
              "message": "Ingress rules required
        """,
        """
          "errors": [],
          "summary": {
            "objects": 1,
            "denied": 1,
            "findings": 1,
            "errors": 0
          }
        }
        """,
      ]),
    CommandCase(
      name: "one document of several is broken", arguments: ["check", "all.yaml", "--format", "json"],
      files: ["all.yaml": closedPolicy + "---\na: b: c\n---\n" + openPolicy], status: 2,
      outputHas: [#""line": 7"#, #""objects": 2"#, #""denied": 1"#], errorsHave: ["all.yaml:7:5: "]),
    CommandCase(
      name: "truncated JSON", arguments: ["check", "a.json"], files: ["a.json": "{\n\"kind\": "], status: 2,
      output: "", errorsHave: ["a.json:2:9: unexpected end of JSON input", "0 objects checked"]),
    CommandCase(
      name: "YAML with tabs", arguments: ["check", "a.yaml"],
      files: ["a.yaml": "kind: Pod\nmetadata:\n\tname: x\n"],
      status: 2, output: "", errorsHave: ["a.yaml:3:1: ", "tab"]),
    CommandCase(
      name: "YAML with a key twice", arguments: ["check", "a.yaml"],
      files: ["a.yaml": openPolicy + "kind: Pod\n"], status: 2, output: "",
      errorsHave: ["a.yaml:10:1: ", "kind"]),
    CommandCase(
      name: "an object without a kind", arguments: ["check", "a.yaml"], files: ["a.yaml": "apiVersion: v1\n"],
      status: 2, output: "", errorsHave: ["a.yaml:1:1: ", "kind"]),
    CommandCase(
      name: "labels that are no strings", arguments: ["check", "a.yaml"],
      files: ["a.yaml": deployment.replacingOccurrences(of: "labels: {app: web}", with: "labels: {app: 1}")],
      status: 2,
      output: "", errorsHave: ["a.yaml:1:1: ", "labels"]),
    CommandCase(
      name: "a path that is not there, beside one that is", arguments: ["check", "none", "policy.yaml"],
      files: ["policy.yaml": closedPolicy], status: 2, outputHas: ["policy.yaml:2"], errorsHave: ["none: "]),
    CommandCase(
      name: "a policy that does not compile", arguments: ["check", "policy.yaml", "--policies", "p"],
      files: [
        "policy.yaml": closedPolicy, "p/a.rego": "package a\n\ndeny contains x if true\n",
        "p/b.rego": "package b\ndeny contains",
      ], status: 2, output: "", errorsHave: ["p/a.rego:3:", "rego_unsafe_var_error", "p/b.rego:2:"]),
    CommandCase(
      name: "a built-in policy that there is not", arguments: ["check", ".", "--builtin", "nope"], status: 2,
      output: "",
      errorsHave: ["nope", "ingress_rules_required"]),
    CommandCase(
      name: "a configuration with an unknown key", arguments: ["check", ".", "--config", "c.yaml"],
      files: ["c.yaml": "listen: :1\nlisten_on: 2\n"], status: 2, output: "",
      errorsHave: ["c.yaml:2:1: ", "listen_on"]),
  ]

  @Test("Findings and errors", arguments: cases)
  func check(_ command: CommandCase) async throws {
    var command = command
    if command.arguments.contains("-") { command.input = Self.deployment }
    try await command.check()
  }

  @Test("A billion laughs stay few")
  func billionLaughs() async throws {
    var text = "a0: &a0 [lol]\n"
    for level in 1...30 {
      text +=
        "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    let folder = try TemporaryFolder(["a.yaml": text, "policy.yaml": Self.closedPolicy])
    let run = try await CommandRun.run(["check", "."], in: folder.url)
    #expect(run.status == 2)
    #expect(run.errors.contains("a.yaml:") && run.output.contains("policy.yaml:2"), "\(run.errors)")
  }

  @Test("Text that is not UTF-8 is refused with its place")
  func invalidUTF8() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("kind: Pod\nmetadata: {name: ".utf8) + [0xff, 0x7d, 0x0a], to: "a.yaml")
    try folder.write(Array("{\"kind\": \"".utf8) + [0xff, 0x22, 0x7d], to: "b.json")
    let run = try await CommandRun.run(["check", "."], in: folder.url)
    #expect(run.status == 2)
    #expect(run.errors.contains("a.yaml:2:") && run.errors.contains("b.json:1:11: "), "\(run.errors)")
  }
}
