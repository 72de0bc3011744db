import ArgumentParser
import Foundation
import Kubernetes
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

  @Flag(name: .long, help: "Exit with 1 where the query is undefined.")
  var fail = false

  @Flag(name: .long, help: "Exit with 1 where the query is defined.")
  var failDefined = false

  @Option(name: .long, help: ArgumentHelp("Give up after this many seconds.", valueName: "seconds"))
  var timeout: Double?

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
    let outcome: QueryOutput.Outcome
    do {
      if stdin { text = try InputFile.text(try InputFile.read(InputFile.standardInput), name: "<stdin>") }
      outcome = try evaluate(text)
    } catch let problem as InputProblem {
      outcome = .problems([.file(problem)])
    } catch let errors as RegoErrors {
      outcome = .problems(errors.errors.map { .rego($0) })
    } catch let error as RegoError {
      outcome = .problems([.rego(error)])
    }
    let output = QueryOutput(query: text, outcome: outcome)
    output.print(as: format)
    if !output.problems.isEmpty { throw ExitCode.notDone }
    if fail && output.isUndefined || failDefined && !output.isUndefined { throw ExitCode.violations }
  }

  private func evaluate(_ text: String) throws -> QueryOutput.Outcome {
    var documents = EvaluationDocuments(dialect: v0Compatible ? .v0 : v1Compatible ? .v1 : nil)
    for path in data { documents.load(path) }
    for path in bundle { documents.loadBundle(path) }
    if !documents.problems.isEmpty { return .problems(documents.problems) }
    let conflicts = documents.conflicts()
    if !conflicts.isEmpty { throw RegoErrors(conflicts) }
    let inputPath = stdinInput ? InputFile.standardInput : input
    let input = try inputPath.map { path in
      try DocumentReader.value(try InputFile.read(path), name: InputFile.name(path))
    }

    var options = RegoCompiler.Options()
    options.builtins = .standard.adding(KubernetesBuiltins.all)
    (options.queryPackage, options.queryImports) = try queryContext()
    let body = try RegoParser.query(text, dialect: v0Compatible ? .v0 : .v1)
    let program = try RegoCompiler(options).compile(documents.modules, queries: [body])
    let deadline = timeout.map { ContinuousClock.now + .seconds($0) }
    let now = Int(Date().timeIntervalSince1970 * 1e9)
    let evaluation = Evaluation(
      program, input: input, data: documents.data,
      context: BuiltinContext(nowNanoseconds: now, deadline: deadline),
      limits: EvaluationLimits(deadline: deadline), strictBuiltinErrors: strictBuiltinErrors,
      printer: { text, _ in Console.error.write(line: text) })
    return .results(try evaluation.results())
  }

  /// What `--package` and `--import` say, read as the head of a module.
  private func queryContext() throws -> (package: [RegoString], imports: [Import]) {
    let head = "package \(package ?? "unnamed")\n" + `import`.map { "import \($0)\n" }.joined()
    let module = try RegoParser.module(head, file: "", dialect: v0Compatible ? .v0 : .v1)
    return (package == nil ? [] : module.package.path, module.imports)
  }
}

extension QueryOutput.Format: ExpressibleByArgument {}
