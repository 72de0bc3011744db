import Foundation
import Kubernetes
import Rego

@testable import Admission

/// A service over policies and objects, with what tests ask of it.
struct Fixture {
  let service: AdmissionService

  init(
    _ sources: [PolicySource] = BuiltinPolicies.sources, overrides: String = "{}",
    inventory: Inventory? = .empty
  ) throws {
    let set = try PolicyCompiler(hasInventory: inventory != nil).compile(
      sources, overrides: try PolicyOverrides(try YAMLReader.value(overrides)))
    if !set.problems.isEmpty { throw PolicyProblems(set.problems) }
    service = AdmissionService(AdmissionSnapshot(policies: set, inventory: inventory))
  }

  /// A policy of one file.
  init(
    policy: String, overrides: String = "{}", inventory: Inventory? = .empty
  ) throws {
    try self.init([PolicySource(path: "p.rego", text: policy)], overrides: overrides, inventory: inventory)
  }

  func answer(
    _ review: String, deadline: ContinuousClock.Instant = .now + .seconds(60), isFinal: Bool = true
  ) -> ReviewAnswer {
    Array(review.utf8).withUnsafeBytes { service.answer($0, deadline: deadline, isFinal: isFinal) }
  }

  /// The decision and the response's JSON.
  func decide(_ review: String) throws -> (decision: Decision, response: Value) {
    switch answer(review) {
    case .decided(let decision, let response):
      return (decision, try JSONReader.value(response)["response"] ?? .null)
    case .malformed(let message): throw Malformed(message: message)
    case .tooSlow: throw Malformed(message: "too slow")
    case .unconfirmed: throw Malformed(message: "unconfirmed")
    }
  }

  func decide(_ review: Value) throws -> (decision: Decision, response: Value) {
    try decide(review.json)
  }

  struct Malformed: Error {
    var message: String
  }
}

/// Reviews as tests need them.
enum Review {
  static func make(
    _ kind: String, group: String = "", operation: String = "CREATE", namespace: String = "shop",
    object: Value = .null, old: Value = .null, user: String = "alice", fields: [String: Value] = [:]
  ) -> Value {
    var request: [(Value, Value)] = [
      ("uid", "1-2-3"), ("operation", .string(operation)), ("namespace", .string(namespace)), ("name", "web"),
      ("kind", ["group": .string(group), "version": "v1", "kind": .string(kind)]),
      ("userInfo", ["username": .string(user), "groups": ["developers"]]), ("object", object),
      ("oldObject", old),
    ]
    request += fields.map { (.string($0.key), $0.value) }
    return [
      "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
      "request": .object(ObjectValue(request)),
    ]
  }

  static func networkPolicy(_ spec: Value, operation: String = "CREATE", old: Value = .null) -> Value {
    make("NetworkPolicy", group: "networking.k8s.io", operation: operation, object: object(spec), old: old)
  }

  static func object(_ spec: Value) -> Value {
    [
      "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
      "metadata": ["name": "web", "namespace": "shop"], "spec": spec,
    ]
  }

  static func pod(_ labels: Value, fields: [String: Value] = [:]) -> Value {
    make(
      "Pod",
      object: [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": "web", "namespace": "shop", "labels": labels],
        "spec": ["containers": []],
      ], fields: fields)
  }
}
