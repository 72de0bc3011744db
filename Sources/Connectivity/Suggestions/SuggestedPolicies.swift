import Kubernetes
import Rego

/// A NetworkPolicy that would cover a workload.
public struct SuggestedPolicy: Sendable {
  public let workload: Workload
  /// The direction that it isolates.
  public let direction: Direction
  /// The manifest.
  public let object: Value

  /// As YAML.
  public var yaml: String { YAMLWriter.string(object) ?? "" }
}

extension Analysis {
  /// What Services, Ingresses and Routes let one expect: pods of a Service's namespace use the ports that it leads to, an ingress
  /// controller those of Ingresses and Routes, and everybody those of Services of type NodePort and LoadBalancer.
  public func expectedConnections() -> [WantedConnection] {
    var expected: [WantedConnection] = []
    for namespace in namespaces {
      for service in namespace.content.services.values.sorted(by: { $0.name < $1.name }) {
        guard let selector = service.selector else { continue }
        for (destination, members) in workloads where destination.namespace == namespace.name {
          let connections = members.filter { selector.matches(groups[$0].labels) }
            .reduce(ConnectionSet.none) { $0.union(service.connections(to: groups[$1].traits.ports)) }
          if connections.isEmpty { continue }
          for (source, _) in workloads where source.namespace == namespace.name && source != destination {
            expected.append(
              WantedConnection(
                source: .workload(source), destination: .workload(destination), connections: connections))
          }
          if service.isOpenToOutside {
            expected.append(
              WantedConnection(
                source: .addresses(.allV4), destination: .workload(destination), connections: connections))
          }
        }
      }
    }
    expected += gatewayConnections().connections.map {
      WantedConnection(source: $0.source, destination: $0.destination, connections: $0.connections)
    }
    // Of what one expects, what policies allow today.
    return expected.compactMap { element in
      let connections = element.connections.intersection(allowed(element))
      if connections.isEmpty { return nil }
      return WantedConnection(
        source: element.source, destination: element.destination, connections: connections)
    }
  }

  /// The least policies with which every workload is isolated in some directions and the wanted connections that are possible now still are.
  ///
  /// Workloads that policies isolate already get one only for wanted connections that these do not allow. Ends on their node's network
  /// are left out: no selector is about them, so that ``unmet(_:)`` tells what cannot be kept.
  public func suggestions(
    keeping wanted: [WantedConnection], directions: Set<Direction> = [.ingress]
  ) -> [SuggestedPolicy] {
    var writer = PolicyWriter(self)
    var policies: [SuggestedPolicy] = []
    for direction in Direction.allCases {
      let wantedOf = Dictionary(grouping: wanted) { direction == .ingress ? $0.destination : $0.source }
      for (workload, members) in workloads {
        if isOnNodeNetwork(.workload(workload)) { continue }
        let isIsolated = isIsolated(direction, members)
        let own = (wantedOf[.workload(workload)] ?? []).filter { element in
          !isOnNodeNetwork(direction == .ingress ? element.source : element.destination)
        }
        let needed = isIsolated ? own.filter { !isAllowed($0, direction, members) } : own
        if isIsolated ? needed.isEmpty : !directions.contains(direction) { continue }
        policies.append(writer.policy(for: workload, direction, needed))
      }
    }
    return policies
  }

  /// Whether NetworkPolicies isolate all of some groups.
  func isIsolated(_ direction: Direction, _ members: Range<Int>) -> Bool {
    members.allSatisfy { !profile(direction, of: $0).networkPolicies.isEmpty }
  }

  /// Whether an end is a workload whose pods share their node's network, so that no policy isolates them and no selector is about them.
  public func isOnNodeNetwork(_ end: Endpoint) -> Bool {
    guard case .workload(let workload) = end else { return false }
    return groups(of: workload)?.contains { groups[$0].traits.isHostNetwork } ?? false
  }

  func groups(of workload: Workload) -> Range<Int>? {
    var low = 0
    var high = workloads.count
    while low < high {
      let middle = (low + high) / 2
      if workloads[middle].workload < workload { low = middle + 1 } else { high = middle }
    }
    return low < workloads.count && workloads[low].workload == workload ? workloads[low].groups : nil
  }

  /// The wanted connections that the model does not allow.
  public func unmet(_ wanted: [WantedConnection]) -> [WantedConnection] {
    wanted.compactMap { element in
      let missing = element.connections.subtracting(allowed(element))
      if missing.isEmpty || element.source == element.destination { return nil }
      return WantedConnection(
        source: element.source, destination: element.destination, connections: missing)
    }
  }

  private func allowed(_ element: WantedConnection) -> ConnectionSet {
    switch (element.source, element.destination) {
    case (.ingressController, .workload(let workload)):
      return gatewayConnections().connections.first { $0.destination == .workload(workload) }?.connections
        ?? .none
    case (.addresses(let range), .workload(let workload)): return allowed(.ingress, workload, range)
    case (.workload(let workload), .addresses(let range)): return allowed(.egress, workload, range)
    case (.workload(let source), .workload(let destination)):
      guard let from = groups(of: source), let to = groups(of: destination) else { return .none }
      // A node is an address to the other end's policies.
      switch (isOnNodeNetwork(element.source), isOnNodeNetwork(element.destination)) {
      case (true, true): return .all
      case (true, false): return allowed(.ingress, to, with: NodeTest(), ports: nil)
      case (false, true):
        return allowed(.egress, from, with: NodeTest(), ports: groups[to.lowerBound].traits.ports)
      case (false, false): return allowed(from: from, to: to)
      }
    default: return .none
    }
  }

  /// What is allowed with all of the addresses of a range.
  private func allowed(_ direction: Direction, _ workload: Workload, _ range: AddressRange) -> ConnectionSet {
    guard let members = groups(of: workload) else { return .none }
    var connections = ConnectionSet.all
    for part in partition(direction, includesV6: true).ranges where range.asSet.overlaps(part) {
      let test = AddressTest(range: part, bounds: false)
      connections = connections.intersection(
        allowed(direction, members, with: test, ports: direction == .ingress ? nil : []))
    }
    return connections
  }

  /// What all of some groups are allowed with another end.
  ///
  /// - Parameter ports: those of the other end where it is the destination; nil for the groups' own.
  private func allowed(
    _ direction: Direction, _ members: Range<Int>, with test: some PeerTest, ports: [ContainerPort]?
  ) -> ConnectionSet {
    members.reduce(ConnectionSet.all) { connections, group in
      var evaluation = Evaluation(test, ports: ports ?? groups[group].traits.ports)
      return connections.intersection(evaluation.run(profile(direction, of: group)).allowed)
    }
  }

  private func isAllowed(_ element: WantedConnection, _ direction: Direction, _ members: Range<Int>) -> Bool {
    members.allSatisfy { group in
      let ports = groups[group].traits.ports
      switch direction == .ingress ? element.source : element.destination {
      case .workload(let peer):
        guard let peers = groups(of: peer) else { return true }
        return peers.allSatisfy { peer in
          var evaluation = Evaluation(
            GroupTest(group: peer, bounds: false),
            ports: direction == .ingress ? ports : groups[peer].traits.ports)
          return element.connections.isSubset(of: evaluation.run(profile(direction, of: group)).allowed)
        }
      case .addresses(let range):
        return element.connections.isSubset(of: allowed(direction, groups[group].workload, range))
      case .ingressController: return element.connections.isSubset(of: allowed(element))
      }
    }
  }
}

/// A node's address, of which nothing is known: what is about all of IPv4 is about it.
private struct NodeTest: PeerTest {
  func match(_ rule: CompiledRule) -> Match {
    rule.rule.peers.isEverything || rule.rule.peers.addresses.contains(.allV4) ? .certain : .no
  }
}

extension AddressRange {
  /// The fewest blocks that make up the range, in CIDR notation.
  var blocks: [String] {
    switch self {
    case .v4(let range): Self.blocks(range, bits: 32) { Address.v4($0) }
    case .v6(let range): Self.blocks(range, bits: 128) { Address.v6($0) }
    }
  }

  private static func blocks<Bound: FixedWidthInteger & UnsignedInteger & Sendable>(
    _ range: IntervalSet<Bound>.Interval, bits: Int, _ address: (Bound) -> Address
  ) -> [String] {
    var blocks: [String] = []
    var lower = range.lower
    while true {
      var free = min(lower.trailingZeroBitCount, bits)
      // The largest block that starts here and does not go beyond the end.
      while free > 0, free == bits ? range.upper != .max : lower | (1 << Bound(free) - 1) > range.upper {
        free -= 1
      }
      blocks.append("\(address(lower))/\(bits - free)")
      let last = free == bits ? Bound.max : lower | (1 << Bound(free) - 1)
      if last >= range.upper { return blocks }
      lower = last + 1
    }
  }
}

extension Analysis {
  /// As it will be once policies are added.
  public func adding(_ policies: [SuggestedPolicy]) -> Analysis {
    var builder = ClusterModelBuilder(model)
    let kind = GroupVersionKind(group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy")
    for policy in policies {
      guard let metadata = try? ObjectMetadata(of: policy.object) else { continue }
      let reference = ObjectReference(
        kind: kind, namespace: metadata.namespace, name: metadata.displayName)
      builder.add(policy.object, reference: reference, metadata: metadata)
    }
    return Analysis(builder.build(), reading: reading)
  }

  /// The wanted connections that are not allowed once policies are added.
  public func unmet(_ wanted: [WantedConnection], with policies: [SuggestedPolicy]) -> [WantedConnection] {
    adding(policies).unmet(wanted)
  }
}
