import Kubernetes
import Rego
import Testing

@testable import Admission

/// What does not compile is refused before it is there.
@Suite struct PolicyReviewTests {
  static func decide(
    _ object: Value, group: String = "", old: Value = .null, objects: PolicyObjects = PolicyObjects(),
    base: [PolicySource] = [], operation: String? = nil
  ) throws -> Decision {
    let compiler = PolicyCompiler()
    let service = PolicyReviewService(
      PolicyReviewService.Context(compiler: compiler, base: try compiler.compile(base), objects: objects))
    let review = Review.make(
      object["kind"]?.string ?? old["kind"]?.string ?? "", group: group,
      operation: operation ?? (old == .null ? "CREATE" : "UPDATE"), namespace: "portcullis", object: object,
      old: old)
    let answer = Array(review.json.utf8).withUnsafeBytes {
      service.answer($0, deadline: .now + .seconds(60), isFinal: true)
    }
    guard case .decided(let decision, _) = answer else { throw Fixture.Malformed(message: "\(answer)") }
    return decision
  }

  static let templates = "templates.gatekeeper.sh"
  static let constraints = "constraints.gatekeeper.sh"
  static let good = PolicyFixture.configMap("one", ["a.rego": PolicyFixture.policy("a")])
  static let bad = PolicyFixture.configMap("one", ["a.rego": "package a\n\ndeny contains x if true\n"])

  @Test("a ConfigMap that does not compile is refused with line and column")
  func configMap() throws {
    #expect(try Self.decide(Self.good).allowed)
    let refused = try Self.decide(Self.bad)
    #expect(refused.code == 403)
    #expect(
      refused.violations.map(\.text) == [
        "policies: configmap/one/a.rego:3:15: rego_unsafe_var_error: var x is unsafe"
      ])
    #expect(!(try Self.decide(Self.bad, old: Self.good).allowed))
    #expect(try Self.decide(Self.good, old: Self.bad).allowed)
  }

  @Test("other objects, deletions and changes that leave policies as they are pass")
  func indifferent() throws {
    let unlabelled: Value = [
      "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "x"], "data": ["a.rego": "?"],
    ]
    #expect(try Self.decide(unlabelled).allowed)
    #expect(try Self.decide(.null, old: Self.bad, operation: "DELETE").allowed)
    let annotated = try #require(Self.bad.object).inserting(
      "metadata", ["name": "one", "annotations": ["a": "b"], "labels": ["portcullis.dev/policy": ""]])
    #expect(try Self.decide(.object(annotated), old: Self.bad).allowed)
    let going = try #require(Self.bad.object).inserting(
      "metadata",
      ["name": "one", "deletionTimestamp": "2026-01-01T00:00:00Z", "labels": ["portcullis.dev/policy": ""]])
    #expect(try Self.decide(.object(going), old: Self.good).allowed)
  }

  @Test("more text than a ConfigMap of a cluster can hold is not compiled")
  func tooLarge() throws {
    let text = PolicyFixture.policy("a") + "#" + String(repeating: " ", count: 1 << 20)
    let refused = try Self.decide(PolicyFixture.configMap("one", ["a.rego": text]))
    #expect(refused.violations.map(\.message) == ["configmap/one: has more than 1 MiB of policies"])
  }

  @Test("labelling a ConfigMap makes policies of it")
  func labelled() throws {
    let plain = try #require(Self.bad.object).inserting("metadata", ["name": "one"])
    #expect(!(try Self.decide(Self.bad, old: .object(plain)).allowed))
  }

  @Test("a name that is taken, by a file's policy or another ConfigMap's, is refused")
  func names() throws {
    let file = PolicySource(path: "a.rego", text: PolicyFixture.policy("a"))
    #expect(
      try Self.decide(Self.good, base: [file]).violations.first?.message.contains("is taken by a.rego")
        == true)
    let other = PolicyFixture.configMap(
      "other", ["a.rego": PolicyFixture.policy("a")], created: "2026-05-05T00:00:00Z")
    let objects = PolicyObjects(configMaps: [other])
    // The one of the request is the older: it would take the name away.
    let refused = try Self.decide(Self.good, objects: objects)
    #expect(
      refused.violations.first?.message.hasPrefix("ConfigMap portcullis/other would no longer serve") == true)
    // What is broken already is not this one's fault.
    let broken = PolicyFixture.configMap("broken", ["b.rego": "package"])
    #expect(try Self.decide(Self.good, objects: PolicyObjects(configMaps: [broken])).allowed)
  }

  @Test("templates and constraints are compiled and checked with each other")
  func gatekeeper() throws {
    let schema = try YAMLReader.value("{type: object, properties: {count: {type: integer}}}")
    let template = PolicyFixture.template("K8sGood", PolicyFixture.always, schema: schema)
    let wrong = PolicyFixture.template("K8sGood", "package t\nviolation[{\"msg\": x}] { true }")
    #expect(try Self.decide(template, group: Self.templates).allowed)
    let refused = try Self.decide(wrong, group: Self.templates)
    #expect(
      refused.violations.map(\.message) == [
        "constrainttemplate/k8sgood:2:19: rego_unsafe_var_error: var x is unsafe"
      ], "\(refused.violations)")
    let objects = PolicyObjects(templates: [template])
    let constraint = try PolicyFixture.constraint("K8sGood", "x", "{parameters: {count: 3}}")
    let invalid = try PolicyFixture.constraint("K8sGood", "x", "{parameters: {count: many}}")
    #expect(try Self.decide(constraint, group: Self.constraints, objects: objects).allowed)
    let schemaError = try Self.decide(invalid, group: Self.constraints, objects: objects)
    #expect(schemaError.violations.first?.message.contains("parameters.count") == true)
    let early = try Self.decide(constraint, group: Self.constraints)
    #expect(early.allowed && early.warnings.count == 1)
    // The constraints of a template that changes may become wrong; that is told, and no obstacle.
    let stricter = PolicyFixture.template(
      "K8sGood", PolicyFixture.always, schema: try YAMLReader.value("{type: object, required: [size]}"))
    let changed = try Self.decide(
      stricter, group: Self.templates, old: template,
      objects: PolicyObjects(templates: [template], constraints: [constraint]))
    #expect(changed.allowed && changed.warnings.count == 1)
  }
}
