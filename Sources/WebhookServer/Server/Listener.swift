import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import TLS

/// An address that the server could not listen on.
public struct ListenError: Error, Sendable, CustomStringConvertible {
  public var address: ListenAddress
  /// What the system says of it.
  public var reason: String

  public var description: String { "cannot listen on \(address): \(reason)" }
}

/// Opens listening ports, and gives each connection that comes its handlers.
struct Listener {
  let group: MultiThreadedEventLoopGroup
  private let loops: [ObjectIdentifier: NIOLoopBound<LoopContext>]
  private let backlog: Int32
  private let tlsOptions: TLSHandler.Options

  init(
    group: MultiThreadedEventLoopGroup, loops: [NIOLoopBound<LoopContext>], configuration: ServerConfiguration
  ) {
    self.group = group
    self.loops = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
    backlog = Int32(clamping: configuration.limits.backlog)
    var options = TLSHandler.Options()
    options.handshakeTimeout = TimeAmount(configuration.timeouts.handshake)
    options.closeTimeout = TimeAmount(configuration.timeouts.write)
    options.plainTextAnswer = plainTextAnswer
    tlsOptions = options
  }

  /// - Parameter certificates: what to speak TLS with; plain HTTP where nil.
  /// - Throws: ``ListenError``.
  func listen(
    at address: ListenAddress, _ port: Port, _ certificates: CertificateStore?
  ) async throws -> any Channel {
    do {
      guard address.host.isEmpty else {
        return try await bind(address.host, address.port, port, certificates)
      }
      do {
        // On Linux this takes IPv4 as well.
        return try await bind("::", address.port, port, certificates)
      } catch let error as IOError where error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL {
        return try await bind("0.0.0.0", address.port, port, certificates)
      }
    } catch let error as IOError {
      throw ListenError(address: address, reason: String(cString: strerror(error.errnoCode)))
    } catch {
      throw ListenError(address: address, reason: "\(error)")
    }
  }

  private func bind(
    _ host: String, _ number: Int, _ port: Port, _ certificates: CertificateStore?
  ) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { [loops, tlsOptions] channel in
        channel.eventLoop.makeCompletedFuture {
          // Every event loop of the group has its context.
          guard let loop = loops[ObjectIdentifier(channel.eventLoop)]?.value else {
            throw ConnectionRefused()
          }
          let id = try admit(channel, port)
          do {
            let pipeline = channel.pipeline.syncOperations
            if let certificates {
              let handler = try TLSHandler(
                context: certificates.context, role: .server, options: tlsOptions,
                plaintextBuffers: loop.plaintextBuffers, ciphertextBuffers: loop.ciphertextBuffers)
              try pipeline.addHandler(handler)
            }
            try pipeline.addHandler(port.makeDecoder())
            try pipeline.addHandler(HTTPConnectionHandler(port: port, loop: loop, connectionID: id))
          } catch {
            port.table.remove(id, isProven: false)
            throw error
          }
        }
      }
      .bind(host: host, port: number).get()
  }
}

/// The initializer's failure, on which NIO closes the connection.
private struct ConnectionRefused: Error {}

/// Gives a connection its place, at the cost of another where need be.
private func admit(_ channel: any Channel, _ port: Port) throws -> ConnectionTable.ID {
  switch port.table.admit(channel) {
  case .admitted(let id):
    return id
  case .admittedInsteadOf(let evicted, let id):
    port.metrics.connectionsEvicted.increment()
    // Twice: the second call does not wait for the TLS closure alert to be written.
    evicted.close(promise: nil)
    evicted.close(promise: nil)
    return id
  case .refused:
    port.metrics.connectionsRefused.increment()
    throw ConnectionRefused()
  }
}

extension ListenAddress {
  /// This address with the port that was given for port 0.
  func bound(to channel: any Channel) -> ListenAddress {
    ListenAddress(host: host, port: channel.localAddress?.port ?? port)
  }
}

/// What a client that speaks plain HTTP to the TLS port gets to read.
private let plainTextAnswer: String = {
  let body = "{\"error\":\"this is a TLS port: use https\"}\n"
  return
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
    + "Connection: close\r\n\r\n\(body)"
}()
