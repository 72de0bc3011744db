import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TLS

/// Opens connections to the API server and keeps those that are free for the next requests.
final class ConnectionPool: Sendable {
  private struct Idle {
    var channel: any Channel
    var since: NIODeadline
  }

  private struct State {
    var idle: [Idle] = []
    var isClosed = false
  }

  private let group: any EventLoopGroup
  private let server: ServerAddress
  private let security: ClientSecurity
  private let state = Mutex(State())
  private static let maximumIdle = 8
  /// The API server closes connections that are idle for longer; one that is about to be closed is not worth trying.
  private static let maximumIdleTime = TimeAmount.seconds(60)

  init(group: any EventLoopGroup, server: ServerAddress, security: ClientSecurity) {
    self.group = group
    self.server = server
    self.security = security
  }

  /// A connection that is free; nil where there is none.
  func takeIdle() -> (any Channel)? {
    let (found, stale) = state.withLock { state -> ((any Channel)?, [any Channel]) in
      var stale: [any Channel] = []
      let oldest = NIODeadline.now() - Self.maximumIdleTime
      while let last = state.idle.popLast() {
        if last.channel.isActive, last.since > oldest { return (last.channel, stale) }
        stale.append(last.channel)
      }
      return (nil, stale)
    }
    for channel in stale { channel.close(promise: nil) }
    return found
  }

  /// Takes back a connection that is free for another request.
  func giveBack(_ channel: any Channel) {
    let unwanted = state.withLock { state -> (any Channel)? in
      if state.isClosed { return channel }
      state.idle.append(Idle(channel: channel, since: .now()))
      return state.idle.count > Self.maximumIdle ? state.idle.removeFirst().channel : nil
    }
    unwanted?.close(promise: nil)
  }

  /// Opens a connection, TLS handshake and all.
  ///
  /// - Throws: ``APIError/unreachable(server:reason:)`` or ``APIError/credentials(reason:)``.
  func connect(
    timeout: TimeAmount, plugin: ExecCredentials.Credential?
  ) async throws -> any Channel {
    let context = try security.context(plugin: plugin)
    let serverName = security.serverName
    let loop = group.next()
    let ready = loop.makePromise(of: Void.self)
    // What fails the promise, cancellation among it, closes the connection.
    let connecting = ClientBootstrap(group: loop)
      .connectTimeout(timeout)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let context {
            var options = TLSHandler.Options()
            options.handshakeTimeout = timeout
            options.closeTimeout = .seconds(1)
            try pipeline.addHandler(
              TLSHandler(context: context, role: .client(serverName: serverName), options: options))
          }
          try pipeline.addHTTPClientHandlers()
          try pipeline.addHandler(ExchangeHandler(ready: ready, isSecure: context != nil))
        }
      }
      .connect(host: server.host, port: server.port)
    connecting.whenFailure { ready.fail($0) }
    connecting.whenSuccess { channel in
      ready.futureResult.whenFailure { _ in channel.close(promise: nil) }
    }
    do {
      try await withTaskCancellationHandler {
        try await ready.futureResult.get()
      } onCancel: {
        ready.fail(CancellationError())
      }
      return try await connecting.get()
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      throw APIError.unreachable(server: server.description, reason: Self.reason(error))
    }
  }

  /// Closes what is free, and from now on what becomes free.
  func close() {
    let idle = state.withLock { state in
      state.isClosed = true
      defer { state.idle = [] }
      return state.idle
    }
    for connection in idle { connection.channel.close(promise: nil) }
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      if let failure = error.connectionErrors.first { return reason(failure.error) }
      return "its name \(error.host) is not known"
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout: return "it did not answer in time"
    default: return "\(error)"
    }
  }
}
