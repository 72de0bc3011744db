import ArgumentParser
import Foundation
import Connectivity
import Rego

struct Test: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the tests of policies.",
    discussion: """
      Tests are rules whose names begin with test_; those that begin with todo_test_ are skipped. A test passes where its value is true. \
      Of a test that fails, the last expression that did not hold is shown with the values of what it mentions.

      EXAMPLES
        portcullis test policies/
        portcullis test policies/ --run 'deny_.*latest' --verbose
        portcullis test policies/ --coverage --threshold 90
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case pretty
    case json
    case junit
  }

  @Argument(
    help: ArgumentHelp(
      "Modules (.rego), data files (.json, .yaml) and folders of both; data loads below the names of its folders.",
      valueName: "path"))
  var paths: [String]

  @Flag(name: .shortAndLong, help: "The paths are bundles: folders, or .tar.gz.")
  var bundle = false

  @Option(
    name: [.customShort("r"), .customLong("run")],
    help: ArgumentHelp(
      "Run the tests alone whose full names (data.example.test_one) the regular expression matches.",
      valueName: "regex"))
  var pattern: String?

  @Flag(name: .shortAndLong, help: "Print which lines the tests reach, as JSON.")
  var coverage = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Exit with 1 where the tests reach less than this of the lines, in percent; implies --coverage.",
      valueName: "percent"))
  var threshold: Double?

  @Option(name: .shortAndLong, help: "How to print results.")
  var format = Format.pretty

  @Flag(name: .shortAndLong, help: "Print every test, and of those that fail what led to it.")
  var verbose = false

  @Flag(name: .long, help: "Print the values of what failing expressions mention: as is done anyway.")
  var varValues = false

  @Flag(name: [.customShort("z"), .long], help: "Exit with 0 where tests are skipped: as is done anyway.")
  var exitZeroOnSkipped = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "How many tests run at a time. (default: as many as there are cores)", valueName: "number"))
  var parallel: Int?

  @Option(name: .long, help: ArgumentHelp("How long a test may take, such as 5s.", valueName: "duration"))
  var timeout = TimeLimit.seconds(5)

  @Flag(name: .long, help: "Read modules as Rego v0 only.")
  var v0Compatible = false

  @Flag(
    name: .long,
    help: "Read modules as Rego v1 only. By default each is read as v1, and where that fails as v0.")
  var v1Compatible = false

  func validate() throws {
    if v0Compatible && v1Compatible {
      throw ValidationError("give --v0-compatible or --v1-compatible, not both")
    }
    if let threshold, !(0...100).contains(threshold) {
      throw ValidationError("--threshold must be a number from 0 to 100")
    }
    if let parallel, parallel < 1 { throw ValidationError("--parallel must be at least 1") }
    if paths.isEmpty { throw ValidationError("give a path of policies") }
  }

  func run() throws {
    let documents = documents()
    var problems = documents.problems.map(\.report)
    problems += documents.conflicts().map(\.report)
    if !problems.isEmpty { throw CommandFailure(problems) }
    let suite = TestSuite(documents.modules)
    let tests = try selected(suite.tests)
    var options = RegoCompiler.Options()
    options.builtins = .policies
    options.interner = documents.interner
    options.sources = documents.sources
    let recorder = coverage || threshold != nil ? CoverageRecorder() : nil
    let sources = SourceText(documents.sources)
    let results: [TestResult]
    do throws(RegoErrors) {
      let program = try RegoCompiler(options).compile(suite.modules)
      var traced = options
      traced.isInstrumented = true
      let compiler = RegoCompiler(traced)
      var runner = TestRunner(
        tests: tests, program: program,
        instrumented: { () throws(RegoErrors) -> Program in try compiler.compile(suite.modules) },
        data: documents.data,
        model: ClusterModel(data: documents.data, for: program), timeout: timeout.duration, coverage: recorder
      )
      if verbose { runner.keepsTrace = { $0.operation != .evaluate && $0.operation != .redo } }
      results = try runner.run(parallel: parallel ?? ProcessInfo.processInfo.activeProcessorCount)
    } catch {
      throw CommandFailure(error.errors.map(\.report))
    }
    if tests.isEmpty { Console.error.write(line: "no tests were found") }
    try print(results, sources, recorder, documents.modules)
  }

  private func documents() -> EvaluationDocuments {
    var documents = EvaluationDocuments(dialect: v0Compatible ? .v0 : v1Compatible ? .v1 : nil)
    for path in paths {
      if bundle { documents.loadBundle(path) } else { documents.load(path) }
    }
    return documents
  }

  private func selected(_ tests: [TestSuite.Test]) throws -> [TestSuite.Test] {
    guard let pattern else { return tests }
    do throws(RegularExpressionError) {
      let expression = try RegularExpression(RegoString(pattern))
      return tests.filter { expression.matches(RegoString("\($0.packageName).\($0.ruleName)")) }
    } catch {
      throw ValidationError("--run: \(error)")
    }
  }

  private func print(
    _ results: [TestResult], _ sources: SourceText, _ recorder: CoverageRecorder?, _ modules: [Module]
  ) throws {
    let hasFailed = results.contains { $0.hasFailed || $0.error != nil }
    if let recorder, !hasFailed {
      let report = recorder.report(on: modules)
      if let threshold, report.coverage < threshold {
        Console.error.write(
          line: String(
            format: "Code coverage threshold not met: got %.2f instead of %.2f", report.coverage, threshold))
        if verbose {
          Console.error.write(line: "Lines not covered:")
          for line in report.missedLines { Console.error.write(line: "\t\(line)") }
        }
        throw ExitCode.violations
      }
      Console.output.write(line: report.json.text)
      return
    }
    switch recorder == nil ? format : .pretty {
    case .pretty:
      Console.output.write(TestReport(results: results, sources: sources, isVerbose: verbose).text)
    case .json: Console.output.write(line: TestReport(results: results, sources: sources).json.text)
    case .junit: Console.output.write(JUnitReport(results: results, sources: sources).text)
    }
    if hasFailed { throw ExitCode.violations }
  }
}

/// How long something may take: a number of seconds, or a duration such as `1m30s` or `500ms`.
enum TimeLimit: ExpressibleByArgument, CustomStringConvertible {
  case nanoseconds(Int)

  static func seconds(_ seconds: Int) -> TimeLimit { .nanoseconds(seconds * 1_000_000_000) }

  init?(argument: String) {
    if let seconds = Double(argument) {
      guard seconds > 0, seconds < 1e9 else { return nil }
      self = .nanoseconds(Int(seconds * 1e9))
      return
    }
    guard let nanoseconds = GoDuration.nanoseconds(argument), nanoseconds > 0 else { return nil }
    self = .nanoseconds(nanoseconds)
  }

  var duration: Duration {
    switch self {
    case .nanoseconds(let nanoseconds): .nanoseconds(nanoseconds)
    }
  }

  var description: String {
    switch self {
    case .nanoseconds(let nanoseconds): GoDurationText.text(nanoseconds: nanoseconds)
    }
  }
}
