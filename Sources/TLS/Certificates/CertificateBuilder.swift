import COpenSSL

/// A certificate in the making.
struct CertificateBuilder {
  private let certificate: Certificate

  /// - Parameters:
  ///   - subject: the common name.
  ///   - key: whose public half is certified.
  ///   - validDays: from now.
  ///   - now: seconds since 1970; validity starts a little earlier, for clocks that are behind.
  init(subject: String, key: PrivateKey, validDays: Int, now: Int64) throws {
    guard let pointer = X509_new() else {
      throw TLSError.library(operation: "X509_new", reason: takeOpenSSLErrors())
    }
    certificate = Certificate(owning: pointer)
    // A positive number with 64 bits of chance at least, and 20 bytes at most (RFC 5280 section 4.1.2.2).
    var serial = [UInt8](repeating: 0, count: 16)
    let expiry = now + Int64(validDays) * 86_400
    let start = min(now - 300, expiry - 300)
    let name = X509_get_subject_name(pointer)
    guard RAND_bytes(&serial, CInt(serial.count)) == 1 else {
      throw TLSError.library(operation: "RAND_bytes", reason: takeOpenSSLErrors())
    }
    serial[0] = serial[0] & 0x7F | 0x40
    let number = BN_bin2bn(serial, CInt(serial.count), nil)
    defer { BN_free(number) }
    guard X509_set_version(pointer, Int(X509_VERSION_3)) == 1,
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil,
      ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(start)) != nil,
      ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(expiry)) != nil,
      X509_NAME_add_entry_by_NID(
        name, NID_commonName, MBSTRING_UTF8, Array(subject.utf8), CInt(subject.utf8.count), -1, 0) == 1,
      X509_set_pubkey(pointer, key.pointer) == 1
    else {
      throw TLSError.library(operation: "making a certificate", reason: takeOpenSSLErrors())
    }
  }

  /// Adds an extension in the syntax of x509v3_config(5).
  func add(_ identifier: CInt, _ value: String, issuer: Certificate? = nil) throws {
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, (issuer ?? certificate).pointer, certificate.pointer, nil, nil, 0)
    guard let made = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
      throw TLSError.unusable(what: "the extension \(value)", reason: takeOpenSSLErrors())
    }
    defer { X509_EXTENSION_free(made) }
    guard X509_add_ext(certificate.pointer, made, -1) == 1 else {
      throw TLSError.library(operation: "X509_add_ext", reason: takeOpenSSLErrors())
    }
  }

  /// - Parameter issuer: the authority; the certificate itself where nil.
  func sign(issuer: Certificate?, with key: PrivateKey) throws -> Certificate {
    let issuerName = X509_get_subject_name((issuer ?? certificate).pointer)
    guard X509_set_issuer_name(certificate.pointer, issuerName) == 1,
      X509_sign(certificate.pointer, key.pointer, EVP_sha256()) > 0
    else {
      throw TLSError.library(operation: "signing a certificate", reason: takeOpenSSLErrors())
    }
    return certificate
  }
}
