import Foundation
import Rego
import Testing

@testable import KubernetesClient

private func parse(_ text: String, context: String? = nil) throws(ClientConfigurationError)
  -> ClientConfiguration
{
  try Kubeconfig.parse(Array(text.utf8), file: "/home/me/.kube/config", context: context)
}

private let whole = """
  apiVersion: v1
  kind: Config
  current-context: dev
  clusters:
  - name: dev
    cluster:
      server: https://10.0.0.1:6443
      certificate-authority-data: Q0E=
  - name: prod
    cluster:
      server: https://[fd00::1]/base/
      certificate-authority: ca.pem
      tls-server-name: kubernetes
  contexts:
  - name: dev
    context: {cluster: dev, user: admin, namespace: shop}
  - name: prod
    context: {cluster: prod, user: robot}
  - name: anonymous
    context: {cluster: dev}
  users:
  - name: admin
    user:
      client-certificate-data: Q0VSVA==
      client-key: /keys/admin.key
      as: jane
      as-groups: [a, b]
  - name: robot
    user: {tokenFile: token, token: ignored}
  """

@Suite("Kubeconfig files")
struct KubeconfigTests {
  @Test("contexts lead to clusters and users; files are relative to the kubeconfig")
  func contexts() throws {
    let dev = try parse(whole)
    #expect(dev.server == ServerAddress(isSecure: true, host: "10.0.0.1", port: 6443))
    #expect(dev.authorities == .bytes(Array("CA".utf8)))
    #expect(dev.clientCertificate == .bytes(Array("CERT".utf8)))
    #expect(dev.clientKey == .file("/keys/admin.key"))
    #expect(dev.credentials == .none)
    #expect(dev.impersonation == .init(user: "jane", groups: ["a", "b"]))
    #expect(dev.namespace == "shop")
    let prod = try parse(whole, context: "prod")
    #expect(prod.server == ServerAddress(isSecure: true, host: "fd00::1", port: 443, basePath: "/base"))
    #expect(prod.authorities == .file("/home/me/.kube/ca.pem"))
    #expect(prod.serverName == "kubernetes")
    #expect(prod.credentials == .tokenFile("/home/me/.kube/token"))
    #expect(prod.namespace == nil)
    #expect(try parse(whole, context: "anonymous").credentials == .none)
  }

  @Test("of several files the first that defines a name counts")
  func merging() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kube-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = folder.appending(path: "first").path
    let second = folder.appending(path: "second").path
    try Data(
      "clusters: [{name: dev, cluster: {server: 'http://first:80'}}]\ncontexts: [{name: dev, context: {cluster: dev, user: admin}}]\n"
        .utf8
    ).write(to: URL(filePath: first))
    try Data(whole.utf8).write(to: URL(filePath: second))
    let environment = ["KUBECONFIG": "\(folder.path)/absent::\(first):\(second)"]
    let merged = try Kubeconfig.load(environment: environment)
    #expect(merged.server.host == "first")
    #expect(merged.clientKey == .file("/keys/admin.key"))
    #expect(try Kubeconfig.load(path: second, environment: environment).server.host == "10.0.0.1")
    #expect(throws: ClientConfigurationError.self) {
      try Kubeconfig.load(environment: ["KUBECONFIG": "\(folder.path)/absent"])
    }
    #expect(throws: ClientConfigurationError.self) { try Kubeconfig.load(environment: ["HOME": folder.path]) }
  }

  @Test(
    "what is wrong is told with file and line",
    arguments: [
      ("", "is empty"),
      ("[]", ":1: a kubeconfig is a map, but this is array"),
      ("kind: Pod", ":1:1: kind: must be Config, but is \"Pod\""),
      ("apiVersion: v2", ":1:1: apiVersion: must be v1, but is \"v2\""),
      ("clusters: []", "there is no current-context, and no context was chosen"),
      ("current-context: a", ":1:1: current-context: there is no context \"a\""),
      ("current-context: 7", ":1:1: current-context: must be a string, but is number"),
      ("current-context: a\ncontexts: {}", ":2:1: contexts: must be a list, but is object"),
      ("current-context: a\ncontexts:\n- 7", ":3:3: an element of contexts must be a map, but is number"),
      ("current-context: a\ncontexts:\n- name: a", ":3:3: there must be context beside the name"),
      ("current-context: a\ncontexts:\n- name: a\n  context: {}", ":4:3: cluster is missing"),
      (
        "current-context: a\ncontexts:\n- name: a\n  context:\n    cluster: x",
        ":5:5: cluster: there is no cluster \"x\""
      ),
      ("a: [", ":1:5: "), ("a: \u{0}", ":1:4: "), ("a: &x [*x, *x]\nb: *y", ""),
    ])
  func malformed(text: String, expected: String) {
    #expect {
      try parse(text)
    } throws: { error in
      "\(error)".hasPrefix("/home/me/.kube/config" + (expected.hasPrefix(":") ? expected : ""))
        && (expected.hasPrefix(":") || "\(error)".hasSuffix(expected))
    }
  }

  @Test(
    "what is wrong with a cluster or a user is told with its line",
    arguments: [
      ("server: ftp://x", "", ":4:5: server: \"ftp://x\" is no URL"),
      ("server: https://x:99999", "", ":4:5: server: "),
      ("server: https://", "", ":4:5: server: "),
      ("certificate-authority: x", "", ":3:3: server is missing"),
      (
        "server: x\n    certificate-authority-data: '*'", "",
        ":5:5: certificate-authority-data: is not base64"
      ),
      (
        "server: x\n    insecure-skip-tls-verify: yes please", "",
        ":5:5: insecure-skip-tls-verify: must be true or false"
      ),
      (
        "server: x\n    insecure-skip-tls-verify: true\n    certificate-authority: ca.pem", "",
        ":5:5: insecure-skip-tls-verify: says not to verify"
      ),
      ("server: x\n    proxy-url: http://p", "", ":5:5: proxy-url: proxies are not supported"),
      ("server: x", "client-certificate: a", ":8:5: client-certificate: there is no client-key"),
      ("server: x", "client-key: a", ":8:5: client-key: there is no client-certificate"),
      ("server: x", "token: 'a b'", ":8:5: token: a token has no spaces"),
      ("server: x", "token: [a]", ":8:5: token: must be a string, but is array"),
      ("server: x", "auth-provider: {name: gcp}", ":8:5: auth-provider: Kubernetes 1.26"),
      ("server: x", "exec: {command: c}", ":8:5: apiVersion is missing"),
      ("server: x", "exec: {apiVersion: v1, command: c}", ":8:12: apiVersion: must be client.authentication"),
    ])
  func malformedParts(cluster: String, user: String, expected: String) {
    let text =
      "current-context: a\nclusters:\n- cluster:\n    \(cluster)\n  name: a\nusers:\n- user:\n    \(user)\n  name: a\n"
      + "contexts: [{name: a, context: {cluster: a, user: a}}]"
    let lines = cluster.filter(\.isNewline).count
    #expect {
      try parse(text)
    } throws: { error in
      // The user's lines come after the cluster's.
      "\(error)".hasPrefix("/home/me/.kube/config" + expected) && lines < 3
    }
  }

  @Test("a pod finds its API server, its token and its namespace")
  func inCluster() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sa-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
    #expect(!ClientConfiguration.isInCluster(environment: environment, folder: folder.path))
    #expect(throws: ClientConfigurationError.self) {
      try ClientConfiguration.inCluster(environment: environment, folder: folder.path)
    }
    for (file, text) in [("token", "abc"), ("ca.crt", "ca"), ("namespace", "portcullis-system\n")] {
      try Data(text.utf8).write(to: folder.appending(path: file))
    }
    #expect(ClientConfiguration.isInCluster(environment: environment, folder: folder.path))
    #expect(!ClientConfiguration.isInCluster(environment: [:], folder: folder.path))
    let found = try ClientConfiguration.inCluster(environment: environment, folder: folder.path)
    #expect(found.server.description == "https://[fd00::1]")
    #expect(found.credentials == .tokenFile(folder.path + "/token"))
    #expect(found.authorities == .file(folder.path + "/ca.crt"))
    #expect(found.namespace == "portcullis-system")
    for environment in [[:], ["KUBERNETES_SERVICE_HOST": "x", "KUBERNETES_SERVICE_PORT": "ten"]] {
      #expect(throws: ClientConfigurationError.self) {
        try ClientConfiguration.inCluster(environment: environment, folder: folder.path)
      }
    }
  }

  @Test("a credential plugin is run, kept while it is valid, and run again after a refusal")
  func execPlugin() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "exec-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let script = folder.appending(path: "plugin.sh").path
    try Data(
      """
      #!/bin/sh
      echo x >>"\(folder.path)/runs"
      echo "{\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"$1-$MODE-$(wc -l <"\(folder.path)/runs" | tr -d ' ')\\"}}"
      """.utf8
    ).write(to: URL(filePath: script))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    let text = """
      current-context: a
      contexts: [{name: a, context: {cluster: a, user: a}}]
      clusters: [{name: a, cluster: {server: x}}]
      users:
      - name: a
        user:
          exec:
            apiVersion: client.authentication.k8s.io/v1
            command: \(script)
            args: [one]
            env: [{name: MODE, value: two}]
      """
    let store = CredentialStore(try parse(text))
    #expect(try await store.authorization(afterRefusal: false) == "Bearer one-two-1")
    #expect(try await store.authorization(afterRefusal: false) == "Bearer one-two-1")
    #expect(try await store.authorization(afterRefusal: true) == "Bearer one-two-2")
    let absent = CredentialStore(try parse(text.replacing(script, with: "no-such-program-here")))
    await #expect(throws: APIError.self) { try await absent.authorization(afterRefusal: false) }
  }
}
