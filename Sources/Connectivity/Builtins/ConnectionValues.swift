import Kubernetes
import Rego

/// Writes ends, connections and rules as policies read them; what is the same is made once.
struct ConnectionValues {
  /// The models in which workloads are looked up, the newer one first.
  private let models: [ClusterModel]
  private var ends: [Endpoint: Value] = [:]
  private var ports: [ConnectionSet: (list: Value, text: Value)] = [:]
  private var rules: [[RuleReference]: (list: Value, text: Value)] = [:]

  init(_ models: [ClusterModel]) { self.models = models }

  mutating func connection(
    _ source: Endpoint, _ destination: Endpoint, _ connections: ConnectionSet, _ rules: [RuleReference]
  ) -> Value {
    let ports = ports(connections)
    let through = through(rules)
    return .object(
      ObjectValue([
        (Self.source, end(source)), (Self.destination, end(destination)), (Self.ports, ports.list),
        (Self.portsText, ports.text), (Self.rules, through.list), (Self.through, through.text),
      ]))
  }

  mutating func end(_ end: Endpoint) -> Value {
    if let known = ends[end] { return known }
    let value: Value
    switch end {
    case .workload(let workload):
      var labels: [Value] = []
      var namespaceLabels: [Value] = []
      for namespace in models.compactMap({ $0.namespaces[workload.namespace] }) {
        for group in namespace.groups(of: workload) where !labels.contains(.object(group.labels)) {
          labels.append(.object(group.labels))
        }
        if !namespaceLabels.contains(.object(namespace.labels)) {
          namespaceLabels.append(.object(namespace.labels))
        }
      }
      value = [
        "type": "workload", "text": .string(workload.description), "namespace": .string(workload.namespace),
        "name": .string(workload.name), "kind": .string(workload.kind), "labels": .array(labels),
        "namespaceLabels": .array(namespaceLabels),
      ]
    case .addresses(let range):
      value = [
        "type": "addresses", "text": .string("\(range)"),
        "cidrs": .array(range.cidrs.map(Value.string)),
      ]
    case .ingressController: value = ["type": "ingress-controller", "text": .string("\(end)")]
    }
    ends[end] = value
    return value
  }

  private mutating func ports(_ connections: ConnectionSet) -> (list: Value, text: Value) {
    if let known = ports[connections] { return known }
    var list: [Value] = []
    for transport in TransportProtocol.allCases {
      for interval in connections[transport].intervals {
        list.append([
          "protocol": .string(transport.rawValue), "port": .int(Int(interval.lower)),
          "endPort": .int(Int(interval.upper)),
        ])
      }
    }
    let values = (list: Value.array(list), text: Value.string(connections.description))
    ports[connections] = values
    return values
  }

  private mutating func through(_ references: [RuleReference]) -> (list: Value, text: Value) {
    if let known = rules[references] { return known }
    let list = references.map { rule in
      var members: [(Value, Value)] = Self.members(of: rule.policy)
      members += [
        ("direction", .string(rule.direction.rawValue)), ("index", .int(rule.index)),
        ("text", .string("\(rule)")),
      ]
      if let name = rule.name { members.append(("rule", .string(name))) }
      return Value.object(ObjectValue(members))
    }
    let text =
      references.isEmpty
      ? "no policy, since none restricts them" : references.map(\.description).joined(separator: ", ")
    let values = (list: Value.array(list), text: Value.string(text))
    rules[references] = values
    return values
  }

  /// Kind, name, and the namespace where there is one.
  static func members(of reference: ObjectReference) -> [(Value, Value)] {
    var members: [(Value, Value)] = [
      ("kind", .string(reference.kind.kind)), ("name", .string(reference.name)),
    ]
    if let namespace = reference.namespace { members.append(("namespace", .string(namespace))) }
    return members
  }

  private static let source: Value = "source"
  private static let destination: Value = "destination"
  private static let ports: Value = "ports"
  private static let portsText: Value = "portsText"
  private static let rules: Value = "rules"
  private static let through: Value = "through"
}

extension AddressRange {
  /// The fewest blocks that make up the range, ascending.
  var cidrs: [String] {
    switch self {
    case .v4(let range):
      return Self.blocks(range).map { "\(Address.v4($0.first))/\($0.length)" }
    case .v6(let range):
      return Self.blocks(range).map { "\(Address.v6($0.first))/\($0.length)" }
    }
  }

  private static func blocks<Bound: FixedWidthInteger & UnsignedInteger>(
    _ range: IntervalSet<Bound>.Interval
  ) -> [(first: Bound, length: Int)] {
    var blocks: [(first: Bound, length: Int)] = []
    var first = range.lower
    while true {
      // The largest block that begins here, and does not reach beyond the end.
      var size = first.trailingZeroBitCount
      while size > 0, size == Bound.bitWidth || range.upper - first < (1 << size) - 1 {
        if size == Bound.bitWidth, first == 0, range.upper == .max { break }
        size -= 1
      }
      blocks.append((first, Bound.bitWidth - size))
      if size == Bound.bitWidth { return blocks }
      let last = first + ((1 << size) - 1)
      if last >= range.upper { return blocks }
      first = last + 1
    }
  }
}
