import Kubernetes
import Rego

extension Analysis {
  /// What makes the meaning of the objects undefined: policies of one priority, and pods of one workload between which policies differ.
  public func contradictions() -> [Problem] { equalPriorities() + unequalReplicas() }

  /// "If two (or more) policies in the same tier with the same priority could match a connection, then the implementation can apply
  /// any of the matching policies" (network-policy-api, ClusterNetworkPolicySpec).
  private func equalPriorities() -> [Problem] {
    zip(model.clusterPolicies, model.clusterPolicies.dropFirst()).compactMap { first, second in
      if first.rank != second.rank { return nil }
      return Problem(
        .error, second.reference, at: second.location,
        "it has the same priority as \(first.reference), so that which of them goes first is undefined")
    }
  }

  private func unequalReplicas() -> [Problem] {
    var problems: [Problem] = []
    for (workload, groups) in workloads where groups.count > 1 {
      if let policy = policyBetween(groups) {
        let names = groups.map { "\(self.groups[$0].example)" }.joined(separator: ", ")
        problems.append(
          Problem(
            .error, policy.reference, at: policy.location,
            "it tells pods of \(workload) apart, whose labels differ: \(names)"))
      }
    }
    return problems
  }

  /// A policy that selects, or that names as peers, some but not all of the groups.
  private func policyBetween(_ groups: Range<Int>) -> Policy? {
    func isBetween(_ set: GroupSet) -> Bool {
      let first = set.contains(groups.lowerBound)
      return groups.contains { set.contains($0) != first }
    }
    for (policy, selected) in zip(policies, selected) where isBetween(selected) { return policy }
    for compiled in ingressPolicies + egressPolicies {
      if compiled.rules.contains(where: { isBetween($0.groups) }) { return compiled.policy }
    }
    return nil
  }
}
