import Testing

/// What every command does alike.
@Suite("Command line")
struct UsageTests {
  static let commands = [
    "eval", "fmt", "review", "check", "serve", "capabilities", "certs", "coverage", "suggest", "version",
  ]

  @Test("Every command explains itself with an example", arguments: commands)
  func help(_ command: String) async throws {
    let folder = try TemporaryFolder()
    let run = try await CommandRun.run([command, "--help"], in: folder.url)
    #expect(run.status == 0)
    #expect(run.errors.isEmpty)
    #expect(run.output.contains("EXAMPLE") && run.output.contains("  portcullis \(command)"))
  }

  static let cases: [CommandCase] = [
    CommandCase(name: "no command prints the help", arguments: [], outputHas: commands),
    CommandCase(name: "help by name", arguments: ["help", "eval"], outputHas: ["USAGE: portcullis eval"]),
    CommandCase(
      name: "an unknown command", arguments: ["chekc"], status: 2, output: "",
      errorsHave: ["chekc", "Usage: portcullis"]),
    CommandCase(
      name: "an unknown flag", arguments: ["eval", "--nope", "1"], status: 2, output: "",
      errorsHave: ["--nope"]),
    CommandCase(
      name: "a value that is none of those there are", arguments: ["eval", "-f", "xml", "1"], status: 2,
      output: "",
      errorsHave: ["xml", "json"]),
    CommandCase(
      name: "a query that is missing", arguments: ["eval"], status: 2, output: "",
      errorsHave: ["give a query"]),
    CommandCase(
      name: "flags that contradict each other", arguments: ["eval", "--fail", "--fail-defined", "1"],
      status: 2,
      output: "", errorsHave: ["not both"]),
    CommandCase(name: "version for people", arguments: ["version"], outputHas: ["portcullis 0.1.0"]),
    CommandCase(
      name: "version for programs", arguments: ["version", "--format", "json"],
      outputHas: [#""version": "0.1.0""#]),
  ]

  @Test("Usage", arguments: cases)
  func usage(_ command: CommandCase) async throws { try await command.check() }
}
