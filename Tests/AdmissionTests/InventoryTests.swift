import Foundation
import Kubernetes
import Rego
import Testing

@testable import Admission

@Suite("The inventory")
struct InventoryTests {
  /// Loads files that are written to a folder of their own.
  private func load(_ files: [String: String], paths: [String] = [""]) throws -> Inventory {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      let file = folder.appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    do {
      return try InventoryLoader.load(paths.map { folder.path + $0 })
    } catch {
      throw PolicyProblems(
        error.problems.map { problem in
          var problem = problem
          problem.file = String(problem.file.dropFirst(folder.path.count))
          return problem
        })
    }
  }

  static let policy = """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec: {podSelector: {matchLabels: {app: web}}}
    """

  @Test("manifests are filed by namespace, version, kind and name, with defaults set")
  func manifests() throws {
    let inventory = try load([
      "a.yaml": Self.policy + "\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
      "b/c.json": #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{}}"#,
      "notes.txt": "no manifest",
    ])
    let found = inventory.value["namespace"]?["shop"]?["networking.k8s.io/v1"]?["NetworkPolicy"]?["web"]
    #expect(found?["spec"]?["policyTypes"] == ["Ingress"])
    #expect(
      inventory.value["cluster"]?["v1"]?["Namespace"]?["shop"]?["metadata"]?["labels"]?[
        "kubernetes.io/metadata.name"]
        == "shop")
    #expect(inventory.value["namespace"]?["default"]?["v1"]?["Service"]?["web"] != nil)
    #expect(
      inventory.counts.map(\.description) == [
        "1 NetworkPolicy (networking.k8s.io/v1)", "1 Namespace", "1 Service",
      ])
    #expect(inventory.objectCount == 3)
    #expect(inventory.namespaceCount == 2)
  }

  @Test("custom resources are in the namespace or not, as their definition in any file says")
  func definitions() throws {
    let definition = """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: things.example.com}
      spec: {group: example.com, scope: Namespaced, names: {kind: Thing, plural: things}, versions: []}
      """
    let inventory = try load([
      "a.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}", "z.yaml": definition,
    ])
    #expect(inventory.value["namespace"]?["default"]?["example.com/v1"]?["Thing"]?["x"] != nil)
  }

  @Test("a document that has the inventory's shape is taken as it is")
  func document() throws {
    let inventory = try load([
      "i.json": #"""
      {"inventory": {"namespace": {"shop": {"v1": {"Pod": {"p": {"kind": "Pod", "metadata": {"name": "p",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{}"}}}}}}},
       "cluster": {"v1": {"Namespace": {"shop": {"metadata": {"name": "shop"}}}}}}}
      """#
    ])
    let pod = inventory.value["namespace"]?["shop"]?["v1"]?["Pod"]?["p"]
    #expect(pod?["metadata"] == ["name": "p", "annotations": ["a": "b"]])
    #expect(inventory.value["cluster"]?["v1"]?["Namespace"]?["shop"]?["metadata"]?["name"] == "shop")
  }

  @Test("the contents of Secrets are not kept")
  func secrets() throws {
    let inventory = try load([
      "s.yaml":
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\ndata: {key: c2VzYW1l}",
      "i.json":
        #"{"inventory":{"namespace":{"n":{"v1":{"Secret":{"t":{"kind":"Secret","data":{"key":"c2VzYW1l"}}}}}}}}"#,
    ])
    #expect(inventory.objectCount == 2)
    for secret in ["hunter2", "c2VzYW1l"] { #expect(!inventory.value.json.contains(secret)) }
  }

  @Test(
    "what cannot be read is said with its place",
    arguments: [
      ("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: [}", "/a.yaml:3:"),
      ("a.yaml", "apiVersion: v1\nkind: Pod\n", "/a.yaml:1:1: "),
      ("a.json", #"{"inventory": {"namespaces": {}}}"#, "/a.json: inventory.namespaces: unknown key"),
      ("a.json", #"{"inventory": []}"#, "/a.json: inventory: must be an object"),
      (
        "a.json", #"{"inventory": {"cluster": {"v1": {"Pod": 1}}}}"#,
        "/a.json: inventory.cluster.v1.Pod: must be an object"
      ),
      (
        "a.json", #"{"inventory": {"cluster": {"v1": {"Pod": {"p": 1}}}}}"#,
        "/a.json: inventory.cluster.v1.Pod.p: must be"
      ),
      ("a.json", #"{"inventory": {"#, "/a.json:1:"),
      ("a.txt", "", "holds no .yaml, .yml or .json file"),
    ])
  func mistakes(_ name: String, _ text: String, _ expected: String) throws {
    let error = #expect(throws: PolicyProblems.self) { try load([name: text]) }
    let found = error?.description ?? ""
    #expect(found.hasPrefix(expected), "\(found)")
  }

  @Test("a path that is not there is said, and so is every other")
  func missing() throws {
    let error = #expect(throws: PolicyProblems.self) { try load([:], paths: ["/a", "/b.yaml"]) }
    #expect(
      error?.problems.map(\.description) == [
        "/a: there is no such file or folder", "/b.yaml: there is no such file or folder",
      ])
  }

  @Test("objects are replaced and removed, and nothing is left of what is empty")
  func changes() throws {
    var builder = InventoryBuilder()
    func pod(_ label: Value) -> Value {
      [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": "p", "namespace": "n", "labels": ["a": label]],
      ]
    }
    try builder.add(pod("1"))
    try builder.add(pod("2"))
    #expect(builder.build().objectCount == 1)
    #expect(
      builder.build().value["namespace"]?["n"]?["v1"]?["Pod"]?["p"]?["metadata"]?["labels"] == ["a": "2"])
    try builder.remove(pod("3"))
    #expect(builder.build().value == Inventory.empty.value)
    #expect(throws: InventoryBuilder.Failure.missing("metadata.name")) {
      try builder.add(["apiVersion": "v1", "kind": "Pod", "metadata": [:]])
    }
    #expect(throws: InventoryBuilder.Failure.notAnObject) { try builder.add("pod") }
  }

  @Test("what objects have in common is held once")
  func sharing() throws {
    var builder = InventoryBuilder()
    for index in 0..<2 {
      try builder.add([
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string("p\(index)"), "namespace": "n"],
        "spec": ["containers": [["name": "c", "image": "i"]]],
      ])
    }
    let pods = try #require(builder.build().value["namespace"]?["n"]?["v1"]?["Pod"]?.object)
    #expect(pods.count == 2)
    let first = try #require(pods.values[0]["spec"]?.object)
    let second = try #require(pods.values[1]["spec"]?.object)
    #expect(first.isIdentical(to: second))
  }
}
