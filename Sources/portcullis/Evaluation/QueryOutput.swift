import Rego

/// What an evaluation came to, in the shapes that `opa eval` prints.
struct QueryOutput {
  enum Format: String, CaseIterable {
    case json
    case pretty
    case raw
    case values
    case bindings
    case discard
  }

  let query: String
  let outcome: Outcome
  var details = Details()

  enum Outcome {
    case results([Evaluation.Result])
    case problems([EvaluationDocuments.Problem])
  }

  /// Whether nothing was found, or there are errors.
  var isUndefined: Bool {
    if case .results(let results) = outcome { results.isEmpty } else { true }
  }

  var problems: [EvaluationDocuments.Problem] {
    if case .problems(let problems) = outcome { problems } else { [] }
  }

  /// Prints results to standard output; errors too as JSON, else to standard error.
  func print(as format: Format) {
    if format == .pretty, !details.explanation.isEmpty {
      Console.output.write(TraceText(sources: details.sources).text(details.explanation))
    }
    switch outcome {
    case .problems(let problems):
      if format == .json {
        let errors = [("errors", OrderedJSON.array(problems.map(json)))]
        Console.output.write(line: OrderedJSON.object(errors + detailMembers).text)
      } else {
        let count = "\(problems.count) error\(problems.count == 1 ? "" : "s") occurred:"
        let separator = problems.count == 1 ? " " : "\n"
        Console.error.write(line: count + separator + problems.map(\.report).joined(separator: "\n"))
      }
    case .results(let results):
      switch format {
      case .json: Console.output.write(line: json(results).text)
      case .pretty: Console.output.write(pretty(results) + detailText)
      case .raw: for result in results { Console.output.write(line: raw(result)) }
      case .values:
        for result in results {
          Console.output.write(line: OrderedJSON.value(.array(result.expressions.map(\.value))).text)
        }
      case .bindings:
        for result in results { Console.output.write(line: OrderedJSON.value(bindings(result)).text) }
      case .discard:
        if details.isEmpty { break }
        let result: [(String, OrderedJSON)] = results.isEmpty ? [] : [("result", .string("discarded"))]
        Console.output.write(line: OrderedJSON.object(result + detailMembers).text)
      }
    }
  }

  // MARK: JSON

  private func json(_ results: [Evaluation.Result]) -> OrderedJSON {
    if results.isEmpty { return .object(detailMembers) }
    return .object([("result", .array(results.map(json)))] + detailMembers)
  }

  private func json(_ result: Evaluation.Result) -> OrderedJSON {
    let expressions = result.expressions.map { value, location in
      OrderedJSON.object([
        ("value", .value(value)),
        ("text", .string(text(at: location))),
        ("location", .object([("row", .int(location.line)), ("col", .int(location.column))])),
      ])
    }
    var members: [(String, OrderedJSON)] = [("expressions", .array(expressions))]
    if !result.bindings.isEmpty { members.append(("bindings", .value(bindings(result)))) }
    return .object(members)
  }

  private func bindings(_ result: Evaluation.Result) -> Value {
    .object(ObjectValue(result.bindings.map { (.string($0.name), $0.value) }))
  }

  private func json(_ problem: EvaluationDocuments.Problem) -> OrderedJSON {
    var members: [(String, OrderedJSON)] = [("message", .string(problem.message))]
    if case .rego(let error) = problem { members.append(("code", .string(error.code.rawValue))) }
    if let (file, line, column) = problem.place {
      members.append(
        ("location", .object([("file", .string(file)), ("row", .int(line)), ("col", .int(column))])))
    }
    return .object(members)
  }

  private func text(at location: Location) -> String {
    let bytes = query.utf8.dropFirst(location.offset).prefix(location.length)
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Text

  private func raw(_ result: Evaluation.Result) -> String {
    result.expressions.map { $0.value.string ?? JSONWriter().string($0.value) }.joined(separator: " ")
  }

  /// One value as it is; else a table of variables and of the expressions that are not just true or false.
  private func pretty(_ results: [Evaluation.Result]) -> String {
    guard let first = results.first else { return "undefined\n" }
    if results.count == 1, first.bindings.isEmpty, let expression = first.expressions.first,
      first.expressions.count == 1 || first.expressions.allSatisfy({ $0.value.boolean != nil })
    {
      return OrderedJSON.value(expression.value).text + "\n"
    }
    let shown = first.expressions.indices.filter { first.expressions[$0].value.boolean == nil }
    let header = first.bindings.map(\.name) + shown.map { text(at: first.expressions[$0].location) }
    let rows = results.map { result in
      (result.bindings.map(\.value) + shown.map { result.expressions[$0].value }).map(JSONWriter().string)
    }
    return TextTable(header: header, rows: rows).text
  }
}

extension EvaluationDocuments.Problem {
  /// `FILE:LINE: CODE: TEXT` for Rego, as OPA prints errors.
  var message: String {
    switch self {
    case .file(let problem): problem.description
    case .rego(let error): error.withoutColumn
    }
  }

  /// `FILE:LINE:COLUMN: CODE: TEXT`, then for Rego the line with a caret.
  var report: String {
    switch self {
    case .file(let problem): problem.description
    case .rego(let error): error.report
    }
  }

  var place: (file: String, line: Int, column: Int)? {
    switch self {
    case .file(let problem): problem.line.map { (problem.file, $0, problem.column ?? 1) }
    case .rego(let error): error.location.map { ($0.file, $0.line, $0.column) }
    }
  }
}
