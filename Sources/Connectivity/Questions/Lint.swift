import Kubernetes
import Rego

extension Analysis {
  /// What of the policies has no effect, or not the one that it seems to have; and what is left open.
  public func lint() -> [Problem] {
    var problems: [Problem] = []
    for (position, policy) in policies.enumerated() {
      func warn(_ message: String) {
        problems.append(Problem(.warning, policy.reference, at: policy.location, message))
      }
      if selected[position].isEmpty { warn("it selects no pods") }
      if policy.allowsEverything {
        warn("it allows everything, so that no policy restricts the pods that it selects")
      }
      if let other = policies.first(where: { $0 !== policy && $0.makesNeedless(policy) }) {
        warn("it has no effect beside \(other.reference), which selects the same pods and allows as much")
      }
      for direction in Direction.allCases {
        if !policy.affects(direction) {
          if !policy.rules(direction).isEmpty {
            warn("its \(direction.rawValue.lowercased()) rules have no effect: policyTypes leaves them out")
          }
          continue
        }
        for rule in policy.rules(direction) { lint(rule, of: position, direction, warn) }
        for (rule, earlier) in policy.unreachableRules(direction) {
          let name = direction.rawValue.lowercased()
          warn(
            "\(name)[\(rule.index)] is never reached: \(name)[\(earlier.index)] decides all that it is about")
        }
      }
    }
    if workloads.isEmpty { problems.append(Problem(.warning, nil, at: nil, "there are no workloads")) }
    if policies.isEmpty && model.foreignPolicies.isEmpty {
      problems.append(Problem(.warning, nil, at: nil, "there are no policies"))
    }
    return problems + lintServices() + lintNamespaces() + unprotected() + gatewayConnections().warnings
  }

  /// Which workloads no policy has a say about, a sentence for each direction.
  private func unprotected() -> [Problem] {
    Direction.allCases.compactMap { direction in
      let open = workloads.filter { $0.groups.contains { profile(direction, of: $0).isEmpty } }.map {
        $0.workload.description
      }
      if open.isEmpty { return nil }
      let names =
        open.prefix(5).joined(separator: ", ") + (open.count > 5 ? " and \(open.count - 5) more" : "")
      return Problem(
        .warning, nil, at: nil, "no policy has a say about \(direction.rawValue.lowercased()) of \(names)")
    }
  }

  /// Namespaces without an object, where policies ask for labels that it would have.
  private func lintNamespaces() -> [Problem] {
    let asks = policies.contains { policy in
      (policy.ingress + policy.egress).flatMap(\.peers.pods).contains { peer in
        guard case .matching(let selector) = Representative(peer).namespaces else { return false }
        return !selector.matchesAll
      }
    }
    if !asks { return [] }
    return namespaces.filter { !$0.isDeclared && !$0.groups.isEmpty }.map { namespace in
      let kind = GroupVersionKind(group: "", version: "v1", kind: "Namespace")
      return Problem(
        .warning, ObjectReference(kind: kind, namespace: nil, name: namespace.name), at: nil,
        "it is not among the objects: its name is taken to be its only label")
    }
  }

  private func lint(
    _ rule: PolicyRule, of position: Int, _ direction: Direction, _ warn: (String) -> Void
  ) {
    let policy = policies[position]
    let place = "\(direction.rawValue.lowercased())[\(rule.index)]"
    let compiled = (direction == .ingress ? ingressPolicies : egressPolicies)
      .first { $0.policy === policy }?.rules.first { $0.rule.index == rule.index }
    guard let compiled else { return }
    lintNamespaces(rule, place, warn)
    if rule.ports.named.isEmpty { return }
    // A name means a port of the destination: of the policy's own pods for ingress, of the peers for egress.
    let destinations = direction == .ingress ? selected[position] : compiled.groups
    for port in rule.ports.named {
      var isKnown = rule.peers.isEverything && direction == .egress
      destinations.forEach { group in
        isKnown = isKnown || groups[group].traits.ports.contains(where: port.matches)
      }
      if !isKnown { warn("\(place): no pod that it is about has a port named \(port.name)") }
    }
    if direction == .egress && policy.tier == .networkPolicy && !rule.peers.addresses.isEmpty {
      warn("\(place): a port that is a name has no meaning for an ipBlock, and is passed over for it")
    }
  }

  private func lintNamespaces(_ rule: PolicyRule, _ place: String, _ warn: (String) -> Void) {
    for peer in rule.peers.pods {
      guard case .named(let name) = Representative(peer).namespaces else { continue }
      if model.namespaces[name] == nil { warn("\(place): there is no namespace \(name)") }
    }
  }

  private func lintServices() -> [Problem] {
    namespaces.flatMap { namespace in
      namespace.content.services.values.sorted { $0.name < $1.name }.compactMap { service in
        if service.selector != nil { return nil }
        let reference = ObjectReference(
          kind: GroupVersionKind(group: "", version: "v1", kind: "Service"), namespace: namespace.name,
          name: service.name)
        return Problem(
          .warning, reference, at: nil, "it has no selector, so that which pods it leads to is not known")
      }
    }
  }
}
