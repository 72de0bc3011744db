import Rego
import Testing

@testable import Kubernetes

@Suite("Objects")
struct ObjectTests {
  @Test("group and version come from apiVersion", arguments: ["v1", "apps/v1", "networking.k8s.io/v1"])
  func apiVersion(_ apiVersion: String) throws {
    let kind = try #require(GroupVersionKind(apiVersion: RegoString(apiVersion), kind: "Thing"))
    #expect(kind.apiVersion == RegoString(apiVersion))
    #expect(kind.description == "\(apiVersion) Thing")
  }

  @Test("an apiVersion has one part or two", arguments: ["", "/", "apps/", "/v1", "a/b/c"])
  func badAPIVersion(_ apiVersion: String) {
    #expect(GroupVersionKind(apiVersion: RegoString(apiVersion), kind: "Thing") == nil)
  }

  @Test(
    "the kinds of Kubernetes are known with resource and scope",
    arguments: [
      ("v1", "Pod", "pods", true, true), ("v1", "Namespace", "namespaces", false, false),
      ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true, false),
      ("networking.k8s.io/v1", "IngressClass", "ingressclasses", false, false),
      ("extensions/v1beta1", "NetworkPolicy", "networkpolicies", true, false),
      ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", false, false),
      ("batch/v1beta1", "CronJob", "cronjobs", true, true), ("v1", "Endpoints", "endpoints", true, false),
    ])
  func knownKinds(apiVersion: String, kind: String, resource: String, namespaced: Bool, workload: Bool) throws
  {
    let name = try #require(GroupVersionKind(apiVersion: RegoString(apiVersion), kind: RegoString(kind)))
    let known = try #require(KindTable.builtin[name])
    #expect(known.resource == RegoString(resource))
    #expect(known.isNamespaced == namespaced)
    #expect(known.isWorkload == workload)
  }

  @Test("no two builtin kinds share group and kind")
  func distinctKinds() {
    let names = KindTable.builtinKinds.map { "\($0.group)/\($0.kind)" }
    #expect(Set(names).count == names.count)
  }

  @Test("a CustomResourceDefinition makes its kind known")
  func customResources() throws {
    var table = KindTable.builtin
    let kind = GroupVersionKind(group: "example.com", version: "v1", kind: "Tenant")
    #expect(table[kind] == nil)
    table.addDefinition([
      "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
      "spec": [
        "group": "example.com", "scope": "Cluster", "names": ["kind": "Tenant", "plural": "tenants"],
      ],
    ])
    #expect(table[kind]?.resource == "tenants")
    #expect(table[kind]?.isNamespaced == false)
    table.addDefinition(["kind": "CustomResourceDefinition", "spec": ["group": 1]])
  }

  @Test("metadata is read with its owners")
  func metadata() throws {
    let metadata = try ObjectMetadata(of: [
      "metadata": [
        "name": "web-5d89bdfcc", "namespace": "shop", "labels": ["app": "web"], "annotations": .null,
        "deletionTimestamp": "2026-11-20T23:10:12Z",
        "ownerReferences": [
          ["apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1"],
          ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "2", "controller": true],
        ],
      ]
    ])
    #expect(metadata.name == "web-5d89bdfcc")
    #expect(metadata.namespace == "shop")
    #expect(metadata.labels["app" as RegoString] == "web")
    #expect(metadata.annotations.isEmpty)
    #expect(metadata.isBeingDeleted)
    #expect(metadata.owners.count == 2)
    #expect(metadata.controller?.kind == GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))
    #expect(metadata.controller?.name == "web")
  }

  @Test(
    "absent, null and empty metadata have no members",
    arguments: [[:], ["metadata": .null], ["metadata": [:]]] as [Value])
  func noMetadata(_ object: Value) throws {
    let metadata = try ObjectMetadata(of: object)
    #expect(metadata.name == nil)
    #expect(metadata.labels.isEmpty)
    #expect(!metadata.isBeingDeleted)
    #expect(metadata.controller == nil)
  }

  @Test(
    "metadata of other types than the API's is an error",
    arguments: [
      (["metadata": "web"], "metadata must be an object, but is a string"),
      (["metadata": ["name": 1]], "metadata.name must be a string, but is a number"),
      (["metadata": ["labels": ["app"]]], "metadata.labels must be an object, but is an array"),
      (["metadata": ["labels": ["version": 1]]], "metadata.labels.version must be a string, but is a number"),
      (["metadata": ["labels": ["version": .null]]], "metadata.labels.version must be a string, but is null"),
      (
        ["metadata": ["annotations": ["on": true]]],
        "metadata.annotations.on must be a string, but is a boolean"
      ),
      (
        ["metadata": ["ownerReferences": [.null]]],
        "metadata.ownerReferences[0] must be an object, but is null"
      ),
      (
        ["metadata": ["ownerReferences": [["controller": "yes"]]]],
        "metadata.ownerReferences[0].controller must be a boolean, but is a string"
      ),
    ] as [(Value, String)])
  func badMetadata(_ object: Value, message: String) {
    let error = #expect(throws: FieldError.self) { try ObjectMetadata(of: object) }
    #expect(error?.description == message)
  }
}
