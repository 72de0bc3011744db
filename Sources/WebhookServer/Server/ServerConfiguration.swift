/// How the server listens and what it tolerates. Every bound has a default that suits a cluster.
public struct ServerConfiguration: Sendable {
  /// Where the TLS port listens. Port 0 picks a free one.
  public var listen: ListenAddress
  /// Where `/healthz`, `/readyz` and `/metrics` are served in plain HTTP; on the TLS port where nil.
  public var healthListen: ListenAddress?
  public var certificates: CertificateFiles
  /// Names that a client certificate may carry; matters only with ``CertificateFiles/clientAuthorities``.
  public var clientNames: [String] = []

  public var limits = Limits()
  public var timeouts = Timeouts()
  public var evaluation = Evaluation()
  public var shutdown = Shutdown()
  /// Threads that serve connections; the number of cores where nil.
  public var eventLoopThreads: Int?

  /// - Parameters:
  ///   - listen: where to serve reviews over TLS.
  ///   - certificates: the files to serve with, watched for changes.
  public init(listen: ListenAddress, certificates: CertificateFiles) {
    self.listen = listen
    self.certificates = certificates
  }

  /// How much a client may ask the server to hold.
  public struct Limits: Sendable {
    /// A larger body is refused with 413. A review holds the object twice, and etcd takes 1.5 MiB.
    public var bodyBytes = 8 << 20
    /// Request line and headers together; more is refused with 431.
    public var headerBytes = 16 << 10
    public var headerFields = 100
    /// Beyond it those connections that have not yet completed a review are closed first, oldest first; then new ones refused.
    public var connections = 2_000
    /// Evaluations that run or wait for a thread; beyond it a review is answered with 503.
    public var concurrentEvaluations = 128
    /// What all the bodies over ``smallBodyBytes`` may take up together; beyond it a review is answered with 503.
    public var bufferedBytes = 64 << 20
    /// Bodies up to this size never count towards ``bufferedBytes``, so that large ones cannot crowd them out.
    public var smallBodyBytes = 64 << 10
    /// Connections that the kernel completes before the server accepts them.
    public var backlog = 1_024

    public init() {}
  }

  /// How long the server waits for a client.
  public struct Timeouts: Sendable {
    public var handshake: Duration = .seconds(10)
    /// From the first byte of a request to the end of its headers.
    public var header: Duration = .seconds(10)
    /// From the end of the headers to the end of the body.
    public var body: Duration = .seconds(30)
    /// After this long in a body, at least ``minimumBodyRate`` bytes a second must have come on average.
    public var bodyGrace: Duration = .seconds(5)
    public var minimumBodyRate = 1_024
    /// Between requests. The API server drops idle connections after 90 s; closing later than it does avoids the race in
    /// which it sends a request on a connection that is being closed.
    public var idle: Duration = .seconds(120)
    /// How long a response may wait for the client to read it.
    public var write: Duration = .seconds(10)
    /// How long what a client still sends after its last answer is read and thrown away (RFC 9112 section 9.6).
    public var linger: Duration = .seconds(2)

    public init() {}
  }

  /// How long a decision may take.
  public struct Evaluation: Sendable {
    /// The most that one review may take.
    public var budget: Duration = .milliseconds(2_500)
    /// What is kept of the caller's own timeout for the way back.
    public var margin: Duration = .milliseconds(250)
    /// The first try, on the event loop; zero for none.
    public var inlineBudget: Duration = .milliseconds(1)
    /// Larger bodies skip the first try.
    public var inlineBodyBytes = 256 << 10
    /// Threads for reviews that the first try did not decide; the number of cores where nil.
    public var threads: Int?

    public init() {}
  }

  /// How the server ends.
  public struct Shutdown: Sendable {
    /// How long requests are served as ever after readiness has failed, while endpoints propagate.
    public var delay: Duration = .seconds(5)
    /// During this much of the drain idle connections are kept, so that a request on its way is still answered.
    public var idleGrace: Duration = .seconds(1)
    /// How long the drain may take in all; connections that are left are then closed.
    public var drain: Duration = .seconds(10)

    public init() {}
  }
}

/// A host and a port to listen on.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or address, without brackets; empty for every address.
  public var host: String
  public var port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `HOST:PORT`, `[ADDRESS]:PORT` or `:PORT`; nil where it is none of them.
  public init?(_ text: String) {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
      let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    self.init(host: String(host), port: Int(port))
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether it can be reached from this machine alone.
  public var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// The PEM files of the TLS port.
public struct CertificateFiles: Sendable, Hashable {
  public var certificateChain: String
  public var privateKey: String
  /// Authorities of client certificates (`--client-ca`): with it, `/validate` demands one.
  public var clientAuthorities: String?

  public init(certificateChain: String, privateKey: String, clientAuthorities: String? = nil) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientAuthorities = clientAuthorities
  }
}
