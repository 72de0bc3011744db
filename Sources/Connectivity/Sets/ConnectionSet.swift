/// A transport protocol that policies tell apart (Kubernetes API reference, NetworkPolicyPort).
public enum TransportProtocol: String, Sendable, Hashable, CaseIterable, Comparable {
  case tcp = "TCP"
  case udp = "UDP"
  case sctp = "SCTP"

  /// In the order of the names, as connections are printed.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Ports of one protocol, from 1 to 65535.
public typealias PortSet = IntervalSet<UInt16>

extension IntervalSet<UInt16> {
  /// The lowest and the highest port that traffic can go to.
  public static let lowestPort: UInt16 = 1
  public static let highestPort: UInt16 = .max
  public static let allPorts = PortSet(lowestPort, highestPort)

  public var isAllPorts: Bool {
    intervals.count == 1 && intervals[0].lower == Self.lowestPort && intervals[0].upper == Self.highestPort
  }
}

/// A set of connections from one place to another, exactly: for each protocol the destination's ports.
public struct ConnectionSet: Sendable, Hashable {
  public private(set) var tcp: PortSet
  public private(set) var udp: PortSet
  public private(set) var sctp: PortSet

  public init(tcp: PortSet = PortSet(), udp: PortSet = PortSet(), sctp: PortSet = PortSet()) {
    self.tcp = tcp
    self.udp = udp
    self.sctp = sctp
  }

  public init(_ transport: TransportProtocol, _ ports: PortSet) {
    self.init()
    self[transport] = ports
  }

  public static let none = ConnectionSet()
  public static let all = ConnectionSet(tcp: .allPorts, udp: .allPorts, sctp: .allPorts)

  public subscript(transport: TransportProtocol) -> PortSet {
    get {
      switch transport {
      case .tcp: tcp
      case .udp: udp
      case .sctp: sctp
      }
    }
    set {
      switch transport {
      case .tcp: tcp = newValue
      case .udp: udp = newValue
      case .sctp: sctp = newValue
      }
    }
  }

  public var isEmpty: Bool { tcp.isEmpty && udp.isEmpty && sctp.isEmpty }
  public var isAll: Bool { tcp.isAllPorts && udp.isAllPorts && sctp.isAllPorts }

  public func contains(_ transport: TransportProtocol, port: UInt16) -> Bool {
    self[transport].contains(port)
  }

  public func union(_ other: Self) -> Self {
    if other.isEmpty || isAll { return self }
    if isEmpty || other.isAll { return other }
    return ConnectionSet(
      tcp: tcp.union(other.tcp), udp: udp.union(other.udp), sctp: sctp.union(other.sctp))
  }

  public func intersection(_ other: Self) -> Self {
    if isEmpty || other.isAll { return self }
    if other.isEmpty || isAll { return other }
    return ConnectionSet(
      tcp: tcp.intersection(other.tcp), udp: udp.intersection(other.udp),
      sctp: sctp.intersection(other.sctp))
  }

  public func subtracting(_ other: Self) -> Self {
    if isEmpty || other.isEmpty { return self }
    if other.isAll { return .none }
    return ConnectionSet(
      tcp: tcp.subtracting(other.tcp), udp: udp.subtracting(other.udp), sctp: sctp.subtracting(other.sctp))
  }

  public func isSubset(of other: Self) -> Bool {
    tcp.isSubset(of: other.tcp) && udp.isSubset(of: other.udp) && sctp.isSubset(of: other.sctp)
  }
}

extension ConnectionSet: CustomStringConvertible {
  /// `All Connections`, `No Connections`, or each protocol with its ports: `TCP 80,8080-8090,UDP 53`.
  public var description: String { text(named: []) }

  /// As ``description``, with ports that are known by name only.
  func text(named: Set<NamedPort>) -> String {
    if isAll { return "All Connections" }
    var parts: [String] = []
    for transport in TransportProtocol.allCases.sorted() {
      var ports = self[transport].intervals.map(\.text)
      if !self[transport].isAllPorts {
        ports += named.filter { ($0.transport ?? .tcp) == transport }.map(\.name.string)
          .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      }
      if !ports.isEmpty { parts.append("\(transport.rawValue) \(ports.joined(separator: ","))") }
    }
    return parts.isEmpty ? "No Connections" : parts.joined(separator: ",")
  }
}

extension IntervalSet<UInt16>.Interval {
  /// `80`, or `8080-8090`.
  var text: String { lower == upper ? "\(lower)" : "\(lower)-\(upper)" }
}
