/// Answers AdmissionReviews: what the HTTP server asks and the command line renders.
public protocol ReviewService: Sendable {
  /// Decides one review within a budget. Called on any thread, many at a time; never blocks on anything but computing.
  ///
  /// - Parameters:
  ///   - body: the request body, valid only during the call.
  ///   - deadline: when to give up.
  ///   - isFinal: false for a first, short try on an event loop, which may answer ``ReviewAnswer/tooSlow`` so that it is
  ///     asked again elsewhere with the whole budget; true where the answer must be final.
  func answer(_ body: UnsafeRawBufferPointer, deadline: ContinuousClock.Instant, isFinal: Bool)
    -> ReviewAnswer

  /// The same service for the use of one thread, which so shares as little as can be with others.
  func lane() -> any ReviewService
}

extension ReviewService {
  public func lane() -> any ReviewService { self }
}

public enum ReviewAnswer: Sendable {
  /// HTTP 200 with this AdmissionReview as JSON.
  case decided(Decision, response: [UInt8])
  /// The cluster must be asked before it is decided.
  case unconfirmed(UnconfirmedReview)
  /// HTTP 400: what is wrong with the body, as a sentence.
  case malformed(String)
  /// The deadline passed before a first try ended: ask again with the whole budget.
  case tooSlow
}
