import Rego
import Testing

@testable import Kubernetes

@Suite("AdmissionReview requests")
struct AdmissionRequestTests {
  /// A review of a Deployment's creation, with members of its request replaced.
  static func review(_ changes: KeyValuePairs<String, Value?> = [:]) -> Value {
    var request: [(Value, Value)] = [
      ("uid", "u-1"),
      ("kind", ["group": "apps", "version": "v1", "kind": "Deployment"]),
      ("resource", ["group": "apps", "version": "v1", "resource": "deployments"]),
      ("name", "web"), ("namespace", "shop"), ("operation", "CREATE"),
      ("userInfo", ["username": "ann", "groups": ["dev", "system:authenticated"]]),
      ("object", deployment), ("oldObject", .null), ("dryRun", false), ("options", ["kind": "CreateOptions"]),
    ]
    for (name, value) in changes {
      request.removeAll { $0.0 == .string(name) }
      if let value { request.append((.string(name), value)) }
    }
    return [
      "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
      "request": .object(ObjectValue(request)),
    ]
  }

  static let deployment: Value = [
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": ["name": "web", "namespace": "shop", "labels": ["app": "web"]],
    "spec": ["template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": []]]],
  ]

  static func problem(_ review: Value) -> String? {
    do {
      _ = try AdmissionRequest(review: review)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("every member is read")
  func whole() throws {
    let request = try AdmissionRequest(review: Self.review(["subResource": "scale"]))
    #expect(request.version == .v1)
    #expect(request.uid == "u-1")
    #expect(request.kind == GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))
    #expect(request.requestKind == request.kind)
    #expect(request.resource == GroupVersionResource(group: "apps", version: "v1", resource: "deployments"))
    #expect(request.subResource == "scale")
    #expect(request.operation == .create)
    #expect(request.userInfo == .init(username: "ann", groups: ["dev", "system:authenticated"]))
    #expect(request.object == Self.deployment)
    #expect(request.oldObject == nil)
    #expect(request.options == ["kind": "CreateOptions"])
    #expect(!request.isDryRun)
    #expect(request.metadata?.labels["app" as RegoString] == "web")
    #expect(request.reference.description == "Deployment shop/web")
  }

  @Test("what the API may leave out, or send as null, has a value all the same")
  func optionalMembers() throws {
    for absent in [nil, .null] as [Value?] {
      let request = try AdmissionRequest(
        review: Self.review([
          "resource": absent, "subResource": absent, "userInfo": absent, "dryRun": absent, "options": absent,
          "oldObject": absent, "name": absent, "namespace": absent, "requestKind": absent,
        ]))
      #expect(request.resource.resource == "deployments")
      #expect(request.subResource == "")
      #expect(request.userInfo == .init(username: "", groups: []))
      #expect(request.name == "web")
      #expect(request.namespace == "shop")
    }
  }

  @Test("a name that the request lacks is the object's, the old object's, or the prefix of one to be made")
  func names() throws {
    let generated: Value = ["metadata": ["generateName": "web-"]]
    let old: Value = ["metadata": ["name": "old", "namespace": "shop"]]
    #expect(try AdmissionRequest(review: Self.review(["name": nil, "object": generated])).name == "web-")
    let delete = try AdmissionRequest(
      review: Self.review([
        "name": "", "namespace": .null, "operation": "DELETE", "object": .null, "oldObject": old,
      ]))
    #expect(delete.name == "old")
    #expect(delete.namespace == "shop")
    #expect(delete.object == nil)
    #expect(delete.oldMetadata?.name == "old")
  }

  @Test("both versions are known")
  func versions() throws {
    let review = Self.review().object!.inserting("apiVersion", "admission.k8s.io/v1beta1")
    #expect(try AdmissionRequest(review: .object(review)).version == .v1beta1)
  }

  @Test(
    "a review that cannot be answered is refused with a sentence",
    arguments: [
      (.null, "an AdmissionReview must be an object, but this is null"),
      ([], "an AdmissionReview must be an object, but this is an array"),
      ([:], "kind is missing: it must be AdmissionReview"),
      (["kind": 1], "kind must be a string, but is a number"),
      (["kind": "Pod", "apiVersion": "v1"], "kind must be AdmissionReview, but is \"Pod\""),
      (
        ["kind": "AdmissionReview"],
        "apiVersion is missing: admission.k8s.io/v1 and admission.k8s.io/v1beta1 are known"
      ),
      (
        ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v2", "request": [:]],
        "unknown version \"admission.k8s.io/v2\": admission.k8s.io/v1 and admission.k8s.io/v1beta1 are known"
      ),
      (["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"], "request is missing"),
      (
        ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": .null],
        "request is missing"
      ),
      (
        ["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": []],
        "request must be an object, but is an array"
      ),
    ] as [(Value, String)])
  func badReview(_ review: Value, message: String) {
    #expect(Self.problem(review) == message)
  }

  @Test(
    "a member of another type than the API's is named",
    arguments: [
      ("uid", nil, "request.uid is missing"), ("uid", .null, "request.uid is missing"),
      ("uid", "", "request.uid is missing"), ("uid", 7, "request.uid must be a string, but is a number"),
      ("kind", nil, "request.kind.kind is missing"), ("kind", .null, "request.kind.kind is missing"),
      ("kind", "Pod", "request.kind must be an object, but is a string"),
      ("kind", ["kind": 1], "request.kind.kind must be a string, but is a number"),
      ("kind", ["kind": "Pod", "group": []], "request.kind.group must be a string, but is an array"),
      ("resource", "pods", "request.resource must be an object, but is a string"),
      ("resource", ["resource": 1], "request.resource.resource must be a string, but is a number"),
      ("subResource", [:], "request.subResource must be a string, but is an object"),
      ("name", 1, "request.name must be a string, but is a number"),
      ("namespace", true, "request.namespace must be a string, but is a boolean"),
      ("operation", nil, "request.operation is missing"),
      ("operation", 1, "request.operation must be a string, but is a number"),
      ("operation", "PATCH", "request.operation must be CREATE, UPDATE, DELETE or CONNECT, but is \"PATCH\""),
      (
        "operation", "create",
        "request.operation must be CREATE, UPDATE, DELETE or CONNECT, but is \"create\""
      ),
      ("userInfo", "ann", "request.userInfo must be an object, but is a string"),
      ("userInfo", ["username": 1], "request.userInfo.username must be a string, but is a number"),
      ("userInfo", ["groups": "dev"], "request.userInfo.groups must be an array, but is a string"),
      ("userInfo", ["groups": ["dev", .null]], "request.userInfo.groups[1] must be a string, but is null"),
      ("dryRun", "no", "request.dryRun must be a boolean, but is a string"),
      ("options", [], "request.options must be an object, but is an array"),
      ("object", "web", "request.object must be an object, but is a string"),
      ("object", nil, "request.object is null, but the operation is CREATE"),
      ("object", .null, "request.object is null, but the operation is CREATE"),
      ("oldObject", [1], "request.oldObject must be an object, but is an array"),
      ("object", ["metadata": "x"], "request.object.metadata must be an object, but is a string"),
      (
        "object", ["metadata": ["labels": ["v": 1]]],
        "request.object.metadata.labels.v must be a string, but is a number"
      ),
      (
        "oldObject", ["metadata": ["labels": [:], "annotations": ["a": .null]]],
        "request.oldObject.metadata.annotations.a must be a string, but is null"
      ),
      (
        "object",
        [
          "apiVersion": "apps/v1", "kind": "Deployment",
          "spec": ["template": ["metadata": ["labels": ["v": ["x"]]]]],
        ], "request.object.spec.template.metadata.labels.v must be a string, but is an array"
      ),
      (
        "object", ["apiVersion": "apps/v1", "kind": "Deployment", "spec": ["template": "x"]],
        "request.object.spec.template must be an object, but is a string"
      ),
    ] as [(String, Value?, String)])
  func badMember(_ name: String, _ value: Value?, message: String) {
    #expect(Self.problem(Self.review([name: value])) == message)
  }

  @Test("UPDATE needs an object, DELETE one of both, CONNECT neither")
  func missingObjects() {
    let none = { (operation: Value) in
      Self.problem(Self.review(["operation": operation, "object": .null, "oldObject": .null]))
    }
    #expect(none("UPDATE") == "request.object is null, but the operation is UPDATE")
    #expect(
      none("DELETE") == "request.object and request.oldObject are both null, but the operation is DELETE")
    #expect(none("CONNECT") == nil)
    #expect(
      Self.problem(Self.review(["operation": "UPDATE", "object": .null, "oldObject": Self.deployment]))
        == "request.object is null, but the operation is UPDATE")
  }
}
