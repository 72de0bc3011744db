import Testing

/// `portcullis verify` runs suites and prints as `gator verify` does (Gatekeeper documentation, "The gator CLI").
@Suite("verify")
struct VerifyTests {
  static let template = """
    apiVersion: templates.gatekeeper.sh/v1
    kind: ConstraintTemplate
    metadata: {name: k8sowner}
    spec:
      crd: {spec: {names: {kind: K8sOwner}, validation: {openAPIV3Schema: {type: object, properties: {key: {type: string}}}}}}
      targets:
      - target: admission.k8s.gatekeeper.sh
        rego: |
          package k8sowner
          violation[{"msg": msg}] {
            not input.review.object.metadata.labels[input.parameters.key]
            msg := sprintf("no %v", [input.parameters.key])
          }
    """

  static func constraint(_ parameters: String) -> String {
    "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sOwner\nmetadata: {name: owner}\nspec: {parameters: \(parameters)}"
  }

  static func suite(_ tests: String) -> String {
    "apiVersion: test.gatekeeper.sh/v1alpha1\nkind: Suite\nmetadata: {name: s}\ntests:\n\(tests)"
  }

  static let tests = """
    - name: owner
      template: t.yaml
      constraint: c.yaml
      cases:
      - name: without
        object: without.yaml
        assertions:
        - violations: yes
        - violations: 1
          message: ^no owner$
        - violations: no
          message: other
      - name: with
        object: with.yaml
        assertions: [{violations: no}]
    """

  static let files: [String: String] = [
    "s/t.yaml": template, "s/c.yaml": constraint("{key: owner}"),
    "s/without.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}",
    "s/with.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {owner: me}}",
    "s/suite.yaml": suite(tests),
  ]

  static func files(_ tests: String) -> [String: String] {
    var files = files
    files["s/suite.yaml"] = suite(tests)
    return files
  }

  static func test(_ text: String) -> [String: String] {
    files("- name: owner\n  template: t.yaml\n  constraint: c.yaml\n  cases:\n  - \(text)")
  }

  static let runs: [CommandCase] = [
    CommandCase(
      name: "a folder", arguments: ["verify", "s"], files: files,
      outputHas: ["ok\ts/suite.yaml\t0.", "s\nPASS\n\n"]),
    CommandCase(
      name: "sub-folders", arguments: ["verify", "./..."], files: files, outputHas: ["ok\t./s/suite.yaml\t"]),
    CommandCase(
      name: "a folder of folders", arguments: ["verify", "."], files: files,
      outputHas: ["ok\t./s/suite.yaml\t"]),
    CommandCase(
      name: "a file", arguments: ["verify", "s/suite.yaml"], files: files, outputHas: ["ok\ts/suite.yaml\t"]),
    CommandCase(
      name: "every case, on request", arguments: ["verify", "s", "-v"], files: files,
      outputHas: [
        "=== RUN   owner\n    === RUN   without\n    --- PASS: without\t(0.",
        "    === RUN   with\n    --- PASS: with\t(0.",
        "--- PASS: owner\t(0.",
      ]),
    CommandCase(
      name: "a count that is a word, or negative, fails its case alone", arguments: ["verify", "s", "-v"],
      files: files(
        "- {name: word, template: t.yaml, constraint: c.yaml, cases: [{name: w, object: without.yaml, assertions: [{violations: '2'}]}]}\n"
          + "- {name: less, template: t.yaml, constraint: c.yaml, cases: [{name: l, object: without.yaml, assertions: [{violations: -1}]}]}\n"
          + "- {name: good, template: t.yaml, constraint: c.yaml, cases: [{name: g, object: without.yaml, assertions: [{violations: 1}]}]}"
      ), status: 1, outputHas: ["must be a nonnegative integer", "want exactly -1", "--- PASS: g\t(0."]),
    CommandCase(
      name: "an expression that nothing is compared with", arguments: ["verify", "s"],
      files: test("{name: with, object: with.yaml, assertions: [{violations: no, message: '('}]}"),
      outputHas: ["PASS"]),
    CommandCase(
      name: "a malformed suite, by line and column", arguments: ["verify", "s"],
      files: files("- name: owner\n  cases:\n  - name: one\n    inventory: 1\n"), status: 1,
      errorsHave: ["s/suite.yaml:8:5: invalid yaml: inventory must be a list"]),
    CommandCase(
      name: "a constraint that is not enforced at gator's point", arguments: ["verify", "s"],
      files: test("{name: without, object: without.yaml, assertions: [{violations: no}]}").merging([
        "s/c.yaml":
          "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sOwner\nmetadata: {name: owner}\nspec: {enforcementAction: scoped, scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}], parameters: {key: owner}}"
      ]) { $1 }, outputHas: ["PASS"]),
    CommandCase(
      name: "some of the cases", arguments: ["verify", "s", "-v", "--run", "own//^with$"], files: files,
      outputHas: ["    === SKIP  without\n    === RUN   with\n"]),
    CommandCase(
      name: "none of the tests", arguments: ["verify", "s", "-v", "--run", "none"], files: files,
      outputHas: ["=== SKIP  owner\nok\t"]),
    CommandCase(
      name: "fewer violations than wanted", arguments: ["verify", "s"],
      files: test("{name: x, object: with.yaml, assertions: [{violations: yes}]}"), status: 1,
      outputHas: [
        "    --- FAIL: x\t(0.",
        "        unexpected number of violations: got 0 violations but want at least 1: got messages []\n",
        "--- FAIL: owner\t(0.", "FAIL\ts/suite.yaml\t0.", "\nFAIL\n\n",
      ], errorsHave: ["Error: FAIL\n"]),
    CommandCase(
      name: "more violations than wanted", arguments: ["verify", "s"],
      files: test("{name: x, object: without.yaml, assertions: [{violations: no, message: owner}]}"),
      status: 1,
      outputHas: [
        "got 1 violations containing \"owner\" but want none: got messages [no owner]\n"
      ], errorsHave: ["Error: FAIL"]),
    CommandCase(
      name: "another number of violations", arguments: ["verify", "s"],
      files: test("{name: x, object: without.yaml, assertions: [{violations: 2}]}"), status: 1,
      outputHas: ["got 1 violations but want exactly 2"], errorsHave: ["Error: FAIL"]),
    CommandCase(
      name: "a case without assertions", arguments: ["verify", "s"],
      files: test("{name: x, object: without.yaml}"), status: 1,
      outputHas: ["invalid Case: assertions must be non-empty"], errorsHave: ["Error: FAIL"]),
    CommandCase(
      name: "an object that is not there", arguments: ["verify", "s"],
      files: test("{name: x, object: none.yaml, assertions: [{violations: no}]}"), status: 1,
      outputHas: ["s/none.yaml: "], errorsHave: ["Error: FAIL"]),
    CommandCase(
      name: "a constraint that must break the schema", arguments: ["verify", "s"],
      files: files("- {name: bad, template: t.yaml, constraint: bad.yaml, invalid: true}").merging(
        ["s/bad.yaml": constraint("{key: 1}")], uniquingKeysWith: { $1 }), outputHas: ["ok\t"]),
    CommandCase(
      name: "a constraint that breaks the schema", arguments: ["verify", "s"],
      files: files("- {name: bad, template: t.yaml, constraint: bad.yaml}").merging(
        ["s/bad.yaml": constraint("{key: 1}")], uniquingKeysWith: { $1 }), status: 1,
      outputHas: ["--- FAIL: bad\t(", "  adding constraint: schema error: parameters.key"],
      errorsHave: ["Error: FAIL"]),
    CommandCase(
      name: "skipped tests and cases", arguments: ["verify", "s", "-v"],
      files: files(
        """
        - {name: one, skip: true}
        - name: two
          template: t.yaml
          constraint: c.yaml
          cases: [{name: x, skip: true}]
        """), outputHas: ["=== SKIP  one\n=== RUN   two\n    === SKIP  x\n"]),
    CommandCase(
      name: "a malformed suite", arguments: ["verify", "s"], files: files("- {name: [1]}"), status: 1,
      errorsHave: ["Error: listing test files: s/suite.yaml:5:4: invalid yaml: name must be a string"]),
    CommandCase(
      name: "a path that is not there", arguments: ["verify", "none"], status: 1,
      errorsHave: ["Error: listing test files: none: "]),
    CommandCase(
      name: "an AdmissionReview, with objects beside it", arguments: ["verify", "s"],
      files: test(
        """
        name: x
            object: review.yaml
            inventory: [without.yaml]
            assertions: [{violations: 1}]
        """
      ).merging(
        [
          "s/review.yaml":
            "{apiVersion: admission.k8s.io/v1, kind: AdmissionReview, request: {operation: DELETE, oldObject: {apiVersion: v1, kind: Pod, metadata: {name: b}}}}"
        ], uniquingKeysWith: { $1 }), outputHas: ["ok\t"]),
  ]

  @Test("Runs", arguments: runs)
  func run(_ command: CommandCase) async throws { try await command.check() }
}
