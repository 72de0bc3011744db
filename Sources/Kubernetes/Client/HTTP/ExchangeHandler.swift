import NIOCore
import NIOHTTP1
import TLS

/// A request on its way to a connection, and where its response goes.
struct OutgoingRequest: Sendable {
  var head: HTTPRequestHead
  var body: [UInt8]?
  var exchange: Exchange
  /// When the response must be there whole; of one with ``silence`` its head.
  var deadline: NIODeadline
  /// How long a response may send nothing before it counts as lost; for those that never end.
  var silence: TimeAmount?
  /// Called once the connection is free for another request.
  var onRelease: @Sendable () -> Void
}

/// Speaks HTTP/1.1 on one connection, one request after the other, over the codec before it.
final class ExchangeHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = OutgoingRequest
  typealias OutboundOut = HTTPClientRequestPart

  private var current: OutgoingRequest?
  private var isKeptAlive = true
  private var hasHead = false
  private var lastRead = NIODeadline.now()
  private var timer: Scheduled<Void>?
  private var isReadPending = false
  /// Succeeds once the connection can carry requests.
  private let ready: EventLoopPromise<Void>
  private let isSecure: Bool

  init(ready: EventLoopPromise<Void>, isSecure: Bool) {
    self.ready = ready
    self.isSecure = isSecure
  }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive, !isSecure { ready.succeed() }
  }

  func channelActive(context: ChannelHandlerContext) {
    if !isSecure { ready.succeed() }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(context, ConnectionFailure("the server closed it"))
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    fail(context, ConnectionFailure("it was closed"))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(context, ConnectionFailure("\(error)"))
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is TLSHandshakeCompleted: ready.succeed()
    case let event as ChannelEvent where event == .inputClosed:
      fail(context, ConnectionFailure("the server closed it"))
      context.close(promise: nil)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func fail(_ context: ChannelHandlerContext, _ error: ConnectionFailure) {
    ready.fail(error)
    timer?.cancel()
    timer = nil
    guard let failed = current else { return }
    current = nil
    var error = error
    error.hadResponse = hasHead
    failed.exchange.failed(error)
  }

  // MARK: Requests

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let request = unwrapOutboundIn(data)
    guard current == nil, context.channel.isActive else {
      request.exchange.failed(ConnectionFailure("the server closed it"))
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    current = request
    hasHead = false
    lastRead = .now()
    context.write(wrapOutboundOut(.head(request.head)), promise: nil)
    if let body = request.body, !body.isEmpty {
      let buffer = context.channel.allocator.buffer(bytes: body)
      context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
    }
    context.write(wrapOutboundOut(.end(nil)), promise: promise)
    schedule(context)
  }

  // MARK: Responses

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let request = current else {
      // A response that nobody asked for.
      context.close(promise: nil)
      return
    }
    lastRead = .now()
    switch unwrapInboundIn(data) {
    case .head(let head):
      // A connection stands for the certificate with which it was made: another may have taken its place.
      isKeptAlive = head.isKeepAlive && head.status != .unauthorized
      hasHead = true
      request.exchange.received(head)
      if request.silence != nil { schedule(context) }
    case .body(let bytes):
      request.exchange.received(bytes)
    case .end:
      current = nil
      timer?.cancel()
      timer = nil
      if isKeptAlive {
        // Before whoever asked goes on, and asks for the next.
        request.onRelease()
        request.exchange.finished()
      } else {
        request.exchange.finished()
        context.close(promise: nil)
      }
    }
  }

  /// Whoever asked takes its time: the network waits.
  func read(context: ChannelHandlerContext) {
    if let current, current.exchange.isFull {
      isReadPending = true
      return
    }
    isReadPending = false
    context.read()
  }

  // MARK: Time

  private func due() -> NIODeadline? {
    guard let current else { return nil }
    guard let silence = current.silence, hasHead else { return current.deadline }
    return (isReadPending ? .now() : lastRead) + silence
  }

  private func schedule(_ context: ChannelHandlerContext) {
    timer?.cancel()
    guard let due = due() else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) {
      guard let due = self.due() else { return }
      if due > .now() {
        self.schedule(context)
        return
      }
      var failure = ConnectionFailure("no answer in time")
      failure.isTimeout = true
      self.fail(context, failure)
      context.close(promise: nil)
    }
  }
}

@available(*, unavailable)
extension ExchangeHandler: Sendable {}

/// Why a connection broke.
struct ConnectionFailure: Error, CustomStringConvertible {
  var reason: String
  var isTimeout = false
  /// Whether some of the response had come.
  var hadResponse = false

  init(_ reason: String) { self.reason = reason }

  var description: String { reason }
}
