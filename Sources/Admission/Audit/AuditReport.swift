import Kubernetes
import Rego

/// What a scan of what exists has found.
public struct AuditReport: Sendable {
  public typealias Effect = ManifestCheck.Finding.Effect

  /// What one policy says of one object.
  public struct Finding: Sendable, Hashable {
    public let object: ObjectReference
    public let uid: String
    /// The policy's name; `KIND/NAME` of a constraint.
    public let policy: String
    /// What it would have led to, had the object been created now.
    public let effect: Effect
    public let message: String
    public let severity: Severity?
  }

  /// What findings are counted by.
  public struct Key: Sendable, Hashable, Comparable {
    public let policy: String
    /// Empty for objects that are the cluster's.
    public let namespace: String
    public let effect: Effect

    public static func < (left: Key, right: Key) -> Bool {
      let (a, b) = (
        [left.policy, left.namespace, left.effect.rawValue],
        [right.policy, right.namespace, right.effect.rawValue]
      )
      for (a, b) in zip(a, b) where !a.utf8.elementsEqual(b.utf8) {
        return a.utf8.lexicographicallyPrecedes(b.utf8)
      }
      return false
    }
  }

  /// How many of a namespace's workloads policies isolate.
  public struct Coverage: Sendable, Hashable {
    public let namespace: String
    public var workloads = 0
    public var ingress = 0
    public var egress = 0
    /// Those of the host's network, which no policy can isolate; they are not among the workloads.
    public var hostNetwork = 0
  }

  /// In the order in which objects came; only so many are kept.
  public var findings: [Finding] = []
  /// How many were left out of ``findings``; ``counts`` has all of them.
  public var omittedCount = 0
  public var counts: [Key: Int] = [:]
  /// In the order of namespaces.
  public var coverage: [Coverage] = []
  public var objectCount = 0
  /// How many objects would be refused if they were created now.
  public var deniedCount = 0
  /// The hash of the policies that judged.
  public var policySet = ""
  /// What is worth knowing besides: kinds that could not be looked at, a network that does not enforce policies.
  public var remarks: [String] = []

  public init() {}

  /// The number of findings with an effect.
  public func count(of effect: Effect) -> Int {
    counts.reduce(0) { $0 + ($1.key.effect == effect ? $1.value : 0) }
  }
}
