import Admission
import ConformanceSuite
import Foundation
import Testing

@Suite struct GatekeeperSuiteTests {
  @Test("every suite of Gatekeeper's library passes")
  func suites() throws {
    guard let folder = SharedSuites.path("conformance/gatekeeper-library") else {
      print("skipped: no conformance/gatekeeper-library beside the checkout; set PORTCULLIS_SHARED")
      return
    }
    let suites = try SuiteFiles.suites(at: "\(folder.path)/...")
    #expect(suites.count >= 30)
    var runner = SuiteRunner(filter: try SuiteFilter(""), nowNanoseconds: 1_700_000_000_000_000_000)
    var cases = 0
    for suite in suites {
      let result = runner.run(suite)
      #expect(!result.hasFailed, "\(result)")
      cases += result.tests.flatMap(\.cases).count { !$0.isSkipped }
    }
    #expect(cases >= 190)
  }
}
