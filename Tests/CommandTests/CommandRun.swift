import Foundation

/// What a run of the program came to.
struct CommandRun {
  var status: Int32
  var output: String
  var errors: String

  /// The program, which the build leaves beside the tests.
  static let program: URL = {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return tests.deletingLastPathComponent().appendingPathComponent("portcullis")
  }()

  /// Runs the program to its end.
  ///
  /// - Parameter limit: after which it is killed, so that a test that hangs fails.
  static func run(
    _ arguments: [String], in folder: URL, input: [UInt8] = [], limit: Duration = .seconds(60),
    program: URL = CommandRun.program
  ) async throws -> CommandRun {
    let id = UUID().uuidString
    let files = ["in", "out", "err"].map { URL(fileURLWithPath: "/tmp/portcullis-test-\(id).\($0)") }
    defer { for file in files { try? FileManager.default.removeItem(at: file) } }
    try Data(input).write(to: files[0])
    for file in files[1...] { try Data().write(to: file) }

    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    let (exits, exit) = AsyncStream<Int32>.makeStream()
    process.terminationHandler = { process in
      // 128 and the signal's number, as shells say it.
      exit.yield(
        process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
      exit.finish()
    }
    try process.run()
    let identifier = process.processIdentifier
    let watchdog = Task {
      try await Task.sleep(for: limit)
      kill(identifier, SIGKILL)
    }
    let status = await exits.first { _ in true } ?? -1
    watchdog.cancel()
    return CommandRun(
      status: status, output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
  }
}

/// A folder with files in it, gone when the test is.
final class TemporaryFolder: Sendable {
  let url: URL

  init(_ files: [String: String] = [:]) throws {
    url = URL(fileURLWithPath: "/tmp/portcullis-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, text) in files { try write(text, to: name) }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  func write(_ bytes: [UInt8], to name: String) throws {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }
}
