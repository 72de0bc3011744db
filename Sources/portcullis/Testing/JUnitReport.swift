import Foundation
import Rego

/// Results of tests in the XML that build servers read, as JUnit's Ant task writes it: a suite a package, a test case a test or, where a
/// test has cases, each of these.
struct JUnitReport {
  var results: [TestResult]
  var sources: SourceText

  private struct Entry {
    var name: String
    var result: TestResult
    var hasFailed: Bool
    var failure: TraceEvent?
    var nanoseconds: Int
  }

  var text: String {
    var suites: [(name: String, entries: [Entry])] = []
    for result in results {
      let name = result.test.packageName
      let entries = Self.entries(result)
      if let index = suites.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        suites[index].entries += entries
      } else {
        suites.append((name, entries))
      }
    }
    let all = suites.flatMap(\.entries)
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      + "<testsuites name=\"portcullis\"\(Self.counts(all))>\n"
      + suites.map { name, entries in
        "  <testsuite name=\"\(Self.escaped(name))\"\(Self.counts(entries))>\n"
          + entries.map(text).joined() + "  </testsuite>\n"
      }.joined() + "</testsuites>\n"
  }

  private static func entries(_ result: TestResult) -> [Entry] {
    let leaves = leaves(result.cases, path: result.test.ruleName)
    if leaves.isEmpty {
      return [
        Entry(
          name: result.test.ruleName, result: result, hasFailed: result.hasFailed, failure: result.failure,
          nanoseconds: result.nanoseconds)
      ]
    }
    return leaves.map { name, one in
      // What a single case takes is not known.
      Entry(
        name: name, result: result, hasFailed: one.hasFailed, failure: one.failure,
        nanoseconds: result.nanoseconds / leaves.count)
    }
  }

  private static func leaves(
    _ cases: [TestResult.Case], path: String
  ) -> [(name: String, case: TestResult.Case)] {
    cases.flatMap { one in
      let name = "\(path)/\(one.name)"
      return one.cases.isEmpty ? [(name, one)] : leaves(one.cases, path: name)
    }
  }

  private static func counts(_ entries: [Entry]) -> String {
    let failures = entries.count { $0.hasFailed && $0.result.error == nil }
    let errors = entries.count { $0.result.error != nil }
    let skipped = entries.count(where: \.result.isSkipped)
    let time = seconds(entries.reduce(0) { $0 + $1.nanoseconds })
    return
      " tests=\"\(entries.count)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\" time=\"\(time)\""
  }

  private func text(_ entry: Entry) -> String {
    let result = entry.result
    let location = result.test.location
    var text =
      "    <testcase classname=\"\(Self.escaped(result.test.packageName))\" name=\"\(Self.escaped(entry.name))\""
      + " file=\"\(Self.escaped(location.file))\" line=\"\(location.line)\" time=\"\(Self.seconds(entry.nanoseconds))\""
    var content = ""
    if let error = result.error {
      content +=
        "      <error type=\"\(error.code.rawValue)\" message=\"\(Self.escaped(error.withoutColumn))\"/>\n"
    } else if result.isSkipped {
      content += "      <skipped/>\n"
    } else if entry.hasFailed {
      let place = entry.failure.map { "\($0.location.file):\($0.location.line)" } ?? ""
      let lines = entry.failure.map { sources.explanation(of: $0) } ?? []
      content +=
        "      <failure message=\"\(Self.escaped(place))\">\(Self.escaped(lines.joined(separator: "\n")))</failure>\n"
    }
    if !result.output.isEmpty { content += "      <system-out>\(Self.escaped(result.output))</system-out>\n" }
    text += content.isEmpty ? "/>\n" : ">\n\(content)    </testcase>\n"
    return text
  }

  private static func seconds(_ nanoseconds: Int) -> String {
    String(format: "%.6f", Double(nanoseconds) / 1e9)
  }

  /// Text within XML 1.0, which has no way to write most control characters (section 2.2).
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      case "\r": result += "&#13;"
      case "\u{0}"..<"\u{20}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
