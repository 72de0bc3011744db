import Foundation
import Rego

/// Runs a credential plugin and keeps what it printed until that expires.
actor ExecCredentials {
  /// The status of an ExecCredential.
  struct Credential: Sendable, Hashable {
    var token: String?
    var certificate: [UInt8]?
    var key: [UInt8]?
    var expiry: Date?
  }

  private let plugin: ExecPlugin
  private var credential: Credential?
  private var running: Task<Credential, any Error>?
  /// What a plugin may print.
  private static let maximumBytes = 1 << 20
  private static let timeout = Duration.seconds(60)

  init(_ plugin: ExecPlugin) { self.plugin = plugin }

  /// The credentials that are valid now.
  ///
  /// - Throws: ``APIError/credentials(reason:)``.
  func current(afterRefusal isRefused: Bool) async throws -> Credential {
    if let running { return try await running.value }
    if let credential, !isRefused, credential.expiry.map({ $0.timeIntervalSinceNow > 10 }) ?? true {
      return credential
    }
    let plugin = plugin
    let task = Task.detached { try await Self.run(plugin) }
    running = task
    defer { running = nil }
    let made = try await task.value
    credential = made
    return made
  }

  private static func run(_ plugin: ExecPlugin) async throws -> Credential {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [plugin.command] + plugin.arguments
    var environment = ProcessInfo.processInfo.environment
    for variable in plugin.environment { environment[variable.name] = variable.value }
    environment["KUBERNETES_EXEC_INFO"] =
      #"{"apiVersion":"\#(plugin.apiVersion)","kind":"ExecCredential","spec":{"interactive":false}}"#
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    do {
      try process.run()
    } catch {
      throw APIError.credentials(reason: "\(plugin.command) cannot be run\(hint(plugin))")
    }
    let watchdog = Task {
      try await Task.sleep(for: timeout)
      process.terminate()
    }
    defer { watchdog.cancel() }
    let printed = (try? output.fileHandleForReading.read(upToCount: maximumBytes)) ?? Data()
    if printed.count >= maximumBytes { process.terminate() }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw APIError.credentials(
        reason: "\(plugin.command) ended with status \(process.terminationStatus)\(hint(plugin))")
    }
    return try credential(in: [UInt8](printed), plugin)
  }

  private static func credential(in printed: [UInt8], _ plugin: ExecPlugin) throws -> Credential {
    guard let object = try? JSONReader.value(printed), object["kind"] == "ExecCredential",
      let status = object["status"]
    else { throw APIError.credentials(reason: "\(plugin.command) printed no ExecCredential") }
    var credential = Credential()
    credential.token = status["token"]?.string
    credential.certificate = status["clientCertificateData"]?.string.map { Array($0.utf8) }
    credential.key = status["clientKeyData"]?.string.map { Array($0.utf8) }
    if let text = status["expirationTimestamp"]?.string {
      guard let date = try? Date(text, strategy: .iso8601) else {
        throw APIError.credentials(
          reason: "\(plugin.command) printed an expirationTimestamp that is no time: \"\(text)\"")
      }
      credential.expiry = date
    }
    guard credential.token != nil || credential.certificate != nil && credential.key != nil else {
      throw APIError.credentials(
        reason: "\(plugin.command) printed neither a token nor a certificate with its key")
    }
    return credential
  }

  private static func hint(_ plugin: ExecPlugin) -> String { plugin.installHint.map { ": \($0)" } ?? "" }
}
