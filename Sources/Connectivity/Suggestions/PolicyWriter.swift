import Kubernetes
import Rego

/// Writes the manifests of suggested policies.
struct PolicyWriter {
  /// A selector of a workload's pods.
  struct PodSelector {
    let value: Value
    /// Whether it selects no other workload of the namespace.
    let isExact: Bool
    var isEmpty: Bool { value.object?.isEmpty ?? true }
  }

  private struct Label: Hashable {
    let key: RegoString
    let value: RegoString
  }

  private let analysis: Analysis
  private var selectors: [Workload: PodSelector] = [:]
  /// The names that suggestions have taken: workloads of different kinds may share theirs.
  private var names: [RegoString: Set<String>] = [:]

  init(_ analysis: Analysis) { self.analysis = analysis }

  // MARK: Selecting a workload

  private static let changing: Set<RegoString> = [
    "pod-template-hash", "controller-revision-hash", "pod-template-generation", "job-name", "controller-uid",
    "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
  ]

  /// Labels but for those that change from one pod or rollout to the next.
  private static func stable(_ labels: ObjectValue) -> [Label] {
    labels.compactMap { key, value in
      guard case .string(let key) = key, case .string(let value) = value, !changing.contains(key) else {
        return nil
      }
      return Label(key: key, value: value)
    }
  }

  private mutating func selector(_ workload: Workload) -> PodSelector {
    if let known = selectors[workload] { return known }
    let selector =
      analysis.groups(of: workload).map(selector)
      ?? PodSelector(value: .object(ObjectValue()), isExact: false)
    selectors[workload] = selector
    return selector
  }

  /// The labels that all pods of a workload have. Where other workloads of the namespace have these as well, also the absence of what
  /// tells those apart.
  private func selector(_ members: Range<Int>) -> PodSelector {
    let own = analysis.groups[members].map(\.labels)
    var common = Self.stable(own[0])
    for labels in own.dropFirst() { common = common.filter { labels[.string($0.key)] == .string($0.value) } }
    var absent: Set<RegoString> = []
    var unlike: [RegoString: Set<RegoString>] = [:]
    var isExact = true
    for (position, group) in analysis.groups.enumerated() where !members.contains(position) {
      let namespace = analysis.groups[members.lowerBound].workload.namespace
      if group.workload.namespace != namespace || group.traits.isHostNetwork { continue }
      if !common.allSatisfy({ group.labels[.string($0.key)] == .string($0.value) }) { continue }
      let labels = Self.stable(group.labels)
      if labels.contains(where: { absent.contains($0.key) || unlike[$0.key]?.contains($0.value) ?? false }) {
        continue
      }
      if let label = labels.first(where: { label in own.allSatisfy { $0[.string(label.key)] == nil } }) {
        absent.insert(label.key)
      } else if let label = labels.first(where: { label in
        own.allSatisfy { $0[.string(label.key)] != .string(label.value) }
      }) {
        unlike[label.key, default: []].insert(label.value)
      } else {
        isExact = false
      }
    }
    var selector: [String: Value] = [:]
    if !common.isEmpty {
      selector["matchLabels"] = .object(
        ObjectValue(common.map { (.string($0.key), .string($0.value)) }))
    }
    let expressions =
      absent.sorted().map { key in
        Self.object(["key": .string(key), "operator": "DoesNotExist"])
      }
      + unlike.sorted { $0.key < $1.key }.map { key, values in
        Self.object([
          "key": .string(key), "operator": "NotIn", "values": .array(values.sorted().map(Value.string)),
        ])
      }
    if !expressions.isEmpty { selector["matchExpressions"] = .array(expressions) }
    return PodSelector(value: Self.object(selector), isExact: isExact)
  }

  // MARK: The manifest

  /// A policy that allows a workload the wanted connections of a direction; all of them are about it.
  mutating func policy(
    for workload: Workload, _ direction: Direction, _ wanted: [WantedConnection]
  ) -> SuggestedPolicy {
    let own = selector(workload)
    var byPorts: [(ConnectionSet, [Endpoint])] = []
    for element in wanted {
      let end = direction == .ingress ? element.source : element.destination
      if let index = byPorts.firstIndex(where: { $0.0 == element.connections }) {
        if !byPorts[index].1.contains(end) { byPorts[index].1.append(end) }
      } else {
        byPorts.append((element.connections, [end]))
      }
    }
    var rules: [Value] = []
    for (connections, ends) in byPorts { rules.append(rule(direction, connections, ends, of: workload)) }
    if direction == .egress && !wanted.isEmpty {
      // Whoever connects to a name asks for its address first.
      let anywhere = Self.object(["namespaceSelector": .object(ObjectValue())])
      rules.append(
        Self.object([
          "to": .array([anywhere]),
          "ports": .array([Self.port(.tcp, .init(53, 53)), Self.port(.udp, .init(53, 53))]),
        ]))
    }
    if rules.isEmpty && direction == .ingress && own.isExact && !own.isEmpty {
      // A policy without rules is one that the rule of the literature refuses: this one allows the pods each other, and nobody else.
      rules.append(Self.object(["from": .array([Self.object(["podSelector": own.value])])]))
    }
    var spec: [(String, Value)] = [
      ("podSelector", own.value), ("policyTypes", .array([.string(direction.rawValue)])),
    ]
    if !rules.isEmpty { spec.append((direction == .ingress ? "ingress" : "egress", .array(rules))) }
    return SuggestedPolicy(
      workload: workload, direction: direction,
      object: Self.object([
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": Self.object([
          "name": .string(name(for: workload, direction)), "namespace": .string(workload.namespace),
        ]),
        "spec": .object(ObjectValue(spec.map { (.string($0.0), $0.1) })),
      ]))
  }

  /// A name that neither a policy of the namespace has nor another suggestion.
  private mutating func name(for workload: Workload, _ direction: Direction) -> String {
    let policies = analysis.model.namespaces[workload.namespace]?.content.policies ?? [:]
    let plain = "\(workload.name)-\(direction.rawValue.lowercased())"
    var name = plain
    var number = 2
    while policies[RegoString(name)] != nil || names[workload.namespace]?.contains(name) ?? false {
      name = "\(plain)-\(number)"
      number += 1
    }
    names[workload.namespace, default: []].insert(name)
    return name
  }

  private mutating func rule(
    _ direction: Direction, _ connections: ConnectionSet, _ ends: [Endpoint], of workload: Workload
  ) -> Value {
    var members: [String: Value] = [:]
    var peers: [Value] = []
    for end in ends {
      switch end {
      case .workload(let peer):
        if analysis.groups(of: peer) == nil { continue }
        var members = ["podSelector": selector(peer).value]
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
