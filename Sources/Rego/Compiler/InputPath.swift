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

  /// A scalar of the input, or of the data, that is one of a few values.
  public struct Guard: Sendable, Hashable {
    public var scalar: Scalar
    public var values: Set<Value>
  }

  /// A place in the input or the data by the keys that lead there.
  public enum Scalar: Sendable, Hashable {
    case input([RegoString])
    case data([RegoString])
  }

  public init(_ steps: [Step], isShallow: Bool, guards: Set<Guard> = []) {
    self.steps = steps
    self.isShallow = isShallow
    self.guards = guards
  }

  /// The same with its keys as the interner has them, so that finding one in an object is comparing pointers.
  func interned(by interner: StringInterner) -> InputPath {
    var path = self
    path.steps = steps.map { step in
      if case .key(let key) = step { .key(interner.intern(key)) } else { step }
    }
    return path
  }

  /// Whether the part can be read where these scalars are known.
  func isReachable(given known: [Scalar: Value]) -> Bool {
    guards.allSatisfy { $0.canHold(given: known) }
  }
}

/// What the definitions of one group read of the input, and which other groups they ask for.
struct GroupReach: Sendable {
  struct Mention: Sendable, Hashable {
    var group: Int
    /// What must hold for the group to be asked for.
    var guards: Set<InputPath.Guard>

    func isReachable(given known: [InputPath.Scalar: Value]) -> Bool {
      guards.allSatisfy { $0.canHold(given: known) }
    }
  }

  var paths: Set<InputPath> = []
  var mentions: Set<Mention> = []

  func interned(by interner: StringInterner) -> GroupReach {
    GroupReach(paths: Set(paths.map { $0.interned(by: interner) }), mentions: mentions)
  }
}

extension InputPath.Guard {
  func canHold(given known: [InputPath.Scalar: Value]) -> Bool {
    known[scalar].map(values.contains) ?? true
  }
}
