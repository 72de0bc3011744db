import Admission
import ArgumentParser
import Rego

struct Review: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answer AdmissionReviews as the server would.",
    discussion: """
      Reads an AdmissionReview from each file and prints the answer on a line of its own. Exits with 1 where one is refused.

      EXAMPLE
        portcullis review --inventory manifests/samples/cluster manifests/samples/reviews/*.json
      """)

  @Argument(help: ArgumentHelp("AdmissionReviews, as JSON or YAML; - is standard input.", valueName: "file"))
  var files: [String]

  @OptionGroup(title: "Policies") var options: PolicyOptions

  @Option(name: .shortAndLong, help: "Print each answer as one line of JSON, or indented.")
  var format = Format.json

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case json
    case pretty
  }

  func run() throws {
    let service: AdmissionService
    do {
      service = AdmissionService(try options.configuration().snapshot())
    } catch {
      throw error.failure
    }
    var problems: [String] = []
    var isRefused = false
    for file in files {
      do throws(InputProblem) {
        if !(try answer(file, service)) { isRefused = true }
      } catch {
        problems.append(error.description)
      }
    }
    if !problems.isEmpty { throw CommandFailure(problems) }
    if isRefused { throw ExitCode.violations }
  }

  /// Prints the answer to the review in a file.
  ///
  /// - Returns: whether the request is admitted.
  private func answer(_ file: String, _ service: AdmissionService) throws(InputProblem) -> Bool {
    let name = InputFile.name(file)
    let review = try DocumentReader.value(try InputFile.read(file), name: name)
    // From here on it is what the server does with the body of a request.
    var body: [UInt8] = []
    JSONWriter.append(review, to: &body)
    let deadline = ContinuousClock.now + .seconds(30)
    switch body.withUnsafeBytes({ service.answer($0, deadline: deadline, isFinal: true) }) {
    case .malformed(let reason): throw InputProblem(file: name, problem: reason)
    case .tooSlow, .unconfirmed: throw InputProblem(file: name, problem: "no decision was reached in time")
    case .decided(let decision, let response):
      switch format {
      case .json: Console.output.write(response + [UInt8(ascii: "\n")])
      case .pretty: Console.output.write(line: try Self.indented(response, name: name))
      }
      return decision.allowed
    }
  }

  private static func indented(_ response: [UInt8], name: String) throws(InputProblem) -> String {
    JSONWriter(indent: "  ", escapesHTML: false).string(try DocumentReader.value(response, name: name))
  }
}
