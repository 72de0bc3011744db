import COpenSSL

/// An X.509 certificate (RFC 5280).
public final class Certificate: @unchecked Sendable {
  // Sendable: an X509 that has been parsed or signed is only read from then on, and its reference count is atomic.
  let pointer: OpaquePointer

  /// Takes over the caller's reference.
  init(owning pointer: OpaquePointer) { self.pointer = pointer }

  deinit { X509_free(pointer) }

  /// Reads every certificate of a PEM file.
  ///
  /// - Throws: ``TLSError/unusable(what:reason:)`` where there is none, or one that does not parse.
  public static func parse(pem: [UInt8], what: String) throws -> [Certificate] {
    ERR_clear_error()
    return try withMemoryBIO(reading: pem) { bio in
      var certificates: [Certificate] = []
      while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) {
        certificates.append(Certificate(owning: certificate))
      }
      // The end of the file is reported as a PEM without a start line.
      let last = ERR_peek_last_error()
      let isEnd = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE
      guard isEnd || last == 0 else {
        throw TLSError.unusable(what: what, reason: takeOpenSSLErrors())
      }
      ERR_clear_error()
      guard !certificates.isEmpty else {
        throw TLSError.unusable(what: what, reason: "no PEM certificate found")
      }
      return certificates
    }
  }

  /// The certificate as PEM.
  ///
  /// - Throws: ``TLSError/library(operation:reason:)``.
  public func pem() throws -> String {
    try writingMemoryBIO("PEM_write_bio_X509") { PEM_write_bio_X509($0, pointer) }
  }

  /// When it stops being valid, in seconds since 1970.
  public var expiry: Int64 { Self.seconds(X509_get0_notAfter(pointer)) }

  /// When it starts being valid, in seconds since 1970.
  public var start: Int64 { Self.seconds(X509_get0_notBefore(pointer)) }

  /// The subject's common names.
  public var commonNames: [String] {
    let subject = X509_get_subject_name(pointer)
    var names: [String] = []
    var index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
    while index >= 0 {
      let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index))
      var text: UnsafeMutablePointer<UInt8>?
      let length = ASN1_STRING_to_UTF8(&text, data)
      if let text, length >= 0 {
        names.append(String(decoding: UnsafeBufferPointer(start: text, count: Int(length)), as: UTF8.self))
        CRYPTO_free(text, #file, #line)
      }
      index = X509_NAME_get_index_by_NID(subject, NID_commonName, index)
    }
    return names
  }

  /// The DNS names among the subject's alternative names (RFC 5280 section 4.2.1.6).
  public var dnsNames: [String] {
    guard let names = shim_X509_get_subject_alternative_names(pointer) else { return [] }
    defer { GENERAL_NAMES_free(names) }
    var found: [String] = []
    for index in 0..<shim_sk_GENERAL_NAME_num(names) {
      var type: CInt = 0
      let value = GENERAL_NAME_get0_value(shim_sk_GENERAL_NAME_value(names, index), &type)
      guard type == GEN_DNS, let value else { continue }
      let text = OpaquePointer(value)
      let bytes = UnsafeBufferPointer(
        start: ASN1_STRING_get0_data(.init(text)), count: Int(ASN1_STRING_length(.init(text))))
      found.append(String(decoding: bytes, as: UTF8.self))
    }
    return found
  }

  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
    var days: CInt = 0
    var seconds: CInt = 0
    let epoch = ASN1_TIME_set(nil, 0)
    defer { ASN1_TIME_free(epoch) }
    guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
    return Int64(days) * 86_400 + Int64(seconds)
  }
}

/// A private key.
final class PrivateKey: @unchecked Sendable {
  // Sendable: an EVP_PKEY that has been parsed or made is only read from then on, and its reference count is atomic.
  let pointer: OpaquePointer

  init(owning pointer: OpaquePointer) { self.pointer = pointer }

  /// Reads an unencrypted PEM key.
  ///
  /// - Throws: ``TLSError/unusable(what:reason:)``.
  convenience init(pem: [UInt8]) throws {
    ERR_clear_error()
    let key = try withMemoryBIO(reading: pem) { bio in
      // Without this callback OpenSSL would ask the terminal for a passphrase.
      PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
    }
    guard let key else {
      let reason = takeOpenSSLErrors()
      let text = String(decoding: pem, as: UTF8.self)
      let isEncrypted = text.contains("ENCRYPTED")
      let isMissing = !text.contains("PRIVATE KEY-----")
      throw TLSError.unusable(
        what: "the private key",
        reason: isEncrypted ? "the key is encrypted" : isMissing ? "no PEM private key found" : reason)
    }
    self.init(owning: key)
  }

  deinit { EVP_PKEY_free(pointer) }

  /// The key as PKCS #8 PEM, unencrypted.
  func pem() throws -> String {
    try writingMemoryBIO("PEM_write_bio_PrivateKey") {
      PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil)
    }
  }
}

/// Calls the closure with a BIO that reads the bytes.
func withMemoryBIO<Result>(
  reading bytes: [UInt8], _ body: (OpaquePointer) throws -> Result
) throws -> Result {
  try bytes.withUnsafeBytes { bytes in
    guard let bio = BIO_new_mem_buf(bytes.baseAddress, CInt(clamping: bytes.count)) else {
      throw TLSError.library(operation: "BIO_new_mem_buf", reason: takeOpenSSLErrors())
    }
    defer { BIO_free(bio) }
    return try body(bio)
  }
}

/// Returns the text that the closure writes to a BIO; the closure returns 1 on success.
func writingMemoryBIO(_ operation: String, _ body: (OpaquePointer) -> CInt) throws -> String {
  guard let bio = BIO_new(BIO_s_mem()) else {
    throw TLSError.library(operation: "BIO_new", reason: takeOpenSSLErrors())
  }
  defer { BIO_free(bio) }
  guard body(bio) == 1 else { throw TLSError.library(operation: operation, reason: takeOpenSSLErrors()) }
  var data: UnsafeMutablePointer<CChar>?
  let count = shim_BIO_get_mem_data(bio, &data)
  return String(
    decoding: UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : count), as: UTF8.self)
}

extension Certificate {
  /// Whether another certificate's key signed this one, and names and uses fit (RFC 5280 section 6.1).
  public func isIssued(by issuer: Certificate) -> Bool {
    defer { ERR_clear_error() }
    return X509_check_issued(issuer.pointer, pointer) == X509_V_OK
      && X509_verify(pointer, X509_get0_pubkey(issuer.pointer)) == 1
  }

  /// Whether both are the same, byte for byte.
  public func isIdentical(to other: Certificate) -> Bool { X509_cmp(pointer, other.pointer) == 0 }
}
