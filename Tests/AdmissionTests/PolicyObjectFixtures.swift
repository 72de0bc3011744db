import Kubernetes
import Rego

@testable import Admission

/// The cluster's objects that say what its policies are.
enum PolicyFixture {
  static func configMap(
    _ name: String, _ modules: [String: String], created: String = "2026-01-01T00:00:00Z", more: Value = [:]
  ) -> Value {
    var object: [(Value, Value)] = [
      ("apiVersion", "v1"), ("kind", "ConfigMap"),
      (
        "metadata",
        [
          "name": .string(name), "namespace": "portcullis", "uid": .string("uid-\(name)"),
          "creationTimestamp": .string(created), "labels": ["portcullis.dev/policy": "true"],
        ]
      ),
      ("data", .object(ObjectValue(modules.map { (.string($0.key), .string($0.value)) }))),
    ]
    object += more.object?.map { ($0, $1) } ?? []
    return .object(ObjectValue(object))
  }

  static func policy(_ name: String, denies message: String = "no", when condition: String = "true") -> String
  {
    "package \(name)\n\ndeny contains \"\(message)\" if \(condition)\n"
  }

  static func template(
    _ kind: String, _ rego: String, schema: Value? = nil, target: Value = [:], annotations: Value = [:]
  ) -> Value {
    var crd: [(Value, Value)] = [("names", ["kind": .string(kind)])]
    if let schema { crd.append(("validation", ["openAPIV3Schema": schema])) }
    var targets: [(Value, Value)] = [
      ("target", "admission.k8s.gatekeeper.sh"), ("rego", .string(rego)),
    ]
    targets += target.object?.map { ($0, $1) } ?? []
    return [
      "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
      "metadata": [
        "name": .string(kind.lowercased()), "uid": .string("uid-\(kind)"), "annotations": annotations,
      ],
      "spec": [
        "crd": ["spec": .object(ObjectValue(crd))], "targets": [.object(ObjectValue(targets))],
      ],
    ]
  }

  static func constraint(_ kind: String, _ name: String, _ spec: String = "{}") throws -> Value {
    [
      "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": .string(kind),
      "metadata": ["name": .string(name)], "spec": try YAMLReader.value(spec),
    ]
  }

  static let always = "package t\nviolation[{\"msg\": \"no\"}] { true }"

  static func compile(
    configMaps: [Value] = [], templates: [Value] = [], constraints: [Value] = [], overrides: String = "{}",
    beside sources: [PolicySource] = []
  ) throws -> (base: PolicySet, cluster: ClusterPolicies) {
    let compiler = PolicyCompiler()
    let overrides = try PolicyOverrides(try YAMLReader.value(overrides))
    let base = try compiler.compile(sources, overrides: overrides, areAll: false)
    let objects = PolicyObjects(configMaps: configMaps, templates: templates, constraints: constraints)
    return (base, ClusterPolicyCompiler(compiler, overrides: overrides).compile(objects, beside: base))
  }

  /// A service over a cluster's policies.
  static func service(
    configMaps: [Value] = [], templates: [Value] = [], constraints: [Value] = [],
    beside sources: [PolicySource] = [], inventory: Inventory = .empty
  ) throws -> AdmissionService {
    let (base, cluster) = try compile(
      configMaps: configMaps, templates: templates, constraints: constraints, beside: sources)
    return AdmissionService(AdmissionSnapshot(policies: base.adding(cluster), inventory: inventory))
  }
}

extension AdmissionService {
  /// The decision of a review that must be one.
  func decide(_ review: Value) throws -> Decision {
    let answer = Array(review.json.utf8).withUnsafeBytes {
      self.answer($0, deadline: .now + .seconds(60), isFinal: true)
    }
    guard case .decided(let decision, _) = answer else { throw Fixture.Malformed(message: "\(answer)") }
    return decision
  }
}
