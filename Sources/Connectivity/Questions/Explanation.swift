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

  public var description: String {
    switch self {
    case .unknown(let text):
      "there is no workload \(text); name one as NAMESPACE/NAME or NAMESPACE/NAME[KIND], or give an address"
    case .ambiguous(let text, let workloads):
      "\(text) may be \(workloads.map(\.description).joined(separator: " or "))"
    case .bothOutside: "neither end is a workload, so that no policy has a say"
    }
  }
}

extension Analysis {
  /// What a text names: a workload by namespace and name, with its kind where that is not enough; or an address, which is a pod's if
  /// one is known to have it.
  ///
  /// - Throws: ``EndpointError`` where it names nothing, or more than one workload.
  public func endpoint(named text: String) throws(EndpointError) -> Endpoint {
    if let address = Address(text) {
      if let group = groups.first(where: { $0.addresses.contains(address) }) {
        return .workload(group.workload)
      }
      return .addresses(AddressRange(address))
    }
    let wanted = RegoString(text)
    let named = workloads.map(\.workload).filter { workload in
      RegoString(workload.description) == wanted
        || RegoString("\(workload.namespace)/\(workload.name)") == wanted || workload.name == wanted
    }
    guard let first = named.first else { throw .unknown(text) }
    if named.count > 1 { throw .ambiguous(text, named) }
    return .workload(first)
  }

  /// Why connections between two ends are allowed or denied, by the first pods of each.
  ///
  /// - Throws: ``EndpointError`` where an end is not there, or neither is a workload.
  public func explain(
    from source: Endpoint, to destination: Endpoint
  ) throws(EndpointError) -> ConnectionExplanation {
    let sourceGroup = try group(of: source)
    let destinationGroup = try group(of: destination)
    if sourceGroup == nil && destinationGroup == nil { throw .bothOutside }
    let ports = destinationGroup.map { groups[$0].traits.ports } ?? []
    var allowed = ConnectionSet.all
    var reasons: [Direction: [Reason]] = [:]
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
    }
    return ConnectionExplanation(
      source: source, destination: destination, allowed: allowed, egress: reasons[.egress] ?? [],
      ingress: reasons[.ingress] ?? [])
  }

  private static func explain(
    _ profile: Profile, peer: Int?, _ end: Endpoint, ports: [ContainerPort]
  ) -> (Verdict, [Reason]) {
    if let peer {
      return explain(profile, GroupTest(group: peer, bounds: false), ports: ports)
    }
    guard case .addresses(let range) = end else { return (Verdict(), []) }
    return explain(profile, AddressTest(range: range, bounds: false), ports: ports)
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
    guard let found = workloads.first(where: { $0.workload == workload }) else {
      throw .unknown(workload.description)
    }
    return found.groups.lowerBound
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
    }
    return lines
  }
}
