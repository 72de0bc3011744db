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

  /// What must hold of the input for the part to be read at all.
  public var guards: Set<Guard>

  /// A scalar of the input that is one of a few values.
  public struct Guard: Sendable, Hashable {
    public var path: [RegoString]
    public var values: Set<Value>
  }

  public init(_ steps: [Step], isShallow: Bool, guards: Set<Guard> = []) {
    self.steps = steps
    self.isShallow = isShallow
    self.guards = guards
  }

  /// Whether the part can be read where these scalars of the input are known.
  func isReachable(given known: [[RegoString]: Value]) -> Bool {
    guards.allSatisfy { condition in known[condition.path].map(condition.values.contains) ?? true }
  }
}
