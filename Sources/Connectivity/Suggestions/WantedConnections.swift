import Rego

/// A connection that somebody needs: a line of a list, or a flow that was seen.
public struct WantedConnection: Sendable, Hashable {
  public let source: Endpoint
  public let destination: Endpoint
  public let connections: ConnectionSet

  public init(source: Endpoint, destination: Endpoint, connections: ConnectionSet) {
    self.source = source
    self.destination = destination
    self.connections = connections
  }
}

/// A line that says no connection of this cluster, and why.
public struct WantedLineError: Error, Sendable, Hashable, CustomStringConvertible {
  /// From 1.
  public let line: Int
  public let message: String
  public var description: String { "\(line): \(message)" }
}

/// The connections that a text asks to keep.
public struct WantedConnections: Sendable {
  public fileprivate(set) var wanted: [WantedConnection] = []
  public fileprivate(set) var errors: [WantedLineError] = []
  /// How many flows were passed over since an end of theirs is not here.
  public fileprivate(set) var strangeFlowCount = 0
}

extension Analysis {
  private enum Flow {
    case wanted(WantedConnection)
    /// It asks for nothing.
    case irrelevant
    /// An end of it is not here.
    case strange
  }

  /// Reads connections that must be kept: lines `SOURCE => DESTINATION : CONNECTIONS`, as a list has them, or Hubble's flows as JSON, one
  /// a line. Empty lines and those that start with `#` are passed over, and so are flows that were dropped, that answer others, and whose
  /// ends are not here.
  public func wantedConnections(_ text: String) -> WantedConnections {
    var found = WantedConnections()
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let trimmed = line.trimmed
      if trimmed.isEmpty || trimmed.utf8.first == UInt8(ascii: "#") { continue }
      do {
        if trimmed.utf8.first == UInt8(ascii: "{") && !trimmed.hasPrefix(Endpoint.controllerName) {
          switch try flow(trimmed) {
          case .wanted(let flow): found.wanted.append(flow)
          case .irrelevant: continue
          case .strange: found.strangeFlowCount += 1
          }
        } else {
          found.wanted.append(try listed(trimmed))
        }
      } catch {
        found.errors.append(WantedLineError(line: index + 1, message: Misfit(error).sentence))
      }
    }
    return found
  }

  // A list's lines.

  private func listed(_ line: String) throws -> WantedConnection {
    guard let arrow = line.range(of: " => "), let colon = line.range(of: " : ", from: arrow.upperBound) else {
      throw Misfit("a line must be SOURCE => DESTINATION : CONNECTIONS")
    }
    return WantedConnection(
      source: try end(String(line[..<arrow.lowerBound])),
      destination: try end(String(line[arrow.upperBound..<colon.lowerBound])),
      connections: try ConnectionSet(text: String(line[colon.upperBound...])))
  }

  private func end(_ text: String) throws -> Endpoint {
    do {
      return try endpoint(named: String(text.trimmed))
    } catch {
      throw Misfit(error.description)
    }
  }

  // Hubble's flows (Cilium documentation, "Hubble", flow.proto).

  private func flow(_ line: String) throws -> Flow {
    let value: Value
    do {
      value = try JSONReader.value(line)
    } catch {
      throw Misfit("it is no JSON: \(error.reason)")
    }
    let flow = value["flow"] ?? value
    if let verdict = flow["verdict"]?.string, RegoString(verdict) != "FORWARDED" { return .irrelevant }
    if flow["is_reply"] == .boolean(true) || flow["reply"] == .boolean(true) { return .irrelevant }
    guard let layer = flow["l4"]?.object else { return .irrelevant }
    for transport in TransportProtocol.allCases {
      guard let port = layer[transport.rawValue]?["destination_port"]?.int else { continue }
      guard let number = UInt16(exactly: port), number > 0 else {
        throw Misfit("\(port) is no port")
      }
      guard let source = try flowEnd(flow["source"], address: flow["IP"]?["source"]?.string),
        let destination = try flowEnd(flow["destination"], address: flow["IP"]?["destination"]?.string)
      else { return .strange }
      return .wanted(
        WantedConnection(
          source: source, destination: destination,
          connections: ConnectionSet(transport, PortSet(number, number))))
    }
    return .irrelevant
  }

  private func flowEnd(_ end: Value?, address: String?) throws -> Endpoint? {
    let namespace = end?["namespace"]?.string ?? ""
    if namespace.isEmpty { return address.flatMap { Address($0) }.map { .addresses(AddressRange($0)) } }
    for workload in end?["workloads"]?.array ?? [] {
      guard let name = workload["name"]?.string else { continue }
      let kind = workload["kind"]?.string
      let found = workloadNames.first {
        $0.namespace == RegoString(namespace) && $0.name == RegoString(name)
          && (kind.map { RegoString($0) == "" } ?? true || $0.kind == RegoString(kind ?? ""))
      }
      if let found { return .workload(found) }
    }
    if let pod = end?["pod_name"]?.string {
      let content = model.namespaces[RegoString(namespace)]?.content
      if let object = content?.pods[RegoString(pod)], let content {
        return .workload(content.workload(of: object))
      }
    }
    return nil
  }
}

extension AddressRange {
  /// Nil where the ends are of different families, or the wrong way round.
  init?(from first: Address, to last: Address) {
    switch (first, last) {
    case (.v4(let a), .v4(let b)) where a <= b: self = .v4(.init(a, b))
    case (.v6(let a), .v6(let b)) where a <= b: self = .v6(.init(a, b))
    default: return nil
    }
  }
}

extension ConnectionSet {
  /// Reads what ``description`` writes; protocols in lower case as well.
  init(text: String) throws {
    let text = String(text.trimmed)
    if RegoString(text) == "All Connections" {
      self = .all
      return
    }
    self = .none
    if RegoString(text) == "No Connections" { return }
    var transport: TransportProtocol?
    for part in text.split(separator: ",") {
      var ports = part.trimmed
      for candidate in TransportProtocol.allCases where ports.uppercased().hasPrefix("\(candidate.rawValue) ")
      {
        transport = candidate
        ports = String(ports.dropFirst(candidate.rawValue.count + 1)).trimmed
      }
      let bounds = ports.split(separator: "-", maxSplits: 1).map { UInt16($0) }
      guard let transport, let first = bounds.first, let lower = first, let last = bounds.last,
        let upper = last,
        lower > 0, lower <= upper
      else { throw Misfit("\"\(part.trimmed)\" is no port, as in TCP 80,8080-8090,UDP 53") }
      self[transport] = self[transport].union(PortSet(lower, upper))
    }
  }
}

extension StringProtocol {
  fileprivate var trimmed: String {
    let space: Set<UInt8> = [9, 13, 32]
    let bytes = Array(utf8)
    guard let first = bytes.firstIndex(where: { !space.contains($0) }),
      let last = bytes.lastIndex(where: { !space.contains($0) })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }
}

extension String {
  /// The first place of a text at or after an index.
  fileprivate func range(of text: String, from start: String.Index? = nil) -> Range<String.Index>? {
    var position = start ?? startIndex
    while position < endIndex {
      if self[position...].utf8.starts(with: text.utf8) {
        return position..<utf8.index(position, offsetBy: text.utf8.count)
      }
      position = utf8.index(after: position)
    }
    return nil
  }
}
