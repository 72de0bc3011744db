import Foundation
import Rego

/// Results of tests in the shapes that `opa test` prints.
struct TestReport {
  var results: [TestResult]
  var sources: SourceText
  var isVerbose = false

  private static let rule = String(repeating: "-", count: 80) + "\n"

  // MARK: Text

  /// What failed and why, then a line a test that did not pass, and how many there were.
  var text: String {
    var text = ""
    let failures = results.filter(\.hasFailed)
    let shown = results.filter { isVerbose || !$0.hasPassed }
    if !failures.isEmpty {
      text += "FAILURES\n" + Self.rule
      for failure in failures { text += self.text(of: failure) }
      text += "SUMMARY\n" + Self.rule
    }
    var file: String?
    for result in shown {
      let name = result.test.location.file
      if file != name {
        if file != nil { text += "\n" }
        text += "\(name):\n"
        file = name
      }
      text += result.line + "\n"
      for (depth, one) in result.cases.flatMap({ $0.flattened(depth: 1) }) where isVerbose || one.hasFailed {
        text += "\(indent(depth))\(one.name): \(one.hasFailed ? "FAIL" : "PASS")\n"
      }
      if let error = result.error { text += "  \(error.withoutColumn)\n" }
      if !result.output.isEmpty {
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        text += "\n" + lines.map { "  \($0)\n" }.joined() + "\n\n"
      }
    }
    if !shown.isEmpty { text += Self.rule }
    return text + counts
  }

  private func text(of failure: TestResult) -> String {
    var text = failure.line + "\n\n"
    if !failure.trace.isEmpty {
      text += indented(TraceText(sources: sources).text(failure.trace), by: "  ") + "\n"
    }
    if failure.cases.isEmpty {
      text += explanation(failure.failure, indent: "  ")
    } else {
      var path: [String] = []
      for (depth, one) in failure.cases.flatMap({ $0.flattened(depth: 1) }) where one.hasFailed {
        path = Array(path.prefix(depth - 1)) + [one.name]
        text += "\(indent(depth))\(one.name): FAIL\n"
        if one.cases.isEmpty {
          text += "\n" + explanation(one.failure, indent: indent(depth + 1))
        }
      }
    }
    return text
  }

  private func explanation(_ event: TraceEvent?, indent: String) -> String {
    guard let event else { return "" }
    let lines = sources.explanation(of: event).map { $0.isEmpty ? "\n" : "\(indent)  \($0)\n" }
    return "\(indent)\(event.location.file):\(event.location.line):\n" + lines.joined() + "\n"
  }

  private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

  private func indented(_ text: String, by indent: String) -> String {
    text.split(separator: "\n").map { "\(indent)\($0)\n" }.joined()
  }

  /// `PASS: 2/3`, and the same of what failed, was skipped or could not be run.
  private var counts: String {
    var totals = (passed: 0, failed: 0, skipped: 0, errors: 0)
    for result in results {
      let counts = result.counts
      totals.passed += counts.passed
      totals.failed += counts.failed
      totals.skipped += counts.skipped
      totals.errors += counts.errors
    }
    let all = totals.passed + totals.failed + totals.skipped + totals.errors
    return [
      ("PASS", totals.passed), ("FAIL", totals.failed), ("SKIPPED", totals.skipped), ("ERROR", totals.errors),
    ].filter { $0.1 > 0 }.map { "\($0): \($1)/\(all)\n" }.joined()
  }

  // MARK: JSON

  var json: OrderedJSON { .array(results.map(json)) }

  private func json(_ result: TestResult) -> OrderedJSON {
    let location = result.test.location
    var members: [(String, OrderedJSON)] = [
      (
        "location",
        .object([
          ("file", .string(location.file)), ("row", .int(location.line)), ("col", .int(location.column)),
        ])
      ),
      ("package", .string(result.test.packageName)), ("name", .string(result.test.ruleName)),
    ]
    if let error = result.error { members.append(("error", json(error))) }
    if result.hasFailed { members.append(("fail", .value(true))) }
    if result.isSkipped { members.append(("skip", .value(true))) }
    members.append(("duration", .int(result.nanoseconds)))
    if !result.output.isEmpty {
      members.append(("output", .string(Data(result.output.utf8).base64EncodedString())))
    }
    if let failure = result.failure, result.cases.isEmpty {
      members.append(("failed_at", json(failure)))
    }
    if !result.cases.isEmpty { members.append(("sub_results", json(result.cases))) }
    return .object(members)
  }

  private func json(_ cases: [TestResult.Case]) -> OrderedJSON {
    .object(
      cases.map { one in
        var members: [(String, OrderedJSON)] = [("name", .string(one.name))]
        if one.hasFailed { members.append(("fail", .value(true))) }
        if let failure = one.failure { members.append(("failed_at", json(failure))) }
        if !one.cases.isEmpty { members.append(("sub_results", json(one.cases))) }
        return (one.name, .object(members))
      })
  }

  private func json(_ error: RegoError) -> OrderedJSON {
    var members: [(String, OrderedJSON)] = [
      ("code", .string(error.code.rawValue)), ("message", .string(error.message)),
    ]
    if let location = error.location { members.append(("location", json(location))) }
    return .object(members)
  }

  private func json(_ location: Location) -> OrderedJSON {
    .object([
      ("file", .string(location.file)), ("row", .int(location.line)), ("col", .int(location.column)),
    ])
  }

  private func json(_ failure: TraceEvent) -> OrderedJSON {
    .object([("text", .string(sources.text(at: failure.location))), ("location", json(failure.location))])
  }
}
