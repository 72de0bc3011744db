import TLS

/// Who may ask for decisions: `--client-ca` and `--client-name`.
public struct ClientRule: Sendable {
  /// Names of which a client's certificate must carry one, as common name or DNS name; empty: any verified client may ask.
  public var names: [String]

  public init(names: [String]) { self.names = names }

  /// Says why a client may not ask, or nil where it may. Names are compared byte for byte, as Kubernetes does.
  func refusal(of peer: PeerCertificate) -> String? {
    switch peer {
    case .absent:
      return "a client certificate is required"
    case .invalid(let reason):
      return "the client certificate does not verify: \(reason)"
    case .verified(let found):
      if names.isEmpty { return nil }
      let isAllowed = found.contains { name in names.contains { $0.utf8.elementsEqual(name.utf8) } }
      return isAllowed ? nil : "the client certificate's name is not one of those allowed"
    }
  }
}
