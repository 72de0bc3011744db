import Foundation

extension ClientConfiguration {
  /// Where a pod finds its ServiceAccount's token, authority and namespace (Kubernetes documentation, "Accessing the API from a Pod").
  public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// Whether this runs in a pod that was given a ServiceAccount's token.
  public static func isInCluster(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    folder: String = serviceAccountFolder
  ) -> Bool {
    environment["KUBERNETES_SERVICE_HOST"]?.isEmpty == false
      && FileManager.default.fileExists(atPath: folder + "/token")
  }

  /// The configuration of a pod's ServiceAccount.
  ///
  /// - Throws: ``ClientConfigurationError`` where this is no pod, or one without a token.
  public static func inCluster(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    folder: String = serviceAccountFolder
  ) throws(ClientConfigurationError) -> ClientConfiguration {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
    else {
      throw ClientConfigurationError(
        problem:
          "this does not run in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    }
    guard let number = Int(port), (1...65_535).contains(number) else {
      throw ClientConfigurationError(problem: "KUBERNETES_SERVICE_PORT is no port: \"\(port)\"")
    }
    for file in ["token", "ca.crt"] where !FileManager.default.isReadableFile(atPath: "\(folder)/\(file)") {
      throw ClientConfigurationError(
        file: "\(folder)/\(file)",
        problem: "cannot be read: the pod needs its ServiceAccount's token (automountServiceAccountToken)")
    }
    var configuration = ClientConfiguration(server: ServerAddress(isSecure: true, host: host, port: number))
    configuration.authorities = .file("\(folder)/ca.crt")
    configuration.credentials = .tokenFile("\(folder)/token")
    configuration.namespace = try? String(contentsOfFile: "\(folder)/namespace", encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    configuration.origin = "the pod's ServiceAccount"
    return configuration
  }
}
