/// How long to wait before another try: twice as long after each failure, never exactly as long as others wait.
public struct Backoff: Sendable {
  public var first: Duration
  public var longest: Duration
  /// What part of a wait is left to chance, from 0 to 1.
  public var jitter: Double
  private var next: Duration

  public init(first: Duration = .milliseconds(250), longest: Duration = .seconds(30), jitter: Double = 0.5) {
    self.first = first
    self.longest = longest
    self.jitter = jitter
    next = first
  }

  /// The wait after one more failure.
  ///
  /// - Parameter atLeast: what the server asked for (`Retry-After`).
  public mutating func delay(
    atLeast: Duration? = nil, using random: inout some RandomNumberGenerator
  ) -> Duration {
    let base = next
    next = min(next * 2, longest)
    let wait = base * (1 - jitter * Double.random(in: 0...1, using: &random))
    guard let atLeast else { return wait }
    // Those that were told the same come back one after the other all the same.
    return max(
      wait, atLeast + min(atLeast, .seconds(1)) * (jitter * Double.random(in: 0...1, using: &random)))
  }

  public mutating func delay(atLeast: Duration? = nil) -> Duration {
    var random = SystemRandomNumberGenerator()
    return delay(atLeast: atLeast, using: &random)
  }

  /// After a success the next failure counts as the first.
  public mutating func reset() { next = first }
}
