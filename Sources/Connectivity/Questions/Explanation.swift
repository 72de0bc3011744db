import Kubernetes
import Rego

/// Why connections between two ends are allowed or denied.
public struct ConnectionExplanation: Sendable {
  public let source: Endpoint
  public let destination: Endpoint
  /// What both sides allow.
  public let allowed: ConnectionSet
  /// Of the source's policies; nothing where it is no pod.
  public let egress: [Reason]
  /// Of the destination's policies; nothing where it is no pod.
  public let ingress: [Reason]
  /// Sentences about what else decides: on one side, or about the connection as such.
  public let remarks: [(direction: Direction?, text: String)]

  /// Those of a direction that decide about a port; one at most, but for policies of equal priority.
  public func reasons(_ direction: Direction, _ transport: TransportProtocol, port: UInt16) -> [Reason] {
    (direction == .ingress ? ingress : egress).filter { $0.connections.contains(transport, port: port) }
  }
}

/// Why a question about two ends cannot be answered.
public enum EndpointError: Error, Sendable, Hashable, CustomStringConvertible {
  case unknown(String)
  case ambiguous(String, [Workload])
  case bothOutside
  case noRange(String)
  case controllerAsDestination

  public var description: String {
    switch self {
    case .unknown(let text):
      "there is no workload \(text); name one as NAMESPACE/NAME or NAMESPACE/NAME[KIND], or give an address or a block of them"
    case .ambiguous(let text, let workloads):
      "\(text) may be \(workloads.map(\.description).joined(separator: " or "))"
    case .bothOutside: "neither end is a workload, so that no policy has a say"
    case .noRange(let text): "\(text) is no range of addresses"
    case .controllerAsDestination:
      "\(Endpoint.controllerName) can only be a source: it stands for whatever serves Ingresses and Routes"
    }
  }
}

extension Analysis {
  /// What a text names: a workload by its name, with its namespace and kind where that is not enough; an address, which is a pod's if
  /// one is known to have it; addresses outside, as `10.2.0.0/16` or as lists have them; or `{ingress-controller}`.
  ///
  /// - Throws: ``EndpointError`` where it names nothing, or more than one workload.
  public func endpoint(named text: String) throws(EndpointError) -> Endpoint {
    if let address = Address(text) {
      if let group = groups.first(where: { $0.addresses.contains(address) }) {
        return .workload(group.workload)
      }
      return .addresses(AddressRange(address))
    }
    if let range = AddressSet(cidr: text)?.ranges.first { return .addresses(range) }
    if text.hasSuffix("[External]") {
      let parts = text.dropLast("[External]".count).split(separator: "-")
      guard parts.count == 2, let first = Address(parts[0]), let last = Address(parts[1]),
        let range = AddressRange(from: first, to: last)
      else { throw .noRange(text) }
      return .addresses(range)
    }
    if RegoString(text) == RegoString(Endpoint.controllerName) { return .ingressController }
    let wanted = RegoString(text)
    let named = workloads.map(\.workload).filter { workload in
      RegoString(workload.description) == wanted
        || RegoString("\(workload.namespace)/\(workload.name)") == wanted || workload.name == wanted
    }
    guard let first = named.first else { throw .unknown(text) }
    if named.count > 1 { throw .ambiguous(text, named) }
    return .workload(first)
  }

  /// The outside as a workload's policies tell it apart: sources for ingress, destinations for egress.
  public func outside(of workload: Workload, _ direction: Direction) -> [Endpoint] {
    let blocks = blocks(of: workload, direction)
    // 0.0.0.0/0 is not about IPv6, so that the two fare differently where there are blocks.
    return AddressPartition(cutBy: blocks, alwaysV6: !blocks.isEmpty).ranges.map(Endpoint.addresses)
  }

  /// An end in parts that policies of the workload at the other end do not tell apart; itself where it is no range of addresses.
  ///
  /// - Parameter direction: ingress where the end is the source.
  public func parts(of end: Endpoint, facing other: Endpoint, _ direction: Direction) -> [Endpoint] {
    guard case .addresses(let range) = end, case .workload(let workload) = other else { return [end] }
    let sets = blocks(of: workload, direction) + [range.asSet]
    return AddressPartition(cutBy: sets).ranges.filter(range.asSet.contains).map(Endpoint.addresses)
  }

  private func blocks(of workload: Workload, _ direction: Direction) -> [AddressSet] {
    (groups(of: workload) ?? 0..<0).flatMap { group in
      profile(direction, of: group).rules.flatMap(\.rule.peers.blocks)
    }
  }

  /// The container ports of a workload's first pods that have a name.
  public func ports(named name: String, _ transport: TransportProtocol, of end: Endpoint) -> PortSet {
    guard case .workload(let workload) = end, let group = groups(of: workload)?.lowerBound else {
      return PortSet()
    }
    return groups[group].traits.ports.filter { $0.transport == transport && $0.name == RegoString(name) }
      .reduce(PortSet()) { $0.union(PortSet($1.number, $1.number)) }
  }

  /// Why connections between two ends are allowed or denied, by the first pods of each.
  ///
  /// - Throws: ``EndpointError`` where an end is not there, or neither is a workload.
  public func explain(
    from source: Endpoint, to destination: Endpoint
  ) throws(EndpointError) -> ConnectionExplanation {
    if destination == .ingressController { throw .controllerAsDestination }
    let sourceGroup = try group(of: source)
    let destinationGroup = try group(of: destination)
    if sourceGroup == nil && destinationGroup == nil { throw .bothOutside }
    if case .workload(let workload) = source, source == destination, workload.kind == "Pod" {
      // "Pods cannot block access to themselves" (Network Policies).
      return ConnectionExplanation(
        source: source, destination: destination, allowed: .all, egress: [], ingress: [],
        remarks: [(nil, "a Pod cannot block access to itself")])
    }
    let ports = destinationGroup.map { groups[$0].traits.ports } ?? []
    var allowed = ConnectionSet.all
    var reasons: [Direction: [Reason]] = [:]
    var remarks: [(Direction?, String)] = []
    let ends = [
      (Direction.egress, sourceGroup, destinationGroup, destination),
      (.ingress, destinationGroup, sourceGroup, source),
    ]
    for (direction, own, peer, peerEnd) in ends {
      guard let own else { continue }
      let profile = profile(direction, of: own)
      let (verdict, found) = Self.explain(profile, peer: peer, peerEnd, ports: ports)
      allowed = allowed.intersection(verdict.allowed)
      reasons[direction] = found
      remarks += unmodelledPolicies(isolating: groups[own].workload, direction).map {
        (direction, "\($0) isolates it; its rules are not modelled")
      }
    }
    if source == .ingressController, let destinationGroup {
      let found = gatewayConnections().connections.first { $0.destination == destination }
      allowed = found?.connections ?? .none
      let isTarget = gatewayWorkloads.contains(groups[destinationGroup].workload)
      remarks.append(
        (nil, isTarget ? "Ingresses and Routes lead to it" : "no Ingress and no Route leads to it"))
    }
    if source == destination {
      remarks.append((nil, "this is about two pods of it; a Pod cannot block access to itself"))
    }
    return ConnectionExplanation(
      source: source, destination: destination, allowed: allowed, egress: reasons[.egress] ?? [],
      ingress: reasons[.ingress] ?? [], remarks: remarks)
  }

  private static func explain(
    _ profile: Profile, peer: Int?, _ end: Endpoint, ports: [ContainerPort]
  ) -> (Verdict, [Reason]) {
    if let peer {
      return explain(profile, GroupTest(group: peer, bounds: false), ports: ports)
    }
    switch end {
    case .addresses(let range):
      return explain(profile, AddressTest(range: range, bounds: false), ports: ports)
    case .ingressController: return explain(profile, LabelTest.ingressController, ports: ports)
    case .workload: return (Verdict(), [])
    }
  }

  private static func explain(
    _ profile: Profile, _ test: some PeerTest, ports: [ContainerPort]
  ) -> (Verdict, [Reason]) {
    var evaluation = Evaluation(test, ports: ports, explaining: true)
    let verdict = evaluation.run(profile)
    return (verdict, evaluation.reasons ?? [])
  }

  private func group(of end: Endpoint) throws(EndpointError) -> Int? {
    guard case .workload(let workload) = end else { return nil }
    guard let found = groups(of: workload) else { throw .unknown(workload.description) }
    return found.lowerBound
  }
}

extension Reason: CustomStringConvertible {
  /// `TCP 80 allowed by NetworkPolicy shop/db ingress[0]`.
  public var description: String { "\(connections) \(isAllowed ? "allowed" : "denied") \(causeText)" }

  public var causeText: String {
    var text =
      switch cause {
      case .rule(let rule): "by \(rule)"
      case .isolation(let policies):
        "by isolation: \(policies.map(\.description).joined(separator: ", ")) "
          + (policies.count == 1
            ? "selects the pods and has no rule for it" : "select the pods and have no rule for it")
      case .noPolicy: "by default: no policy says otherwise"
      }
    if !passedBy.isEmpty {
      text += ", after \(passedBy.map(\.description).joined(separator: ", ")) passed it on"
    }
    return text
  }
}

extension ConnectionExplanation {
  /// The line of a list, and below it what each side says.
  public var lines: [String] {
    var lines = ["\(source) => \(destination) : \(allowed)"]
    for (direction, end, reasons) in [(Direction.egress, source, egress), (.ingress, destination, ingress)]
    where !reasons.isEmpty {
      lines.append("  \(direction.rawValue.lowercased()) of \(end)")
      lines += reasons.map { "    \($0)" }
      lines += remarks.filter { $0.direction == direction }.map { "    \($0.text)" }
    }
    return lines + remarks.filter { $0.direction == nil }.map { "  \($0.text)" }
  }
}
