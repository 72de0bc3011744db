import ConformanceSuite
import ConnectivitySuite
import Foundation
import Testing

@Suite("The suite of connectivity")
struct ConformanceTests {
  static let cases: [ConnectivityCase] = {
    guard let suite = SharedSuites.path("conformance/connectivity") else { return [] }
    return (try? ConnectivityCase.load(suite)) ?? []
  }()

  @Test(
    "Lists, exposure and differences are as expected, and what is wrong is refused or warned about",
    arguments: cases)
  func expectation(element: ConnectivityCase) throws {
    let failure = try element.failure()
    #expect(failure == nil, "\(element.category.rawValue) \(element.name)")
  }

  @Test("There are cases", .enabled(if: SharedSuites.folder != nil))
  func areThere() {
    #expect(Self.cases.count >= 160)
  }
}
