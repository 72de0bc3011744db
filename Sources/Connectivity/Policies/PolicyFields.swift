import Rego

/// The fields of a kind of policy, so that one which is not there is told.
indirect enum PolicyFields: Sendable {
  /// Whatever is there is read, and refused, elsewhere.
  case any
  case object([RegoString: PolicyFields])
  /// An object of which further fields are told elsewhere.
  case open([RegoString: PolicyFields])
  case list(PolicyFields)

  /// NetworkPolicy (Kubernetes API reference, NetworkPolicySpec).
  static let networkPolicy: PolicyFields = {
    let block: PolicyFields = .object(["cidr": .any, "except": .any])
    let peers: PolicyFields = .list(
      .object(["podSelector": .any, "namespaceSelector": .any, "ipBlock": block]))
    let ports: PolicyFields = .list(.object(["port": .any, "endPort": .any, "protocol": .any]))
    return .open([
      "spec": .object([
        "podSelector": .any, "policyTypes": .any,
        "ingress": .list(.object(["from": peers, "ports": ports])),
        "egress": .list(.object(["to": peers, "ports": ports])),
      ])
    ])
  }()

  /// AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy (network-policy-api, v1alpha1 and v1alpha2).
  ///
  /// What a peer or a port has that is not known makes the rule fail closed, which is told there.
  static let adminPolicy: PolicyFields = {
    let pods: PolicyFields = .object(["namespaceSelector": .any, "podSelector": .any])
    let peers: PolicyFields = .list(.open(["pods": pods]))
    func rules(_ name: RegoString) -> PolicyFields {
      .list(.object(["name": .any, "action": .any, "ports": .any, "protocols": .any, name: peers]))
    }
    return .open([
      "spec": .object([
        "priority": .any, "tier": .any, "subject": .object(["namespaces": .any, "pods": pods]),
        "ingress": rules("from"), "egress": rules("to"),
      ])
    ])
  }()

  /// The paths of the fields that are not known, as `spec.ingress[0].form`.
  func unknown(in value: Value, at path: String = "") -> [String] {
    switch (self, value) {
    case (.object(let known), .object(let members)):
      return members.flatMap { key, member -> [String] in
        guard case .string(let name) = key else { return [] }
        let path = path.isEmpty ? name.string : "\(path).\(name)"
        return known[name]?.unknown(in: member, at: path) ?? [path]
      }
    case (.open(let known), .object(let members)):
      return members.flatMap { key, member -> [String] in
        guard case .string(let name) = key, let fields = known[name] else { return [] }
        return fields.unknown(in: member, at: path.isEmpty ? name.string : "\(path).\(name)")
      }
    case (.list(let fields), .array(let elements)):
      return elements.enumerated().flatMap { fields.unknown(in: $1, at: "\(path)[\($0)]") }
    default: return []
    }
  }
}
