import Admission
import NIOCore
import NIOHTTP1
import TLS

/// Serves one connection: takes requests in their order, bounds what they bring and how long they take, and answers each
/// before it looks at the next.
///
/// Every change of state is in this file and its extensions: `+Requests` takes them in, `+Answers` gives and ends.
final class HTTPConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = Never
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  enum State {
    /// Between requests, with nothing of the next one there.
    case idle
    /// Some of a request's headers are there.
    case receivingHead
    case receivingBody
    /// The answer has been given before the body came to its end.
    case discardingBody
    /// A thread is at work on the answer.
    case reviewing
    /// The client must read some of its answers before it may ask again.
    case awaitingReader
    /// The last answer has been given and our side is closed; what still comes is thrown away.
    case lingering
    /// The last answer is on its way, then the connection is closed.
    case closing
    case closed
  }

  /// The request that is being served.
  struct Request {
    var endpoint = Endpoint.liveness
    /// False for HEAD.
    var wantsBody = true
    var wantsKeepAlive = true
    var isHTTP10 = false
    var isVerbose = false
    var expectsContinue = false
    var contentLength: Int?
    /// When the review must be decided; set where one is asked for.
    var deadline: ContinuousClock.Instant?
    var body = ByteBuffer()
    var receivedBytes = 0
    /// What was taken out of the port's budget.
    var reservedBytes = 0
    var bodyStart = NIODeadline.uptimeNanoseconds(0)
  }

  let port: Port
  let loop: LoopContext
  private let connectionID: ConnectionTable.ID
  var context: ChannelHandlerContext?
  var state = State.idle
  /// When to lose patience with the client in this state.
  var deadline: NIODeadline
  var request = Request()
  var peer = PeerCertificate.absent
  /// Answers that have not yet been written to the channel.
  var output = ByteBuffer()
  /// Parts of requests that came while another was being answered.
  private var backlog = CircularBuffer<HTTPServerRequestPart>()
  /// What follows the backlog where it ends in a syntax error.
  private var pendingFailure: Answer?
  /// The client will send nothing more.
  var isInputClosed = false
  /// Between a read and its `channelReadComplete`: answers are collected and written together.
  var isInReadBatch = false
  private var hasSeenPart = false
  private var isReadHeld = false
  private var isProven = false

  init(port: Port, loop: LoopContext, connectionID: ConnectionTable.ID) {
    self.port = port
    self.loop = loop
    self.connectionID = connectionID
    deadline = loop.now + port.waits.idle
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) { leave() }

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  private func leave() {
    guard context != nil else { return }
    state = .closed
    context = nil
    releaseBody()
    backlog.removeAll()
    output = ByteBuffer()
    loop.remove(self)
    port.table.remove(connectionID, isProven: isProven)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isInReadBatch = true
    hasSeenPart = true
    let part = unwrapInboundIn(data)
    switch state {
    case .reviewing, .awaitingReader:
      backlog.append(part)
    default:
      handle(part)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isInReadBatch = false
    // Bytes came, and no part of a request with them: they are the beginning of one.
    if case .idle = state, !hasSeenPart {
      state = .receivingHead
      deadline = loop.now + port.waits.header
    }
    hasSeenPart = false
    flushOutput()
    settle()
  }

  /// Holds reads back while a request is being answered, so that a client that sends without reading fills its own
  /// buffers, not ours.
  func read(context: ChannelHandlerContext) {
    switch state {
    case .reviewing, .awaitingReader: isReadHeld = true
    default: context.read()
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if case .awaitingReader = state, context.channel.isWritable {
      awaitNextRequest()
      settle()
    }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let completed as TLSHandshakeCompleted:
      peer = completed.peer
    case ChannelEvent.inputClosed as ChannelEvent:
      isInputClosed = true
      switch state {
      case .idle, .receivingHead, .receivingBody, .discardingBody, .lingering: close()
      case .reviewing, .awaitingReader, .closing, .closed: break
      }
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case let error as HTTPParserError:
      let failure = Answer.syntaxError(error)
      switch state {
      case .idle, .receivingHead, .receivingBody: refuseAndClose(failure)
      case .discardingBody: linger()
      case .reviewing, .awaitingReader: pendingFailure = pendingFailure ?? failure
      case .lingering, .closing, .closed: break
      }
    case is ByteToMessageDecoderError:
      // More bytes behind a syntax error, which has been answered.
      break
    case TLSError.truncated:
      // Common, and harmless: HTTP says for itself where a message ends.
      break
    case let error as TLSError:
      port.metrics.tlsFailures.increment()
      port.logger.debug("a TLS connection failed", metadata: ["error": "\(error)"])
    default:
      port.logger.debug("a connection failed", metadata: ["error": "\(error)"])
      abort()
    }
  }

  // MARK: Taking turns

  private func handle(_ part: HTTPServerRequestPart) {
    switch (state, part) {
    case (.idle, .head(let head)), (.receivingHead, .head(let head)):
      begin(head)
    case (.receivingBody, .body(let bytes)):
      receive(bytes)
    case (.receivingBody, .end):
      complete()
    case (.discardingBody, .body(let bytes)):
      discard(bytes)
    case (.discardingBody, .end):
      finishExchange()
    default:
      // Parts after the last answer.
      break
    }
  }

  /// Goes on after an answer: with what came meanwhile, then with what is still to come.
  func settle() {
    while !backlog.isEmpty {
      switch state {
      case .reviewing, .awaitingReader: return
      default: handle(backlog.removeFirst())
      }
    }
    switch state {
    case .idle, .receivingHead, .receivingBody:
      if let failure = pendingFailure {
        pendingFailure = nil
        refuseAndClose(failure)
      } else if isInputClosed {
        close()
      }
    default: break
    }
    if !isInReadBatch { flushOutput() }
    switch state {
    case .reviewing, .awaitingReader: return
    default: break
    }
    if isReadHeld {
      isReadHeld = false
      context?.read()
    }
  }

  /// Says that a review has been completed: the connection is none of those that go first.
  func prove() {
    if !isProven { isProven = port.table.prove(connectionID) }
  }
}

@available(*, unavailable)
extension HTTPConnectionHandler: Sendable {}

extension Answer {
  /// What a client is told whose bytes are not HTTP/1.1, or too many.
  fileprivate static func syntaxError(_ error: HTTPParserError) -> Answer {
    switch error {
    case .headerOverflow:
      .error(.headersTooLarge, "the request line and headers are larger than this server accepts")
    case .invalidVersion:
      .error(.versionNotSupported, "this server speaks HTTP/1.1")
    case .invalidEOFState, .closedConnection:
      .error(.badRequest, "the connection ended in the middle of the request")
    default:
      .error(.badRequest, "this is not an HTTP/1.1 request: \(error)")
    }
  }
}
