import Testing

/// A command line, and what must come of it.
struct CommandCase: Sendable, CustomTestStringConvertible {
  var name: String
  var arguments: [String]
  var files: [String: String] = [:]
  var input = ""
  var status: Int32 = 0
  /// All of standard output; nil where the pieces below say enough.
  var output: String?
  var outputHas: [String] = []
  /// What neither stream may hold.
  var lacks: [String] = []
  var errorsHave: [String] = []

  var testDescription: String { name }

  /// Runs the program and compares.
  func check() async throws {
    let folder = try TemporaryFolder(files)
    let run = try await CommandRun.run(arguments, in: folder.url, input: Array(input.utf8))
    #expect(run.status == status, "\(run.output)\(run.errors)")
    if let output { #expect(run.output == output, "\(run.errors)") }
    for piece in outputHas { #expect(run.output.contains(piece)) }
    for piece in lacks { #expect(!run.output.contains(piece) && !run.errors.contains(piece)) }
    for piece in errorsHave { #expect(run.errors.contains(piece)) }
    if errorsHave.isEmpty && status == 0 { #expect(run.errors.isEmpty) }
  }
}
