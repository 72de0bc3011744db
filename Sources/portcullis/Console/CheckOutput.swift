import Admission
import Kubernetes
import Rego

/// What `check` found, for people and for programs.
struct CheckOutput {
  let report: ManifestCheck.Report
  let errors: [ManifestError]

  /// One line that tells how it went.
  var summary: String {
    let findings = report.findings.count
    let objects = report.objectCount == 1 ? "1 object" : "\(report.objectCount) objects"
    var text =
      "\(objects) checked: \(report.deniedCount) denied, \(findings) finding\(findings == 1 ? "" : "s")"
    if !errors.isEmpty { text += ", \(errors.count) not readable" }
    return text
  }

  // MARK: Table

  /// A line for each finding; messages of several lines stay in their column.
  func table(on console: Console) -> String {
    if report.findings.isEmpty { return "" }
    let header = ["FILE:LINE", "OBJECT", "POLICY", "EFFECT", "MESSAGE"]
    let rows = report.findings.map { finding in
      [
        "\(finding.location.file):\(finding.location.line)", "\(finding.object)", finding.policy,
        finding.effect.rawValue, finding.message,
      ]
    }
    let widths = header.indices.dropLast().map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    let indent = String(repeating: " ", count: widths.reduce(0) { $0 + $1 + 2 })
    func line(_ cells: [String], style: (Int, String) -> String) -> String {
      var text = ""
      for (column, width) in widths.enumerated() {
        text += style(column, cells[column]) + String(repeating: " ", count: width - cells[column].count + 2)
      }
      let message = cells[widths.count].split(separator: "\n", omittingEmptySubsequences: false)
      return text + message.joined(separator: "\n\(indent)") + "\n"
    }
    var text = line(header) { TextStyle.bold.apply($1, on: console) }
    for (row, finding) in zip(rows, report.findings) {
      text += line(row) { column, cell in
        column == 3 ? finding.effect.style.apply(cell, on: console) : cell
      }
    }
    return text
  }

  // MARK: JSON

  var json: OrderedJSON {
    .object([
      ("findings", .array(report.findings.map(json))),
      ("errors", .array(errors.map(json))),
      (
        "summary",
        .object([
          ("objects", .int(report.objectCount)), ("denied", .int(report.deniedCount)),
          ("findings", .int(report.findings.count)), ("errors", .int(errors.count)),
        ])
      ),
    ])
  }

  private func json(_ finding: ManifestCheck.Finding) -> OrderedJSON {
    var object: [(String, OrderedJSON)] = [
      ("apiVersion", .value(.string(finding.object.kind.apiVersion))),
      ("kind", .value(.string(finding.object.kind.kind))),
    ]
    if let namespace = finding.object.namespace { object.append(("namespace", .value(.string(namespace)))) }
    object.append(("name", .value(.string(finding.object.name))))
    return .object([
      ("file", .string(finding.location.file)), ("line", .int(finding.location.line)),
      ("column", .int(finding.location.column)), ("object", .object(object)),
      ("policy", .string(finding.policy)),
      ("effect", .string(finding.effect.rawValue)), ("message", .string(finding.message)),
    ])
  }

  private func json(_ error: ManifestError) -> OrderedJSON {
    var members: [(String, OrderedJSON)] = [("file", .string(error.file))]
    if let line = error.line { members.append(("line", .int(line))) }
    if let column = error.column { members.append(("column", .int(column))) }
    members.append(("message", .string(error.message)))
    return .object(members)
  }
}

extension ManifestCheck.Finding.Effect {
  fileprivate var style: TextStyle {
    switch self {
    case .deny, .failure: .red
    case .warn: .yellow
    case .dryrun: .dim
    }
  }
}
