import Admission
import NIOCore
import NIOPosix
import Synchronization

/// Has reviews decided: on the event loop where that is quick, else on a thread of its own, of which there are as many as
/// cores and for which only so many reviews may wait.
final class Reviewer: Sendable {
  private let service: any ReviewService
  /// Decides reviews of policies themselves; nil where none are asked for.
  private let policyService: (any ReviewService)?
  private let configuration: ServerConfiguration.Evaluation
  private let maximumConcurrent: Int
  private let threads: NIOThreadPool
  private let running = Atomic<Int>(0)

  enum Verdict: Sendable {
    case answered(ReviewAnswer)
    /// There are too many, or this one waited for a thread until its time was up.
    case overloaded
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
  }

  /// The service for one event loop alone.
  func lane() -> any ReviewService { service.lane() }

  func shutDown() async { try? await threads.shutdownGracefully() }

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
    _ body: ByteBuffer, deadline: ContinuousClock.Instant, isOfPolicies: Bool, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Verdict> {
    let service = isOfPolicies ? policyService ?? service : service
    guard running.wrappingAdd(1, ordering: .relaxed).newValue <= maximumConcurrent else {
      running.wrappingSubtract(1, ordering: .relaxed)
      return eventLoop.makeSucceededFuture(.overloaded)
    }
    return threads.runIfActive(eventLoop: eventLoop) { [self, service] in
      defer { running.wrappingSubtract(1, ordering: .relaxed) }
      // Nobody waits for it any more.
      guard ContinuousClock.now < deadline else { return .overloaded }
      return .answered(body.withUnsafeReadableBytes { service.answer($0, deadline: deadline, isFinal: true) })
    }
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
