import Foundation

/// How many cases of each category pass.
public struct ConnectivityTable: Sendable {
  public struct Row: Sendable {
    public var passed = 0
    public var of = 0
  }

  public private(set) var rows: [ConnectivityCase.Category: Row] = [:]
  /// Of the folders without an expectation: how many are refused. The others are warned about.
  public private(set) var refused = 0

  /// Runs every case; `report` gets a text for each that fails.
  public static func run(_ suite: URL, report: (String) -> Void = { _ in }) throws -> ConnectivityTable {
    var table = ConnectivityTable()
    for element in try ConnectivityCase.load(suite) {
      table.rows[element.category, default: Row()].of += 1
      if element.category == .unexpected && element.isRefused() { table.refused += 1 }
      if let failure = try element.failure() {
        report("FAIL \(element.category.rawValue): \(element.name)\n\(failure)")
      } else {
        table.rows[element.category, default: Row()].passed += 1
      }
    }
    return table
  }

  public var markdown: String {
    var lines = ["| category | passed | of |", "|---|---:|---:|"]
    for category in ConnectivityCase.Category.allCases {
      guard let row = rows[category] else { continue }
      let name =
        category == .unexpected
        ? "no expectation: \(refused) refused, \(row.passed - refused) warned about" : category.rawValue
      lines.append("| \(name) | \(row.passed) | \(row.of) |")
    }
    let passed = rows.values.reduce(0) { $0 + $1.passed }
    let all = rows.values.reduce(0) { $0 + $1.of }
    lines.append("| **all** | **\(passed)** | **\(all)** |")
    return lines.joined(separator: "\n")
  }
}
