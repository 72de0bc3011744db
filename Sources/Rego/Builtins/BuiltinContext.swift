import Synchronization

/// What an evaluation lends to the builtins that ask for more than their operands.
public final class BuiltinContext: Sendable {
  /// Nanoseconds since 1970 that every `time.now_ns()` of the evaluation answers.
  public let nowNanoseconds: Int
  /// The deadline after which long loops must stop; nil for none.
  public let deadline: ContinuousClock.Instant?
  /// What the host of the evaluation lends to builtins of its own, which know its type; nil where it lends nothing.
  public let host: (any Sendable)?
  /// Results that must stay the same for the whole evaluation, by builtin name and operands (`rand.intn`, `uuid.rfc4122`).
  let remembered = Mutex<[[Value]: Value]>([:])

  public init(
    nowNanoseconds: Int, deadline: ContinuousClock.Instant? = nil, host: (any Sendable)? = nil
  ) {
    self.nowNanoseconds = nowNanoseconds
    self.deadline = deadline
    self.host = host
  }

  /// Throws ``BuiltinError/cancelled`` once the deadline has passed; call it every few thousand steps of a long loop.
  public func checkDeadline() throws(BuiltinError) {
    if let deadline, ContinuousClock.now >= deadline { throw .cancelled }
  }
}
