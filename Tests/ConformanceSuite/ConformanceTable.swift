import Foundation
import Rego

/// How many cases of each category pass.
public struct ConformanceTable: Sendable {
  public struct Row: Sendable {
    public var passed = 0
    public var of = 0
  }

  public private(set) var rows: [String: Row] = [:]

  public var passed: Int { rows.values.reduce(0) { $0 + $1.passed } }
  public var of: Int { rows.values.reduce(0) { $0 + $1.of } }

  /// Runs every case, or those of some categories; `report` gets a line for each that fails.
  public static func run(
    _ folder: URL, categories: Set<String> = [], isInstrumented: Bool = false,
    report: (String) -> Void = { _ in }
  ) throws -> ConformanceTable {
    var table = ConformanceTable()
    for element in try RegoCase.load(folder) where categories.isEmpty || categories.contains(element.category)
    {
      table.rows[element.category, default: Row()].of += 1
      if let failure = element.failure(isInstrumented: isInstrumented) {
        report("FAIL \(element.category): \(element.note): \(failure)")
      } else {
        table.rows[element.category, default: Row()].passed += 1
      }
    }
    return table
  }

  public var markdown: String {
    var lines = ["| category | passed | of |", "|---|---:|---:|"]
    for (category, row) in rows.sorted(by: { $0.key < $1.key }) {
      lines.append("| \(category) | \(row.passed) | \(row.of) |")
    }
    lines.append("| **all** | **\(passed)** | **\(of)** |")
    return lines.joined(separator: "\n")
  }
}
