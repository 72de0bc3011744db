import ArgumentParser
import Connectivity
import Rego

struct Coverage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell which workloads policies isolate, by direction, and which they do not.",
    discussion: """
      A workload counts as covered where a NetworkPolicy, or one of Cilium or Calico, isolates its pods. AdminNetworkPolicies and their kin \
      never isolate. Workloads on their node's network, which no policy can isolate, are listed and do not count. Where no workload \
      counts, there is nothing to judge, and the exit code is 2.

      EXAMPLES
        portcullis coverage deploy/
        portcullis coverage deploy/ --directions ingress,egress --fail-under 90
      """)

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Option(
    help: ArgumentHelp(
      "In which directions a workload must be isolated to count.", valueName: "direction,..."))
  var directions = DirectionSet.ingress

  @Option(
    name: .customLong("fail-under"),
    help: ArgumentHelp("Exit with 1 where less than so many percent are covered.", valueName: "percent"))
  var failUnder: Double?

  @Option(
    name: .shortAndLong, help: "How to print: \(ListFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format = ListFormat.text

  func validate() throws {
    if let failUnder, !(0...100).contains(failUnder) {
      throw ValidationError("--fail-under must be from 0 to 100")
    }
  }

  func run() throws {
    let model = try options.model(paths.paths)
    let coverage = model.analysis.coverage()
    if coverage.isEmpty {
      throw CommandFailure(
        ["there are no workloads, so that there is nothing to judge"] + options.broken(model))
    }
    let judged = coverage.filter { !$0.isHostNetwork }
    let covered = judged.count { $0.covers(directions.directions) }
    let percent = judged.isEmpty ? nil : 100 * Double(covered) / Double(judged.count)
    let records = Records(
      fields: ["workload", "covered", "ingress", "egress"],
      rows: coverage.map { element in
        [element.workload.description, word(element), cell(element, .ingress), cell(element, .egress)]
      })
    let names = directions.names.joined(separator: " and ")
    var summary =
      "\(covered) of \(judged.count) workloads covered in \(names): \(percent.map(Self.text) ?? "-") %"
    let hosts = coverage.count - judged.count
    if hosts > 0 { summary += " (beside \(hosts) on their node's network)" }
    switch format {
    case .text: Console.output.write(TextTable(header: records.fields, rows: records.rows).text)
    case .json: Console.output.write(line: json(coverage, covered, judged.count, percent).text)
    case .csv: Console.output.write(records.csv)
    case .md: Console.output.write(records.markdown + "\n\(summary)\n")
    }
    Console.error.write(line: summary)
    try options.finish(model)
    guard let percent else {
      throw CommandFailure("every workload is on its node's network, so that there is nothing to judge")
    }
    if let failUnder, percent < failUnder { throw ExitCode.violations }
  }

  /// With one decimal, rounded down.
  private static func text(_ percent: Double) -> String {
    let tenths = Int((percent * 10).rounded(.down))
    return "\(tenths / 10).\(tenths % 10)"
  }

  private func word(_ element: WorkloadCoverage) -> String {
    element.isHostNetwork ? "-" : element.covers(directions.directions) ? "yes" : "no"
  }

  private func cell(_ element: WorkloadCoverage, _ direction: Direction) -> String {
    if element.isHostNetwork { return "node's network" }
    // Beside the workload's name the table can do without the namespace.
    let names = element[direction].policies.map { format == .text ? "\($0.kind.kind) \($0.name)" : "\($0)" }
    if names.isEmpty { return "-" }
    return (element[direction].isComplete ? "" : "some pods: ") + names.joined(separator: ", ")
  }

  private func json(
    _ coverage: [WorkloadCoverage], _ covered: Int, _ count: Int, _ percent: Double?
  ) -> OrderedJSON {
    func json(_ element: DirectionCoverage) -> OrderedJSON {
      .object([
        ("isolated", .value(.boolean(element.isComplete))),
        ("policies", .array(element.policies.map { .string($0.description) })),
      ])
    }
    return .object([
      ("directions", .array(directions.names.map(OrderedJSON.string))),
      ("percent", .value(percent.flatMap { Number(json: Self.text($0)) }.map(Value.number) ?? .null)),
      ("covered", .int(covered)), ("of", .int(count)),
      (
        "workloads",
        .array(
          coverage.map { element in
            .object([
              ("workload", .string(element.workload.description)),
              (
                "covered",
                .value(element.isHostNetwork ? .null : .boolean(element.covers(directions.directions)))
              ),
              ("hostNetwork", .value(.boolean(element.isHostNetwork))),
              ("ingress", json(element.ingress)), ("egress", json(element.egress)),
            ])
          })
      ),
    ])
  }
}
