import Foundation
import TLS
import WebhookServer

/// Where a server's certificate and key are, with those of the authority that signs them beside the certificate.
struct CertificateFolder {
  /// The names that a development certificate speaks for.
  static let loopbackNames = ["localhost", "127.0.0.1", "::1"]

  let certificate: String
  let key: String

  /// - Parameter folder: where `tls.crt` and `tls.key` are.
  init(_ folder: String) {
    certificate = CertificateFolder.path("tls.crt", in: folder)
    key = CertificateFolder.path("tls.key", in: folder)
  }

  init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }

  var authorityCertificate: String { CertificateFolder.path("ca.crt", in: folder) }
  var authorityKey: String { CertificateFolder.path("ca.key", in: folder) }

  var folder: String {
    let folder = (certificate as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }

  /// What ``issue(names:days:usesNewAuthority:)`` did.
  struct Issued {
    var authorityPEM: String
    var isNewAuthority: Bool
  }

  /// Makes a server certificate and writes it, with the authority that is there already or a new one.
  ///
  /// - Throws: `InputProblem` where a file cannot be read or written, `TLSError` where the authority or a name is no good.
  func issue(names: [String], days: Int, usesNewAuthority: Bool = false) throws -> Issued {
    try OutputFile.makeFolder(folder)
    let existing = usesNewAuthority ? nil : try existingAuthority()
    let made = try CertificateAuthority.make(names: names, validDays: days, ca: existing)
    if existing == nil {
      try OutputFile.write(made.caKeyPEM, to: authorityKey, isSecret: true)
      try OutputFile.write(made.caPEM, to: authorityCertificate)
    }
    try OutputFile.write(made.keyPEM, to: key, isSecret: true)
    try OutputFile.write(made.certPEM, to: certificate)
    return Issued(authorityPEM: made.caPEM, isNewAuthority: existing == nil)
  }

  private func existingAuthority() throws -> CertificateAuthority? {
    let files = FileManager.default
    switch (files.fileExists(atPath: authorityCertificate), files.fileExists(atPath: authorityKey)) {
    case (false, false): return nil
    case (true, true):
      let certificate = try InputFile.read(authorityCertificate)
      let key = try InputFile.read(authorityKey)
      return try CertificateAuthority(
        certificatePEM: try InputFile.text(certificate, name: authorityCertificate),
        privateKeyPEM: try InputFile.text(key, name: authorityKey))
    case (let hasCertificate, _):
      throw InputProblem(
        file: hasCertificate ? authorityCertificate : authorityKey,
        problem:
          "is there without \(hasCertificate ? authorityKey : authorityCertificate), so it can sign nothing")
    }
  }

  private static func path(_ name: String, in folder: String) -> String {
    (folder as NSString).appendingPathComponent(name)
  }
}
