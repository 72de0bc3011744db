import Admission
import ArgumentParser
import Foundation
import Rego

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run test suites of Gatekeeper's constraints.",
    discussion: """
      Runs what `gator verify` runs, and prints what it prints: files of the kind Suite, each with templates, constraints and the objects \
      that they must refuse or let through. Exits with 1 where a test fails or cannot be run.

      EXAMPLES
        portcullis verify library/general/requiredlabels
        portcullis verify library/...
        portcullis verify library/... --run 'must-have-owner//disallowed'
      """)

  @Argument(
    help: ArgumentHelp(
      "A suite, a folder with suites, or FOLDER/... for those of its sub-folders too.", valueName: "path"))
  var paths: [String]

  @Option(
    name: [.customShort("r"), .customLong("run")],
    help: ArgumentHelp(
      "Run the tests and cases alone whose names the regular expression matches; TEST//CASE has one for each.",
      valueName: "regex"))
  var pattern = ""

  @Flag(name: .shortAndLong, help: "Print every test and case.")
  var verbose = false

  func validate() throws {
    if paths.isEmpty { throw ValidationError("give a path of suites") }
  }

  func run() throws {
    var suites: [ConstraintSuite] = []
    let filter: SuiteFilter
    do throws(PolicyProblems) {
      for path in paths { suites += try SuiteFiles.suites(at: path) }
    } catch {
      try fail("listing test files: \(error)")
    }
    do throws(RegularExpressionError) {
      filter = try SuiteFilter(pattern)
    } catch {
      try fail("compiling filter: invalid test filter: \(error)")
    }
    var runner = SuiteRunner(
      filter: filter, nowNanoseconds: Int(Date().timeIntervalSince1970 * 1e9))
    var results: [SuiteResult] = []
    for suite in suites { results.append(runner.run(suite)) }
    Console.output.write(line: VerifyOutput(results: results, isVerbose: verbose).text)
    if results.contains(where: \.hasFailed) { try fail("FAIL") }
  }

  /// Ends the command as gator ends.
  private func fail(_ message: String) throws -> Never {
    Console.error.write(line: "Error: \(message)")
    throw ExitCode.violations
  }
}
