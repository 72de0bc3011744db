import COpenSSL

/// What can go wrong on a TLS connection or while one is being set up.
public enum TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A certificate, key or certificate authority could not be used: which, and why.
  case unusable(what: String, reason: String)
  /// OpenSSL failed at something that only fails for want of memory or by misconfiguration.
  case library(operation: String, reason: String)
  /// The handshake failed: no common version or cipher, a bad message, a certificate that the peer refused.
  case handshakeFailed(reason: String)
  /// The server's certificate does not verify (client role).
  case certificateNotTrusted(reason: String)
  /// The handshake did not end in time.
  case handshakeTimedOut
  /// The peer went away in the middle of the handshake.
  case closedDuringHandshake
  /// The client spoke plain text, likely HTTP, to a TLS port.
  case plainText
  /// A record was corrupt or out of place after the handshake.
  case protocolViolation(reason: String)
  /// The peer closed the connection without the closure alert of RFC 8446 section 6.1: what came may be cut short.
  case truncated
  /// Something was written after the connection had been closed.
  case closed

  public var description: String {
    switch self {
    case .unusable(let what, let reason): "\(what) cannot be used: \(reason)"
    case .library(let operation, let reason): "\(operation) failed: \(reason)"
    case .handshakeFailed(let reason): "the TLS handshake failed: \(reason)"
    case .certificateNotTrusted(let reason): "the server's certificate is not trusted: \(reason)"
    case .handshakeTimedOut: "the TLS handshake did not end in time"
    case .closedDuringHandshake: "the connection was closed during the TLS handshake"
    case .plainText: "the client sent plain text to a TLS port"
    case .protocolViolation(let reason): "the TLS connection broke: \(reason)"
    case .truncated: "the connection was closed without a TLS closure alert"
    case .closed: "the TLS connection is closed"
    }
  }
}

/// Empties this thread's OpenSSL error queue and returns its reasons, oldest first, as one phrase.
func takeOpenSSLErrors() -> String {
  var reasons: [String] = []
  while true {
    let code = ERR_get_error()
    if code == 0 { break }
    let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    if reasons.last != reason { reasons.append(reason) }
  }
  return reasons.isEmpty ? "no reason given" : reasons.joined(separator: ", ")
}
