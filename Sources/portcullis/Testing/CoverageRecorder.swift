import Rego
import Synchronization

/// Collects which lines evaluations reach; many may add at once.
final class CoverageRecorder: Sendable {
  /// Lines by file.
  struct Lines: Sendable {
    private(set) var files: [String: Set<Int>] = [:]

    /// An expression that is evaluated covers the line where it begins, a rule that holds that of its head.
    mutating func note(_ event: TraceEvent) {
      switch (event.operation, event.subject) {
      case (.evaluate, _), (.exit, .rule):
        if event.location.file.isEmpty { return }
        files[event.location.file, default: []].insert(event.location.line)
      default: break
      }
    }

    mutating func add(_ other: Lines) {
      for (file, lines) in other.files { files[file, default: []].formUnion(lines) }
    }
  }

  private let lines = Mutex(Lines())

  func add(_ more: Lines) { lines.withLock { $0.add(more) } }

  /// What the lines say of modules.
  func report(on modules: [Module]) -> CoverageReport {
    CoverageReport(modules: modules, covered: lines.withLock { $0 })
  }
}

/// Which lines of modules were reached, and which were not, in the shape of `opa test --coverage`.
struct CoverageReport {
  struct File {
    var covered: [ClosedRange<Int>]
    var notCovered: [ClosedRange<Int>]

    var coveredLines: Int { covered.reduce(0) { $0 + $1.count } }
    var notCoveredLines: Int { notCovered.reduce(0) { $0 + $1.count } }
  }

  private(set) var files: [(name: String, file: File)] = []

  init(modules: [Module], covered: CoverageRecorder.Lines) {
    for module in modules.sorted(by: {
      $0.location.file.utf8.lexicographicallyPrecedes($1.location.file.utf8)
    }) {
      let name = module.location.file
      let reached = covered.files[name] ?? []
      var missed: Set<Int> = []
      func note(_ rule: Rule) {
        if !reached.contains(rule.location.line) { missed.insert(rule.location.line) }
        rule.elseBranch.forEach(note)
      }
      module.rules.forEach(note)
      SyntaxWalk.expressions(of: module) { expression in
        // Declarations do nothing.
        if case .someDeclaration = expression.kind { return }
        if !reached.contains(expression.location.line) { missed.insert(expression.location.line) }
      }
      files.append((name, File(covered: Self.ranges(reached), notCovered: Self.ranges(missed))))
    }
  }

  private static func ranges(_ lines: Set<Int>) -> [ClosedRange<Int>] {
    var ranges: [ClosedRange<Int>] = []
    for line in lines.sorted() {
      if let last = ranges.last, last.upperBound + 1 == line {
        ranges[ranges.count - 1] = last.lowerBound...line
      } else {
        ranges.append(line...line)
      }
    }
    return ranges
  }

  /// `FILE:LINE` or `FILE:FIRST-LAST` of what was not reached.
  var missedLines: [String] {
    files.flatMap { name, file in
      file.notCovered.map { lines in
        lines.count == 1 ? "\(name):\(lines.lowerBound)" : "\(name):\(lines.lowerBound)-\(lines.upperBound)"
      }
    }
  }

  var coveredLines: Int { files.reduce(0) { $0 + $1.file.coveredLines } }
  var notCoveredLines: Int { files.reduce(0) { $0 + $1.file.notCoveredLines } }

  /// In percent of the lines that could be reached.
  var coverage: Double { Self.percent(coveredLines, notCoveredLines) }

  private static func percent(_ covered: Int, _ notCovered: Int) -> Double {
    covered + notCovered == 0 ? 0 : 100 * Double(covered) / Double(covered + notCovered)
  }

  var json: OrderedJSON {
    let files = files.map { name, file -> (String, OrderedJSON) in
      var members: [(String, OrderedJSON)] = []
      if !file.covered.isEmpty { members.append(("covered", Self.json(file.covered))) }
      if !file.notCovered.isEmpty { members.append(("not_covered", Self.json(file.notCovered))) }
      if file.coveredLines > 0 { members.append(("covered_lines", .int(file.coveredLines))) }
      if file.notCoveredLines > 0 { members.append(("not_covered_lines", .int(file.notCoveredLines))) }
      let percent = Self.percent(file.coveredLines, file.notCoveredLines)
      if percent > 0 { members.append(("coverage", Self.json(percent))) }
      return (name, .object(members))
    }
    return .object([
      ("files", .object(files)), ("covered_lines", .int(coveredLines)),
      ("not_covered_lines", .int(notCoveredLines)), ("coverage", Self.json(coverage)),
    ])
  }

  private static func json(_ ranges: [ClosedRange<Int>]) -> OrderedJSON {
    .array(
      ranges.map { range in
        .object([
          ("start", .object([("row", .int(range.lowerBound))])),
          ("end", .object([("row", .int(range.upperBound))])),
        ])
      })
  }

  private static func json(_ percent: Double) -> OrderedJSON {
    .value(Rego.Number(percent).map(Value.number) ?? .null)
  }
}
