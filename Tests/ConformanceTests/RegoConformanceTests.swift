import ConformanceSuite
import Foundation
import Testing

@Suite struct RegoConformanceTests {
  @Test(
    "every category of the compliance suite passes at least as many cases as recorded",
    arguments: [false, true])
  func complianceSuite(isInstrumented: Bool) throws {
    guard let folder = SharedSuites.path("conformance/rego") else {
      print("skipped: no conformance/rego beside the checkout; set PORTCULLIS_SHARED")
      return
    }
    let recorded = try RecordedTable.load()
    var failures: [String: [String]] = [:]
    let table = try ConformanceTable.run(folder, isInstrumented: isInstrumented) { line in
      let category = line.dropFirst(5).prefix { $0 != ":" }
      failures[String(category), default: []].append(line)
    }
    if !isInstrumented { print(table.markdown) }
    #expect(table.passed >= 1000)
    for (category, floor) in recorded {
      let passed = table.rows[category]?.passed ?? 0
      #expect(passed >= floor, "\(category): \(failures[category]?.joined(separator: "\n") ?? "")")
    }
  }
}

/// The counts that the repository records: `Tests/ConformanceTests/recorded.txt`, a line `CATEGORY COUNT` each.
enum RecordedTable {
  static func load() throws -> [String: Int] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "recorded.txt")
    var counts: [String: Int] = [:]
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      let parts = line.split(separator: " ")
      if parts.count == 2, let count = Int(parts[1]) { counts[String(parts[0])] = count }
    }
    return counts
  }
}
