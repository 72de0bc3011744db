import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TLS

@testable import WebhookServer

/// A client that sends exactly the bytes it is told to.
final class TestClient: Sendable {
  struct Response: Sendable, Equatable {
    var status: Int
    var headers: [String: String]
    var body: String

    var isClosing: Bool { headers["connection"] == "close" }
  }

  private struct Received {
    var bytes: [UInt8] = []
    var isEnded = false
    var errors: [String] = []
    var handshake: TLSHandshakeCompleted?
  }

  private let channel: any Channel
  private let received: Box

  private final class Box: Sendable {
    let state = Mutex(Received())
  }

  private init(channel: any Channel, received: Box) {
    self.channel = channel
    self.received = received
  }

  /// - Parameters:
  ///   - context: speaks plain text where nil.
  ///   - autoRead: false for a client that never reads.
  static func connect(
    to address: ListenAddress, tls context: TLSContext?, serverName: String = "localhost",
    autoRead: Bool = true
  ) async throws -> TestClient {
    let received = Box()
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.autoRead, value: autoRead)
      .channelOption(.socketOption(.so_rcvbuf), value: autoRead ? 1 << 20 : 4096)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let context {
            try channel.pipeline.syncOperations.addHandler(
              TLSHandler(context: context, role: .client(serverName: serverName)))
          }
          try channel.pipeline.syncOperations.addHandler(Collector(received: received))
        }
      }
    let channel = try await bootstrap.connect(host: address.host, port: address.port).get()
    return TestClient(channel: channel, received: received)
  }

  func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
  }

  /// Sends without waiting until it has been written.
  func sendLater(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

  /// Reads what has arrived and what arrives next, where reading is not automatic: enough for a handshake.
  func readTwice() {
    channel.read()
    channel.eventLoop.scheduleTask(in: .milliseconds(50)) { self.channel.read() }
  }

  func closeOutput() async throws { try await channel.close(mode: .output) }

  func close() async { try? await channel.close() }

  var errors: [String] { received.state.withLock { $0.errors } }
  var isEnded: Bool { received.state.withLock { $0.isEnded } }
  var isActive: Bool { channel.isActive }
  var tlsVersion: String? { received.state.withLock { $0.handshake?.version } }

  /// Reads one response; fails where none comes in time.
  func response(within limit: Duration = .seconds(30), to method: String = "POST") async throws -> Response {
    var response: Response?
    try await eventually(within: limit, "a response") {
      response = received.state.withLock { Self.takeResponse(&$0.bytes, isHead: method == "HEAD") }
      if response == nil && isEnded {
        throw TestFailure("the connection ended without a response: \(errors)")
      }
      return response != nil
    }
    guard let response else { throw TestFailure("no response") }
    return response
  }

  /// Waits until the server has closed its side.
  func ended(within limit: Duration = .seconds(30)) async throws {
    try await eventually(within: limit, "the connection's end") { isEnded }
  }

  func exchange(_ request: String) async throws -> Response {
    try await send(request)
    return try await response(to: String(request.prefix { $0 != " " }))
  }

  private static func takeResponse(_ bytes: inout [UInt8], isHead: Bool) -> Response? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let status = Int(lines[0].split(separator: " ")[1]) ?? 0
    let start = text.utf8.distance(from: text.startIndex, to: end.upperBound)
    let length = isHead || status == 100 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
    guard bytes.count >= start + length else { return nil }
    let body = String(decoding: bytes[start..<start + length], as: UTF8.self)
    bytes.removeFirst(start + length)
    return Response(status: status, headers: headers, body: body)
  }

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let received: Box

    init(received: Box) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = unwrapInboundIn(data)
      received.state.withLock { $0.bytes.append(contentsOf: bytes.readableBytesView) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let completed = event as? TLSHandshakeCompleted {
        received.state.withLock { $0.handshake = completed }
      }
      if case ChannelEvent.inputClosed as ChannelEvent = event {
        received.state.withLock { $0.isEnded = true }
      }
    }

    func channelInactive(context: ChannelHandlerContext) { received.state.withLock { $0.isEnded = true } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      received.state.withLock { $0.errors.append("\(error)") }
    }
  }
}

/// A review request with a body of this many bytes.
func review(_ count: Int = 2, path: String = "/validate", headers: String = "") -> String {
  let body = String(repeating: "x", count: count)
  return "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    + "Content-Length: \(count)\r\n\(headers)\r\n\(body)"
}

func get(_ path: String, headers: String = "") -> String {
  "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n"
}
