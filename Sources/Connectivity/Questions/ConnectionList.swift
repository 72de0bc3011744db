import Kubernetes
import Rego

/// An end of a connection.
public enum Endpoint: Sendable, Hashable {
  case workload(Workload)
  /// Addresses outside of the cluster.
  case addresses(AddressRange)
  /// Whatever serves Ingresses and Routes.
  case ingressController
}

extension Endpoint: CustomStringConvertible {
  /// How lists name ``ingressController``.
  static let controllerName = "{ingress-controller}"

  /// `shop/web[Deployment]`, `0.0.0.0-255.255.255.255[External]` or `{ingress-controller}`.
  public var description: String {
    switch self {
    case .workload(let workload): workload.description
    case .addresses(let range): "\(range)[External]"
    case .ingressController: Self.controllerName
    }
  }
}

extension Endpoint: Comparable {
  /// Workloads, then addresses.
  public static func < (left: Endpoint, right: Endpoint) -> Bool {
    switch (left, right) {
    case (.workload(let a), .workload(let b)): a < b
    case (.addresses(let a), .addresses(let b)): a < b
    case (.ingressController, .ingressController): false
    case (.workload, _), (.addresses, .ingressController): true
    default: false
    }
  }
}

/// What is allowed from one end to another.
public struct AllowedConnections: Sendable, Hashable {
  public let source: Endpoint
  public let destination: Endpoint
  public let connections: ConnectionSet
}

extension AllowedConnections: CustomStringConvertible {
  /// `SOURCE => DESTINATION : CONNECTIONS`.
  public var description: String { "\(source) => \(destination) : \(connections)" }
}

extension Analysis {
  /// All allowed connections between workloads, and between them and the outside, whose addresses are cut where some policy's blocks
  /// begin and end. Connections of a workload to itself are left out.
  ///
  /// - Parameter includesV6: whether IPv6 addresses are listed even where no NetworkPolicy or ClusterNetworkPolicy names any.
  public func connections(includesV6: Bool = false) -> [AllowedConnections] {
    var list: [AllowedConnections] = []
    let sources = partition(.ingress, includesV6: includesV6)
    let destinations = partition(.egress, includesV6: includesV6)
    for destination in workloads {
      external(destination, .ingress, sources.ranges) { range, connections in
        list.append(
          AllowedConnections(
            source: .addresses(range), destination: .workload(destination.workload), connections: connections)
        )
      }
    }
    for source in workloads {
      external(source, .egress, destinations.ranges) { range, connections in
        list.append(
          AllowedConnections(
            source: .workload(source.workload), destination: .addresses(range), connections: connections))
      }
      for destination in workloads where source.workload != destination.workload {
        let connections = allowed(from: source.groups, to: destination.groups)
        if !connections.isEmpty {
          list.append(
            AllowedConnections(
              source: .workload(source.workload), destination: .workload(destination.workload),
              connections: connections))
        }
      }
    }
    return list + gatewayConnections().connections
  }

  /// Whether ``connections(includesV6:)`` lists IPv6 addresses without being asked to.
  public var listsV6: Bool {
    Direction.allCases.contains { partition($0, includesV6: false).ranges.contains { !$0.isV4 } }
  }

  /// What is allowed between some of the pods of two workloads.
  func allowed(from sources: Range<Int>, to destinations: Range<Int>) -> ConnectionSet {
    var connections = ConnectionSet.none
    for source in sources {
      for destination in destinations {
        connections = connections.union(allowed(from: source, to: destination))
      }
    }
    return connections
  }

  func allowed(from source: Int, to destination: Int) -> ConnectionSet {
    let ports = groups[destination].traits.ports
    var outgoing = ConnectionSet.all
    if !egress[source].isEmpty {
      var evaluation = Evaluation(GroupTest(group: destination, bounds: false), ports: ports)
      outgoing = evaluation.run(egress[source]).allowed
      if outgoing.isEmpty { return .none }
    }
    if ingress[destination].isEmpty { return outgoing }
    var evaluation = Evaluation(GroupTest(group: source, bounds: false), ports: ports)
    return outgoing.intersection(evaluation.run(ingress[destination]).allowed)
  }

  /// The outside, cut by the blocks of all rules of a direction.
  func partition(_ direction: Direction, includesV6: Bool) -> AddressPartition {
    var sets: [AddressSet] = []
    for policy in policies {
      // The suite's lists know no IPv6 in AdminNetworkPolicies.
      let hidesV6 = !includesV6 && policy.reference.kind.version == "v1alpha1"
      for block in policy.rules(direction).flatMap(\.peers.blocks) {
        sets.append(hidesV6 ? AddressSet(v4: block.v4) : block)
      }
    }
    return AddressPartition(cutBy: sets, alwaysV6: includesV6)
  }

  private func external(
    _ workload: (workload: Workload, groups: Range<Int>), _ direction: Direction, _ ranges: [AddressRange],
    _ body: (AddressRange, ConnectionSet) -> Void
  ) {
    for range in ranges {
      let connections = allowed(direction, workload.groups, with: range)
      if !connections.isEmpty { body(range, connections) }
    }
  }

  /// What is allowed between some pods of some groups and addresses that no block tells apart.
  func allowed(_ direction: Direction, _ members: Range<Int>, with range: AddressRange) -> ConnectionSet {
    var connections = ConnectionSet.none
    for group in members {
      let ports = direction == .ingress ? groups[group].traits.ports : []
      var evaluation = Evaluation(AddressTest(range: range, bounds: false), ports: ports)
      connections = connections.union(evaluation.run(profile(direction, of: group)).allowed)
    }
    return connections
  }
}
