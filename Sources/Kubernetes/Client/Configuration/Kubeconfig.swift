import Foundation
import Rego

/// Reads kubeconfig files (Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files").
public enum Kubeconfig {
  /// A file that is larger is no kubeconfig.
  static let maximumBytes = 4 << 20

  /// The configuration of a context.
  ///
  /// - Parameters:
  ///   - path: the file; without one those that `KUBECONFIG` lists, and without that `~/.kube/config`. Of several files the
  ///     first that defines a name counts.
  ///   - context: the context; without one the file's `current-context`.
  /// - Throws: ``ClientConfigurationError``, which names file and line.
  public static func load(
    path: String? = nil, context: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ClientConfigurationError) -> ClientConfiguration {
    let listed = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
    var files: [KubeconfigFile] = []
    if let path {
      files = [try KubeconfigFile(path: path)]
    } else if listed.isEmpty {
      files = [try KubeconfigFile(path: (environment["HOME"] ?? "") + "/.kube/config")]
    } else {
      let present = listed.filter { FileManager.default.fileExists(atPath: $0) }
      guard !present.isEmpty else {
        throw ClientConfigurationError(
          file: listed[0], problem: "there is no such file, and KUBECONFIG lists no other that is there")
      }
      for path in present { files.append(try KubeconfigFile(path: path)) }
    }
    return try configuration(files, context: context)
  }

  /// The configuration that a kubeconfig's text is of.
  ///
  /// - Parameter file: what messages call it, and whose folder relative paths start from.
  public static func parse(
    _ text: [UInt8], file: String, context: String? = nil
  ) throws(ClientConfigurationError) -> ClientConfiguration {
    try configuration([try KubeconfigFile(text, path: file)], context: context)
  }

  private static func configuration(
    _ files: [KubeconfigFile], context: String?
  ) throws(ClientConfigurationError) -> ClientConfiguration {
    var current = context
    var place: KubeconfigEntry?
    for file in files where current == nil {
      if let name = try file.root.string("current-context"), !name.isEmpty {
        current = name
        place = file.root
      }
    }
    guard let current else {
      throw ClientConfigurationError(
        file: files[0].path, problem: "there is no current-context, and no context was chosen")
    }
    func find(_ list: String, _ name: String, _ member: String, for user: KubeconfigEntry?, _ key: String)
      throws(ClientConfigurationError) -> KubeconfigEntry
    {
      for file in files {
        if let found = try file.named(name, in: list, member: member) { return found }
      }
      let problem = "there is no \(member) \"\(name)\""
      throw user?.failure(key, problem) ?? ClientConfigurationError(file: files[0].path, problem: problem)
    }
    let chosen = try find("contexts", current, "context", for: place, "current-context")
    let cluster = try find("clusters", try chosen.required("cluster"), "cluster", for: chosen, "cluster")
    var configuration = try self.cluster(cluster)
    if let user = try chosen.string("user"), !user.isEmpty {
      try add(try find("users", user, "user", for: chosen, "user"), to: &configuration)
    }
    configuration.namespace = try chosen.string("namespace").flatMap { $0.isEmpty ? nil : $0 }
    configuration.origin = "\(chosen.file.path), context \(current)"
    return configuration
  }

  private static func cluster(
    _ cluster: KubeconfigEntry
  ) throws(ClientConfigurationError) -> ClientConfiguration {
    let url = try cluster.required("server")
    guard let server = ServerAddress(url: url) else {
      throw cluster.failure("server", "\"\(url)\" is no URL of a server, such as https://10.0.0.1:6443")
    }
    if let proxy = try cluster.string("proxy-url"), !proxy.isEmpty {
      throw cluster.failure("proxy-url", "proxies are not supported")
    }
    var configuration = ClientConfiguration(server: server)
    configuration.authorities = try cluster.source("certificate-authority")
    configuration.skipsVerification = try cluster.boolean("insecure-skip-tls-verify") ?? false
    if configuration.skipsVerification, configuration.authorities != nil {
      throw cluster.failure(
        "insecure-skip-tls-verify", "says not to verify the server, but an authority to verify it by is given"
      )
    }
    configuration.serverName = try cluster.string("tls-server-name").flatMap { $0.isEmpty ? nil : $0 }
    return configuration
  }

  private static func add(
    _ user: KubeconfigEntry, to configuration: inout ClientConfiguration
  ) throws(ClientConfigurationError) {
    configuration.clientCertificate = try user.source("client-certificate")
    configuration.clientKey = try user.source("client-key")
    if configuration.clientCertificate != nil, configuration.clientKey == nil {
      throw user.failure("client-certificate", "there is no client-key to the certificate")
    }
    if configuration.clientKey != nil, configuration.clientCertificate == nil {
      throw user.failure("client-key", "there is no client-certificate to the key")
    }
    let password = try user.string("password") ?? ""
    if let file = try user.string("tokenFile"), !file.isEmpty {
      // A token file goes before a token, since it is the one that is renewed.
      configuration.credentials = .tokenFile(user.file.resolved(file))
    } else if let token = try user.string("token"), !token.isEmpty {
      guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw user.failure("token", "a token has no spaces, control characters or letters beyond ASCII")
      }
      configuration.credentials = .token(token)
    } else if let name = try user.string("username"), !name.isEmpty {
      configuration.credentials = .basic(user: name, password: password)
    } else if let exec = try user.object("exec") {
      configuration.credentials = .exec(try ExecPlugin(exec))
    } else if try user.object("auth-provider") != nil {
      throw user.failure(
        "auth-provider", "Kubernetes 1.26 removed auth providers; use exec, a token or a client certificate")
    }
    if let name = try user.string("as"), !name.isEmpty {
      configuration.impersonation = ClientConfiguration.Impersonation(
        user: name, groups: try user.strings("as-groups"), uid: try user.string("as-uid"))
    }
  }
}
