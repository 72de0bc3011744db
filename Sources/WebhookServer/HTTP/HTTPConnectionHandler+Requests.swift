import Admission
import NIOCore
import NIOHTTP1

/// A rest of a refused body up to this size is read and thrown away, so that the connection can serve on.
private let worthDiscarding = 256 << 10

/// Taking requests in.
extension HTTPConnectionHandler {
  func begin(_ head: HTTPRequestHead) {
    let framing = RequestFraming(head.headers)
    let target = RequestTarget(head.uri)
    request = Request()
    request.wantsBody = head.method != .HEAD
    request.wantsKeepAlive = head.isKeepAlive
    request.isHTTP10 = head.version == .http1_0
    request.contentLength = framing.isChunked ? nil : framing.contentLength ?? 0
    request.expectsContinue = framing.expectation != nil && !request.isHTTP10
    request.bodyStart = loop.now
    state = .receivingBody
    deadline = loop.now + port.waits.body

    // RFC 9112 section 3.2.
    if framing.hostCount != 1, !request.isHTTP10 {
      return refuse(.error(.badRequest, "the request must have one Host header"))
    }
    switch port.routes.match(method: head.method, path: target.path) {
    case .unknownPath:
      return refuse(.error(.notFound, "there is nothing at this path"))
    case .wrongMethod(let allowed):
      return refuse(.wrongMethod(allowed: allowed))
    case .endpoint(let endpoint):
      request.endpoint = endpoint
    }
    if let expectation = framing.expectation, !request.isHTTP10, !framing.expectsContinue {
      return refuse(.error(.expectationFailed, "the expectation \"\(expectation)\" cannot be met"))
    }
    if let length = request.contentLength, length > port.limits.bodyBytes { return refuse(bodyTooLarge) }
    switch request.endpoint {
    case .validate, .validatePolicies:
      if let refusal = refusalOfReview(framing, target) { return refuse(refusal) }
    case .readiness:
      request.isVerbose = target.parameter("verbose") != nil
    case .liveness, .metrics:
      break
    }
    if request.expectsContinue && framing.hasBody {
      output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
      if !isInReadBatch { flushOutput() }
    }
  }

  /// Says why this review will not be taken, or nil; sets its deadline.
  private func refusalOfReview(_ framing: RequestFraming, _ target: RequestTarget) -> Answer? {
    if let refusal = port.clientRule?.refusal(of: peer) { return .error(.forbidden, refusal) }
    guard framing.isJSON else {
      let found = framing.contentType.map { "it is \"\($0.prefix(100))\"" } ?? "there is none"
      return .error(.unsupportedMediaType, "Content-Type must be application/json; \(found)")
    }
    guard framing.isIdentityEncoded else {
      return .error(.unsupportedMediaType, "the body must not have a Content-Encoding")
    }
    var timeout: Duration?
    if let text = target.parameter("timeout") {
      guard let parsed = parseGoDuration(text.utf8), parsed > .zero else {
        return .error(.badRequest, "the timeout \"\(text.prefix(100))\" is not a duration such as 10s")
      }
      timeout = parsed
    }
    request.deadline = port.reviewer.deadline(arrival: .now, timeout: timeout)
    return nil
  }

  private var bodyTooLarge: Answer {
    .error(
      .contentTooLarge, "the body is larger than the \(port.limits.bodyBytes) bytes that this server accepts")
  }

  func receive(_ bytes: ByteBuffer) {
    let count = bytes.readableBytes
    request.receivedBytes += count
    if request.receivedBytes > port.limits.bodyBytes { return refuse(bodyTooLarge) }
    guard request.endpoint == .validate || request.endpoint == .validatePolicies else { return }
    if request.receivedBytes > port.limits.smallBodyBytes {
      let unreserved = request.receivedBytes - request.reservedBytes
      guard port.bodyBudget.reserve(unreserved) else {
        port.metrics.count(.overloaded)
        return refuse(.overloaded("too many large requests are being received; try again"))
      }
      request.reservedBytes += unreserved
    }
    if count == request.contentLength {
      // All of it, in one piece: no need to copy.
      request.body = bytes
      return
    }
    let needed = request.receivedBytes
    if needed > request.body.capacity {
      // What the client announces is not taken on trust beyond a little; what it has sent is.
      let likely = max(2 * needed, port.limits.smallBodyBytes)
      let capacity = min(likely, max(request.contentLength ?? port.limits.bodyBytes, needed))
      if request.body.capacity == 0, let context {
        request.body = context.channel.allocator.buffer(capacity: capacity)
      } else {
        request.body.reserveCapacity(capacity)
      }
    }
    request.body.writeImmutableBuffer(bytes)
  }

  func complete() {
    switch request.endpoint {
    case .validate, .validatePolicies: review()
    case .liveness: answer(port.pages.liveness())
    case .readiness: answer(port.pages.readiness(isVerbose: request.isVerbose))
    case .metrics: answer(port.pages.metricsPage())
    }
  }

  private func answer(_ answer: Answer) {
    write(answer)
    finishExchange()
  }

  // MARK: Refusing

  /// Answers before the request is complete; the connection lives on where what is left of the request is little.
  func refuse(_ answer: Answer) {
    releaseBody()
    // Of a chunked body nobody knows how much is left: as much again as has come, say.
    let rest = request.contentLength.map { $0 - request.receivedBytes } ?? request.receivedBytes
    // A client that waits for 100 may or may not send its body after another status (RFC 9110 section 10.1.1).
    if request.expectsContinue || rest > worthDiscarding { return refuseAndClose(answer) }
    write(answer)
    request.receivedBytes = 0
    state = .discardingBody
  }

  func refuseAndClose(_ answer: Answer) {
    releaseBody()
    request.wantsKeepAlive = false
    write(answer)
    linger()
  }

  func discard(_ bytes: ByteBuffer) {
    request.receivedBytes += bytes.readableBytes
    if request.receivedBytes > worthDiscarding { linger() }
  }

  func releaseBody() {
    request.body = ByteBuffer()
    if request.reservedBytes > 0 { port.bodyBudget.release(request.reservedBytes) }
    request.reservedBytes = 0
  }

  // MARK: Reviews

  private func review() {
    let start = ContinuousClock.now
    let deadline = request.deadline ?? start
    let isOfPolicies = request.endpoint == .validatePolicies
    // To compile takes longer than an event loop can wait.
    if !isOfPolicies,
      let answer = port.reviewer.decideInline(request.body, deadline: deadline, now: start, on: loop)
    {
      if case .unconfirmed(let review) = answer {
        confirm(review, until: deadline, since: start)
      } else {
        deliver(answer, since: start)
      }
      return
    }
    state = .reviewing
    self.deadline = .distantFuture
    // Answers to earlier requests need not wait for this one.
    flushOutput()
    let verdict =
      isOfPolicies
      ? port.reviewer.decideOfPolicies(request.body, deadline: deadline, on: loop.eventLoop)
      : port.reviewer.decide(request.body, deadline: deadline, on: loop.eventLoop)
    verdict.assumeIsolated()
      .whenComplete { result in
        guard case .reviewing = self.state else { return }
        switch result {
        case .success(.answered(.unconfirmed(let review))):
          self.confirm(review, until: deadline, since: start)
          return
        case .success(.answered(let answer)): self.deliver(answer, since: start)
        case .success(.late): self.deliverOverload("the policies could not be compiled in time")
        case .success(.overloaded), .failure: self.deliverOverload()
        }
        self.settle()
      }
  }

  /// Has the cluster asked, and answers then. The event loop goes on meanwhile.
  private func confirm(
    _ review: UnconfirmedReview, until deadline: ContinuousClock.Instant,
    since start: ContinuousClock.Instant
  ) {
    state = .reviewing
    self.deadline = .distantFuture
    // Answers to earlier requests need not wait for this one.
    flushOutput()
    let promise = loop.eventLoop.makePromise(of: ReviewAnswer.self)
    promise.completeWithTask { await review.confirm(until: deadline) }
    promise.futureResult.assumeIsolated().whenComplete { result in
      guard case .reviewing = self.state else { return }
      switch result {
      case .success(let answer): self.deliver(answer, since: start)
      case .failure: self.deliverOverload()
      }
      self.settle()
    }
  }

  private func deliver(_ reviewAnswer: consuming ReviewAnswer, since start: ContinuousClock.Instant) {
    releaseBody()
    switch consume reviewAnswer {
    case .decided(var decision, let response):
      decision.duration = .now - start
      port.metrics.count(decision, took: decision.duration)
      port.decisionLog?.append(decision)
      prove()
      answer(Answer(.ok, .json, body: response))
    case .malformed(let sentence):
      port.metrics.count(.malformed)
      answer(.error(.badRequest, sentence))
    case .tooSlow, .unconfirmed:
      // Only a first try may say so.
      deliverOverload()
    }
  }

  private func deliverOverload(_ sentence: String = "too many reviews are being decided; try again") {
    releaseBody()
    port.metrics.count(.overloaded)
    answer(.overloaded(sentence))
  }
}
