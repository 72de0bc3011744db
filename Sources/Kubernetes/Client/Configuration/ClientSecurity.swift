import Synchronization
import TLS

/// Makes the TLS context of new connections, anew where the files that it is made of have changed.
final class ClientSecurity: Sendable {
  private struct Material: Hashable {
    var authorities: [UInt8]?
    var certificate: [UInt8]?
    var key: [UInt8]?
  }

  private let configuration: ClientConfiguration
  private let made = Mutex<(material: Material, context: TLSContext)?>(nil)
  private static let maximumBytes = 4 << 20

  init(_ configuration: ClientConfiguration) { self.configuration = configuration }

  /// What the next connection uses; nil where the server speaks plain HTTP.
  ///
  /// - Parameter plugin: the certificate that a credential plugin gave.
  /// - Throws: ``APIError/credentials(reason:)``.
  func context(plugin: ExecCredentials.Credential?) throws -> TLSContext? {
    guard configuration.server.isSecure else { return nil }
    let material = Material(
      authorities: try bytes(configuration.authorities),
      certificate: try plugin?.certificate ?? bytes(configuration.clientCertificate),
      key: try plugin?.key ?? bytes(configuration.clientKey))
    return try made.withLock { made in
      if let made, made.material == material { return made.context }
      var identity: TLSIdentity?
      if let certificate = material.certificate, let key = material.key {
        identity = TLSIdentity(certificateChain: certificate, privateKey: key)
      }
      let context: TLSContext
      do {
        context = try TLSContext.client(
          authorities: material.authorities, identity: identity,
          verifiesServer: !configuration.skipsVerification)
      } catch {
        throw APIError.credentials(reason: "\(configuration.origin): \(error)")
      }
      made = (material, context)
      return context
    }
  }

  /// The name that the server's certificate must carry.
  var serverName: String { configuration.serverName ?? configuration.server.host }

  private func bytes(_ source: ClientConfiguration.Source?) throws -> [UInt8]? {
    switch source {
    case nil: return nil
    case .bytes(let bytes)?: return bytes
    case .file(let path)?:
      do {
        return try BoundedFile.read(path, maximumBytes: Self.maximumBytes)
      } catch {
        throw APIError.credentials(reason: "\(path): \(error.reason)")
      }
    }
  }
}
