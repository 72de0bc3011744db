/// What a client showed of itself in the handshake.
public enum PeerCertificate: Sendable, Hashable {
  /// No certificate, or none was asked for.
  case absent
  /// A certificate that does not verify: why.
  case invalid(reason: String)
  /// A certificate that leads to one of the authorities: the subject's common names and DNS names.
  case verified(names: [String])
}
