import ArgumentParser
import Foundation
import Connectivity
import Rego

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Evaluate a Rego query.",
    discussion: """
      Prints every way in which the query holds, in the shape of `opa eval`. What policies print goes to standard error.

      EXAMPLES
        portcullis eval '1 + 1'
        portcullis eval --data policy.rego --input review.json 'data.example.deny'
        portcullis eval --data policies/ --stdin-input --format pretty 'data' <review.json
      """)

  @Argument(help: ArgumentHelp("The query: expressions, with ; between them.", valueName: "query"))
  var query: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A module (.rego), a data file (.json, .yaml) or a folder of both; PREFIX:PATH puts data below data.PREFIX. Repeat for more.",
      valueName: "path"))
  var data: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A bundle: a folder or a .tar.gz. Repeat for more.", valueName: "path"))
  var bundle: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The document `input`, as JSON or YAML; - is standard input.", valueName: "file"))
  var input: String?

  @Flag(name: [.customShort("I"), .long], help: "Read the document `input` from standard input.")
  var stdinInput = false

  @Flag(name: .long, help: "Read the query from standard input.")
  var stdin = false

  @Option(name: .shortAndLong, help: "How to print what the query comes to.")
  var format = QueryOutput.Format.json

  @Option(
    name: .long,
    help: ArgumentHelp("The package whose rules the query names without their path.", valueName: "path"))
  var package: String?

  @Option(
    name: .long,
    help: ArgumentHelp("What the query imports, such as data.lib.names. Repeat for more.", valueName: "path"))
  var `import`: [String] = []

  @Flag(name: .long, help: "Read modules and query as Rego v0, in which `if` and `contains` are no keywords.")
  var v0Compatible = false

  @Flag(
    name: .long,
    help: "Read modules as Rego v1 only. By default each is read as v1, and where that fails as v0.")
  var v1Compatible = false

  @Flag(
    name: .long,
    help: "An error of a builtin ends the evaluation, rather than making its expression undefined.")
  var strictBuiltinErrors = false

  @Flag(
    name: [.customShort("S"), .long],
    help:
      "Refuse unused imports, variables and arguments, and deprecated builtins, as OPA's strict mode does.")
  var strict = false

  @Flag(name: .long, help: "Exit with 1 where the query is undefined.")
  var fail = false

  @Flag(name: .long, help: "Exit with 1 where the query is defined.")
  var failDefined = false

  @Option(name: .long, help: ArgumentHelp("Give up after this many seconds.", valueName: "seconds"))
  var timeout: Double?

  @Option(
    name: .long,
    help: "Print the steps of the evaluation: what policies note using trace, what fails, or everything.")
  var explain = TraceText.Mode.off

  @Flag(name: .long, help: "Print how long the parts of the evaluation took.")
  var metrics = false

  @Flag(name: .long, help: "Print which lines of the modules the evaluation reached.")
  var coverage = false

  @Flag(name: .long, help: "Print the expressions that took longest.")
  var profile = false

  func validate() throws {
    if stdin == (query != nil) { throw ValidationError("give a query, or --stdin to read one") }
    if v0Compatible && v1Compatible {
      throw ValidationError("give --v0-compatible or --v1-compatible, not both")
    }
    if fail && failDefined { throw ValidationError("give --fail or --fail-defined, not both") }
    let readers = [stdin, stdinInput || input == InputFile.standardInput].filter(\.self)
    if readers.count > 1 || stdinInput && input != nil {
      throw ValidationError("only one thing can be read from standard input, and there is one input")
    }
    if let timeout, !(timeout > 0 && timeout < 1e9) {
      throw ValidationError("--timeout must be a number of seconds above 0")
    }
  }

  func run() throws {
    var text = query ?? ""
    let record = EvaluationRecord(mode: explain, profiles: profile, covers: coverage)
    var documents = EvaluationDocuments(
      dialect: v0Compatible ? .v0 : v1Compatible ? .v1 : nil, record: record)
    let outcome: QueryOutput.Outcome
    do {
      if stdin { text = try InputFile.text(try InputFile.read(InputFile.standardInput), name: "<stdin>") }
      outcome = try evaluate(text, &documents, record)
    } catch let problem as InputProblem {
      outcome = .problems([.file(problem)])
    } catch let errors as RegoErrors {
      outcome = .problems(errors.errors.map { .rego($0) })
    } catch let error as RegoError {
      outcome = .problems([.rego(error)])
    }
    if record.hasMoreEvents { Console.error.write(line: "the trace is cut: it has too many steps") }
    var output = QueryOutput(query: text, outcome: outcome)
    output.details = details(record, documents, query: text)
    output.print(as: format)
    if !output.problems.isEmpty { throw ExitCode.notDone }
    if fail && output.isUndefined || failDefined && !output.isUndefined { throw ExitCode.violations }
  }

  private func evaluate(
    _ text: String, _ documents: inout EvaluationDocuments, _ record: EvaluationRecord
  ) throws -> QueryOutput.Outcome {
    record.time("rego_load_files") {
      for path in data { documents.load(path) }
      for path in bundle { documents.loadBundle(path) }
    }
    if !documents.problems.isEmpty { return .problems(documents.problems) }
    let conflicts = documents.conflicts()
    if !conflicts.isEmpty { throw RegoErrors(conflicts) }
    let inputPath = stdinInput ? InputFile.standardInput : input
    let input = try record.time("rego_input_parse") { () throws -> Value? in
      try inputPath.map { path in
        try DocumentReader.value(try InputFile.read(path), name: InputFile.name(path))
      }
    }

    var options = RegoCompiler.Options()
    options.builtins = .policies
    options.isInstrumented = record.isInstrumented
    options.isStrict = strict
    options.sources = documents.sources
    options.sources[""] = text
    (options.queryPackage, options.queryImports) = try queryContext()
    let body = try record.time("rego_query_parse") { () throws -> Body in
      try RegoParser.query(text, dialect: v0Compatible ? .v0 : .v1)
    }
    let program = try record.time("rego_query_compile") { () throws -> Program in
      try RegoCompiler(options).compile(documents.modules, queries: [body])
    }
    let deadline = timeout.map { ContinuousClock.now + .seconds($0) }
    let now = Int(Date().timeIntervalSince1970 * 1e9)
    let evaluation = Evaluation(
      program, input: input, data: documents.data,
      context: BuiltinContext(
        nowNanoseconds: now, deadline: deadline,
        host: ClusterModel(data: documents.data, for: program)?.question(input)),
      limits: EvaluationLimits(deadline: deadline), strictBuiltinErrors: strictBuiltinErrors,
      printer: { text, _ in Console.error.write(line: text) })
    if record.isInstrumented { evaluation.trace { record.note($0) } }
    defer { record.finish() }
    return .results(
      try record.time("rego_query_eval") { () throws -> [Evaluation.Result] in try evaluation.results() })
  }

  /// What is told beside the results.
  private func details(
    _ record: EvaluationRecord, _ documents: EvaluationDocuments, query: String
  ) -> QueryOutput.Details {
    var details = QueryOutput.Details()
    details.sources = SourceText(documents.sources, query: query)
    details.explanation = TraceText.events(record.events, explain)
    if metrics { details.metrics = record.metrics }
    if coverage { details.coverage = record.coverage(of: documents.modules) }
    if profile { details.profile = record.profile.longest }
    return details
  }

  /// What `--package` and `--import` say, read as the head of a module.
  private func queryContext() throws -> (package: [RegoString], imports: [Import]) {
    let head = "package \(package ?? "unnamed")\n" + `import`.map { "import \($0)\n" }.joined()
    let module = try RegoParser.module(head, file: "", dialect: v0Compatible ? .v0 : .v1)
    return (package == nil ? [] : module.package.path, module.imports)
  }
}

extension QueryOutput.Format: ExpressibleByArgument {}
extension TraceText.Mode: ExpressibleByArgument {}
