/// What an evaluation may spend before it ends with `eval_cancel_error`.
public struct EvaluationLimits: Sendable {
  /// When to give up; nil for never.
  public var deadline: ContinuousClock.Instant?
  /// How many loop turns, calls and rule evaluations it may take.
  public var steps: Int
  /// How many bytes, roughly, comprehensions and rules may collect.
  public var memory: Int
  /// How deep rules and functions may call each other.
  public var depth: Int

  public init(
    deadline: ContinuousClock.Instant? = nil, steps: Int = .max, memory: Int = .max, depth: Int = 256
  ) {
    self.deadline = deadline
    self.steps = steps
    self.memory = memory
    self.depth = depth
  }
}
