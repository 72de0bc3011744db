import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Rego

/// Talks to an API server: HTTP/1.1 over kept-alive connections, with every response bounded in time and size.
///
/// Every operation throws ``APIError``, or `CancellationError` where its task is cancelled.
public final class KubernetesClient: Sendable {
  /// Bounds of requests.
  public struct Limits: Sendable {
    /// How long a request may take, retries included, where it is not told otherwise.
    public var requestTimeout = Duration.seconds(30)
    /// How long a connection may take to be made.
    public var connectTimeout = Duration.seconds(10)
    /// The largest response, but for watches, of which it is the largest line.
    public var responseBytes = 64 << 20
    /// How often a request is made that the server asks to repeat (429 and 503 with `Retry-After`).
    public var tries = 5

    public init() {}
  }

  public let configuration: ClientConfiguration
  public let limits: Limits
  private let pool: ConnectionPool
  private let credentials: CredentialStore
  private let userAgent: String
  let logger: Logger

  public init(
    _ configuration: ClientConfiguration, limits: Limits = Limits(), userAgent: String = "portcullis",
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    logger: Logger = Logger(label: "portcullis.kubernetes")
  ) {
    self.configuration = configuration
    self.limits = limits
    self.userAgent = userAgent
    self.logger = logger
    credentials = CredentialStore(configuration)
    pool = ConnectionPool(
      group: group, server: configuration.server, security: ClientSecurity(configuration))
  }

  /// Closes the connections that are free; those in use are closed when they become free.
  public func close() { pool.close() }

  /// A request before it is known on which connection it goes.
  struct Request: Sendable {
    var method: HTTPMethod
    /// Path and query.
    var target: String
    /// Such as `list networkpolicies`, for messages.
    var operation: String
    var body: [UInt8]?
    var contentType = "application/json"
    var accept = "application/json"
    var deadline: ContinuousClock.Instant
    /// How long the response may pause, where it is one that never ends.
    var silence: Duration?
  }

  /// Sends a request and returns the whole body of its response.
  func body(of request: Request) async throws -> ByteBuffer {
    var backoff = Backoff()
    for attempt in 1... {
      do {
        let exchange = try await open(request)
        return try await collect(exchange, request)
      } catch let APIError.status(status, _)
        where status.retryAfter != nil && (status.code == 429 || status.code >= 500)
        && attempt < limits.tries
      {
        // The server did not take it up, and says when it will.
        let wait = backoff.delay(atLeast: status.retryAfter)
        guard ContinuousClock.now + wait < request.deadline else {
          throw APIError.status(status, operation: request.operation)
        }
        try await Task.sleep(for: wait)
      }
    }
    throw APIError.timedOut(operation: request.operation)
  }

  /// Sends a request and returns its response once the head says that it is a success.
  func open(_ request: Request) async throws -> Exchange {
    var isRefused = false
    while true {
      let (exchange, head, isKept) = try await send(request, afterRefusal: isRefused)
      if (200..<300).contains(head.status.code) { return exchange }
      if head.status == .unauthorized, credentials.canRefresh || isKept && hasCertificateFile, !isRefused {
        // The token or the connection's certificate has expired or was replaced: read it again, once.
        isRefused = true
        _ = try? await collect(exchange, request)
        continue
      }
      throw try await failure(exchange, head, request)
    }
  }

  /// Whether new connections may show another certificate than those that are kept.
  private var hasCertificateFile: Bool {
    if case .file? = configuration.clientCertificate { true } else { false }
  }

  /// Sends a request on a free connection or a new one, and says which it was. A connection that turns out to have been closed meanwhile is no
  /// failure: where the request may be repeated (RFC 9110 section 9.2.2) another one is tried.
  private func send(
    _ request: Request, afterRefusal isRefused: Bool
  ) async throws -> (Exchange, HTTPResponseHead, isKept: Bool) {
    let authorization = try await credentials.authorization(afterRefusal: isRefused)
    while true {
      let idle = isRefused ? nil : pool.takeIdle()
      let channel = if let idle { idle } else { try await connect(request) }
      let exchange = Exchange(channel: channel)
      let remaining = request.deadline - .now
      let outgoing = OutgoingRequest(
        head: head(of: request, authorization: authorization), body: request.body, exchange: exchange,
        deadline: .now() + TimeAmount(max(remaining, .zero)), silence: request.silence.map(TimeAmount.init),
        onRelease: { [pool] in pool.giveBack(channel) })
      // A connection that has been closed meanwhile has nobody left who would fail the exchange.
      channel.writeAndFlush(outgoing).whenFailure { _ in
        exchange.failed(ConnectionFailure("the server closed it"))
      }
      do {
        return (exchange, try await exchange.head(), idle != nil)
      } catch let failure as ConnectionFailure {
        let isIdempotent = request.method != .POST && request.method != .PATCH
        if idle != nil, isIdempotent, !failure.isTimeout, !failure.hadResponse { continue }
        throw apiError(failure, request)
      } catch let error as ChannelError {
        throw apiError(ConnectionFailure("\(error)"), request)
      }
    }
  }

  private func connect(_ request: Request) async throws -> any Channel {
    let remaining = request.deadline - .now
    guard remaining > .zero else { throw APIError.timedOut(operation: request.operation) }
    return try await pool.connect(
      timeout: TimeAmount(min(remaining, limits.connectTimeout)), plugin: try await credentials.identity())
  }

  private func head(of request: Request, authorization: String?) -> HTTPRequestHead {
    var headers = HTTPHeaders()
    headers.add(name: "Host", value: configuration.server.authority)
    headers.add(name: "User-Agent", value: userAgent)
    headers.add(name: "Accept", value: request.accept)
    if let authorization { headers.add(name: "Authorization", value: authorization) }
    for (name, value) in credentials.impersonation { headers.add(name: name, value: value) }
    if let body = request.body {
      headers.add(name: "Content-Type", value: request.contentType)
      headers.add(name: "Content-Length", value: "\(body.count)")
    }
    return HTTPRequestHead(
      version: .http1_1, method: request.method, uri: configuration.server.basePath + request.target,
      headers: headers)
  }

  /// Reads a response to its end.
  private func collect(_ exchange: Exchange, _ request: Request) async throws -> ByteBuffer {
    var body = ByteBuffer()
    do {
      while let chunk = try await exchange.nextChunk() {
        guard body.readableBytes + chunk.readableBytes <= limits.responseBytes else {
          let error = APIError.responseTooLarge(operation: request.operation, limit: limits.responseBytes)
          exchange.abandon(error)
          throw error
        }
        if body.readableBytes == 0 { body = chunk } else { body.writeImmutableBuffer(chunk) }
      }
    } catch let failure as ConnectionFailure {
      throw apiError(failure, request)
    }
    return body
  }

  /// What a response says that is no success.
  private func failure(
    _ exchange: Exchange, _ head: HTTPResponseHead, _ request: Request
  ) async throws -> APIError {
    let code = Int(head.status.code)
    let body = try await collect(exchange, request)
    var status = APIStatus(code: code, reason: "", message: "")
    if let object = try? body.withUnsafeReadableBytes({ try JSONReader.value($0) }),
      object["kind"] == "Status"
    {
      status = APIStatus(object, code: code)
    } else {
      // A proxy's page, or an old server's plain text.
      let text = String(decoding: body.readableBytesView.prefix(200), as: UTF8.self)
      status.message = "the API server answered \(code) \(head.status.reasonPhrase)"
      let line = text.prefix { !$0.isNewline }
      if !line.isEmpty { status.message += ": \(line)" }
    }
    if let seconds = head.headers.first(name: "Retry-After").flatMap({ Int($0) }), seconds >= 0 {
      status.retryAfter = .seconds(min(seconds, 3_600))
    }
    return .status(status, operation: request.operation)
  }

  func apiError(_ failure: ConnectionFailure, _ request: Request) -> APIError {
    if failure.isTimeout { return .timedOut(operation: request.operation) }
    return .connectionLost(operation: request.operation, reason: failure.reason)
  }
}

extension TimeAmount {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self =
      .nanoseconds(seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue)
      + .nanoseconds(attoseconds / 1_000_000_000)
  }
}
