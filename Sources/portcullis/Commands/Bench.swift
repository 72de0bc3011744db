import ArgumentParser
import Connectivity
import Rego

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how long a query takes.",
    discussion: """
      Evaluates a query again and again, on one input after the other, and prints the time that half of the evaluations and that 99 % of \
      them stay below. Policies are compiled once, and of each input only what they can read is built, as `serve` does.

      EXAMPLES
        portcullis bench --policies policy.rego --input review.json data.example.deny
        portcullis bench --policies policies/ --data inventory.json --input reviews/ --format json data.example.deny
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case pretty
    case json
  }

  @Argument(help: ArgumentHelp("The query, mostly a rule such as data.example.deny.", valueName: "query"))
  var query: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A policy (.rego) or a folder of them; tests (*_test.rego) are passed over. Repeat for more.",
      valueName: "path"))
  var policies: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A data file (.json, .yaml) or a folder, as for `eval`. Repeat for more.", valueName: "path"))
  var data: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The document `input`, as JSON or YAML, or a folder of such files to take in turn.",
      valueName: "path"))
  var input: String?

  @Option(name: .long, help: ArgumentHelp("How many evaluations to time.", valueName: "number"))
  var count = 5000

  @Option(name: .shortAndLong, help: "How to print the times.")
  var format = Format.pretty

  func validate() throws {
    if count < 1 || count > 100_000_000 {
      throw ValidationError("--count must be a number from 1 to 100000000")
    }
  }

  func run() throws {
    let report: BenchmarkReport
    do {
      let benchmark = try benchmark()
      report = try benchmark.run(count: count)
    } catch let problem as InputProblem {
      throw CommandFailure(problem.description)
    } catch let errors as RegoErrors {
      throw CommandFailure(errors.errors.map(\.report))
    } catch let error as RegoError {
      throw CommandFailure(error.description)
    }
    if report.undefinedInputs > 0 {
      Console.error.write(
        line: "warning: the query is undefined for \(report.undefinedInputs) of \(report.inputs) inputs")
    }
    switch format {
    case .json: Console.output.write(line: report.json.text)
    case .pretty: Console.output.write(report.table.text)
    }
  }

  private func benchmark() throws -> Benchmark {
    var options = RegoCompiler.Options()
    options.builtins = .policies
    var documents = EvaluationDocuments(dialect: nil, interner: options.interner)
    for path in policies {
      documents.load(path, isWanted: { $0.hasSuffix(".rego") && !$0.hasSuffix("_test.rego") })
    }
    for path in data { documents.load(path, isWanted: { !$0.hasSuffix("_test.rego") }) }
    if !documents.problems.isEmpty { throw CommandFailure(documents.problems.map(\.report)) }
    let conflicts = documents.conflicts()
    if !conflicts.isEmpty { throw RegoErrors(conflicts) }
    options.sources = documents.sources
    options.sources[""] = query
    return try Benchmark(
      query: query, modules: documents.modules, data: documents.data, inputs: try inputs(), options: options)
  }

  /// The bytes of each input, as JSON.
  private func inputs() throws(InputProblem) -> [Benchmark.Input] {
    guard let input else { return [] }
    var paths = [input]
    if InputFile.isDirectory(input) {
      paths = try FileTree.files(below: input).map(\.path).filter(DocumentReader.isDataFile)
      if paths.isEmpty { throw InputProblem(file: input, problem: "holds no JSON or YAML file") }
    }
    var inputs: [Benchmark.Input] = []
    for path in paths {
      let bytes = try InputFile.read(path)
      let name = InputFile.name(path)
      let value = try DocumentReader.value(bytes, name: name)
      // What the server gets is JSON.
      let isJSON = (try? JSONReader.value(bytes)) != nil
      inputs.append(
        Benchmark.Input(name: name, bytes: isJSON ? bytes : Array(JSONWriter().string(value).utf8)))
    }
    return inputs
  }
}
