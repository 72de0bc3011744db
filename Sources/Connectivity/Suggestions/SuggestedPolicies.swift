import Kubernetes
import Rego

/// A NetworkPolicy that would cover a workload.
public struct SuggestedPolicy: Sendable {
  public let workload: Workload
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
  /// Workloads that policies isolate already get one only for wanted connections that these do not allow.
  public func suggestions(
    keeping wanted: [WantedConnection], directions: Set<Direction> = [.ingress]
  ) -> [SuggestedPolicy] {
    var policies: [SuggestedPolicy] = []
    for direction in Direction.allCases {
      for (workload, members) in workloads {
        let isIsolated = members.allSatisfy { !profile(direction, of: $0).networkPolicies.isEmpty }
        if members.contains(where: { groups[$0].traits.isHostNetwork }) { continue }
        let own = wanted.filter { element in
          (direction == .ingress ? element.destination : element.source) == .workload(workload)
        }
        let needed = isIsolated ? own.filter { !isAllowed($0, direction, members) } : own
        if isIsolated ? needed.isEmpty : !directions.contains(direction) { continue }
        policies.append(policy(for: workload, members, direction, needed))
      }
    }
    return policies
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
      guard let from = workloads.first(where: { $0.workload == source })?.groups,
        let to = workloads.first(where: { $0.workload == destination })?.groups
      else { return .none }
      return allowed(from: from, to: to)
    default: return .none
    }
  }

  /// What is allowed with all of the addresses of a range.
  private func allowed(_ direction: Direction, _ workload: Workload, _ range: AddressRange) -> ConnectionSet {
    guard let members = workloads.first(where: { $0.workload == workload })?.groups else { return .none }
    var connections = ConnectionSet.all
    for part in partition(direction, includesV6: true).ranges where range.asSet.overlaps(part) {
      for group in members {
        var evaluation = Evaluation(
          AddressTest(range: part, bounds: false), ports: groups[group].traits.ports)
        connections = connections.intersection(evaluation.run(profile(direction, of: group)).allowed)
      }
    }
    return connections
  }

  private func isAllowed(_ element: WantedConnection, _ direction: Direction, _ members: Range<Int>) -> Bool {
    members.allSatisfy { group in
      let ports = groups[group].traits.ports
      switch direction == .ingress ? element.source : element.destination {
      case .workload(let peer):
        guard let peers = workloads.first(where: { $0.workload == peer })?.groups else { return true }
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

  // The policy's manifest.

  private static let changing: [RegoString] = [
    "pod-template-hash", "controller-revision-hash", "pod-template-generation", "job-name", "controller-uid",
    "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
  ]

  /// The labels that all pods of a workload have, but for those that change from one pod or rollout to the next.
  private func selector(_ members: Range<Int>) -> Value {
    var common = Array(groups[members.lowerBound].labels)
    for group in members.dropFirst() {
      common = common.filter { groups[group].labels[$0.0] == $0.1 }
    }
    let stable = common.filter { pair in !Self.changing.contains { pair.0 == .string($0) } }
    return stable.isEmpty
      ? .object(ObjectValue()) : Self.object(["matchLabels": .object(ObjectValue(stable))])
  }

  private func policy(
    for workload: Workload, _ members: Range<Int>, _ direction: Direction, _ wanted: [WantedConnection]
  ) -> SuggestedPolicy {
    let own = selector(members)
    var byPorts: [(ConnectionSet, [Endpoint])] = []
    for element in wanted {
      let end = direction == .ingress ? element.source : element.destination
      if let index = byPorts.firstIndex(where: { $0.0 == element.connections }) {
        if !byPorts[index].1.contains(end) { byPorts[index].1.append(end) }
      } else {
        byPorts.append((element.connections, [end]))
      }
    }
    var rules = byPorts.map { connections, ends in
      rule(direction, connections, ends, of: workload)
    }
    if direction == .egress && !wanted.isEmpty {
      // Whoever connects to a name asks for its address first.
      let anywhere = Self.object(["namespaceSelector": .object(ObjectValue())])
      rules.append(
        Self.object([
          "to": .array([anywhere]),
          "ports": .array([Self.port(.tcp, .init(53, 53)), Self.port(.udp, .init(53, 53))]),
        ]))
    }
    if rules.isEmpty && direction == .ingress {
      // A policy without rules is one that the rule of the literature refuses: this one allows the pods each other, and nobody else.
      rules.append(Self.object(["from": .array([Self.object(["podSelector": own])])]))
    }
    var spec: [(String, Value)] = [
      ("podSelector", own), ("policyTypes", .array([.string(direction.rawValue)])),
    ]
    if !rules.isEmpty { spec.append((direction == .ingress ? "ingress" : "egress", .array(rules))) }
    let policies = model.namespaces[workload.namespace]?.content.policies ?? [:]
    let plain = "\(workload.name)-\(direction.rawValue.lowercased())"
    var name = plain
    var number = 2
    while policies[RegoString(name)] != nil {
      name = "\(plain)-\(number)"
      number += 1
    }
    return SuggestedPolicy(
      workload: workload,
      object: Self.object([
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": Self.object(["name": .string(name), "namespace": .string(workload.namespace)]),
        "spec": .object(ObjectValue(spec.map { (.string($0.0), $0.1) })),
      ]))
  }

  private func rule(
    _ direction: Direction, _ connections: ConnectionSet, _ ends: [Endpoint], of workload: Workload
  ) -> Value {
    var members: [String: Value] = [:]
    var peers: [Value] = []
    for end in ends {
      switch end {
      case .workload(let peer):
        guard let found = workloads.first(where: { $0.workload == peer })?.groups else { continue }
        var members = ["podSelector": selector(found)]
        if peer.namespace != workload.namespace {
          members["namespaceSelector"] = Self.object([
            "matchLabels": Self.object(["kubernetes.io/metadata.name": .string(peer.namespace)])
          ])
        }
        peers.append(Self.object(members))
      case .addresses(let range):
        peers += range.blocks.map { block in
          Self.object(["ipBlock": Self.object(["cidr": .string(block)])])
        }
      case .ingressController:
        // Which namespace it is in is the cluster's secret.
        peers.append(Self.object(["namespaceSelector": .object(ObjectValue())]))
      }
    }
    members[direction == .ingress ? "from" : "to"] = .array(peers)
    if !connections.isAll {
      members["ports"] = .array(
        TransportProtocol.allCases.flatMap { transport in
          connections[transport].intervals.map { Self.port(transport, $0) }
        })
    }
    return Self.object(members)
  }

  private static func port(_ transport: TransportProtocol, _ interval: PortSet.Interval) -> Value {
    var members: [String: Value] = ["protocol": .string(transport.rawValue)]
    if interval.lower > 1 || interval.upper < .max {
      members["port"] = .number(.int(Int(interval.lower)))
      if interval.upper > interval.lower { members["endPort"] = .number(.int(Int(interval.upper))) }
    }
    return object(members)
  }

  private static func object(_ members: [String: Value]) -> Value {
    .object(ObjectValue(members.map { (Value.string($0.key), $0.value) }))
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
  /// The wanted connections that are not allowed once policies are added.
  public func unmet(_ wanted: [WantedConnection], with policies: [SuggestedPolicy]) -> [WantedConnection] {
    var builder = ClusterModelBuilder(model)
    let kind = GroupVersionKind(group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy")
    for policy in policies {
      guard let metadata = try? ObjectMetadata(of: policy.object) else { continue }
      let reference = ObjectReference(
        kind: kind, namespace: metadata.namespace, name: metadata.displayName)
      builder.add(policy.object, reference: reference, metadata: metadata)
    }
    return Analysis(builder.build(), reading: reading).unmet(wanted)
  }
}
