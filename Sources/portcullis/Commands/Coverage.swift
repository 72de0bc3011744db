import ArgumentParser
import Connectivity

struct Coverage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell which workloads policies isolate, by direction, and which they do not.",
    discussion: """
      A workload counts as covered where a NetworkPolicy, or one of Cilium or Calico, isolates its pods. AdminNetworkPolicies and their kin \
      never isolate. Pods on their node's network cannot be covered.

      EXAMPLES
        portcullis coverage deploy/
        portcullis coverage deploy/ --directions ingress,egress --fail-under 90
      """)

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(
    help: ArgumentHelp(
      "In which directions a workload must be isolated to count.", valueName: "direction,..."))
  var directions = "ingress"

  @Option(
    name: .customLong("fail-under"),
    help: ArgumentHelp("Exit with 1 where less than so many percent are covered.", valueName: "percent"))
  var failUnder: Double?

  @Option(
    name: .shortAndLong, help: "How to print: \(ListFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format = ListFormat.text

  private var wanted: Set<Direction> {
    Set(
      directions.split(separator: ",").compactMap { name in
        Direction.allCases.first { $0.rawValue.lowercased() == name.lowercased() }
      })
  }

  func validate() throws {
    if wanted.isEmpty || wanted.count != directions.split(separator: ",").count {
      throw ValidationError("--directions must be ingress, egress or both")
    }
  }

  func run() throws {
    let model = try options.model(paths.paths)
    let coverage = model.analysis.coverage()
    let covered = coverage.count { $0.covers(wanted) }
    let percent = coverage.isEmpty ? 100 : 100 * Double(covered) / Double(coverage.count)
    let records = Records(
      fields: ["workload", "covered", "ingress", "egress"],
      rows: coverage.map { element in
        [
          element.workload.description, element.covers(wanted) ? "yes" : "no", cell(element, .ingress),
          cell(element, .egress),
        ]
      })
    switch format {
    case .text: Console.output.write(TextTable(header: records.fields, rows: records.rows).text)
    default: records.write(as: format, text: [])
    }
    let text = String(Int((percent * 10).rounded(.down)))
    let decimal = text.count > 1 ? "\(text.dropLast()).\(text.suffix(1))" : "0.\(text)"
    let names = wanted.map { $0.rawValue.lowercased() }.sorted(by: >).joined(separator: " and ")
    Console.error.write(
      line: "\(covered) of \(coverage.count) workloads covered in \(names): \(decimal) %")
    try options.finish(model)
    if let failUnder, percent < failUnder { throw ExitCode.violations }
  }

  private func cell(_ element: WorkloadCoverage, _ direction: Direction) -> String {
    if element.isHostNetwork { return "node's network" }
    let names = element[direction].policies.map { "\($0.kind.kind) \($0.name)" }
    if names.isEmpty { return "-" }
    return (element[direction].isComplete ? "" : "some pods: ") + names.joined(separator: ", ")
  }
}
