import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TLS

/// An HTTP server on loopback whose answers a test makes up.
public final class FakeServer: Sendable {
  public struct Request: Sendable {
    public var method: String
    public var path: String
    public var query: [String: String]
    public var headers: HTTPHeaders
    public var body: [UInt8]
  }

  public enum Part: Sendable {
    case bytes([UInt8])
    /// The connection ends without the response having ended.
    case cut
  }

  public enum Response: Sendable {
    case whole(status: Int, body: [UInt8], headers: HTTPHeaders = HTTPHeaders())
    /// A response that goes on until the stream ends.
    case stream(AsyncStream<Part>)
    /// No answer at all: the connection ends.
    case cut
  }

  public typealias Answer = @Sendable (Request) async -> Response

  private let channel: any Channel
  private let connections: Connections
  public let port: Int

  private init(_ channel: any Channel, _ connections: Connections) {
    self.channel = channel
    self.connections = connections
    port = channel.localAddress?.port ?? 0
  }

  /// - Parameters:
  ///   - port: 0 for a free one.
  ///   - tls: nil for plain HTTP.
  public static func start(port: Int = 0, tls: TLSContext? = nil, answer: @escaping Answer) async throws
    -> FakeServer
  {
    let connections = Connections()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls { try pipeline.addHandler(TLSHandler(context: tls, role: .server)) }
          try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false)
          try pipeline.addHandler(Handler(answer))
          connections.add(channel)
        }
      }
      .bind(host: "127.0.0.1", port: port).get()
    return FakeServer(channel, connections)
  }

  /// How many connections have been made.
  public var connectionCount: Int { connections.count }

  /// Ends all connections there are, and lets others come.
  public func dropConnections() { connections.closeAll() }

  public func stop() async {
    try? await channel.close()
    connections.closeAll()
  }

  private final class Connections: Sendable {
    private let open = Mutex<(channels: [any Channel], count: Int)>(([], 0))

    var count: Int { open.withLock { $0.count } }

    func add(_ channel: any Channel) {
      open.withLock {
        $0.channels.append(channel)
        $0.count += 1
      }
    }

    func closeAll() {
      let channels = open.withLock { open in
        defer { open.channels = [] }
        return open.channels
      }
      for channel in channels {
        channel.close(promise: nil)
        channel.close(promise: nil)
      }
    }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: Answer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ answer: @escaping Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        self.head = head
        body = []
      case .body(let bytes): body += Array(bytes.readableBytesView)
      case .end:
        guard let head else { return }
        let target = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var query: [String: String] = [:]
        for item in target.dropFirst().first?.split(separator: "&") ?? [] {
          let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
          query[String(pair[0])] = (pair.count > 1 ? String(pair[1]) : "").removingPercentEncoding
        }
        let request = Request(
          method: "\(head.method)", path: String(target[0]), query: query, headers: head.headers, body: body)
        Self.start(answer, request, context.channel)
      }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private static func start(_ answer: @escaping Answer, _ request: Request, _ channel: any Channel) {
      Task {
        let response = await answer(request)
        await Self.respond(response, on: channel)
      }
    }

    private static func send(_ part: HTTPServerResponsePart, on channel: any Channel) async -> Bool {
      do {
        try await channel.writeAndFlush(part)
        return true
      } catch {
        return false
      }
    }

    private static func respond(_ response: Response, on channel: any Channel) async {
      var headers = HTTPHeaders([("Content-Type", "application/json")])
      switch response {
      case .cut: try? await channel.close()
      case .whole(let status, let body, let others):
        headers.add(contentsOf: others)
        headers.add(name: "Content-Length", value: "\(body.count)")
        channel.write(
          HTTPServerResponsePart.head(
            HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)),
          promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        _ = await send(.end(nil), on: channel)
      case .stream(let parts):
        headers.add(name: "Transfer-Encoding", value: "chunked")
        guard
          await send(
            .head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)), on: channel)
        else {
          return
        }
        for await part in parts {
          switch part {
          case .bytes(let bytes):
            guard await send(.body(.byteBuffer(ByteBuffer(bytes: bytes))), on: channel) else { return }
          case .cut:
            try? await channel.close()
            return
          }
        }
        _ = await send(.end(nil), on: channel)
      }
    }
  }
}
