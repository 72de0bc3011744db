/// A part of the input that a program can read.
public struct InputPath: Sendable, Hashable {
  public enum Step: Sendable, Hashable {
    case key(RegoString)
    /// Any key or index.
    case any
  }

  public var steps: [Step]
  /// Whether only the value's presence, its kind and, where it is a scalar, the value matter; not what is in it.
  public var isShallow: Bool

  public init(_ steps: [Step], isShallow: Bool) {
    self.steps = steps
    self.isShallow = isShallow
  }
}
