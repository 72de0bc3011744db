import Rego

/// A program that prints credentials (Kubernetes documentation, "client-go credential plugins").
public struct ExecPlugin: Sendable, Hashable {
  /// Such as `client.authentication.k8s.io/v1`.
  public var apiVersion: String
  /// A name that is looked up in `PATH`, or a path.
  public var command: String
  public var arguments: [String]
  /// Added to the environment.
  public var environment: [Variable]
  /// What to tell a user who lacks the program.
  public var installHint: String?

  public struct Variable: Sendable, Hashable {
    public var name: String
    public var value: String
  }

  init(_ entry: KubeconfigEntry) throws(ClientConfigurationError) {
    apiVersion = try entry.required("apiVersion")
    guard apiVersion.hasPrefix("client.authentication.k8s.io/v1") else {
      throw entry.failure("apiVersion", "must be client.authentication.k8s.io/v1 or v1beta1")
    }
    let command = try entry.required("command")
    // A path with a slash in it is relative to the kubeconfig; a bare name is not.
    self.command = command.utf8.contains(UInt8(ascii: "/")) ? entry.file.resolved(command) : command
    arguments = try entry.strings("args")
    var environment: [Variable] = []
    for variable in try entry.objects("env") {
      environment.append(
        Variable(name: try variable.required("name"), value: try variable.string("value") ?? ""))
    }
    self.environment = environment
    installHint = try entry.string("installHint")
  }
}
