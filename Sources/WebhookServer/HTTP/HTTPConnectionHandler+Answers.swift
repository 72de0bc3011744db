import NIOCore

/// Giving answers, and ending the connection.
extension HTTPConnectionHandler {
  /// Puts an answer to the current request among those to be written.
  func write(_ answer: Answer) {
    let persistence: Persistence =
      !request.wantsKeepAlive || loop.isDraining || isInputClosed
      ? .close : request.isHTTP10 ? .announcedKeepAlive : .keepAlive
    if case .close = persistence { request.wantsKeepAlive = false }
    if output.capacity == 0 { output = loop.responseBuffers.borrow(minimumCapacity: 1024) }
    output.write(answer, persistence, dateLine: loop.dateLine(), hasBody: request.wantsBody)
    port.metrics.countResponse(answer.status)
  }

  func flushOutput() {
    guard output.readableBytes > 0, let context else { return }
    let bytes = output
    output = ByteBuffer()
    context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    loop.responseBuffers.giveBack(bytes)
  }

  /// The request has been read to its end and answered.
  func finishExchange() {
    guard request.wantsKeepAlive else { return close() }
    if output.readableBytes > 64 << 10 { flushOutput() }
    if let context, !context.channel.isWritable {
      state = .awaitingReader
      deadline = loop.now + port.waits.write
    } else {
      awaitNextRequest()
    }
  }

  func awaitNextRequest() {
    state = .idle
    deadline = loop.now + port.waits.idle
  }

  // MARK: The end

  /// Closes once all answers have been written.
  func close() {
    guard let context else { return }
    end(.closing) { context.close(mode: .all, promise: nil) }
  }

  /// Closes our side once all answers have been written, and reads on for a while: closing with input unread would reset
  /// the connection, and the reset can overtake the answer (RFC 9112 section 9.6).
  func linger() {
    guard let context else { return }
    if isInputClosed { return close() }
    end(.lingering) { context.close(mode: .output, promise: nil) }
  }

  private func end(_ newState: State, then body: @escaping () -> Void) {
    guard let context else { return }
    state = newState
    releaseBody()
    guard output.readableBytes > 0 else {
      deadline = loop.now + port.waits.linger
      return body()
    }
    deadline = loop.now + port.waits.write
    let bytes = output
    output = ByteBuffer()
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
      self.deadline = self.loop.now + self.port.waits.linger
      body()
    }
  }

  /// Closes without waiting for anything.
  func abort() {
    guard let context else { return }
    state = .closing
    // The second call does not wait for the TLS closure alert to be written.
    context.close(mode: .all, promise: nil)
    context.close(mode: .all, promise: nil)
  }

  // MARK: Patience

  /// Called a few times a second: ends what has gone on for too long.
  func passTime(_ now: NIODeadline) {
    guard now >= deadline || isBodyTooSlow(now) else { return }
    switch state {
    case .idle:
      close()
    case .receivingHead:
      request = Request()
      refuseAndClose(.error(.requestTimeout, "the request's headers did not come in time"))
    case .receivingBody:
      refuseAndClose(.error(.requestTimeout, "the request's body did not come in time"))
    case .discardingBody:
      linger()
    case .awaitingReader, .lingering, .closing:
      abort()
    case .reviewing, .closed:
      break
    }
  }

  /// Whether the body comes more slowly than a client that means well would send it.
  private func isBodyTooSlow(_ now: NIODeadline) -> Bool {
    guard case .receivingBody = state else { return false }
    let elapsed = now - request.bodyStart
    guard elapsed >= port.waits.bodyGrace else { return false }
    return Int64(request.receivedBytes) * 1_000_000_000 < Int64(port.waits.minimumBodyRate)
      * elapsed.nanoseconds
  }

  func beginDraining(idleUntil: NIODeadline) {
    switch state {
    case .idle: deadline = min(deadline, idleUntil)
    default: break
    }
  }
}
