import Kubernetes
import Rego

/// To whom that is not there a workload is exposed.
public struct Exposure: Sendable {
  public enum Peer: Sendable, Hashable {
    /// Any pod, whatever its labels.
    case entireCluster
    case representative(Representative)
    case addresses(AddressRange)
  }

  public let workload: Workload
  public let direction: Direction
  public let peer: Peer
  public let connections: ConnectionSet
  /// Ports of peers that are not there, and which are known by name only.
  public let namedPorts: Set<NamedPort>
}

extension Exposure {
  /// `entire-cluster`, `backend/[pod with {app=web}]` or a range of addresses.
  public var peerText: String {
    switch peer {
    case .entireCluster: "entire-cluster"
    case .representative(let representative): representative.description
    case .addresses(let range): Endpoint.addresses(range).description
    }
  }

  public var connectionsText: String { connections.text(named: namedPorts) }
}

/// What every workload is exposed to, and which are not protected at all.
public struct ExposureReport: Sendable {
  public var exposures: [Exposure] = []
  /// Workloads with the directions in which no policy has a say about them.
  public var unprotected: [(workload: Workload, direction: Direction)] = []
}

extension Analysis {
  /// What each workload is exposed to beside the pods that are there.
  ///
  /// - Parameter list: the connections between what is there, of which those with the outside are exposures too.
  public func exposure(_ list: [AllowedConnections]) -> ExposureReport {
    var report = ExposureReport()
    let (representatives, keys) = representatives()
    for (workload, groups) in workloads {
      for direction in [Direction.egress, .ingress] {
        let isProtected = groups.contains { !profile(direction, of: $0).isEmpty }
        if !isProtected { report.unprotected.append((workload, direction)) }
        addExposures(
          of: workload, groups, direction, representatives: isProtected ? representatives : [], keys: keys,
          to: &report)
      }
    }
    // The outside is told of those alone of which something else is.
    let told = Set(report.exposures.map(\.workload) + report.unprotected.map(\.workload))
    for element in list {
      switch (element.source, element.destination) {
      case (.workload(let workload), .addresses(let range)) where told.contains(workload):
        report.exposures.append(
          Exposure(
            workload: workload, direction: .egress, peer: .addresses(range), connections: element.connections,
            namedPorts: []))
      case (.addresses(let range), .workload(let workload)) where told.contains(workload):
        report.exposures.append(
          Exposure(
            workload: workload, direction: .ingress, peer: .addresses(range),
            connections: element.connections, namedPorts: []))
      default: continue
      }
    }
    return report
  }

  private func addExposures(
    of workload: Workload, _ groups: Range<Int>, _ direction: Direction,
    representatives: [Representative], keys: [RuleReference: [Representative]],
    to report: inout ExposureReport
  ) {
    let any = allowed(groups, direction, RepresentativeTest(representative: nil, keys: keys))
    func add(_ peer: Exposure.Peer, _ allowed: (ConnectionSet, Set<NamedPort>)) {
      report.exposures.append(
        Exposure(
          workload: workload, direction: direction, peer: peer, connections: allowed.0, namedPorts: allowed.1)
      )
    }
    if !any.0.isEmpty || !any.1.isEmpty { add(.entireCluster, any) }
    for representative in representatives {
      let allowed = allowed(
        groups, direction, RepresentativeTest(representative: representative, keys: keys))
      if allowed != any { add(.representative(representative), allowed) }
    }
  }

  /// What is allowed in a direction between pods of groups and a peer that is not there, and so with the names of its ports.
  private func allowed(
    _ groups: Range<Int>, _ direction: Direction, _ test: RepresentativeTest
  ) -> (ConnectionSet, Set<NamedPort>) {
    var connections = ConnectionSet.none
    var named: Set<NamedPort> = []
    for group in groups {
      let ports = direction == .ingress ? self.groups[group].traits.ports : []
      let profile = profile(direction, of: group)
      var evaluation = Evaluation(test, ports: ports)
      connections = connections.union(evaluation.run(profile).allowed)
      for port in profile.namedPorts where !ports.contains(where: port.matches) {
        if profile.allows(port, test) { named.insert(port) }
      }
    }
    return (connections, named.filter { !connections[$0.transport ?? .tcp].isAllPorts })
  }

  /// Those of all rules of all policies, but for what pods that are there stand for; and by rule.
  private func representatives() -> ([Representative], [RuleReference: [Representative]]) {
    var keys: [RuleReference: [Representative]] = [:]
    var seen: Set<Representative> = []
    var representatives: [Representative] = []
    for rule in (ingressPolicies + egressPolicies).flatMap(\.rules) {
      let peers = rule.rule.peers.pods.map(Representative.init)
      keys[rule.reference] = peers
      for peer in peers where !peer.isWholeCluster && seen.insert(peer).inserted {
        let isReplaced = groups.indices.contains {
          peer.isReplaced(by: groups[$0], in: namespace(ofGroup: $0))
        }
        if !isReplaced { representatives.append(peer) }
      }
    }
    return (representatives, keys)
  }
}

extension Profile {
  /// The ports that rules name.
  var namedPorts: Set<NamedPort> {
    let policies = admin.joined() + networkPolicies + baseline.joined()
    return Set(policies.flatMap(\.rules).flatMap(\.rule.ports.named))
  }

  /// Whether a port that is known by name only is allowed.
  func allows(_ port: NamedPort, _ test: some PeerTest) -> Bool {
    func hits(_ rule: CompiledRule) -> Bool {
      if rule.rule.failsClosed { return rule.rule.action != .allow }
      return test.match(rule) != .no
        && (rule.rule.ports.named.contains(port)
          || rule.rule.ports.numbered[port.transport ?? .tcp].isAllPorts)
    }
    func decide(_ ranks: [[CompiledPolicy]]) -> RuleAction? {
      ranks.joined().flatMap(\.rules).first(where: hits).map {
        $0.rule.failsClosed ? .deny : $0.rule.action
      }
    }
    switch decide(admin) {
    case .allow?: return true
    case .deny?: return false
    default: break
    }
    if !networkPolicies.isEmpty { return networkPolicies.contains { $0.rules.contains(where: hits) } }
    return decide(baseline) != .deny
  }
}
