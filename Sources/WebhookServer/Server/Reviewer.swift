import Admission
import NIOCore
import NIOPosix
import Synchronization

/// Has reviews decided: on the event loop where that is quick, else on a thread of its own, of which there are as many as
/// cores and for which only so many reviews may wait. Reviews of policies have one thread for themselves.
final class Reviewer: Sendable {
  private let service: any ReviewService
  /// Decides reviews of policies themselves; nil where none are asked for.
  private let policyService: (any ReviewService)?
  private let configuration: ServerConfiguration.Evaluation
  private let maximumConcurrent: Int
  private let threads: NIOThreadPool
  private let running = Atomic<Int>(0)
  /// The thread of reviews of policies: to compile takes long, and what has begun cannot be broken off.
  private let policyThread: NIOThreadPool?
  private let runningOfPolicies = Atomic<Int>(0)
  /// How many reviews of policies may run or wait.
  private static let maximumPolicyReviews = 16

  enum Verdict: Sendable {
    case answered(ReviewAnswer)
    /// There are too many, or this one waited for a thread until its time was up.
    case overloaded
    /// The time was up before there was an answer.
    case late
  }

  init(
    service: any ReviewService, policyService: (any ReviewService)?,
    configuration: ServerConfiguration.Evaluation, maximumConcurrent: Int
  ) {
    self.service = service
    self.policyService = policyService
    self.configuration = configuration
    self.maximumConcurrent = maximumConcurrent
    threads = NIOThreadPool(numberOfThreads: configuration.threads ?? System.coreCount)
    threads.start()
    policyThread = policyService.map { _ in NIOThreadPool(numberOfThreads: 1) }
    policyThread?.start()
  }

  /// The service for one event loop alone.
  func lane() -> any ReviewService { service.lane() }

  /// Ends once what the threads do is done, but for reviews of policies, which are waited for until then and left alone after it.
  func shutDown(until end: ContinuousClock.Instant = .now) async {
    try? await threads.shutdownGracefully()
    guard let policyThread else { return }
    let (ends, ended) = AsyncStream.makeStream(of: Void.self)
    policyThread.shutdownGracefully(queue: .global()) { _ in ended.finish() }
    let timer = Task {
      try? await Task.sleep(until: end, clock: .continuous)
      ended.finish()
    }
    for await _ in ends {}
    timer.cancel()
  }

  /// When a review that arrived then must be decided.
  ///
  /// - Parameter timeout: how long the caller will wait, where it says so.
  func deadline(arrival: ContinuousClock.Instant, timeout: Duration?) -> ContinuousClock.Instant {
    guard let timeout else { return arrival + configuration.budget }
    // Of a short timeout the margin must not take all.
    let margin = min(configuration.margin, timeout / 4)
    return arrival + min(configuration.budget, timeout - margin)
  }

  /// Tries to decide on this thread, which is the event loop's, at once; nil where that takes too long or is not worth trying.
  func decideInline(
    _ body: ByteBuffer, deadline: ContinuousClock.Instant, now: ContinuousClock.Instant, on loop: LoopContext
  ) -> ReviewAnswer? {
    let pace = loop.inlinePace
    guard configuration.inlineBudget > .zero, body.readableBytes <= configuration.inlineBodyBytes,
      pace.shouldTry()
    else { return nil }
    let answer = body.withUnsafeReadableBytes {
      loop.reviews.answer($0, deadline: min(deadline, now + configuration.inlineBudget), isFinal: false)
    }
    if case .tooSlow = answer {
      pace.failed()
      return nil
    }
    pace.succeeded()
    return answer
  }

  /// Decides on a thread of the pool.
  func decide(
    _ body: ByteBuffer, deadline: ContinuousClock.Instant, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Verdict> {
    guard running.wrappingAdd(1, ordering: .relaxed).newValue <= maximumConcurrent else {
      running.wrappingSubtract(1, ordering: .relaxed)
      return eventLoop.makeSucceededFuture(.overloaded)
    }
    return threads.runIfActive(eventLoop: eventLoop) { [self] in
      defer { running.wrappingSubtract(1, ordering: .relaxed) }
      // Nobody waits for it any more.
      guard ContinuousClock.now < deadline else { return .overloaded }
      return .answered(body.withUnsafeReadableBytes { service.answer($0, deadline: deadline, isFinal: true) })
    }
  }

  /// Decides a review of policies on the thread that is theirs; called on the event loop. There is an answer at the deadline at the
  /// latest, though the thread goes on.
  func decideOfPolicies(
    _ body: ByteBuffer, deadline: ContinuousClock.Instant, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Verdict> {
    guard let policyService, let policyThread,
      runningOfPolicies.wrappingAdd(1, ordering: .relaxed).newValue <= Self.maximumPolicyReviews
    else {
      if policyThread != nil { runningOfPolicies.wrappingSubtract(1, ordering: .relaxed) }
      return eventLoop.makeSucceededFuture(.overloaded)
    }
    let promise = eventLoop.makePromise(of: Verdict.self)
    let isAnswered = NIOLoopBoundBox(false, eventLoop: eventLoop)
    let timer = eventLoop.scheduleTask(in: TimeAmount(deadline - .now)) {
      isAnswered.value = true
      promise.succeed(.late)
    }
    policyThread.runIfActive(eventLoop: eventLoop) { [self] () -> Verdict in
      defer { runningOfPolicies.wrappingSubtract(1, ordering: .relaxed) }
      // Nobody waits for it any more.
      guard ContinuousClock.now < deadline else { return .late }
      return .answered(
        body.withUnsafeReadableBytes { policyService.answer($0, deadline: deadline, isFinal: true) })
    }.whenComplete { result in
      if isAnswered.value { return }
      timer.cancel()
      promise.completeWith(result)
    }
    return promise.futureResult
  }
}

/// Whether first tries on an event loop are worth their while: after each that fails in a row, twice as many reviews go
/// straight to the threads.
final class InlinePace {
  private var skipsLeft = 0
  private var nextSkips = 1

  func shouldTry() -> Bool {
    if skipsLeft == 0 { return true }
    skipsLeft -= 1
    return false
  }

  func failed() {
    skipsLeft = nextSkips
    nextSkips = min(2 * nextSkips, 64)
  }

  func succeeded() { nextSkips = 1 }
}
