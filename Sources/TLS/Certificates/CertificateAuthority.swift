import COpenSSL
import Glibc

/// A small certificate authority, for development and for clusters without one: `portcullis certs`.
///
/// Keys are EC P-256, signatures SHA-256; certificates follow the profile of RFC 5280.
public struct CertificateAuthority: Sendable {
  /// What a certificate is for.
  public enum Usage: Sendable {
    case server
    case client
  }

  /// A certificate and its key, PEM both. Keys must be written so that their owner alone can read them.
  public struct Issued: Sendable {
    public var certificatePEM: String
    public var privateKeyPEM: String

    public init(certificatePEM: String, privateKeyPEM: String) {
      self.certificatePEM = certificatePEM
      self.privateKeyPEM = privateKeyPEM
    }

    /// For ``TLSContext``.
    public var identity: TLSIdentity {
      TLSIdentity(certificateChain: Array(certificatePEM.utf8), privateKey: Array(privateKeyPEM.utf8))
    }
  }

  private let certificate: Certificate
  private let key: PrivateKey

  /// Makes a new authority.
  ///
  /// - Parameters:
  ///   - name: its subject's common name.
  ///   - validDays: from now.
  ///   - now: seconds since 1970; the clock where nil.
  /// - Throws: ``TLSError/library(operation:reason:)``.
  public init(name: String, validDays: Int, now: Int64? = nil) throws {
    key = try PrivateKey.generate()
    let builder = try CertificateBuilder(
      subject: name, key: key, validDays: validDays, now: now ?? currentSeconds())
    try builder.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
    try builder.add(NID_key_usage, "critical,keyCertSign,cRLSign")
    try builder.add(NID_subject_key_identifier, "hash")
    certificate = try builder.sign(issuer: nil, with: key)
  }

  /// Takes over an authority that exists.
  ///
  /// - Throws: ``TLSError/unusable(what:reason:)`` where a PEM does not parse, or certificate and key do not belong together.
  public init(certificatePEM: String, privateKeyPEM: String) throws {
    let found = try Certificate.parse(pem: Array(certificatePEM.utf8), what: "the authority's certificate")
    certificate = found[0]
    key = try PrivateKey(pem: Array(privateKeyPEM.utf8))
    guard X509_check_private_key(certificate.pointer, key.pointer) == 1 else {
      throw TLSError.unusable(what: "the authority's key", reason: takeOpenSSLErrors())
    }
    guard X509_check_ca(certificate.pointer) == 1 else {
      throw TLSError.unusable(
        what: "the authority's certificate", reason: "it is not a certificate authority's")
    }
  }

  /// The authority's own certificate and key.
  ///
  /// - Throws: ``TLSError/library(operation:reason:)``.
  public func export() throws -> Issued {
    Issued(certificatePEM: try certificate.pem(), privateKeyPEM: try key.pem())
  }

  /// Makes a certificate, and a new key with it.
  ///
  /// - Parameters:
  ///   - names: DNS names and IP addresses; the first is the subject's common name too.
  ///   - validDays: from now; where negative or zero, the certificate has expired.
  ///   - now: seconds since 1970; the clock where nil.
  /// - Throws: ``TLSError/unusable(what:reason:)`` where a name is neither a DNS name nor an address.
  public func issue(
    names: [String], usage: Usage = .server, validDays: Int, now: Int64? = nil
  ) throws -> Issued {
    guard let first = names.first else {
      throw TLSError.unusable(what: "the list of names", reason: "it is empty")
    }
    let alternatives = try names.map(SubjectName.init)
    let newKey = try PrivateKey.generate()
    // A common name holds 64 characters at most (RFC 5280 appendix A.1).
    let builder = try CertificateBuilder(
      subject: first.utf8.count <= 64 ? first : "portcullis", key: newKey, validDays: validDays,
      now: now ?? currentSeconds())
    try builder.add(NID_basic_constraints, "critical,CA:FALSE")
    try builder.add(NID_key_usage, "critical,digitalSignature")
    try builder.add(NID_ext_key_usage, usage == .server ? "serverAuth" : "clientAuth")
    try builder.add(NID_subject_key_identifier, "hash")
    try builder.add(NID_authority_key_identifier, "keyid", issuer: certificate)
    let names = alternatives.compactMap(\.extensionText)
    if !names.isEmpty { try builder.add(NID_subject_alt_name, names.joined(separator: ",")) }
    let signed = try builder.sign(issuer: certificate, with: key)
    return Issued(certificatePEM: try signed.pem(), privateKeyPEM: try newKey.pem())
  }

  /// What ``make(names:validDays:ca:)`` returns.
  public struct ServerCertificates: Sendable {
    public var caPEM: String
    public var caKeyPEM: String
    public var certPEM: String
    public var keyPEM: String
  }

  /// Makes a server certificate, and an authority for it where none is given.
  ///
  /// - Parameters:
  ///   - names: DNS names and IP addresses of the server.
  ///   - validDays: of the server's certificate; a new authority lives ten times as long.
  ///   - ca: an authority that exists.
  /// - Throws: ``TLSError``.
  public static func make(names: [String], validDays: Int, ca: CertificateAuthority? = nil) throws
    -> ServerCertificates
  {
    let authority = try ca ?? CertificateAuthority(name: "Portcullis CA", validDays: 10 * validDays)
    let exported = try authority.export()
    let issued = try authority.issue(names: names, validDays: validDays)
    return ServerCertificates(
      caPEM: exported.certificatePEM, caKeyPEM: exported.privateKeyPEM, certPEM: issued.certificatePEM,
      keyPEM: issued.privateKeyPEM)
  }
}

private func currentSeconds() -> Int64 { Int64(time(nil)) }

/// A name that a certificate speaks for.
private enum SubjectName {
  case dns(String)
  case address(String)
  /// A user's or group's name, such as `system:node:a`, which goes into the common name only.
  case commonNameOnly

  init(_ name: String) throws {
    if let address = a2i_IPADDRESS(name) {
      ASN1_OCTET_STRING_free(address)
      self = .address(name)
      return
    }
    let bytes = name.utf8
    guard !bytes.isEmpty, bytes.count <= 253, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw TLSError.unusable(
        what: "the name \"\(name)\"", reason: "it is neither a DNS name nor an IP address")
    }
    let isDNS = bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "*"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
    self = isDNS ? .dns(name) : .commonNameOnly
  }

  /// In the syntax of OpenSSL's x509v3_config(5), in which none of the letters above has a meaning.
  var extensionText: String? {
    switch self {
    case .dns(let name): "DNS:\(name)"
    case .address(let address): "IP:\(address)"
    case .commonNameOnly: nil
    }
  }
}

extension PrivateKey {
  /// Makes a new key on the curve P-256.
  fileprivate static func generate() throws -> PrivateKey {
    guard let key = shim_EVP_EC_gen("P-256") else {
      throw TLSError.library(operation: "EVP_EC_gen", reason: takeOpenSSLErrors())
    }
    return PrivateKey(owning: key)
  }
}
