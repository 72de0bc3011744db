import COpenSSL

/// A certificate with the chain that leads to its authority, and its private key, all PEM.
public struct TLSIdentity: Sendable {
  /// The end certificate first, then the intermediate ones (RFC 8446 section 4.4.2).
  public var certificateChain: [UInt8]
  /// PKCS #8, SEC 1 or PKCS #1; not encrypted.
  public var privateKey: [UInt8]

  public init(certificateChain: [UInt8], privateKey: [UInt8]) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
  }
}

/// What all connections of one end share: OpenSSL's `SSL_CTX`. Only TLS 1.2 and 1.3, only HTTP/1.1.
///
/// There is no session resumption. The API server, kubelet and Prometheus, all Go, keep connections open and do not
/// resume sessions; and a resumed session would carry a client certificate's verdict past that certificate's expiry.
public final class TLSContext: @unchecked Sendable {
  // Sendable: an SSL_CTX is never changed once init has returned, its reference count is atomic, and OpenSSL documents
  // SSL_new on a shared SSL_CTX as safe from any thread.
  let pointer: OpaquePointer

  private init(method: OpaquePointer?) throws {
    guard let context = SSL_CTX_new(method) else {
      throw TLSError.library(operation: "SSL_CTX_new", reason: takeOpenSSLErrors())
    }
    pointer = context
    guard shim_SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1,
      shim_SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1,
      // TLS 1.2 with forward secrecy and authenticated encryption only; AES-128 first, the cheapest by far.
      SSL_CTX_set_cipher_list(
        context,
        "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") == 1,
      SSL_CTX_set_ciphersuites(
        context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
    else {
      throw TLSError.library(operation: "choosing TLS versions and ciphers", reason: takeOpenSSLErrors())
    }
    SSL_CTX_set_options(
      context,
      shim_SSL_OP_NO_RENEGOTIATION | shim_SSL_OP_NO_COMPRESSION | shim_SSL_OP_NO_TICKET
        | shim_SSL_OP_CIPHER_SERVER_PREFERENCE | shim_SSL_OP_PRIORITIZE_CHACHA)
    _ = SSL_CTX_set_num_tickets(context, 0)
    _ = shim_SSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
    // An idle connection gives its record buffers back: 34 KiB each, of which an API server holds hundreds.
    _ = shim_SSL_CTX_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
    shim_SSL_CTX_set_read_ahead(context, 1)
  }

  deinit { SSL_CTX_free(pointer) }

  /// Makes a server's context.
  ///
  /// - Parameters:
  ///   - identity: the server's certificate and key.
  ///   - clientAuthorities: PEM certificates. Where given, clients are asked for a certificate; one without a certificate,
  ///     or with one that does not verify, still connects, and ``PeerCertificate`` says so: what to demand is decided
  ///     for each request.
  /// - Throws: ``TLSError/unusable(what:reason:)``.
  public static func server(identity: TLSIdentity, clientAuthorities: [UInt8]? = nil) throws -> TLSContext {
    let context = try TLSContext(method: TLS_server_method())
    try context.use(identity)
    SSL_CTX_set_alpn_select_cb(context.pointer, selectProtocol, nil)
    if let clientAuthorities {
      for authority in try Certificate.parse(pem: clientAuthorities, what: "the client CA") {
        try context.trust(authority)
        SSL_CTX_add_client_CA(context.pointer, authority.pointer)
      }
      SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
      // Verifies as OpenSSL would, but lets the handshake go on: SSL_get_verify_result keeps the verdict.
      SSL_CTX_set_cert_verify_callback(
        context.pointer,
        { store, _ in
          if X509_verify_cert(store) <= 0, X509_STORE_CTX_get_error(store) == X509_V_OK {
            X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED)
          }
          ERR_clear_error()
          return 1
        }, nil)
    }
    return context
  }

  /// Makes a client's context, which verifies the server's certificate and name.
  ///
  /// - Parameters:
  ///   - authorities: PEM certificates of the authorities to trust; the system's where nil.
  ///   - identity: the certificate to show to a server that asks for one.
  ///   - verifiesServer: false where the user asked for a server that nobody vouches for (`insecure-skip-tls-verify`).
  /// - Throws: ``TLSError/unusable(what:reason:)``.
  public static func client(
    authorities: [UInt8]?, identity: TLSIdentity? = nil, verifiesServer: Bool = true
  ) throws -> TLSContext {
    let context = try TLSContext(method: TLS_client_method())
    if let authorities {
      for authority in try Certificate.parse(pem: authorities, what: "the CA bundle") {
        try context.trust(authority)
      }
    } else {
      SSL_CTX_set_default_verify_paths(context.pointer)
    }
    if let identity { try context.use(identity) }
    SSL_CTX_set_verify(context.pointer, verifiesServer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
    SSL_CTX_set_alpn_protos(context.pointer, protocols, UInt32(protocols.count))
    return context
  }

  private func use(_ identity: TLSIdentity) throws {
    let certificates = try Certificate.parse(pem: identity.certificateChain, what: "the certificate")
    for (index, certificate) in certificates.enumerated() {
      if index == 0 {
        guard SSL_CTX_use_certificate(pointer, certificate.pointer) == 1 else {
          throw TLSError.unusable(what: "the certificate", reason: takeOpenSSLErrors())
        }
      } else {
        X509_up_ref(certificate.pointer)
        guard shim_SSL_CTX_add0_chain_cert(pointer, certificate.pointer) == 1 else {
          X509_free(certificate.pointer)
          throw TLSError.unusable(what: "the certificate's chain", reason: takeOpenSSLErrors())
        }
      }
    }
    let key = try PrivateKey(pem: identity.privateKey)
    guard SSL_CTX_use_PrivateKey(pointer, key.pointer) == 1, SSL_CTX_check_private_key(pointer) == 1 else {
      throw TLSError.unusable(what: "the private key", reason: takeOpenSSLErrors())
    }
  }

  private func trust(_ authority: Certificate) throws {
    let store = SSL_CTX_get_cert_store(pointer)
    // An intermediate authority that is trusted by name needs no root above it.
    X509_STORE_set_flags(store, shim_X509_V_FLAG_PARTIAL_CHAIN)
    guard X509_STORE_add_cert(store, authority.pointer) == 1 else {
      throw TLSError.unusable(what: "the certificate authority", reason: takeOpenSSLErrors())
    }
  }
}

/// Chooses HTTP/1.1 (RFC 7301). A client that offers only other protocols is refused, as section 3.2 prescribes.
private let selectProtocol: SSL_CTX_alpn_select_cb_func = {
  _, selected, selectedLength, offered, offeredLength, _ in
  let supported: StaticString = "\u{8}http/1.1\u{8}http/1.0"
  var match: UnsafeMutablePointer<UInt8>?
  let verdict = SSL_select_next_proto(
    &match, selectedLength, supported.utf8Start, UInt32(supported.utf8CodeUnitCount), offered, offeredLength)
  guard verdict == OPENSSL_NPN_NEGOTIATED, let match else { return SSL_TLSEXT_ERR_ALERT_FATAL }
  selected?.pointee = UnsafePointer(match)
  return SSL_TLSEXT_ERR_OK
}
