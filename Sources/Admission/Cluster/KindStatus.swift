import Kubernetes
import Rego

/// How far following one kind has come.
public struct KindStatus: Sendable, Hashable {
  public enum Phase: Sendable, Hashable {
    /// Not all of it has been read yet.
    case listing
    /// All of it has been read, and what happens is being watched.
    case followed
    /// The server has no such kind (yet).
    case absent
    /// RBAC forbids it; the rule that would allow it.
    case forbidden(rule: String)
    /// It fails for another reason, and is tried again.
    case failing(reason: String)

    var name: String {
      switch self {
      case .listing: "listing"
      case .followed: "followed"
      case .absent: "absent"
      case .forbidden: "forbidden"
      case .failing: "failing"
      }
    }
  }

  public let kind: GroupVersionKind
  public internal(set) var phase = Phase.listing
  /// Whether all of it was read at some time: what is known of it may be old, but is whole.
  public internal(set) var isKnown = false
  /// Whether the whole of `status` is kept of what is read now.
  public internal(set) var keepsStatus = false
  /// Whether what is known has the whole of `status`.
  var hasStatus = false
  /// Since when it fails that is not known yet, where the server answers; nil where it does not fail.
  var failingSince: ContinuousClock.Instant?
  /// Whether it has failed for so long that nobody waits for it: the policies that need it do.
  public internal(set) var isGivenUp = false
  /// Seconds since 1970 at which the server was last heard of it.
  public internal(set) var lastHeard = 0
  /// Whether the server had no such kind when it last said.
  var isAbsent = false
  /// Whether a built-in policy needs it.
  public internal(set) var isRequired = false

  /// What a policy that needs it waits for; nil where it can be judged by.
  ///
  /// - Parameter readsStatus: whether the policy reads more of a status than is kept in any case.
  func obstacle(readsStatus: Bool) -> String? {
    // Whoever takes the permission away later does not switch the policy off: it goes on by what was known.
    if isKnown, hasStatus || !readsStatus || phase == .absent { return nil }
    let what = isKnown ? "the status of \(kind)" : "\(kind)"
    return switch phase {
    case .absent: nil
    case .forbidden(let rule):
      "it needs \(what), which Portcullis may not list and watch: a ClusterRole with the rule \(rule) allows it"
    case .failing(let reason): "it needs \(what), which cannot be read: \(reason)"
    case .listing, .followed: "it needs \(what), which has not been read yet"
    }
  }
}

extension KindStatus: CustomStringConvertible {
  public var description: String {
    switch phase {
    case .listing: isKnown ? "\(kind) is being read again" : "\(kind) is being read"
    case .followed: "\(kind) is followed"
    case .absent: "\(kind) is not known to the API server"
    case .forbidden(let rule): "\(kind) is forbidden: the rule \(rule) allows it"
    case .failing(let reason): "\(kind) cannot be read: \(reason)"
    }
  }
}
