/// Whether one connection is allowed, step by step as the API reference says it: no sets, no indexes, nothing remembered.
struct NaiveJudge {
  let cluster: SmallCluster

  enum End {
    case pod(SmallCluster.Pod)
    case address(UInt32)
  }

  struct Connection {
    var source: End
    var destination: End
    var transport: String
    var port: Int
  }

  func allows(_ connection: Connection) -> Bool {
    // "For a connection from a source pod to a destination pod to be allowed, both the egress policy on the source pod and the ingress
    // policy on the destination pod need to allow the connection." (Kubernetes documentation, "Network Policies")
    if case .pod(let pod) = connection.source, !allows(connection, of: pod, isIngress: false) { return false }
    if case .pod(let pod) = connection.destination, !allows(connection, of: pod, isIngress: true) {
      return false
    }
    return true
  }

  private func allows(_ connection: Connection, of pod: SmallCluster.Pod, isIngress: Bool) -> Bool {
    switch verdict(of: [.admin, .clusterAdmin], connection, pod, isIngress) {
    case "Allow"?: return true
    case "Deny"?: return false
    default: break
    }
    let isolating = cluster.policies.filter { policy in
      policy.kind == .network && policy.namespace == pod.namespace && matches(policy.subjectPods, pod.labels)
        && types(of: policy).contains(isIngress ? "Ingress" : "Egress")
    }
    if !isolating.isEmpty {
      return isolating.contains { policy in
        (isIngress ? policy.ingress : policy.egress).contains {
          matches($0, of: policy, connection, isIngress)
        }
      }
    }
    return verdict(of: [.baseline, .clusterBaseline], connection, pod, isIngress) != "Deny"
  }

  /// The action of the first rule of a tier that matches; nil where none does.
  private func verdict(
    of kinds: [SmallCluster.Kind], _ connection: Connection, _ pod: SmallCluster.Pod, _ isIngress: Bool
  ) -> String? {
    let labels = cluster.namespaces[pod.namespace] ?? [:]
    let policies = cluster.policies.filter { kinds.contains($0.kind) }
      .sorted { ($0.kind == .baseline ? 1001 : $0.priority) < ($1.kind == .baseline ? 1001 : $1.priority) }
    for policy in policies
    where matches(policy.subjectNamespaces, labels) && matches(policy.subjectPods, pod.labels) {
      for rule in isIngress ? policy.ingress : policy.egress {
        if matches(rule, of: policy, connection, isIngress) { return rule.action }
      }
    }
    return nil
  }

  private func types(of policy: SmallCluster.Policy) -> [String] {
    // "If no policyTypes are specified on a NetworkPolicy then by default Ingress will always be set and Egress will be set if the
    // NetworkPolicy has any egress rules."
    if !policy.types.isEmpty { return policy.types }
    return policy.egress.isEmpty ? ["Ingress"] : ["Ingress", "Egress"]
  }

  private func matches(
    _ rule: SmallCluster.Rule, of policy: SmallCluster.Policy, _ connection: Connection, _ isIngress: Bool
  ) -> Bool {
    let peer = isIngress ? connection.source : connection.destination
    let isPeer = rule.peers.isEmpty || rule.peers.contains { matches($0, of: policy, peer) }
    return isPeer
      && (rule.ports.isEmpty || rule.ports.contains { matches($0, of: policy, connection) })
  }

  private func matches(_ peer: SmallCluster.Peer, of policy: SmallCluster.Policy, _ end: End) -> Bool {
    switch (peer, end) {
    case (.selectors(let namespaces, let pods), .pod(let pod)):
      if let namespaces {
        if !matches(namespaces, cluster.namespaces[pod.namespace] ?? [:]) { return false }
      } else if pod.namespace != policy.namespace {
        return false
      }
      return pods.map { matches($0, pod.labels) } ?? true
    case (.ipBlock(let block, let except), .address(let address)):
      return contains(block, address) && !except.contains { contains($0, address) }
    case (.namespaces(let selector), .pod(let pod)):
      return matches(selector, cluster.namespaces[pod.namespace] ?? [:])
    case (.pods(let namespaces, let pods), .pod(let pod)):
      return matches(namespaces, cluster.namespaces[pod.namespace] ?? [:]) && matches(pods, pod.labels)
    case (.networks(let blocks), .pod(let pod)): return blocks.contains { contains($0, pod.address) }
    case (.networks(let blocks), .address(let address)): return blocks.contains { contains($0, address) }
    default: return false
    }
  }

  private func contains(_ block: SmallCluster.Block, _ address: UInt32) -> Bool {
    block.length == 0 || address >> UInt32(32 - block.length) == block.base >> UInt32(32 - block.length)
  }

  private func matches(
    _ port: SmallCluster.RulePort, of policy: SmallCluster.Policy, _ connection: Connection
  ) -> Bool {
    switch port {
    case .any(let transport): return connection.transport == transport ?? "TCP"
    case .number(let transport, let number):
      return connection.transport == transport ?? "TCP" && connection.port == number
    case .range(let transport, let start, let end):
      return connection.transport == transport ?? "TCP" && connection.port >= start && connection.port <= end
    case .name(let transport, let name):
      guard case .pod(let pod) = connection.destination else { return false }
      return pod.ports.contains { port in
        port.name == name && port.number == connection.port && port.transport == connection.transport
          // Of NetworkPolicies the protocol has to be the rule's; to the others the name is all.
          && (policy.kind != .network || port.transport == transport ?? "TCP")
      }
    }
  }

  private func matches(_ selector: SmallCluster.Selector, _ labels: [String: String]) -> Bool {
    for (key, value) in selector.labels where labels[key] != value { return false }
    for expression in selector.expressions {
      let value = labels[expression.key]
      let holds =
        switch expression.operation {
        case .In: value.map(expression.values.contains) ?? false
        case .NotIn: !(value.map(expression.values.contains) ?? false)
        case .Exists: value != nil
        case .DoesNotExist: value == nil
        }
      if !holds { return false }
    }
    return true
  }
}
