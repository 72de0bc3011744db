import Foundation
import Rego
import TLS

/// What the Secret of the certificates holds: the authorities that clients are to trust, the newest one's key, and the server's
/// certificate with its key.
struct ServingCertificates: Sendable {
  /// The newest, which signs, first. Older ones are trusted until nothing that they signed is served any more.
  let authorities: [Certificate]
  let authorityKeyPEM: String
  let leaf: Certificate
  let leafKeyPEM: String
  let authority: CertificateAuthority

  /// - Throws: `TLSError` where certificates or keys do not parse, or do not belong together.
  init(authoritiesPEM: String, authorityKeyPEM: String, leafPEM: String, leafKeyPEM: String) throws {
    authorities = try Certificate.parse(pem: Array(authoritiesPEM.utf8), what: "ca.crt")
    leaf = try Certificate.parse(pem: Array(leafPEM.utf8), what: "tls.crt")[0]
    authority = try CertificateAuthority(
      certificatePEM: try authorities[0].pem(), privateKeyPEM: authorityKeyPEM)
    self.authorityKeyPEM = authorityKeyPEM
    self.leafKeyPEM = leafKeyPEM
    // A key of another certificate could not be served.
    _ = try TLSContext.server(identity: try identity)
  }

  /// Reads a Secret (Kubernetes API reference, Secret).
  ///
  /// - Returns: nil where it has none of the members, as one that has just been made.
  /// - Throws: `TLSError` where it has some that cannot be used.
  init?(secret: Value) throws {
    func text(_ key: String) -> String? {
      secret["data"]?[key]?.string.flatMap { Data(base64Encoded: $0) }.map {
        String(decoding: $0, as: UTF8.self)
      }
    }
    let members = ["ca.crt", "ca.key", "tls.crt", "tls.key"].map { ($0, text($0) ?? "") }
    if members.allSatisfy({ $0.1.isEmpty }) { return nil }
    if let missing = members.first(where: { $0.1.isEmpty }) {
      throw TLSError.unusable(what: "the Secret", reason: "\(missing.0) is missing")
    }
    try self.init(
      authoritiesPEM: members[0].1, authorityKeyPEM: members[1].1, leafPEM: members[2].1,
      leafKeyPEM: members[3].1)
  }

  /// The Secret's `data`.
  var secretData: Value {
    get throws {
      func encoded(_ text: String) -> Value { .string(Data(text.utf8).base64EncodedString()) }
      return [
        "ca.crt": encoded(try bundlePEM), "ca.key": encoded(authorityKeyPEM),
        "tls.crt": encoded(try leaf.pem()),
        "tls.key": encoded(leafKeyPEM),
      ]
    }
  }

  /// All authorities as PEM, for whoever is to trust them.
  var bundlePEM: String {
    get throws { try authorities.map { try $0.pem() }.joined() }
  }

  /// What to serve with.
  var identity: TLSIdentity {
    get throws {
      TLSIdentity(certificateChain: Array(try leaf.pem().utf8), privateKey: Array(leafKeyPEM.utf8))
    }
  }

  /// Whether the newest authority signed the server's certificate.
  var isLeafOfNewest: Bool { leaf.isIssued(by: authorities[0]) }

  /// Whether a bundle lets clients accept the server's certificate.
  func isLeafTrusted(by bundle: [Certificate]) -> Bool { bundle.contains { leaf.isIssued(by: $0) } }

  /// Whether a bundle is that of these authorities.
  func isBundle(_ bundle: [Certificate]) -> Bool {
    bundle.count == authorities.count && zip(bundle, authorities).allSatisfy { $0.isIdentical(to: $1) }
  }
}
