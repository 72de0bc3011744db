import Kubernetes
import Rego

/// What a policy does, in words: whom it selects, what its rules let through, and what follows that is easily overlooked.
public struct PolicyExplanation: Sendable {
  /// The policy's name, and below it a line for each thing to say.
  public let lines: [String]
}

extension Analysis {
  /// What each policy does, taken alone; the cluster's first.
  public func policyExplanations() -> [PolicyExplanation] {
    policies.map { policy in
      switch policy.tier {
      case .networkPolicy: explanation(ofNetworkPolicy: policy)
      case .admin(let priority):
        explanation(ofClusterPolicy: policy, "before NetworkPolicies, with priority \(priority)")
      case .baseline: explanation(ofClusterPolicy: policy, "where no NetworkPolicy isolates the pods")
      }
    }
  }

  // MARK: NetworkPolicies

  private func explanation(ofNetworkPolicy policy: Policy) -> PolicyExplanation {
    var lines = ["\(policy.reference)", "  selects \(Self.text(policy.subject))"]
    for direction in Direction.allCases {
      let name = direction.rawValue.lowercased()
      let rules = policy.rules(direction)
      let isIngress = direction == .ingress
      if !policy.isolates.contains(direction) {
        lines.append("  \(name): leaves it as it is")
        if !rules.isEmpty {
          lines.append("    its rules have no effect: policyTypes leaves \(direction.rawValue) out")
        }
      } else if rules.isEmpty {
        lines.append(
          isIngress
            ? "  ingress: denies all of it, since policyTypes has Ingress and there is no rule"
            : "  egress: denies all of it, inside the cluster and beyond, DNS included")
        if isIngress { lines.append("    `ingress: [{}]` would allow all of it") }
      } else {
        lines.append("  \(name): allows only")
        for rule in rules { lines += allowed(by: rule, direction).map { "    " + $0 } }
        lines += notes(on: policy, direction).map { "    " + $0 }
      }
    }
    return PolicyExplanation(lines: lines)
  }

  private func allowed(by rule: PolicyRule, _ direction: Direction) -> [String] {
    let way = direction == .ingress ? "from" : "to"
    return Self.texts(rule.peers).map { "\(Self.text(rule.ports)) \(way) \($0)" }
  }

  /// What follows from a policy's rules though they do not say so.
  private func notes(on policy: Policy, _ direction: Direction) -> [String] {
    var notes: [String] = []
    let peers = policy.rules(direction).flatMap(\.peers.pods)
    let own = policy.reference.namespace ?? "default"
    if peers.contains(where: { if case .own = $0.namespaces { !$0.pods.matchesAll } else { false } }) {
      notes.append(
        "pods of other namespaces with the same labels are not meant: a podSelector alone is about \(own)")
    }
    let reachesItself =
      policy.rules(direction).contains { $0.peers.isEverything || !$0.peers.addresses.isEmpty }
      || peers.contains { peer in
        switch peer.namespaces {
        case .own: true
        case .matching(let selector): selector.matches(labels(of: own))
        }
      }
    if !peers.isEmpty && !reachesItself && direction == .ingress {
      let isKnown = model.namespaces[own]?.isDeclared ?? false
      notes.append(
        isKnown
          ? "its own namespace is not among these: pods of \(own) are shut out as well"
          : "its own namespace is shut out as well, unless \(own) has these labels")
    }
    if direction == .egress {
      let dns = policy.rules(.egress).filter(mayReachDNS).reduce(ConnectionSet.none) {
        $0.union($1.ports.numbered)
      }
      if !dns.contains(.udp, port: 53) {
        notes.append("DNS is not among these: names are not found, unless another policy allows it")
      } else if !dns.contains(.tcp, port: 53) {
        notes.append("DNS over TCP is not among these: answers that are too long for UDP fail")
      }
    }
    return notes
  }

  private func labels(of namespace: RegoString) -> ObjectValue {
    model.namespaces[namespace]?.labels
      ?? ObjectValue([("kubernetes.io/metadata.name" as Value, Value.string(namespace))])
  }

  /// Whether a rule may be about where clusters have their DNS: kube-system, or addresses.
  private func mayReachDNS(_ rule: PolicyRule) -> Bool {
    if rule.peers.isEverything || !rule.peers.addresses.isEmpty { return true }
    return rule.peers.pods.contains { peer in
      switch peer.namespaces {
      case .own(let name): name == "kube-system"
      case .matching(let selector): selector.matches(labels(of: "kube-system"))
      }
    }
  }

  // MARK: The cluster's policies

  private func explanation(ofClusterPolicy policy: Policy, _ place: String) -> PolicyExplanation {
    var lines = ["\(policy.reference)", "  decides \(place)", "  selects \(Self.text(policy.subject))"]
    for direction in Direction.allCases {
      let way = direction == .ingress ? "from" : "to"
      for rule in policy.rules(direction) {
        let place = "\(direction.rawValue.lowercased())[\(rule.index)]"
        if rule.failsClosed {
          lines.append(
            rule.action == .allow
              ? "  \(place): matches nothing, since it has a field that is not known"
              : "  \(place): denies all, since it has a field that is not known")
          continue
        }
        let verb =
          switch rule.action {
          case .allow: "allows"
          case .deny: "denies"
          case .pass: "passes on"
          }
        lines += Self.texts(rule.peers).map { "  \(place): \(verb) \(Self.text(rule.ports)) \(way) \($0)" }
      }
    }
    lines.append("  isolates nothing: what no rule matches is decided by what comes after")
    return PolicyExplanation(lines: lines)
  }

  // MARK: Words

  private static func text(_ ports: RulePorts) -> String {
    ports.numbered.isAll ? "everything" : ports.numbered.text(named: Set(ports.named))
  }

  private static func text(_ peer: PodPeer) -> String {
    let pods = peer.pods.matchesAll ? "every pod" : "pods with \(peer.pods.text)"
    switch peer.namespaces {
    case .own(let name): return "\(pods) of namespace \(name)"
    case .matching(let selector) where selector.matchesAll: return "\(pods) of all namespaces"
    case .matching(let selector): return "\(pods) of namespaces with \(selector.text)"
    }
  }

  private static func texts(_ peers: RulePeers) -> [String] {
    if peers.isEverything { return ["everywhere"] }
    var texts = peers.pods.map(text)
    texts += peers.blocks.map { $0.ranges.map(\.description).joined(separator: " and ") }
    texts += peers.unmodelled.map { "what \($0) means, which is not modelled" }
    return texts.isEmpty ? ["nobody"] : texts
  }
}
