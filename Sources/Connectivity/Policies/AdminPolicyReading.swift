import Kubernetes
import Rego

/// The policies of `policy.networking.k8s.io`, which are the cluster's.
enum AdminPolicyKind {
  /// AdminNetworkPolicy of v1alpha1.
  case admin
  /// BaselineAdminNetworkPolicy of v1alpha1.
  case baseline
  /// ClusterNetworkPolicy of v1alpha2, which is both.
  case cluster

  init?(_ kind: GroupVersionKind) {
    guard kind.group == "policy.networking.k8s.io" else { return nil }
    switch kind.kind.string {
    case "AdminNetworkPolicy": self = .admin
    case "BaselineAdminNetworkPolicy": self = .baseline
    case "ClusterNetworkPolicy": self = .cluster
    default: return nil
    }
  }

  func action(_ name: RegoString) -> RuleAction? {
    switch (self, name.string) {
    case (.admin, "Allow"), (.baseline, "Allow"), (.cluster, "Accept"): .allow
    case (_, "Deny"): .deny
    case (.admin, "Pass"), (.cluster, "Pass"): .pass
    default: nil
    }
  }

  var actions: String {
    switch self {
    case .admin: "Allow, Deny or Pass"
    case .baseline: "Allow or Deny"
    case .cluster: "Accept, Deny or Pass"
    }
  }
}

/// Reads one policy of `policy.networking.k8s.io` (network-policy-api, v1alpha1 and v1alpha2), and gathers what it leaves out.
struct AdminPolicyReader {
  private enum Name {
    static let action: RegoString = "action"
    static let domainNames: RegoString = "domainNames"
    static let egress: RegoString = "egress"
    static let end: RegoString = "end"
    static let from: RegoString = "from"
    static let ingress: RegoString = "ingress"
    static let name: RegoString = "name"
    static let namespaceSelector: RegoString = "namespaceSelector"
    static let namespaces: RegoString = "namespaces"
    static let networks: RegoString = "networks"
    static let nodes: RegoString = "nodes"
    static let podSelector: RegoString = "podSelector"
    static let pods: RegoString = "pods"
    static let priority: RegoString = "priority"
    static let spec: RegoString = "spec"
    static let start: RegoString = "start"
    static let subject: RegoString = "subject"
    static let tier: RegoString = "tier"
    static let to: RegoString = "to"
  }

  let kind: AdminPolicyKind
  let reference: ObjectReference
  let location: Location?
  private(set) var warnings: [Problem] = []

  init(_ kind: AdminPolicyKind, reference: ObjectReference, location: Location?) {
    self.kind = kind
    self.reference = reference
    self.location = location
  }

  /// - Throws: `Misfit` for what the API server would not take.
  mutating func read(_ object: ObjectValue) throws -> Policy {
    guard let members = try FieldReader(object).object(Name.spec) else {
      throw Misfit("is missing", at: "spec")
    }
    if kind == .baseline && reference.name != "default" {
      throw Misfit("must be \"default\": a cluster has one BaselineAdminNetworkPolicy", at: "metadata.name")
    }
    return try at("spec") {
      let spec = FieldReader(members)
      return Policy(
        reference: reference, location: location, tier: try tier(spec),
        subject: try at("subject") {
          try subject(FieldReader(try spec.object(Name.subject) ?? ObjectValue()))
        },
        isolates: [], ingress: try rules(spec, .ingress), egress: try rules(spec, .egress))
    }
  }

  private func tier(_ spec: FieldReader) throws -> Policy.Tier {
    // After all ClusterNetworkPolicies of the tier, which succeed it.
    if kind == .baseline { return .baseline(priority: 1001) }
    guard let priority = spec.value(Name.priority)?.int, (0...1000).contains(priority) else {
      throw Misfit("must be a number from 0 to 1000", at: "priority")
    }
    if kind == .admin { return .admin(priority: priority) }
    switch try spec.string(Name.tier)?.string {
    case "Admin": return .admin(priority: priority)
    case "Baseline": return .baseline(priority: priority)
    default: throw Misfit("must be Admin or Baseline", at: "tier")
    }
  }

  private func subject(_ subject: FieldReader) throws -> PodPeer {
    let namespaces = try Policy.selector(subject, Name.namespaces)
    let pods = try subject.object(Name.pods)
    switch (namespaces, pods) {
    case (let namespaces?, nil): return PodPeer(namespaces: .matching(namespaces), pods: .everything)
    case (nil, let pods?): return try at("pods") { try namespacedPods(FieldReader(pods)) }
    default: throw Misfit(": exactly one of namespaces and pods must be set")
    }
  }

  private func namespacedPods(_ pods: FieldReader) throws -> PodPeer {
    PodPeer(
      namespaces: .matching(try Policy.selector(pods, Name.namespaceSelector) ?? .everything),
      pods: try Policy.selector(pods, Name.podSelector) ?? .everything)
  }

  private mutating func rules(_ spec: FieldReader, _ direction: Direction) throws -> [PolicyRule] {
    try Policy.elements(spec, direction == .ingress ? Name.ingress : Name.egress) { index, rule in
      guard let name = try rule.string(Name.action), let action = kind.action(name) else {
        throw Misfit("must be \(kind.actions)", at: "action")
      }
      let place = "\(direction.rawValue.lowercased())[\(index)]"
      var failsClosed = false
      let peers = try self.peers(rule, direction, place: place, failsClosed: &failsClosed)
      let ports = try self.ports(rule, place: place, failsClosed: &failsClosed)
      if !peers.addresses.isEmpty && !ports.named.isEmpty {
        warn("\(place): a port that is a name has no meaning for networks, and is passed over for them")
      }
      return PolicyRule(
        index: index, name: try rule.nonEmpty(Name.name), action: action, peers: peers, ports: ports,
        failsClosed: failsClosed)
    }
  }

  private mutating func warn(_ message: String) {
    warnings.append(Problem(.warning, reference, at: location, message))
  }

  private mutating func peers(
    _ rule: FieldReader, _ direction: Direction, place: String, failsClosed: inout Bool
  ) throws -> RulePeers {
    let field = direction == .ingress ? Name.from : Name.to
    var peers = RulePeers()
    peers.addressesMatchPods = true
    let known: Set<RegoString> =
      direction == .ingress
      ? [Name.namespaces, Name.pods]
      : [Name.namespaces, Name.pods, Name.nodes, Name.networks, Name.domainNames]
    let count = try Policy.elements(rule, field) { index, peer in
      let names = peer.object.keys.compactMap { key -> RegoString? in
        guard case .string(let name) = key, peer.value(name) != nil else { return nil }
        return name
      }
      guard let name = names.first else { throw Misfit(": exactly one field must be set in a peer") }
      if let unknown = names.first(where: { !known.contains($0) }) {
        failsClosed = true
        warn("\(place).\(field)[\(index)].\(unknown) is not known: the rule fails closed")
        return
      }
      if names.count > 1 { throw Misfit(": exactly one field must be set in a peer, but \(names.count) are") }
      try add(peer, name, to: &peers, place: "\(place).\(field)[\(index)]")
    }.count
    if count == 0 { throw Misfit("must have at least one peer", at: field.string) }
    return peers
  }

  private mutating func add(
    _ peer: FieldReader, _ name: RegoString, to peers: inout RulePeers, place: String
  ) throws {
    switch name {
    case Name.namespaces:
      if let selector = try Policy.selector(peer, Name.namespaces) {
        peers.pods.append(PodPeer(namespaces: .matching(selector), pods: .everything))
      }
    case Name.pods:
      let pods = try peer.object(Name.pods) ?? ObjectValue()
      peers.pods.append(try at("pods") { try namespacedPods(FieldReader(pods)) })
    case Name.networks:
      for (index, text) in (try peer.strings(Name.networks) ?? []).enumerated() {
        peers.add(try Policy.addresses(text, at: "networks[\(index)]"))
      }
    default:
      peers.unmodelled.append(name.string)
      warn("\(place).\(name) is not modelled: what it matches is passed over")
    }
  }

  // Ports: `ports` of v1alpha1 and of early v1alpha2, `protocols` since.

  private mutating func ports(
    _ rule: FieldReader, place: String, failsClosed: inout Bool
  ) throws -> RulePorts {
    let field: RegoString = kind == .cluster && rule.value("protocols") != nil ? "protocols" : "ports"
    if field == "protocols", rule.value("ports") != nil {
      failsClosed = true
      warn(
        "\(place) has both ports and protocols, of which the API has one or the other: the rule fails closed")
    }
    if try rule.array(field)?.isEmpty ?? true { return .all }
    var ports = RulePorts(numbered: .none, named: [])
    let known: Set<RegoString> =
      field == "ports"
      ? ["portNumber", "portRange", "namedPort"] : ["tcp", "udp", "sctp", "destinationNamedPort"]
    _ = try Policy.elements(rule, field) { index, port in
      let names = port.object.keys.compactMap { key -> RegoString? in
        guard case .string(let name) = key, port.value(name) != nil else { return nil }
        return name
      }
      guard let name = names.first else { throw Misfit(": exactly one field must be set") }
      if let unknown = names.first(where: { !known.contains($0) }) {
        failsClosed = true
        warn("\(place).\(field)[\(index)].\(unknown) is not known: the rule fails closed")
        return
      }
      if names.count > 1 { throw Misfit(": exactly one field must be set, but \(names.count) are") }
      if let unknown = try Self.unknownMember(of: port, name) {
        failsClosed = true
        warn("\(place).\(field)[\(index)].\(name).\(unknown) is not known: the rule fails closed")
        return
      }
      try Self.add(port, name, to: &ports)
    }
    return ports
  }

  /// What a protocol has beside `destinationPort`: without it the rule would be about more than was meant.
  private static func unknownMember(of port: FieldReader, _ name: RegoString) throws -> RegoString? {
    guard TransportProtocol(rawValue: name.string.uppercased()) != nil else { return nil }
    for key in (try port.object(name) ?? ObjectValue()).keys {
      if case .string(let member) = key, member != "destinationPort" { return member }
    }
    return nil
  }

  private static func add(_ port: FieldReader, _ name: RegoString, to ports: inout RulePorts) throws {
    switch name.string {
    case "namedPort", "destinationNamedPort":
      // The API gives it no syntax.
      guard let portName = try port.nonEmpty(name) else { throw Misfit("must not be empty", at: name.string) }
      ports.named.append(NamedPort(transport: nil, name: portName))
    case "portNumber", "portRange":
      let members = FieldReader(try port.object(name) ?? ObjectValue())
      try at(name.string) {
        let transport = try Policy.transport(members) ?? .tcp
        let set =
          if name == "portNumber" { try single(members, "port") } else { try range(members) }
        ports.numbered = ports.numbered.union(ConnectionSet(transport, set))
      }
    default:
      guard let transport = TransportProtocol(rawValue: name.string.uppercased()) else { return }
      let members = FieldReader(try port.object(name) ?? ObjectValue())
      try at(name.string) {
        guard let destination = try members.object("destinationPort") else {
          ports.numbered = ports.numbered.union(ConnectionSet(transport, .allPorts))
          return
        }
        let set = try at("destinationPort") {
          let members = FieldReader(destination)
          switch (members.value("number"), try members.object("range")) {
          case (.some, nil): return try single(members, "number")
          case (nil, let bounds?): return try at("range") { try range(FieldReader(bounds)) }
          default: throw Misfit(": exactly one of number and range must be set")
          }
        }
        ports.numbered = ports.numbered.union(ConnectionSet(transport, set))
      }
    }
  }

  private static func single(_ members: FieldReader, _ name: RegoString) throws -> PortSet {
    guard let number = try Policy.number(members, name) else { throw Misfit("is missing", at: name.string) }
    return PortSet(number, number)
  }

  private static func range(_ members: FieldReader) throws -> PortSet {
    guard let start = try Policy.number(members, Name.start), let end = try Policy.number(members, Name.end)
    else { throw Misfit(": both start and end must be set") }
    if end < start { throw Misfit("must not be less than start \(start)", at: "end") }
    return PortSet(start, end)
  }
}
