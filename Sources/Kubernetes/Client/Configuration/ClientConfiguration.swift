/// How to reach an API server, and as whom.
public struct ClientConfiguration: Sendable {
  /// Something that is in the configuration itself or in a file, which is read again when it changes.
  public enum Source: Sendable, Hashable {
    case bytes([UInt8])
    case file(String)
  }

  /// How a request shows who makes it.
  public enum Credentials: Sendable, Hashable {
    case none
    case token(String)
    /// A file with a token, which is replaced before the token expires.
    case tokenFile(String)
    case basic(user: String, password: String)
    /// A program that prints an ExecCredential.
    case exec(ExecPlugin)
  }

  /// Whom to act for (Kubernetes documentation, "User impersonation").
  public struct Impersonation: Sendable, Hashable {
    public var user: String
    public var groups: [String] = []
    public var uid: String?

    public init(user: String, groups: [String] = [], uid: String? = nil) {
      self.user = user
      self.groups = groups
      self.uid = uid
    }
  }

  public var server: ServerAddress
  /// PEM certificates of the authorities of the server's certificate; nil for the system's.
  public var authorities: Source?
  public var skipsVerification = false
  /// The name that the server's certificate must carry, where it is not the host's.
  public var serverName: String?
  public var clientCertificate: Source?
  public var clientKey: Source?
  public var credentials = Credentials.none
  public var impersonation: Impersonation?
  /// The namespace of whoever runs: the pod's, or the context's; nil where none is named.
  public var namespace: String?
  /// Where it comes from, for messages.
  public var origin = ""

  public init(server: ServerAddress) { self.server = server }
}

/// Why there is no usable configuration of a client: a file, where in it, and what is wrong.
public struct ClientConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Empty where it is not about a file.
  public var file: String
  /// From 1; nil where it is about the file as a whole.
  public var line: Int?
  public var column: Int?
  public var problem: String

  public init(file: String = "", line: Int? = nil, column: Int? = nil, problem: String) {
    self.file = file
    self.line = line
    self.column = column
    self.problem = problem
  }

  /// `FILE:LINE:COLUMN: what is wrong`.
  public var description: String {
    var prefix = file
    if let line { prefix += ":\(line)" }
    if let column { prefix += ":\(column)" }
    return prefix.isEmpty ? problem : "\(prefix): \(problem)"
  }
}
