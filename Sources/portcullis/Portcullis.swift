import ArgumentParser
import Foundation

/// The command line. Each command is a file below `Commands`.
@main
struct Portcullis: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "portcullis",
    abstract: "Keeps every workload of a Kubernetes cluster behind a network policy.",
    discussion: """
      A validating admission webhook and a gate for manifests, with policies in Rego.

      Commands exit with 0 where all is well, 1 where they found violations, and 2 where they could not do what was asked.
      Results go to standard output, everything else to standard error.

      EXAMPLES
        portcullis eval --data policy.rego --input review.json 'data.example.deny'
        portcullis check deploy/ --policies policies/
        portcullis serve --inventory manifests/samples/cluster
      """,
    version: Version.current.number,
    subcommands: [
      Serve.self, Review.self, Check.self, Audit.self, ConnectivityCommand.self, Coverage.self, Suggest.self,
      Eval.self,
      Test.self,
      Bench.self, Verify.self, Fmt.self, Capabilities.self, Certs.self, ShowVersion.self,
    ])

  /// Runs the command that the arguments name, and exits as every command promises to.
  static func main() async {
    do {
      var command = try await asyncParseAsRoot(nil)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      exit(after: error)
    }
  }

  /// ArgumentParser exits with 64 where the arguments are wrong; here everything that could not be done is 2.
  private static func exit(after error: any Error) -> Never {
    if let failure = error as? CommandFailure {
      for problem in failure.problems { Console.error.write(line: problem) }
      Foundation.exit(ExitCode.notDone.rawValue)
    }
    let code = exitCode(for: error)
    let message = fullMessage(for: error)
    let isAnswer = code == .success
    if !message.isEmpty { (isAnswer ? Console.output : Console.error).write(line: message) }
    Foundation.exit((isAnswer || code == .violations && message.isEmpty ? code : .notDone).rawValue)
  }
}

extension ExitCode {
  /// Violations were found.
  static let violations = ExitCode(1)
  /// What was asked could not be done.
  static let notDone = ExitCode(2)
}

/// Why a command could not do what was asked: sentences, each naming its file, line and column where it has one.
struct CommandFailure: Error {
  var problems: [String]

  init(_ problems: [String]) { self.problems = problems }
  init(_ problem: String) { problems = [problem] }
}
