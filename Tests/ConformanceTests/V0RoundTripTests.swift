import ConformanceSuite
import Foundation
import Rego
import Testing

@Suite("The suite as v0")
struct V0RoundTripTests {
  @Test(
    "v0 says the same in its own way",
    arguments: [
      ("deny contains msg if msg := 1", "deny[msg] {\n\tmsg := 1\n}"),
      ("p[x] if x := 1", "p[x] = true {\n\tx := 1\n}"),
      ("p.q if r", "p.q = true {\n\tr\n}"),
      ("p.q.r if s", "p.q.r {\n\ts\n}"),
      ("f(x) := y if { y := x } else := 1", "f(x) = y {\n\ty := x\n} else = 1"),
      ("p if 1 in [1]", "import future.keywords.in\n\np {\n\t1 in [1]\n}"),
      ("p.q contains x if x := 1", "import future.keywords.contains\n\np.q contains x {\n\tx := 1\n}"),
      ("import rego.v1\nimport data.x\np := x", "import data.x\n\np = x"),
    ])
  func examples(_ source: String, _ wanted: String) throws {
    let text = try V0Printer.text(of: "package p\n\n\(source)")
    #expect(text == "package p\n\n\(wanted)\n")
    #expect(throws: Never.self) { try RegoParser.module(text, file: "", dialect: .v0) }
  }

  @Test("every module, written as v0, gives the same result")
  func roundTrip() throws {
    guard let folder = SharedSuites.path("conformance/rego") else {
      print("skipped: no conformance/rego beside the checkout; set PORTCULLIS_SHARED")
      return
    }
    var passed = 0
    for element in try RegoCase.load(folder) where !element.modules.isEmpty {
      // What fails in v1 is another test's.
      if element.failure() != nil { continue }
      if let failure = element.failure(in: .v0) {
        Issue.record("\(element.category): \(element.note): \(failure)")
      } else {
        passed += 1
      }
    }
    #expect(passed > 1200)
  }
}
