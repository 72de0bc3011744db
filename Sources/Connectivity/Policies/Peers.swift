import Kubernetes
import Rego

/// A label selector, and how it was written.
public struct Selector: Sendable {
  public let selector: LabelSelector
  let source: ObjectValue

  init(_ value: Value) throws {
    selector = try LabelSelector(value)
    source = value.object ?? ObjectValue()
  }

  private init(_ selector: LabelSelector, source: ObjectValue) {
    self.selector = selector
    self.source = source
  }

  public static let everything = Selector(.everything, source: ObjectValue())

  public var matchesAll: Bool { selector.matchesAll }

  @inline(__always)
  func matches(_ labels: ObjectValue) -> Bool { selector.matches(labels) }

  /// The requirements in an order of their own, so that selectors that ask for the same in another order are equal.
  var canonical: String {
    selector.requirements.map { requirement in
      let values = requirement.values.map(\.string).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      return "\(requirement.key) \(requirement.operation.rawValue) \(values.joined(separator: ","))"
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: ";")
  }
}

extension Selector: Hashable {
  public static func == (left: Selector, right: Selector) -> Bool { left.selector == right.selector }
  public func hash(into hasher: inout Hasher) { hasher.combine(selector) }
}

/// Pods by the labels of their namespace and their own.
public struct PodPeer: Sendable, Hashable {
  public enum Namespaces: Sendable, Hashable {
    /// The namespace of the policy itself.
    case own(RegoString)
    case matching(Selector)
  }

  public let namespaces: Namespaces
  /// An absent selector is ``Selector/everything``.
  public let pods: Selector

  /// Whether every pod of the cluster is among them, whatever its labels.
  public var isWholeCluster: Bool {
    if case .matching(let selector) = namespaces { selector.matchesAll && pods.matchesAll } else { false }
  }
}

/// Whom a rule lets through, or not: sources of an ingress rule, destinations of an egress rule.
public struct RulePeers: Sendable, Hashable {
  /// Whether everything matches, in the cluster and outside.
  public var isEverything = false
  public var pods: [PodPeer] = []
  /// Outside of the cluster; whether pods' addresses count too is ``addressesMatchPods``.
  public var addresses = AddressSet.none
  /// The same by block, each without what it excepts.
  public var blocks: [AddressSet] = []
  /// True of `networks` (network-policy-api, ClusterNetworkPolicyEgressPeer: "cluster-internal traffic will be checked against the
  /// rule as well"). Of an `ipBlock` the API reference leaves it open.
  public var addressesMatchPods = false
  /// Peers that are there but not modelled, such as `nodes`: they match some addresses outside.
  public var unmodelled: [String] = []

  mutating func add(_ block: AddressSet) {
    addresses = addresses.union(block)
    blocks.append(block)
  }
}

/// A port by its name, which each pod may give to another number.
public struct NamedPort: Sendable, Hashable {
  /// Nil where the name alone decides (network-policy-api, `namedPort`).
  public let transport: TransportProtocol?
  public let name: RegoString
}

/// Which connections a rule is about.
public struct RulePorts: Sendable, Hashable {
  /// Those that do not depend on the destination.
  public var numbered: ConnectionSet
  public var named: [NamedPort]

  public static let all = RulePorts(numbered: .all, named: [])

  /// The connections to a destination with these container ports; without ports, as an address has none, only numbered ones.
  func connections(to ports: [ContainerPort]) -> ConnectionSet {
    if named.isEmpty { return numbered }
    var connections = numbered
    for name in named {
      for port in ports where name.matches(port) {
        connections = connections.union(port.connections)
      }
    }
    return connections
  }
}

/// A port that a container declares.
public struct ContainerPort: Sendable, Hashable {
  public let name: RegoString?
  public let transport: TransportProtocol
  public let number: UInt16

  var connections: ConnectionSet { ConnectionSet(transport, PortSet(number, number)) }
}

extension NamedPort {
  @inline(__always)
  func matches(_ port: ContainerPort) -> Bool {
    port.name == name && (transport == nil || transport == port.transport)
  }
}
