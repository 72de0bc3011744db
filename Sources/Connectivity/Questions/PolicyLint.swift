import Kubernetes
import Rego

extension ModelChange {
  /// What of the policy that the change is about has no effect, or not the one that it seems to have; nothing for other objects, and
  /// for a policy that goes.
  public func lint() -> [String] {
    let key = reference.key
    let live = LiveModel(after)
    var sentences = remarks
    if let policy = after.namespaces[reference.namespace ?? "default"]?.content.policies[reference.name],
      key.kind.group == "networking.k8s.io", key.kind.kind == "NetworkPolicy"
    {
      sentences += live.lint(policy)
      let others = after.namespaces[reference.namespace ?? "default"]?.policies ?? []
      if let other = others.first(where: { $0 !== policy && $0.makesNeedless(policy) }) {
        sentences.append(
          "it has no effect beside \(other.reference), which selects the same pods and allows as much")
      }
    } else if let policy = after.clusterPoliciesByKey[key] {
      sentences += live.lint(policy)
    }
    return sentences
  }

  /// What about the changed object is not modelled, not known or not defined.
  public var remarks: [String] {
    var sentences = warnings.map(\.message)
    guard let policy = after.clusterPoliciesByKey[reference.key] else { return sentences }
    for other in after.clusterPolicies where other !== policy && other.rank == policy.rank {
      sentences.append(
        "it has the same priority as \(other.reference): which of them goes first is undefined, and what either "
          + "allows counts as allowed")
    }
    return sentences
  }
}

extension LiveModel {
  fileprivate func lint(_ policy: Policy) -> [String] {
    var sentences: [String] = []
    var selected: [PodGroup] = []
    forEachNamespace(of: policy.subject) { namespace in
      selected += groups(of: policy.subject, in: namespace)
    }
    if selected.isEmpty { sentences.append("it selects no pods") }
    if policy.allowsEverything {
      sentences.append("it allows everything, so that no policy restricts the pods that it selects")
    }
    for direction in Direction.allCases {
      let name = direction.rawValue.lowercased()
      let rules = policy.rules(direction)
      if !policy.affects(direction) {
        if !rules.isEmpty {
          sentences.append("its \(name) rules have no effect: policyTypes leaves them out")
        }
        continue
      }
      for rule in rules {
        sentences += lint(rule, direction, selected).map { "\(name)[\(rule.index)]: \($0)" }
      }
      for (rule, earlier) in policy.unreachableRules(direction) {
        sentences.append(
          "\(name)[\(rule.index)] is never reached: \(name)[\(earlier.index)] decides all that it is about")
      }
    }
    return sentences
  }

  private func groups(of peer: PodPeer, in namespace: NamespaceModel) -> [PodGroup] {
    var found: [PodGroup] = []
    namespace.index.candidates(for: peer.pods.selector) { position in
      let group = namespace.groups[position]
      if peer.pods.matches(group.labels), isSelectable(group.traits) { found.append(group) }
    }
    return found
  }

  private func lint(_ rule: PolicyRule, _ direction: Direction, _ selected: [PodGroup]) -> [String] {
    var sentences: [String] = []
    for peer in rule.peers.pods {
      if case .named(let name) = Representative(peer).namespaces, model.namespaces[name] == nil {
        sentences.append("there is no namespace \(name)")
      }
    }
    if rule.ports.named.isEmpty || rule.peers.isEverything && direction == .egress { return sentences }
    var destinations = selected
    if direction == .egress {
      destinations = []
      for peer in rule.peers.pods {
        forEachNamespace(of: peer) { destinations += groups(of: peer, in: $0) }
      }
    }
    for port in rule.ports.named
    where !destinations.contains(where: { $0.traits.ports.contains(where: port.matches) }) {
      sentences.append("no pod that it is about has a port named \(port.name)")
    }
    return sentences
  }
}
