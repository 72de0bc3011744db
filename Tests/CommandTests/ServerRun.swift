import Foundation
import Testing

/// A server that runs while a test talks to it.
final class ServerRun {
  struct Answer {
    var status: Int
    var body: String
  }

  let folder: TemporaryFolder
  private let process = Process()
  private let exits: AsyncStream<Int32>
  private var address = ""

  /// Starts a server on a free port of the loopback address, with a certificate that it makes, and waits until it listens.
  init(_ arguments: [String], in folder: TemporaryFolder) async throws {
    self.folder = folder
    let (exits, exit) = AsyncStream<Int32>.makeStream()
    self.exits = exits
    try folder.write("", to: "log/out")
    try folder.write("", to: "log/err")
    process.executableURL = CommandRun.program
    process.arguments = ["serve", "--listen", "127.0.0.1:0", "--shutdown-delay", "100ms"] + arguments
    process.currentDirectoryURL = folder.url
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: folder.url.appendingPathComponent("log/out"))
    process.standardError = try FileHandle(forWritingTo: folder.url.appendingPathComponent("log/err"))
    process.terminationHandler = { process in
      exit.yield(
        process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
      exit.finish()
    }
    try process.run()
    try await waitUntil("it listens") { errors.contains("reviews: https://") || !process.isRunning }
    let line = try #require(errors.split(separator: "\n").first { $0.hasPrefix("reviews: ") }, "\(errors)")
    address = String(line.dropFirst("reviews: ".count).dropLast("/validate".count))
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// What it has written to standard output and to standard error.
  var output: String { text("log/out") }
  var errors: String { text("log/err") }

  private func text(_ name: String) -> String {
    (try? String(contentsOf: folder.url.appendingPathComponent(name), encoding: .utf8)) ?? ""
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// The exit status, once it has ended.
  func end(limit: Duration = .seconds(30)) async -> Int32 {
    let identifier = process.processIdentifier
    let watchdog = Task {
      try await Task.sleep(for: limit)
      kill(identifier, SIGKILL)
    }
    defer { watchdog.cancel() }
    return await exits.first { _ in true } ?? -1
  }

  /// Asks with curl, which trusts the authority that the server made; posts the file where there is one.
  func ask(_ path: String, posting file: String? = nil) async throws -> Answer {
    var arguments = [
      "--silent", "--show-error", "--max-time", "20", "--cacert", "certs/ca.crt", "--write-out",
      "\n%{http_code}",
    ]
    if let file { arguments += ["--header", "Content-Type: application/json", "--data-binary", "@\(file)"] }
    let run = try await CommandRun.run(
      arguments + [address + path], in: folder.url, program: URL(fileURLWithPath: "/usr/bin/curl"))
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
    return Answer(
      status: lines.last.flatMap { Int($0) } ?? 0, body: lines.dropLast().joined(separator: "\n") + run.errors
    )
  }

  /// Waits until something holds, failing after a while.
  func waitUntil(_ what: String, _ holds: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while !(try await holds()) {
      if ContinuousClock.now >= end {
        Issue.record("waited in vain until \(what): \(errors)")
        return
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
