import Foundation
import Synchronization

/// Gives requests the headers that show who makes them.
final class CredentialStore: Sendable {
  private let credentials: ClientConfiguration.Credentials
  private let plugin: ExecCredentials?
  let impersonation: [(name: String, value: String)]
  /// A token file is small; anything larger is none.
  private static let maximumTokenBytes = 256 << 10

  init(_ configuration: ClientConfiguration) {
    credentials = configuration.credentials
    if case .exec(let plugin) = configuration.credentials {
      self.plugin = ExecCredentials(plugin)
    } else {
      plugin = nil
    }
    var headers: [(name: String, value: String)] = []
    if let impersonation = configuration.impersonation {
      headers.append(("Impersonate-User", impersonation.user))
      headers += impersonation.groups.map { ("Impersonate-Group", $0) }
      if let uid = impersonation.uid { headers.append(("Impersonate-Uid", uid)) }
    }
    impersonation = headers
  }

  /// Whether asking again after a refusal can give other credentials.
  var canRefresh: Bool {
    switch credentials {
    case .tokenFile, .exec: true
    case .none, .token, .basic: false
    }
  }

  /// The `Authorization` header's value; nil where there is none to send.
  ///
  /// A token's file is read for every request: requests are few, and a token that has been replaced is then never used again.
  ///
  /// - Parameter isRefused: whether the server has just refused the last one.
  /// - Throws: ``APIError/credentials(reason:)``.
  func authorization(afterRefusal isRefused: Bool) async throws -> String? {
    switch credentials {
    case .none: return nil
    case .token(let token): return "Bearer \(token)"
    case .basic(let user, let password):
      return "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    case .tokenFile(let path): return "Bearer \(try Self.token(in: path))"
    case .exec:
      return try await plugin?.current(afterRefusal: isRefused).token.map { "Bearer \($0)" }
    }
  }

  /// The client certificate that a plugin gave, where it did.
  func identity() async throws -> ExecCredentials.Credential? {
    guard let plugin else { return nil }
    let credential = try await plugin.current(afterRefusal: false)
    return credential.certificate == nil ? nil : credential
  }

  private static func token(in path: String) throws -> String {
    guard let bytes = try? BoundedFile.read(path, maximumBytes: maximumTokenBytes) else {
      throw APIError.credentials(reason: "\(path): cannot be read")
    }
    let token = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw APIError.credentials(reason: "\(path): holds no token")
    }
    return token
  }
}

/// Small files, read whole.
enum BoundedFile {
  struct Failure: Error {
    var reason: String
  }

  static func read(_ path: String, maximumBytes: Int) throws(Failure) -> [UInt8] {
    guard let file = FileHandle(forReadingAtPath: path) else { throw Failure(reason: "cannot be read") }
    defer { try? file.close() }
    let data: Data
    do {
      data = try file.read(upToCount: maximumBytes + 1) ?? Data()
    } catch {
      throw Failure(reason: "cannot be read")
    }
    guard data.count <= maximumBytes else {
      throw Failure(reason: "is larger than \(maximumBytes) bytes")
    }
    return [UInt8](data)
  }
}
