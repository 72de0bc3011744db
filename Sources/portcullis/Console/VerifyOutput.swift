import Admission
import Foundation

/// Results of suites in the shape that `gator verify` prints.
struct VerifyOutput {
  var results: [SuiteResult]
  var isVerbose: Bool

  var text: String {
    results.map(text).joined() + (results.contains(where: \.hasFailed) ? "FAIL\n" : "PASS\n")
  }

  private func text(of suite: SuiteResult) -> String {
    suite.tests.map(text).joined()
      + "\(suite.hasFailed ? "FAIL" : "ok")\t\(suite.path)\t\(Self.seconds(suite.duration))\n"
  }

  private func text(of test: SuiteResult.Test) -> String {
    if test.isSkipped { return isVerbose ? "=== SKIP  \(test.name)\n" : "" }
    var text = isVerbose ? "=== RUN   \(test.name)\n" : ""
    text += test.cases.map(self.text).joined()
    if test.hasFailed {
      text += "--- FAIL: \(test.name)\t(\(Self.seconds(test.duration)))\n"
      if let error = test.error { text += "  \(error)\n" }
    } else if isVerbose {
      text += "--- PASS: \(test.name)\t(\(Self.seconds(test.duration)))\n"
    }
    return text
  }

  private func text(of one: SuiteResult.Case) -> String {
    if one.isSkipped { return isVerbose ? "    === SKIP  \(one.name)\n" : "" }
    var text = isVerbose ? "    === RUN   \(one.name)\n" : ""
    if let error = one.error {
      text += "    --- FAIL: \(one.name)\t(\(Self.seconds(one.duration)))\n        \(error)\n"
    } else if isVerbose {
      text += "    --- PASS: \(one.name)\t(\(Self.seconds(one.duration)))\n"
    }
    return text
  }

  private static func seconds(_ duration: Duration) -> String {
    let parts = duration.components
    return String(format: "%.3fs", Double(parts.seconds) + Double(parts.attoseconds) / 1e18)
  }
}
