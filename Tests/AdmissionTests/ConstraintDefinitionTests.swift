import Foundation
import Rego
import Testing

@testable import Admission

/// The definitions that templates ask for.
@Suite struct ConstraintDefinitionTests {
  static func definition(_ template: Value) throws -> Value {
    try #require(ConstraintDefinition.definition(of: template))
  }

  static func parameters(_ definition: Value) -> Value? {
    definition["spec"]?["versions"]?.array?.first?["schema"]?["openAPIV3Schema"]?["properties"]?["spec"]?[
      "properties"]?["parameters"]
  }

  @Test("names, group and labels are Gatekeeper's")
  func names() throws {
    let definition = try Self.definition(PolicyFixture.template("K8sRequiredLabels", PolicyFixture.always))
    #expect(definition["metadata"]?["name"] == "k8srequiredlabels.constraints.gatekeeper.sh")
    #expect(definition["metadata"]?["labels"]?["gatekeeper.sh/constraint"] == "yes")
    #expect(definition["metadata"]?["ownerReferences"]?.array?.first?["uid"] == "uid-K8sRequiredLabels")
    let spec = definition["spec"]
    #expect(spec?["group"] == "constraints.gatekeeper.sh" && spec?["scope"] == "Cluster")
    #expect(
      spec?["names"]?["kind"] == "K8sRequiredLabels" && spec?["names"]?["plural"] == "k8srequiredlabels")
    let versions = try #require(spec?["versions"]?.array)
    #expect(versions.map { $0["name"] } == ["v1beta1", "v1alpha1"])
    #expect(versions.filter { $0["storage"] == true }.count == 1)
    #expect(ConstraintDefinition.definition(of: ["spec": [:]]) == nil)
  }

  @Test("parameters have the template's schema; one of the old kind is made structural")
  func schema() throws {
    let schema = try YAMLReader.value(
      "{properties: {labels: {type: array, items: {properties: {key: {type: string}}}}}}")
    let template = PolicyFixture.template("K8sA", PolicyFixture.always, schema: schema)
    #expect(Self.parameters(try Self.definition(template)) == schema)
    let old = template.object?.inserting("apiVersion", "templates.gatekeeper.sh/v1beta1")
    let preserved = Self.parameters(try Self.definition(.object(try #require(old))))
    #expect(preserved?["x-kubernetes-preserve-unknown-fields"] == true)
    let items = preserved?["properties"]?["labels"]?["items"]
    #expect(items?["x-kubernetes-preserve-unknown-fields"] == true)
    #expect(items?["properties"]?["key"] == ["type": "string"])
    let none = try Self.definition(PolicyFixture.template("K8sA", PolicyFixture.always))
    #expect(Self.parameters(none)?["x-kubernetes-preserve-unknown-fields"] == true)
  }

  @Test("what the API server leaves out since it says nothing does not make a definition an old one")
  func omitted() throws {
    func definition(_ schema: String) throws -> Value {
      try Self.definition(
        PolicyFixture.template("K8sA", PolicyFixture.always, schema: try YAMLReader.value(schema)))
    }
    let wanted = try definition(
      "{type: object, nullable: false, required: [], description: '', properties: {a: {type: string, properties: {}}}}"
    )
    #expect(
      ConstraintDefinition.isCurrent(
        try definition("{type: object, properties: {a: {type: string}}}"), wanted))
    for other in [
      "{type: object, nullable: true, properties: {a: {type: string}}}", "{type: object}",
      "{type: object, required: [a], properties: {a: {type: string}}}",
    ] { #expect(!ConstraintDefinition.isCurrent(try definition(other), wanted)) }
    #expect(
      !ConstraintDefinition.isCurrent(
        try definition("{type: object, properties: {a: {type: boolean}}}"),
        try definition("{type: object, properties: {a: {type: boolean, default: false}}}")))
  }

  @Test(
    "what the API server adds to a definition does not make it an old one; what the template changes does")
  func current() throws {
    let schema = try YAMLReader.value("{type: object, properties: {a: {type: string}}}")
    let wanted = try Self.definition(PolicyFixture.template("K8sA", PolicyFixture.always, schema: schema))
    let spec = try #require(wanted["spec"]?.object).inserting("conversion", ["strategy": "None"])
    let existing = Value.object(
      try #require(wanted.object).inserting("spec", .object(spec)).inserting("status", ["conditions": []]))
    #expect(ConstraintDefinition.isCurrent(existing, wanted))
    #expect(ConstraintDefinition.isOwn(existing))
    let changed = try Self.definition(PolicyFixture.template("K8sA", PolicyFixture.always))
    #expect(!ConstraintDefinition.isCurrent(existing, changed))
  }

  @Test("Gatekeeper is known by its label on the templates' own definition, which ours lacks")
  func gatekeeper() throws {
    #expect(
      ConstraintDefinition.isOfGatekeeper(["metadata": ["labels": ["gatekeeper.sh/system": "yes"]]]))
    let file = Files.root.appending(path: "manifests/constraint-templates/customresourcedefinition.yaml")
    let own = try YAMLReader.value(try Files.text(file))
    #expect(own["metadata"]?["name"] == "constrainttemplates.templates.gatekeeper.sh")
    #expect(!ConstraintDefinition.isOfGatekeeper(own))
  }

  @Test("every template of Gatekeeper's library makes a definition", .enabled(if: Files.shared != nil))
  func library() throws {
    let folder = try #require(Files.shared).appending(path: "conformance/gatekeeper-library")
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      .compactMap { $0 as? URL }.filter { $0.lastPathComponent == "template.yaml" }
    #expect(!files.isEmpty)
    for file in files {
      let template = try YAMLReader.value(try Files.text(file))
      let definition = try Self.definition(template)
      #expect(Self.parameters(definition)?.object != nil, "\(file.path)")
    }
  }
}
