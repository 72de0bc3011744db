import COpenSSL
import NIOCore

/// Which end of a TLS connection this is.
public enum TLSRole: Sendable, Hashable {
  case server
  /// The name or IP address that the server's certificate must carry (RFC 9525).
  case client(serverName: String)
}

/// One TLS connection: OpenSSL's `SSL`, fed from and emptied into byte buffers. It knows nothing of channels.
final class TLSConnection {
  enum Progress {
    case done
    case needsInput
  }

  enum ReadResult {
    /// All that has arrived was decrypted.
    case needsInput
    /// The peer sent its closure alert: nothing more will come.
    case closedByPeer
  }

  private let ssl: OpaquePointer
  private let bio: CiphertextBIO
  private let role: TLSRole

  init(context: TLSContext, role: TLSRole) throws {
    let bio = try CiphertextBIO()
    guard let ssl = SSL_new(context.pointer) else {
      throw TLSError.library(operation: "SSL_new", reason: takeOpenSSLErrors())
    }
    self.ssl = ssl
    self.bio = bio
    self.role = role
    // SSL_set_bio takes over one reference where both sides are the same BIO; the other is CiphertextBIO's.
    BIO_up_ref(bio.pointer)
    SSL_set_bio(ssl, bio.pointer, bio.pointer)
    switch role {
    case .server:
      SSL_set_accept_state(ssl)
    case .client(let serverName):
      SSL_set_connect_state(ssl)
      // An IP address is verified as such and never sent as a server name (RFC 6066 section 3).
      if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), serverName) != 1 {
        ERR_clear_error()
        guard SSL_set1_host(ssl, serverName) == 1, shim_SSL_set_tlsext_host_name(ssl, serverName) == 1 else {
          throw TLSError.library(operation: "setting the server's name", reason: takeOpenSSLErrors())
        }
      }
    }
  }

  deinit { SSL_free(ssl) }

  /// Ciphertext that has arrived but was not yet read.
  var inboundByteCount: Int { bio.inboundByteCount }

  /// Whether anything has arrived.
  private(set) var hasStarted = false

  func receive(_ ciphertext: ByteBuffer) {
    hasStarted = true
    bio.receive(ciphertext)
  }

  /// Whether there is ciphertext to send.
  var hasOutbound: Bool { bio.hasOutbound }

  /// Lends an empty buffer for the ciphertext that the next calls make.
  func lend(_ buffer: ByteBuffer) { bio.lend(buffer) }

  func takeOutbound() -> ByteBuffer { bio.takeOutbound() }

  /// Takes the handshake as far as what has arrived allows.
  ///
  /// - Throws: ``TLSError/handshakeFailed(reason:)`` or ``TLSError/certificateNotTrusted(reason:)``; there may be an alert
  ///   to send then.
  func handshake() throws -> Progress {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return .done }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
      return .needsInput
    default:
      let verdict = SSL_get_verify_result(ssl)
      if case .client = role, verdict != Int(X509_V_OK) {
        ERR_clear_error()
        throw TLSError.certificateNotTrusted(reason: String(cString: X509_verify_cert_error_string(verdict)))
      }
      throw TLSError.handshakeFailed(reason: takeOpenSSLErrors())
    }
  }

  /// Decrypts all that has arrived, appending it to the buffer.
  ///
  /// - Throws: ``TLSError/protocolViolation(reason:)``.
  func read(into plaintext: inout ByteBuffer) throws -> ReadResult {
    ERR_clear_error()
    while true {
      var result: CInt = 0
      plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 1024) { free in
        result = SSL_read(ssl, free.baseAddress, CInt(clamping: free.count))
        return max(0, Int(result))
      }
      if result > 0 { continue }
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
        return .needsInput
      case SSL_ERROR_ZERO_RETURN:
        return .closedByPeer
      default:
        throw TLSError.protocolViolation(reason: takeOpenSSLErrors())
      }
    }
  }

  /// Encrypts bytes, in records of up to 16 KiB.
  ///
  /// - Throws: ``TLSError/protocolViolation(reason:)``.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      ERR_clear_error()
      let chunk = UnsafeRawBufferPointer(rebasing: rest)
      let written = SSL_write(ssl, chunk.baseAddress, CInt(clamping: chunk.count))
      // The BIO never blocks and renegotiation is off: a write succeeds whole or the connection is broken.
      guard written > 0 else { throw TLSError.protocolViolation(reason: takeOpenSSLErrors()) }
      rest = rest.dropFirst(Int(written))
    }
  }

  /// Makes the closure alert (RFC 8446 section 6.1), once.
  func close() {
    ERR_clear_error()
    if SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 { SSL_shutdown(ssl) }
    ERR_clear_error()
  }

  /// The protocol version, such as `TLSv1.3`.
  var version: String { String(cString: SSL_get_version(ssl)) }

  /// The peer's certificate and whether it verified; meaningful once the handshake is done.
  var peer: PeerCertificate {
    guard let pointer = SSL_get1_peer_certificate(ssl) else { return .absent }
    let certificate = Certificate(owning: pointer)
    let verdict = SSL_get_verify_result(ssl)
    guard verdict == Int(X509_V_OK) else {
      return .invalid(reason: String(cString: X509_verify_cert_error_string(verdict)))
    }
    return .verified(names: certificate.commonNames + certificate.dnsNames)
  }
}
