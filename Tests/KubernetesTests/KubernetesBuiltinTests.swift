import Rego
import Testing

@testable import Kubernetes

@Suite("Kubernetes builtins")
struct KubernetesBuiltinTests {
  static func call(_ name: String, _ operands: Value...) throws -> Value? {
    let builtin = try #require(KubernetesBuiltins.all.first { $0.name == name })
    #expect(builtin.parameters.count == operands.count)
    switch builtin.implementation {
    case .unary(let function): return try function(operands[0])
    case .binaryInPlace(let function):
      return try withUnsafePointer(to: operands[0]) { first in
        try withUnsafePointer(to: operands[1]) { try function(first, $0) }
      }
    default:
      Issue.record("\(name) is neither unary nor binary in place")
      return nil
    }
  }

  /// The message of the failure that a call ends with.
  static func failure(_ name: String, _ operands: Value...) -> String? {
    do {
      let result =
        operands.count == 1 ? try call(name, operands[0]) : try call(name, operands[0], operands[1])
      Issue.record("\(name) gave \(String(describing: result)) instead of failing")
    } catch BuiltinError.failed(let message) {
      return message
    } catch {
      Issue.record("\(name) did not fail as a builtin does: \(error)")
    }
    return nil
  }

  @Test("k8s.selector_matches answers true or false")
  func selectorMatches() throws {
    let selector: Value = ["matchLabels": ["app": "web"]]
    #expect(try Self.call("k8s.selector_matches", selector, ["app": "web", "tier": "front"]) == true)
    #expect(try Self.call("k8s.selector_matches", selector, ["app": "db"]) == false)
    #expect(try Self.call("k8s.selector_matches", selector, .null) == false)
    #expect(try Self.call("k8s.selector_matches", [:], .null) == true)
  }

  @Test("k8s.selector_matches fails where it does not understand the question")
  func selectorMatchesFails() {
    #expect(
      Self.failure("k8s.selector_matches", ["matchExpressions": [["key": "a", "operator": "Has"]]], [:])
        == "matchExpressions[0].operator must be In, NotIn, Exists or DoesNotExist, but is \"Has\"")
    #expect(Self.failure("k8s.selector_matches", .null, [:])?.hasPrefix("the selector is null, but") == true)
    #expect(
      Self.failure("k8s.selector_matches", [:], ["a": 1]) == "labels.a must be a string, but is a number")
    #expect(
      Self.failure("k8s.selector_matches", [:], ["a"]) == "labels must be an object, but is an array")
  }

  static let pod: Value = ["containers": [["name": "c"]]]
  static let template: Value = ["metadata": ["labels": ["app": "web"]], "spec": pod]

  @Test(
    "k8s.pod_template finds the pods of every workload kind",
    arguments: [
      ("v1", "ReplicationController"), ("apps/v1", "Deployment"), ("apps/v1beta1", "Deployment"),
      ("apps/v1beta2", "Deployment"), ("extensions/v1beta1", "Deployment"), ("apps/v1", "StatefulSet"),
      ("apps/v1", "DaemonSet"), ("extensions/v1beta1", "DaemonSet"), ("apps/v1", "ReplicaSet"),
      ("batch/v1", "Job"),
    ])
  func podTemplate(apiVersion: String, kind: String) throws {
    let workload: Value = [
      "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": ["name": "web"],
      "spec": ["template": Self.template],
    ]
    #expect(try Self.call("k8s.pod_template", workload) == Self.template)
  }

  @Test(
    "k8s.pod_template finds the pods of Pods and CronJobs",
    arguments: ["batch/v1", "batch/v1beta1", "batch/v2alpha1"])
  func podTemplateElsewhere(apiVersion: String) throws {
    let pod: Value = [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["labels": ["app": "web"]], "spec": Self.pod,
    ]
    #expect(try Self.call("k8s.pod_template", pod) == Self.template)
    let cronJob: Value = [
      "apiVersion": .string(apiVersion), "kind": "CronJob",
      "spec": ["jobTemplate": ["spec": ["template": Self.template]]],
    ]
    #expect(try Self.call("k8s.pod_template", cronJob) == Self.template)
  }

  @Test("a template without metadata has empty metadata")
  func noMetadata() throws {
    let job: Value = [
      "apiVersion": "batch/v1", "kind": "Job", "spec": ["template": ["metadata": .null, "spec": Self.pod]],
    ]
    #expect(try Self.call("k8s.pod_template", job) == ["metadata": [:], "spec": Self.pod])
  }

  @Test(
    "k8s.pod_template fails for what it does not know",
    arguments: [
      (.null, "a workload must be an object, but this is null"),
      ("Pod", "a workload must be an object, but this is a string"),
      (["kind": "Pod"], "the object has no apiVersion and kind to tell whether it is a workload"),
      (["apiVersion": "v1", "kind": "Service"], "v1 Service is no workload: it has no pod template"),
      (
        ["apiVersion": "autoscaling/v1", "kind": "Scale"],
        "autoscaling/v1 Scale is no workload: it has no pod template"
      ),
      (
        ["apiVersion": "example.com/v1", "kind": "Deployment"],
        "example.com/v1 Deployment is no workload: it has no pod template"
      ),
      (["apiVersion": "v1", "kind": "Pod"], "in a Pod spec is missing"),
      (
        ["apiVersion": "apps/v1", "kind": "Deployment", "spec": [:]],
        "in a Deployment spec.template is missing"
      ),
      (
        ["apiVersion": "batch/v1", "kind": "CronJob", "spec": ["jobTemplate": ["spec": "x"]]],
        "in a CronJob spec.jobTemplate.spec must be an object, but is a string"
      ),
      (
        ["apiVersion": "batch/v1", "kind": "Job", "spec": ["template": [:]]],
        "in a Job spec.template.spec is missing"
      ),
    ] as [(Value, String)])
  func podTemplateFails(_ object: Value, message: String) {
    #expect(Self.failure("k8s.pod_template", object) == message)
  }
}
