import Rego

/// What of the cluster's objects is kept in memory: what policies and the model of the network can read.
enum KeptFields {
  private static let metadata = PathShape.everything(but: [
    // Who set which field, what kubectl applied, and counters that change with every write.
    ("managedFields", .none), ("resourceVersion", .none), ("generation", .none), ("selfLink", .none),
    (
      "annotations",
      .everything(but: [("kubectl.kubernetes.io/last-applied-configuration", .none)])
    ),
  ])

  /// The members of a status that are kept in any case.
  static let ofStatus: Set<RegoString> = ["podIP", "podIPs", "hostIP", "hostIPs", "phase"]

  private static let status = PathShape.members(ofStatus.map { ($0, .all) })

  /// - Parameter keepsStatus: whether some policy reads more of a status than where a pod is and how it fares.
  static func shape(keepsStatus: Bool) -> PathShape {
    var members: [(RegoString, PathShape)] = [("metadata", metadata)]
    if !keepsStatus { members.append(("status", status)) }
    return .everything(but: members)
  }
}
