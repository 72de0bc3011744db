import Foundation
import Rego
import Testing

@testable import Kubernetes

@Suite("Manifest files")
struct ManifestReaderTests {
  /// What was read as `FILE:LINE:COLUMN KIND NAMESPACE/NAME`, then the errors.
  static func summary(_ set: ManifestSet, without prefix: String = "") -> [String] {
    let read = set.manifests.map { manifest in
      "\(manifest.location.file):\(manifest.location.line):\(manifest.location.column) \(manifest.reference)"
    }
    return (read + set.errors.map(\.description)).map { $0.replacingOccurrences(of: prefix, with: "") }
  }

  static func summary(_ text: String, file: String = "a.yaml") -> [String] {
    summary(ManifestReader(namespace: "shop").read(Array(text.utf8), file: file))
  }

  /// Runs a body with a folder that holds these files.
  static func withFolder(_ files: KeyValuePairs<String, String>, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "manifests-\(UUID().uuidString)"
    ).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files {
      let path = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
    try body(folder)
  }

  static func pod(_ name: String) -> String { "apiVersion: v1\nkind: Pod\nmetadata: {name: \(name)}\n" }

  @Test("many documents in a file have their places, and comments and empty documents are none")
  func documents() {
    let text = "# a comment\n---\n\(Self.pod("a"))---\n---\n# more\n\n\(Self.pod("b"))---\nnull\n"
    #expect(Self.summary(text) == ["a.yaml:3:1 Pod shop/a", "a.yaml:10:1 Pod shop/b"])
    #expect(Self.summary("") == [])
    #expect(Self.summary("# nothing\n") == [])
  }

  @Test("objects are normalised")
  func normalized() throws {
    let text =
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {ingress: []}\n"
    let set = ManifestReader(namespace: "shop").read(Array(text.utf8), file: "a.yaml")
    let policy = try #require(set.manifests.first)
    #expect(policy.object["spec"] == ["podSelector": [:], "policyTypes": ["Ingress"]])
    #expect(policy.kind == GroupVersionKind(group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy"))
    #expect(policy.metadata.namespace == "shop")
  }

  @Test("a broken document does not lose the others")
  func brokenDocument() {
    let text = "\(Self.pod("a"))---\nkind: [\n---\n\(Self.pod("b"))---\na: 1\na: 2\n---\n\(Self.pod("c"))"
    let summary = Self.summary(text)
    #expect(
      summary.prefix(3) == ["a.yaml:1:1 Pod shop/a", "a.yaml:7:1 Pod shop/b", "a.yaml:14:1 Pod shop/c"])
    #expect(summary.count == 5)
    #expect(summary.dropFirst(3).allSatisfy { $0.wholeMatch(of: /a\.yaml:\d+:\d+: .+/) != nil }, "\(summary)")
  }

  @Test(
    "what is no object of Kubernetes is an error with its place",
    arguments: [
      ("- a\n", "a.yaml:1:1: a manifest must be an object, but this is an array"),
      ("---\nhello\n", "a.yaml:2:1: a manifest must be an object, but this is a string"),
      ("a: 1\n", "a.yaml:1:1: apiVersion is missing"), ("apiVersion: v1\n", "a.yaml:1:1: kind is missing"),
      ("\n\nkind: Pod\n", "a.yaml:3:1: apiVersion is missing"),
      ("apiVersion: 1\nkind: Pod\n", "a.yaml:1:1: apiVersion must be a string, but is a number"),
      ("apiVersion: v1\nkind: Pod\n", "a.yaml:1:1: metadata.name is missing"),
      (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 1}\n",
        "a.yaml:1:1: metadata.name must be a string, but is a number"
      ),
      (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {version: 1.0}}\n",
        "a.yaml:1:1: metadata.labels.version must be a string, but is a number"
      ),
      (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {enabled: yes}}\n",
        "a.yaml:1:1: metadata.labels.enabled must be a string, but is a boolean"
      ),
      (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {v: 1}}}}\n",
        "a.yaml:1:1: spec.template.metadata.labels.v must be a string, but is a number"
      ),
      (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {ingress: {}}\n",
        "a.yaml:1:1: spec.ingress must be an array, but is an object"
      ),
    ])
  func notAManifest(_ text: String, error: String) {
    #expect(Self.summary(text) == [error])
  }

  @Test("generateName is name enough")
  func generateName() {
    #expect(
      Self.summary("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n") == ["a.yaml:1:1 Pod shop/a-"])
  }

  @Test("lists are taken apart, each item with its place")
  func lists() {
    let list = """
      apiVersion: v1
      kind: List
      items:
      - apiVersion: v1
        kind: Pod
        metadata: {name: a}
      - null
      - apiVersion: v1
        kind: PodList
        items:
        - metadata: {name: b}
        - 7
      - apiVersion: v1
        kind: Namespace
        metadata: {name: shop, namespace: other}
      """
    #expect(
      Self.summary(list) == [
        "a.yaml:4:3 Pod shop/a", "a.yaml:8:3 Pod shop/b", "a.yaml:13:3 Namespace shop",
        "a.yaml:8:3: a manifest must be an object, but this is a number",
      ])
    #expect(Self.summary("apiVersion: v1\nkind: List\nitems: []\n") == [])
    #expect(
      Self.summary(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems:\n- metadata: {name: a}\n")
        == ["a.yaml:4:3 NetworkPolicy shop/a"])
  }

  @Test("JSON has places too, in lists and one value after another")
  func json() {
    let pod = { (name: String) in #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"\#(name)"}}"# }
    let list =
      "\n  {\"kind\": \"List\", \"x\": [\"}\\\"\", {}],\n \"apiVersion\": \"v1\", \"items\": [\(pod("a")),\n  \(pod("b"))]}\n"
    #expect(Self.summary(list, file: "a.json") == ["a.json:3:32 Pod shop/a", "a.json:4:3 Pod shop/b"])
    #expect(
      Self.summary("\(pod("a"))\n\(pod("b")) \(pod("c"))", file: "a.json")
        == ["a.json:1:1 Pod shop/a", "a.json:2:1 Pod shop/b", "a.json:2:58 Pod shop/c"])
    #expect(Self.summary(pod("🦊"), file: "stdin") == ["stdin:1:1 Pod shop/🦊"])
    #expect(Self.summary(pod(#"\ud83e\udd8a"#), file: "a.yaml") == ["a.yaml:1:1 Pod shop/🦊"])
    #expect(Self.summary("{apiVersion: v1, kind: Pod, metadata: {name: a}}\n") == ["a.yaml:1:1 Pod shop/a"])
  }

  @Test(
    "text that is not JSON is an error with its place",
    arguments: [
      "{\"a\": }", "{", "[1,", "}", "{\"a\" 1}", "nul", "{} x", "\"", "{\"items\": [", "\u{feff}{}",
    ])
  func notJSON(_ text: String) {
    let summary = Self.summary("\n\(text)", file: "a.json")
    #expect(summary.contains { $0.wholeMatch(of: /a\.json:2:\d+: .+/) != nil }, "\(summary)")
  }

  @Test("folders are read at any depth, by name, and only what manifests are called")
  func folders() throws {
    try Self.withFolder([
      "b.yaml": Self.pod("b"), "a.yml": Self.pod("a"),
      "sub/deep/c.json": #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}"#,
      "README.md": "no manifest", ".hidden.yaml": "x", ".git/d.yaml": "x",
      "z/kustomization.yaml": kustomization,
    ]) { folder in
      let reader = ManifestReader(namespace: "shop")
      let all = ["/a.yml:1:1 Pod shop/a", "/b.yaml:1:1 Pod shop/b", "/sub/deep/c.json:1:1 Pod shop/c"]
      #expect(Self.summary(reader.read([folder]), without: folder) == all)
      #expect(Self.summary(reader.read([folder + "/"]), without: folder) == all)
      #expect(
        Self.summary(reader.read(["\(folder)/sub", "\(folder)/a.yml", "\(folder)/none"]), without: folder)
          == [all[2], all[0], "/none: there is no such file or folder"])
      #expect(
        Self.summary(reader.read(["\(folder)/README.md"]), without: folder)
          == ["/README.md:1:1: a manifest must be an object, but this is a string"])
    }
  }

  private let kustomization =
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"

  @Test("a folder that contains itself is an error, and read once")
  func symbolicLinks() throws {
    try Self.withFolder(["a/pod.yaml": Self.pod("a")]) { folder in
      let files = FileManager.default
      try files.createSymbolicLink(atPath: "\(folder)/a/up", withDestinationPath: "..")
      try files.createSymbolicLink(atPath: "\(folder)/link.yaml", withDestinationPath: "a/pod.yaml")
      try files.createSymbolicLink(atPath: "\(folder)/loop.yaml", withDestinationPath: "loop.yaml")
      try files.createSymbolicLink(atPath: "\(folder)/gone.yaml", withDestinationPath: "nowhere")
      #expect(
        Self.summary(ManifestReader(namespace: "shop").read([folder]), without: folder) == [
          "/a/pod.yaml:1:1 Pod shop/a", "/link.yaml:1:1 Pod shop/a",
          "/a/up: the folder contains itself through a symbolic link",
          "/gone.yaml: there is no such file or folder",
          "/loop.yaml: the symbolic link leads to itself",
        ])
    }
  }

  @Test("pipes in folders are not waited for")
  func pipes() throws {
    try Self.withFolder(["a.yaml": Self.pod("a")]) { folder in
      #expect(mkfifo("\(folder)/b.yaml", 0o600) == 0)
      #expect(
        Self.summary(ManifestReader(namespace: "shop").read([folder]), without: folder) == [
          "/a.yaml:1:1 Pod shop/a"
        ])
    }
  }

  @Test("binary and huge files are refused")
  func unreadable() throws {
    try Self.withFolder([
      "a.yaml": "\u{7f}ELF\u{2}\u{0}\u{0}", "b.yaml": Self.pod(String(repeating: "b", count: 1000)),
    ]) {
      folder in
      #expect(
        Self.summary(ManifestReader(maximumFileSize: 500).read([folder]), without: folder) == [
          "/a.yaml: it is a binary file, or not in UTF-8",
          "/b.yaml: the file is larger than 500 bytes, which is the limit",
        ])
    }
  }

  @Test("what aliases and nesting blow up is refused, in bounded time")
  func bombs() {
    var laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    for level in 1..<12 {
      laughs +=
        "a\(level): &a\(level) [" + [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
        + "]\n"
    }
    let deep = String(repeating: "[", count: 100_000)
    for text in [laughs, deep, "{\"a\":" + deep] {
      let summary = Self.summary(text + "\n---\n" + Self.pod("after"))
      #expect(summary.contains { $0.hasSuffix("Pod shop/after") } || text.hasPrefix("{"), "\(summary)")
      #expect(summary.contains { $0.wholeMatch(of: /a\.yaml:\d+:\d+: .+/) != nil }, "\(summary)")
    }
    #expect(Self.summary(deep, file: "a.json").first?.hasPrefix("a.json:1:") == true)
  }

  @Test("the scope of custom resources comes from their definitions, wherever these stand")
  func customResources() {
    let text = """
      apiVersion: example.com/v1
      kind: Tenant
      metadata: {name: a}
      ---
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: tenants.example.com}
      spec:
        group: example.com
        scope: Namespaced
        names: {kind: Tenant, plural: tenants}
      """
    #expect(
      Self.summary(text)
        == ["a.yaml:1:1 Tenant shop/a", "a.yaml:5:1 CustomResourceDefinition tenants.example.com"])
  }
}
