import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

/// What Gatekeeper's objects ask for in `data.inventory`.
@Suite struct SyncTests {
  static func requirements(_ annotation: String) throws -> [[String]] {
    let object: Value = [
      "metadata": ["annotations": [.string(SyncRequirement.annotation): .string(annotation)]]
    ]
    return try SyncRequirement.all(of: object).map { $0.alternatives.map(\.description) }
  }

  @Test("a template's annotation is a list of demands, each met by one of several kinds")
  func annotation() throws {
    let text = """
      "[
        [{"groups": ["extensions"], "versions": ["v1beta1"], "kinds": ["Ingress"]},
         {"groups": ["networking.k8s.io"], "versions": ["v1beta1", "v1"], "kinds": ["Ingress"]}],
        [{"groups": [""], "versions": ["v1"], "kinds": ["Service", "Pod"]}]
      ]"

      """
    let expected = [
      ["extensions/v1beta1 Ingress", "networking.k8s.io/v1beta1 Ingress", "networking.k8s.io/v1 Ingress"],
      ["v1 Service", "v1 Pod"],
    ]
    #expect(try Self.requirements(text) == expected)
    #expect(try Self.requirements("[]").isEmpty)
    #expect(try SyncRequirement.all(of: ["metadata": ["name": "x"]]).isEmpty)
  }

  @Test(
    "an annotation that is not well-formed is the template's fault",
    arguments: [
      "", "{}", "[{}]", "[[1]]", "[[{\"groups\": [\"\"], \"versions\": [1], \"kinds\": []}]]", "[[", "[[{}]]",
    ])
  func malformed(text: String) throws {
    #expect(throws: GatekeeperError.self) { try Self.requirements(text) }
  }

  @Test("kinds without end are refused before they are listed")
  func tooMany() throws {
    let names = Value.array((0..<200).map { .string("k\($0)") })
    let text = Value.array([.array([["groups": names, "versions": names, "kinds": names]])]).json
    #expect(throws: GatekeeperError.self) { try Self.requirements(text) }
  }

  @Test("Config and SyncSet name kinds")
  func synced() throws {
    let config = try YAMLReader.value(
      """
      apiVersion: config.gatekeeper.sh/v1alpha1
      kind: Config
      metadata: {name: config, namespace: gatekeeper-system}
      spec: {sync: {syncOnly: [{group: "", version: v1, kind: Pod}, {version: v1, kind: Pod}, {kind: Pod}, 3]}}
      """)
    #expect(SyncedKinds.kinds(ofConfig: config).map(\.description) == ["v1 Pod"])
    #expect(SyncedKinds.kinds(ofSyncSet: config).isEmpty)
    let set = try YAMLReader.value(
      """
      apiVersion: syncset.gatekeeper.sh/v1alpha1
      kind: SyncSet
      metadata: {name: any}
      spec: {gvks: [{group: apps, version: v1, kind: Deployment}]}
      """)
    #expect(SyncedKinds.kinds(ofSyncSet: set).map(\.description) == ["apps/v1 Deployment"])
    #expect(SyncedKinds.kinds(ofConfig: ["kind": "Config"]).isEmpty)
  }

  @Test("Gatekeeper's library says what it needs", .enabled(if: Files.shared != nil))
  func library() throws {
    let shared = try #require(Files.shared)
    let file = shared.appending(
      path: "conformance/gatekeeper-library/general/uniqueingresshost/template.yaml")
    let template = try ConstraintTemplate(try YAMLReader.value(try Files.text(file)), file: "template.yaml")
    #expect(template.syncRequirements.map(\.alternatives.count) == [3])
  }
}
