import ArgumentParser
import Connectivity

struct ConnectivityList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List all allowed connections, workload by workload.",
    discussion: """
      A line for each two workloads that may connect, and for each range of outside addresses. Ranges are cut where some policy's \
      blocks begin and end. IPv6 is listed where a NetworkPolicy or ClusterNetworkPolicy names any, or with --ipv6.

      EXAMPLES
        portcullis connectivity list deploy/
        portcullis connectivity list deploy/ --exposure
        kustomize build overlays/production | portcullis connectivity list - --format md
      """)

  @OptionGroup var paths: ManifestPaths
  @OptionGroup var options: ConnectivityOptions

  @Flag(name: .customLong("exposure"), help: "Also list to whom that is not there workloads are exposed.")
  var hasExposure = false

  @Flag(name: .customLong("ipv6"), help: "List IPv6 addresses even where no policy names any.")
  var hasV6 = false

  @Option(
    name: .shortAndLong, help: "How to print: \(ListFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format = ListFormat.text

  func run() throws {
    let model = try options.model(paths.paths)
    let connections = model.analysis.connections(includesV6: hasV6)
    let report = hasExposure ? model.analysis.exposure(connections) : nil
    switch format {
    case .text:
      var text = connections.lines
      if let report, !report.lines.isEmpty { text += (text.isEmpty ? [] : [""]) + report.lines }
      Console.output.write(text.map { $0 + "\n" }.joined())
    case .json: Console.output.write(line: json(connections, report).text)
    case .csv: Console.output.write(records(connections, report).csv)
    case .md:
      Console.output.write(records(connections, nil).markdown)
      if let report { Console.output.write(markdown(report)) }
    }
    try options.finish(model)
  }

  private func records(_ connections: [AllowedConnections], _ report: ExposureReport?) -> Records {
    var rows = connections.inOrder.map {
      [$0.source.description, $0.destination.description, $0.connections.description]
    }
    // What is not there stands in its own words among the ends.
    rows += exposureRows(report).map {
      $0.direction == .egress ? [$0.row[0], $0.row[1], $0.row[2]] : [$0.row[1], $0.row[0], $0.row[2]]
    }
    return Records(fields: ["source", "destination", "connections"], rows: rows)
  }

  private func exposureRows(_ report: ExposureReport?) -> [(direction: Direction, row: [String])] {
    (report?.exposures ?? []).filter { if case .addresses = $0.peer { false } else { true } }
      .map { ($0.direction, [$0.workload.description, $0.peerText, $0.connectionsText]) }
      .sorted { ($0.0.rawValue, $0.1.joined()) < ($1.0.rawValue, $1.1.joined()) }
  }

  private func markdown(_ report: ExposureReport) -> String {
    let rows = exposureRows(report).map { [$0.row[0], $0.direction.rawValue, $0.row[1], $0.row[2]] }
    let open = report.unprotected.map { [$0.workload.description, $0.direction.rawValue] }
    var text = ""
    if !rows.isEmpty {
      let records = Records(fields: ["workload", "direction", "exposed to", "connections"], rows: rows)
      text += "\n### Exposure\n\n" + records.markdown
    }
    if !open.isEmpty {
      text += "\n### Not protected\n\n" + Records(fields: ["workload", "direction"], rows: open).markdown
    }
    return text
  }

  private func json(_ connections: [AllowedConnections], _ report: ExposureReport?) -> OrderedJSON {
    guard let report else { return records(connections, nil).json }
    let exposures = Records(
      fields: ["workload", "direction", "peer", "connections"],
      rows: exposureRows(report).map { [$0.row[0], $0.direction.rawValue, $0.row[1], $0.row[2]] })
    let open = Records(
      fields: ["workload", "direction"],
      rows: report.unprotected.map { [$0.workload.description, $0.direction.rawValue] })
    return .object([
      ("connections", records(connections, nil).json), ("exposure", exposures.json),
      ("unprotected", open.json),
    ])
  }
}
