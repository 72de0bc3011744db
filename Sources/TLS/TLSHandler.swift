import NIOCore

/// Sent up the pipeline once a handshake is done.
public struct TLSHandshakeCompleted: Sendable {
  public var peer: PeerCertificate
  /// Such as `TLSv1.3`.
  public var version: String
}

/// Encrypts and decrypts one channel's bytes, for a server or a client.
///
/// Next to the usual events it fires ``TLSHandshakeCompleted``; every failure is a ``TLSError`` up the pipeline, followed
/// by the channel's end. The peer's closure alert becomes `ChannelEvent.inputClosed`. `close(mode: .all)` sends a closure
/// alert first; a second call closes at once. `channelReadComplete` is passed on only where plaintext was. Channels
/// should allow remote half-closure.
public final class TLSHandler: ChannelDuplexHandler {
  public typealias InboundIn = ByteBuffer
  public typealias InboundOut = ByteBuffer
  public typealias OutboundIn = ByteBuffer
  public typealias OutboundOut = ByteBuffer

  /// Times and texts that a connection does not negotiate.
  public struct Options: Sendable {
    public var handshakeTimeout: TimeAmount = .seconds(10)
    /// How long a closure alert may wait to be written.
    public var closeTimeout: TimeAmount = .seconds(5)
    /// What a client that speaks plain text is told, in plain text (server role).
    public var plainTextAnswer = ""

    public init() {}
  }

  private enum State {
    /// The channel is not yet active.
    case idle
    case handshaking
    case open
    /// The peer has sent its closure alert or closed its side; we may still write.
    case inputClosed
    /// We have sent our closure alert; the peer may still write.
    case outputClosed
    /// Our closure alert is on its way, then the channel is closed.
    case closing
    /// A client spoke plain text and is being told so.
    case refusingPlainText
    case closed
  }

  private let connection: TLSConnection
  private let role: TLSRole
  private let options: Options
  private let plaintextBuffers: BufferRecycler
  private let ciphertextBuffers: BufferRecycler
  private var state = State.idle
  private var timeout: Scheduled<Void>?
  private var pendingWrites: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
  private var isFlushPending = false
  private var hasDeliveredPlaintext = false

  /// - Throws: ``TLSError/library(operation:reason:)``.
  public convenience init(context: TLSContext, role: TLSRole, options: Options = Options()) throws {
    try self.init(
      context: context, role: role, options: options, plaintextBuffers: BufferRecycler(),
      ciphertextBuffers: BufferRecycler())
  }

  /// - Parameters:
  ///   - plaintextBuffers: the event loop's own, shared by its connections; as are `ciphertextBuffers`.
  package init(
    context: TLSContext, role: TLSRole, options: Options, plaintextBuffers: BufferRecycler,
    ciphertextBuffers: BufferRecycler
  ) throws {
    connection = try TLSConnection(context: context, role: role)
    self.role = role
    self.options = options
    self.plaintextBuffers = plaintextBuffers
    self.ciphertextBuffers = ciphertextBuffers
  }

  // MARK: Life

  public func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { beginHandshake(context) }
  }

  public func channelActive(context: ChannelHandlerContext) {
    beginHandshake(context)
    context.fireChannelActive()
  }

  public func channelInactive(context: ChannelHandlerContext) {
    if case .handshaking = state { context.fireErrorCaught(TLSError.closedDuringHandshake) }
    finish()
    context.fireChannelInactive()
  }

  public func handlerRemoved(context: ChannelHandlerContext) { finish() }

  private func finish() {
    state = .closed
    timeout?.cancel()
    timeout = nil
    failPendingWrites()
  }

  private func failPendingWrites() {
    let failed = pendingWrites
    pendingWrites = []
    for write in failed { write.promise?.fail(TLSError.closed) }
  }

  // MARK: Handshake

  private func beginHandshake(_ context: ChannelHandlerContext) {
    guard case .idle = state else { return }
    state = .handshaking
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: options.handshakeTimeout) {
      guard case .handshaking = self.state else { return }
      self.fail(context, .handshakeTimedOut)
    }
    if case .client = role { advanceHandshake(context) }
  }

  private func advanceHandshake(_ context: ChannelHandlerContext) {
    do {
      let progress = try connection.handshake()
      send(context, promise: nil)
      guard case .done = progress else { return }
    } catch {
      fail(context, error)
      return
    }
    state = .open
    timeout?.cancel()
    timeout = nil
    context.fireUserInboundEventTriggered(
      TLSHandshakeCompleted(peer: connection.peer, version: connection.version))
    // What the peer sent along with the end of its handshake.
    decrypt(context)
    if isFlushPending { flush(context: context) }
  }

  // MARK: Input

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let ciphertext = unwrapInboundIn(data)
    switch state {
    case .idle, .handshaking:
      if isPlainText(ciphertext) {
        refusePlainText(context)
        return
      }
      connection.receive(ciphertext)
      advanceHandshake(context)
    case .open, .outputClosed:
      connection.receive(ciphertext)
      decrypt(context)
    case .inputClosed, .closing, .refusingPlainText, .closed:
      break
    }
  }

  public func channelReadComplete(context: ChannelHandlerContext) {
    guard hasDeliveredPlaintext else { return }
    hasDeliveredPlaintext = false
    context.fireChannelReadComplete()
  }

  private func decrypt(_ context: ChannelHandlerContext) {
    let count = connection.inboundByteCount
    // A small buffer of its own, so that a request that arrives in pieces does not hold on to a large one.
    let isSmall = count <= 4096
    var plaintext =
      isSmall
      ? context.channel.allocator.buffer(capacity: count) : plaintextBuffers.borrow(minimumCapacity: count)
    let result: TLSConnection.ReadResult
    do {
      result = try connection.read(into: &plaintext)
    } catch {
      fail(context, error)
      return
    }
    send(context, promise: nil)
    if plaintext.readableBytes > 0 {
      hasDeliveredPlaintext = true
      context.fireChannelRead(wrapInboundOut(plaintext))
    }
    if !isSmall { plaintextBuffers.giveBack(plaintext) }
    guard case .closedByPeer = result else { return }
    switch state {
    case .open:
      state = .inputClosed
      context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    case .outputClosed:
      state = .closed
      context.close(mode: .all, promise: nil)
    case .idle, .handshaking, .inputClosed, .closing, .refusingPlainText, .closed:
      break
    }
  }

  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let event = event as? ChannelEvent, event == .inputClosed else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    switch state {
    case .idle, .handshaking:
      fail(context, .closedDuringHandshake)
    case .open:
      state = .inputClosed
      context.fireErrorCaught(TLSError.truncated)
      context.fireUserInboundEventTriggered(event)
    case .outputClosed, .refusingPlainText:
      state = .closed
      context.close(mode: .all, promise: nil)
    case .inputClosed, .closing, .closed:
      break
    }
  }

  /// A TLS connection starts with a handshake record, type 22; no HTTP request line does.
  private func isPlainText(_ bytes: ByteBuffer) -> Bool {
    guard case .server = role, !connection.hasStarted, let first = bytes.readableBytesView.first else {
      return false
    }
    return first >= UInt8(ascii: "A") && first <= UInt8(ascii: "Z")
  }

  private func refusePlainText(_ context: ChannelHandlerContext) {
    state = .refusingPlainText
    timeout?.cancel()
    // Closing with input unread would reset the connection and take the answer along (RFC 9112 section 9.6).
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
      context.close(mode: .all, promise: nil)
    }
    context.fireErrorCaught(TLSError.plainText)
    let answer = context.channel.allocator.buffer(string: options.plainTextAnswer)
    context.writeAndFlush(wrapOutboundOut(answer)).assumeIsolated().whenComplete { _ in
      context.close(mode: .output, promise: nil)
    }
  }

  // MARK: Output

  public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch state {
    case .idle, .handshaking, .open, .inputClosed:
      pendingWrites.append((unwrapOutboundIn(data), promise))
    case .outputClosed, .closing, .refusingPlainText, .closed:
      promise?.fail(TLSError.closed)
    }
  }

  public func flush(context: ChannelHandlerContext) {
    switch state {
    case .idle, .handshaking:
      isFlushPending = true
    case .open, .inputClosed:
      isFlushPending = false
      encryptPendingWrites(context)
    case .outputClosed, .closing, .refusingPlainText, .closed:
      break
    }
  }

  private func encryptPendingWrites(_ context: ChannelHandlerContext) {
    guard !pendingWrites.isEmpty else { return }
    var writes: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
    swap(&writes, &pendingWrites)
    // Several small writes become one record.
    var joined = ByteBuffer()
    if writes.count > 1 {
      joined.reserveCapacity(writes.reduce(0) { $0 + $1.bytes.readableBytes })
      for write in writes { joined.writeImmutableBuffer(write.bytes) }
    } else {
      joined = writes[0].bytes
    }
    let promises = writes.compactMap(\.promise)
    do {
      // A record adds at most 5 + 1 + 16 bytes in TLS 1.3, 5 + 8 + 16 in TLS 1.2.
      let records = joined.readableBytes / 16_384 + 1
      connection.lend(ciphertextBuffers.borrow(minimumCapacity: joined.readableBytes + 32 * records))
      try joined.withUnsafeReadableBytes { try connection.write($0) }
    } catch {
      for promise in promises { promise.fail(error) }
      fail(context, error)
      return
    }
    send(context, promise: combine(promises, context.eventLoop))
    // Keep the array's storage.
    writes.removeAll(keepingCapacity: true)
    if pendingWrites.isEmpty { swap(&writes, &pendingWrites) }
  }

  private func combine(_ promises: [EventLoopPromise<Void>], _ eventLoop: any EventLoop) -> EventLoopPromise<
    Void
  >? {
    guard promises.count > 1 else { return promises.first }
    let all = eventLoop.makePromise(of: Void.self)
    for promise in promises { all.futureResult.cascade(to: promise) }
    return all
  }

  /// Writes the ciphertext there is, whatever made it.
  private func send(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
    guard connection.hasOutbound else {
      promise?.succeed()
      return
    }
    let ciphertext = connection.takeOutbound()
    context.writeAndFlush(wrapOutboundOut(ciphertext), promise: promise)
    ciphertextBuffers.giveBack(ciphertext)
  }

  // MARK: The end

  public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch (mode, state) {
    case (.input, _):
      context.close(mode: .input, promise: promise)
    case (.output, .open):
      state = .outputClosed
      sendClosureAlert(context) { context.close(mode: .output, promise: promise) }
    case (.output, .outputClosed), (.output, .closing), (.output, .refusingPlainText):
      promise?.succeed()
    case (.all, .open), (.all, .inputClosed), (.output, .inputClosed):
      state = .closing
      timeout?.cancel()
      timeout = context.eventLoop.assumeIsolated().scheduleTask(in: options.closeTimeout) {
        context.close(mode: .all, promise: nil)
      }
      sendClosureAlert(context) { context.close(mode: .all, promise: promise) }
    case (_, .idle), (_, .handshaking), (_, .closed), (.all, .outputClosed), (.all, .closing),
      (.all, .refusingPlainText):
      finish()
      context.close(mode: .all, promise: promise)
    }
  }

  /// Sends the closure alert after all that was flushed, then calls the closure.
  private func sendClosureAlert(_ context: ChannelHandlerContext, then body: @escaping () -> Void) {
    failPendingWrites()
    connection.close()
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in body() }
    send(context, promise: written)
  }

  private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
    guard case .closed = state else {
      // The alert that says why, where OpenSSL made one.
      send(context, promise: nil)
      finish()
      context.fireErrorCaught(error)
      context.close(mode: .all, promise: nil)
      return
    }
  }

  private func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
    fail(context, error as any Error)
  }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}
