import Kubernetes
import Rego

/// What a cluster's objects make of policies: compiled, or quarantined. It follows from the objects and the configuration alone,
/// so that every replica comes to the same, whatever it saw before.
public struct ClusterPolicies: Sendable {
  /// An object that cannot be used, and why.
  public struct Quarantined: Sendable, Hashable {
    public let object: ObjectReference
    /// Empty where the object has none yet.
    public let uid: String
    public let reasons: [PolicyProblem]

    /// `path:line:column: message`, one a line.
    public var message: String { reasons.map(\.description).joined(separator: "\n") }
  }

  /// The policies of ConfigMaps.
  public let policies: [Policy]
  /// Those of them that lack something to judge by.
  public let notLoaded: [PolicySet.Unused]
  public let templates: [ConstraintTemplate]
  public let constraints: [CompiledConstraint]
  public let quarantined: [Quarantined]
  let fingerprint: PolicyFingerprint

  /// What a cluster without policies has.
  public static let none = ClusterPolicies(
    policies: [], notLoaded: [], templates: [], constraints: [], quarantined: [],
    fingerprint: PolicyFingerprint())

  /// Why an object is quarantined; nil where it is not.
  public func problem(with object: Value) -> Quarantined? {
    let reference = ObjectReference(of: object)
    return quarantined.first { $0.object == reference }
  }
}

extension PolicySet {
  /// These policies, such as come from files, and a cluster's.
  public func adding(_ cluster: ClusterPolicies) -> PolicySet {
    var fingerprint = fingerprint
    fingerprint.add(cluster.fingerprint)
    return PolicySet(
      policies: policies + cluster.policies,
      quarantined: quarantined
        + cluster.quarantined.map { Unused(name: $0.object.description, reasons: $0.reasons) },
      notLoaded: notLoaded + cluster.notLoaded,
      constraints: ConstraintSet(cluster.constraints, at: .webhook), fingerprint: fingerprint,
      enforcedKinds: enforcedKinds)
  }
}
