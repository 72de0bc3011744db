import Admission
import Kubernetes
import Rego

/// What `audit` found, for people and for programs.
struct AuditOutput {
  let report: AuditReport
  let remarks: [String]

  /// One line that tells how it went.
  var summary: String {
    let findings = report.counts.values.reduce(0, +)
    var text =
      "\(report.objectCount) objects judged: \(report.deniedCount) would be refused, \(findings) finding\(findings == 1 ? "" : "s")"
    let workloads = report.coverage.reduce(0) { $0 + $1.workloads }
    let isolated = report.coverage.reduce(0) { $0 + $1.ingress }
    text += "; policies isolate \(isolated) of \(workloads) workloads; policy set \(report.policySet)"
    return text
  }

  // MARK: Text

  /// A line for each finding, then a table of namespaces.
  func text(on console: Console) -> String {
    var text = ""
    for finding in report.findings {
      let effect = style(of: finding.effect).apply(finding.effect.rawValue, on: console)
      let message = finding.message.split(separator: "\n", omittingEmptySubsequences: false)
      text += "\(effect)  \(finding.object)  \(finding.policy): \(message.joined(separator: "\n    "))\n"
    }
    if report.omittedCount > 0 { text += "and \(report.omittedCount) more\n" }
    if report.coverage.isEmpty { return text }
    if !text.isEmpty { text += "\n" }
    let table = TextTable(
      header: ["namespace", "workloads", "ingress isolated", "egress isolated", "refused"],
      rows: report.coverage.map { coverage in
        [
          coverage.namespace, "\(coverage.workloads)", "\(coverage.ingress)", "\(coverage.egress)",
          "\(refused(in: coverage.namespace))",
        ]
      })
    return text + table.text
  }

  private func refused(in namespace: String) -> Int {
    report.counts.reduce(0) { sum, entry in
      let isCounted = entry.key.effect == .deny && entry.key.namespace.utf8.elementsEqual(namespace.utf8)
      return sum + (isCounted ? entry.value : 0)
    }
  }

  private func style(of effect: AuditReport.Effect) -> TextStyle {
    switch effect {
    case .deny, .failure: .red
    case .warn: .yellow
    case .dryrun: .dim
    }
  }

  // MARK: JSON

  var json: OrderedJSON {
    .object([
      ("findings", .array(report.findings.map(json))),
      (
        "counts",
        .array(
          report.counts.sorted { $0.key < $1.key }.map { key, count in
            .object([
              ("policy", .string(key.policy)), ("namespace", .string(key.namespace)),
              ("effect", .string(key.effect.rawValue)), ("count", .int(count)),
            ])
          })
      ),
      (
        "coverage",
        .array(
          report.coverage.map { coverage in
            .object([
              ("namespace", .string(coverage.namespace)), ("workloads", .int(coverage.workloads)),
              ("ingress", .int(coverage.ingress)), ("egress", .int(coverage.egress)),
              ("hostNetwork", .int(coverage.hostNetwork)),
            ])
          })
      ), ("remarks", .array(remarks.map(OrderedJSON.string))),
      (
        "summary",
        .object([
          ("objects", .int(report.objectCount)), ("denied", .int(report.deniedCount)),
          ("findings", .int(report.counts.values.reduce(0, +))), ("omitted", .int(report.omittedCount)),
          ("policySet", .string(report.policySet)),
        ])
      ),
    ])
  }

  private func json(_ finding: AuditReport.Finding) -> OrderedJSON {
    var object: [(String, OrderedJSON)] = [
      ("apiVersion", .value(.string(finding.object.kind.apiVersion))),
      ("kind", .value(.string(finding.object.kind.kind))),
    ]
    if let namespace = finding.object.namespace { object.append(("namespace", .value(.string(namespace)))) }
    object.append(("name", .value(.string(finding.object.name))))
    if !finding.uid.isEmpty { object.append(("uid", .string(finding.uid))) }
    var members: [(String, OrderedJSON)] = [
      ("object", .object(object)), ("policy", .string(finding.policy)),
      ("effect", .string(finding.effect.rawValue)), ("message", .string(finding.message)),
    ]
    if let severity = finding.severity { members.append(("severity", .string(severity.rawValue))) }
    return .object(members)
  }
}
