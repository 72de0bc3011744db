import Kubernetes
import Rego

extension Policy {
  private enum Name {
    static let cidr: RegoString = "cidr"
    static let egress: RegoString = "egress"
    static let endPort: RegoString = "endPort"
    static let except: RegoString = "except"
    static let from: RegoString = "from"
    static let ingress: RegoString = "ingress"
    static let ipBlock: RegoString = "ipBlock"
    static let namespaceSelector: RegoString = "namespaceSelector"
    static let podSelector: RegoString = "podSelector"
    static let policyTypes: RegoString = "policyTypes"
    static let port: RegoString = "port"
    static let ports: RegoString = "ports"
    static let spec: RegoString = "spec"
    static let to: RegoString = "to"
    static let transport: RegoString = "protocol"
  }

  /// Reads a NetworkPolicy (Kubernetes API reference, NetworkPolicySpec).
  ///
  /// - Throws: `Misfit` for what the API server would not take.
  static func networkPolicy(
    _ object: ObjectValue, reference: ObjectReference, location: Location?
  ) throws -> Policy {
    let namespace = reference.namespace ?? "default"
    guard let specification = try FieldReader(object).object(Name.spec) else {
      throw Misfit("is missing", at: "spec")
    }
    return try at("spec") {
      let spec = FieldReader(specification)
      let ingress = try rules(spec, Name.ingress, peers: Name.from, namespace: namespace)
      let egress = try rules(spec, Name.egress, peers: Name.to, namespace: namespace)
      return Policy(
        reference: reference, location: location, tier: .networkPolicy,
        subject: PodPeer(
          namespaces: .own(namespace), pods: try selector(spec, Name.podSelector) ?? .everything),
        isolates: try isolated(spec, hasEgress: !egress.isEmpty), ingress: ingress, egress: egress)
    }
  }

  /// Absent `policyTypes` are Ingress, and Egress as well where there are rules for it.
  private static func isolated(_ spec: FieldReader, hasEgress: Bool) throws -> Set<Direction> {
    guard let types = try spec.strings(Name.policyTypes), !types.isEmpty else {
      return hasEgress ? [.ingress, .egress] : [.ingress]
    }
    return Set(
      try types.enumerated().map { index, type in
        guard let direction = Direction(rawValue: type.string) else {
          throw Misfit("must be Ingress or Egress, but is \"\(type)\"", at: "policyTypes[\(index)]")
        }
        return direction
      })
  }

  private static func rules(
    _ spec: FieldReader, _ name: RegoString, peers: RegoString, namespace: RegoString
  ) throws -> [PolicyRule] {
    try elements(spec, name) { index, rule in
      PolicyRule(
        index: index, name: nil, action: .allow, peers: try self.peers(rule, peers, namespace: namespace),
        ports: try ports(rule))
    }
  }

  private static func peers(
    _ rule: FieldReader, _ name: RegoString, namespace: RegoString
  ) throws -> RulePeers {
    var peers = RulePeers()
    // "If this field is empty or missing, this rule matches all sources (traffic not restricted by source)."
    peers.isEverything = try rule.array(name)?.isEmpty ?? true
    _ = try elements(rule, name) { _, peer in
      let namespaces = try selector(peer, Name.namespaceSelector)
      let pods = try selector(peer, Name.podSelector)
      if let block = try peer.object(Name.ipBlock) {
        if namespaces != nil || pods != nil {
          throw Misfit(": an ipBlock stands alone, without podSelector and namespaceSelector")
        }
        try at("ipBlock") { try add(FieldReader(block), to: &peers) }
      } else if namespaces != nil || pods != nil {
        peers.pods.append(
          PodPeer(
            namespaces: namespaces.map(PodPeer.Namespaces.matching) ?? .own(namespace),
            pods: pods ?? .everything))
      } else {
        throw Misfit(": a peer must have podSelector, namespaceSelector or ipBlock")
      }
    }
    return peers
  }

  private static func add(_ block: FieldReader, to peers: inout RulePeers) throws {
    guard let text = try block.string(Name.cidr) else { throw Misfit("is missing", at: "cidr") }
    let addresses = try self.addresses(text, at: "cidr")
    var excepted = AddressSet.none
    for (index, text) in (try block.strings(Name.except) ?? []).enumerated() {
      let exception = try self.addresses(text, at: "except[\(index)]")
      // "Except values will be rejected if they are outside the cidr range."
      if !exception.subtracting(addresses).isEmpty || exception == addresses {
        throw Misfit("must lie within \(text), the cidr, and be smaller", at: "except[\(index)]")
      }
      excepted = excepted.union(exception)
    }
    peers.add(addresses.subtracting(excepted))
  }

  static func addresses(_ text: RegoString, at path: @autoclosure () -> String) throws -> AddressSet {
    guard let addresses = AddressSet(cidr: text.string) else {
      throw Misfit("must be a block of addresses as 10.0.0.0/8 or fd00::/8, but is \"\(text)\"", at: path())
    }
    return addresses
  }

  private static func ports(_ rule: FieldReader) throws -> RulePorts {
    // "If this field is empty or missing, this rule matches all ports (traffic not restricted by port)."
    if try rule.array(Name.ports)?.isEmpty ?? true { return .all }
    var ports = RulePorts(numbered: .none, named: [])
    _ = try elements(rule, Name.ports) { _, port in
      let transport = try self.transport(port) ?? .tcp
      let end = try number(port, Name.endPort)
      switch port.value(Name.port) {
      case nil:
        if end != nil { throw Misfit("needs a port, which is missing", at: "endPort") }
        ports.numbered = ports.numbered.union(ConnectionSet(transport, .allPorts))
      case .string(let name)?:
        if end != nil { throw Misfit("needs a port that is a number, but it is \"\(name)\"", at: "endPort") }
        ports.named.append(NamedPort(transport: transport, name: try portName(name, at: "port")))
      case .some:
        guard let start = try number(port, Name.port) else { return }
        if let end, end < start { throw Misfit("must not be less than port \(start)", at: "endPort") }
        ports.numbered = ports.numbered.union(ConnectionSet(transport, PortSet(start, end ?? start)))
      }
    }
    return ports
  }

  // Shared with the other kinds.

  static func elements<Element>(
    _ object: FieldReader, _ name: RegoString, _ read: (Int, FieldReader) throws -> Element
  ) throws -> [Element] {
    var elements: [Element] = []
    for (index, value) in (try object.array(name) ?? []).enumerated() {
      elements.append(
        try at("\(name)[\(index)]") {
          // A null element is an empty one to the API server.
          if case .null = value { return try read(index, FieldReader(ObjectValue())) }
          guard case .object(let members) = value else {
            throw Misfit("must be an object, but is \(value.typeNameWithArticle)")
          }
          return try read(index, FieldReader(members))
        })
    }
    return elements
  }

  static func selector(_ object: FieldReader, _ name: RegoString) throws -> Selector? {
    guard let value = object.value(name) else { return nil }
    return try at(name.string) { try Selector(value) }
  }

  static func transport(_ object: FieldReader) throws -> TransportProtocol? {
    guard let name = try object.nonEmpty(Name.transport) else { return nil }
    guard let transport = TransportProtocol(rawValue: name.string) else {
      throw Misfit("must be TCP, UDP or SCTP, but is \"\(name)\"", at: "protocol")
    }
    return transport
  }

  static func number(_ object: FieldReader, _ name: RegoString) throws -> UInt16? {
    guard let value = object.value(name) else { return nil }
    guard let number = value.int, let port = UInt16(exactly: number), port > 0 else {
      let found =
        value.int.map { "\($0)" } ?? value.string.map { "\"\($0)\"" } ?? value.typeNameWithArticle
      throw Misfit("must be a number from 1 to 65535, but is \(found)", at: name.string)
    }
    return port
  }

  /// An IANA service name (RFC 6335, 5.1): at most 15 letters, digits and "-", one a letter, "-" at neither end nor twice.
  static func portName(_ name: RegoString, at path: @autoclosure () -> String) throws -> RegoString {
    let bytes = Array(name.utf8)
    let dash = UInt8(ascii: "-")
    func isLetter(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }
    func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    let isName =
      (1...15).contains(bytes.count) && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == dash }
      && bytes.contains(where: isLetter) && bytes.first != dash && bytes.last != dash
      && !zip(bytes, bytes.dropFirst()).contains { $0 == dash && $1 == dash }
    if !isName {
      throw Misfit(
        "must be a number or a name of up to 15 of a-z, 0-9 and \"-\", but is \"\(name)\"", at: path())
    }
    return name
  }
}
