import Kubernetes
import Rego
import Testing

@testable import Admission

/// What the cluster's objects make of policies.
@Suite struct ClusterPolicyTests {
  @Test("every .rego key of a labelled ConfigMap is a module, and they compile together")
  func configMap() throws {
    let (_, cluster) = try PolicyFixture.compile(configMaps: [
      PolicyFixture.configMap(
        "one",
        [
          "a.rego": "package a\n\nimport data.lib.names\n\ndeny contains names.no if true\n",
          "lib.rego": "package lib.names\n\nno := \"no\"\n", "README.md": "not a module",
          "a_test.rego": "package a_test\n\nthis does not parse",
        ])
    ])
    #expect(cluster.quarantined.isEmpty)
    #expect(cluster.policies.map(\.name) == ["a"])
    #expect(cluster.policies[0].files == ["configmap/one/a.rego"])
  }

  @Test("a ConfigMap without the label is none of ours")
  func unlabelled() throws {
    let plain: Value = [
      "kind": "ConfigMap", "metadata": ["name": "x"], "data": ["a.rego": "package a\nthis is broken"],
    ]
    let (_, cluster) = try PolicyFixture.compile(configMaps: [plain])
    #expect(cluster.quarantined.isEmpty && cluster.policies.isEmpty)
  }

  @Test("a ConfigMap sees its own libraries and nobody else's")
  func isolation() throws {
    let user = PolicyFixture.configMap(
      "user", ["a.rego": "package a\n\ndeny contains data.lib.names.no if true\n"])
    let library = PolicyFixture.configMap("library", ["lib.rego": "package lib.names\n\nno := \"no\"\n"])
    let (_, cluster) = try PolicyFixture.compile(configMaps: [user, library])
    #expect(cluster.policies.isEmpty)
    #expect(
      cluster.quarantined.map(\.object.description) == [
        "ConfigMap portcullis/library", "ConfigMap portcullis/user",
      ])
  }

  @Test(
    "what does not compile is quarantined with the place, and the others serve",
    arguments: [
      (
        ["a.rego": "package a\n\ndeny contains x if true\n"], "configmap/bad/a.rego:3:",
        "rego_unsafe_var_error"
      ),
      (["a.rego": "package a\n\ndeny contains"], "configmap/bad/a.rego:3:", "rego_parse_error"),
      (["a.rego": "package a\n\nx := 1\n"], "configmap/bad/a.rego:1:1:", "defines none of deny"),
      (["a.txt": "package a"], "configmap/bad:", "no key of its data ends in .rego"),
      (["a.rego": "package good\n\ndeny contains \"x\" if true\n"], "configmap/bad/a.rego:", "is taken by"),
      (
        ["a.rego": "package built\n\ndeny contains \"x\" if true\n"], "configmap/bad/a.rego:",
        "is taken by built.rego"
      ),
    ])
  func quarantine(modules: [String: String], place: String, reason: String) throws {
    let good = PolicyFixture.configMap("good", ["good.rego": PolicyFixture.policy("good")])
    let bad = PolicyFixture.configMap("bad", modules, created: "2026-02-01T00:00:00Z")
    let built = PolicySource(path: "built.rego", text: PolicyFixture.policy("built"))
    let (base, cluster) = try PolicyFixture.compile(configMaps: [bad, good], beside: [built])
    #expect(cluster.policies.map(\.name) == ["good"])
    let problem = try #require(cluster.problem(with: bad))
    #expect(problem.uid == "uid-bad")
    #expect(problem.message.hasPrefix(place), "\(problem.message)")
    #expect(problem.message.contains(reason), "\(problem.message)")
    let all = base.adding(cluster)
    #expect(all.policies.map(\.name) == ["built", "good"])
    #expect(all.quarantined.map(\.name) == ["ConfigMap portcullis/bad"])
  }

  @Test("one broken module quarantines its ConfigMap whole")
  func wholeSource() throws {
    let (_, cluster) = try PolicyFixture.compile(configMaps: [
      PolicyFixture.configMap("one", ["a.rego": PolicyFixture.policy("a"), "b.rego": "package b\n\ndeny"])
    ])
    #expect(cluster.policies.isEmpty)
    #expect(cluster.quarantined.count == 1)
  }

  @Test("bytes that are no text are the ConfigMap's problem")
  func binary() throws {
    let object = PolicyFixture.configMap("one", [:], more: ["binaryData": ["a.rego": "/w=="]])
    let (_, cluster) = try PolicyFixture.compile(configMaps: [object])
    #expect(
      cluster.problem(with: object)?.message == "configmap/one/a.rego: is not UTF-8 text: it is in binaryData"
    )
  }

  @Test("of two policies of one name the older object's serves, in whatever order they are listed")
  func names() throws {
    let old = PolicyFixture.configMap("zebra", ["a.rego": PolicyFixture.policy("a", denies: "old")])
    let new = PolicyFixture.configMap(
      "ant", ["a.rego": PolicyFixture.policy("a", denies: "new")], created: "2026-03-01T00:00:00Z")
    for configMaps in [[old, new], [new, old]] {
      let (_, cluster) = try PolicyFixture.compile(configMaps: configMaps)
      #expect(cluster.policies.map(\.files) == [["configmap/zebra/a.rego"]])
      #expect(cluster.quarantined.map(\.object.name) == ["ant"])
    }
  }

  @Test("the configuration overrides policies of ConfigMaps too; an override of none is not an error")
  func overrides() throws {
    let configMap = PolicyFixture.configMap("one", ["a.rego": PolicyFixture.policy("a")])
    let (_, cluster) = try PolicyFixture.compile(
      configMaps: [configMap], overrides: "{a: {enforcement: warn}, absent: {enforcement: warn}}")
    #expect(cluster.policies[0].settings.enforcement == .warn)
    let (_, wrong) = try PolicyFixture.compile(
      configMaps: [configMap], overrides: "{a: {parameters: {x: 1}}}")
    #expect(wrong.quarantined.count == 1)
  }

  @Test("templates and constraints: what is broken is quarantined, its constraints with it")
  func templates() throws {
    let schema = try YAMLReader.value("{type: object, properties: {count: {type: integer}}}")
    let (_, cluster) = try PolicyFixture.compile(
      templates: [
        PolicyFixture.template("K8sGood", PolicyFixture.always, schema: schema),
        PolicyFixture.template("K8sBad", "package t\nviolation[{\"msg\": x}] { true }"),
        PolicyFixture.template("K8sHTTP", "package t\nviolation[{\"msg\": x}] { x := http.send({}).body }"),
      ],
      constraints: [
        try PolicyFixture.constraint("K8sGood", "fine"),
        try PolicyFixture.constraint("K8sGood", "wrong", "{parameters: {count: many}}"),
        try PolicyFixture.constraint("K8sBad", "orphan"), try PolicyFixture.constraint("K8sNone", "orphan"),
      ])
    #expect(cluster.templates.map(\.kind) == ["K8sGood"])
    #expect(cluster.constraints.map(\.name) == ["K8sGood/fine"])
    let problems = cluster.quarantined.map { "\($0.object.description): \($0.message)" }
    #expect(problems.count == 5)
    func has(_ parts: String...) -> Bool {
      problems.contains { problem in parts.allSatisfy { problem.contains($0) } }
    }
    #expect(has("ConstraintTemplate k8sbad", "constrainttemplate/k8sbad:2:", "unsafe"), "\(problems)")
    #expect(has("ConstraintTemplate k8shttp", "http.send"), "\(problems)")
    #expect(has("K8sGood wrong", "parameters.count"), "\(problems)")
    #expect(has("K8sBad orphan", "its ConstraintTemplate is quarantined"), "\(problems)")
    #expect(has("K8sNone orphan", "there is no ConstraintTemplate for K8sNone"), "\(problems)")
  }

  // MARK: The hash

  static func hash(
    configMaps: [Value] = [], templates: [Value] = [], constraints: [Value] = [], overrides: String = "{}"
  ) throws -> String {
    let (base, cluster) = try PolicyFixture.compile(
      configMaps: configMaps, templates: templates, constraints: constraints, overrides: overrides,
      beside: [PolicySource(path: "built.rego", text: PolicyFixture.policy("built"))])
    return base.adding(cluster).hash
  }

  @Test("the hash follows from what policies are made of, and from nothing else")
  func hash() throws {
    let one = PolicyFixture.configMap("one", ["a.rego": PolicyFixture.policy("a")])
    let two = PolicyFixture.configMap("two", ["b.rego": PolicyFixture.policy("b")])
    let template = PolicyFixture.template("K8sGood", PolicyFixture.always)
    let constraint = try PolicyFixture.constraint("K8sGood", "x")
    let hash = try Self.hash(configMaps: [one, two], templates: [template], constraints: [constraint])
    #expect(hash.utf8.count == 12)
    #expect(try Self.hash(configMaps: [two, one], templates: [template], constraints: [constraint]) == hash)
    let touched = one.object?.inserting(
      "metadata",
      [
        "name": "one", "namespace": "portcullis",
        "labels": ["portcullis.dev/policy": "true"], "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
      ])
    #expect(
      try Self.hash(
        configMaps: [.object(try #require(touched)), two], templates: [template], constraints: [constraint])
        == hash)
    let others = [
      try Self.hash(), try Self.hash(configMaps: [one]),
      try Self.hash(configMaps: [one, two], templates: [template]),
      try Self.hash(
        configMaps: [one, two], templates: [template], constraints: [constraint],
        overrides: "{built: {enforcement: warn}}"),
      try Self.hash(
        configMaps: [one, two], templates: [template],
        constraints: [try PolicyFixture.constraint("K8sGood", "x", "{enforcementAction: warn}")]),
      try Self.hash(
        configMaps: [
          one, PolicyFixture.configMap("two", ["b.rego": PolicyFixture.policy("b") + "# more\n"]),
        ],
        templates: [template], constraints: [constraint]),
    ]
    #expect(Set(others + [hash]).count == others.count + 1)
  }

  @Test("what a replica comes to follows from the objects, not from what it compiled before")
  func noHistory() throws {
    let compiler = ClusterPolicyCompiler(PolicyCompiler())
    let good = PolicyFixture.configMap("one", ["a.rego": PolicyFixture.policy("a")])
    let bad = PolicyFixture.configMap("one", ["a.rego": "package a\n\ndeny"])
    let first = compiler.compile(PolicyObjects(configMaps: [good]))
    let broken = compiler.compile(PolicyObjects(configMaps: [bad]))
    let fresh = ClusterPolicyCompiler(PolicyCompiler()).compile(PolicyObjects(configMaps: [bad]))
    #expect(broken.policies.isEmpty && broken.quarantined == fresh.quarantined)
    #expect(broken.fingerprint == fresh.fingerprint)
    let mended = compiler.compile(PolicyObjects(configMaps: [good]))
    #expect(mended.policies.map(\.name) == ["a"] && mended.fingerprint == first.fingerprint)
  }
}
