import Admission
import Foundation
import Kubernetes
import Rego

/// What audit finds as PolicyReports of the Kubernetes policy working group (wgpolicyk8s.io/v1alpha2): one a namespace, and of what
/// is as it should be nothing.
enum PolicyReports {
  static let group: RegoString = "wgpolicyk8s.io"
  static let version: RegoString = "v1alpha2"
  static let name: RegoString = "portcullis"
  static let labels: Value = ["app.kubernetes.io/managed-by": "portcullis"]
  /// How many results a report holds; its summary counts all.
  static let maximumResults = 500
  /// How much of a message a result holds, in bytes: a report lies in etcd, which takes 1.5 MiB.
  static let maximumMessage = 1_000

  /// The reports by namespace; none for namespaces without findings, nor about objects that are in none.
  static func reports(_ report: AuditReport, now: Date) -> [RegoString: Value] {
    var findings: [RegoString: [AuditReport.Finding]] = [:]
    for finding in report.findings {
      guard let namespace = finding.object.namespace else { continue }
      findings[namespace, default: []].append(finding)
    }
    var summaries: [RegoString: [String: Int]] = [:]
    for (key, count) in report.counts where !key.namespace.isEmpty {
      summaries[RegoString(key.namespace), default: [:]][result(of: key.effect), default: 0] += count
    }
    let timestamp: Value = ["seconds": .int(Int(now.timeIntervalSince1970)), "nanos": 0]
    return summaries.reduce(into: [:]) { reports, summary in
      let (namespace, counts) = summary
      reports[namespace] = [
        "apiVersion": .string("\(group)/\(version)"), "kind": "PolicyReport",
        "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": labels],
        "summary": [
          "pass": 0, "fail": .int(counts["fail"] ?? 0), "warn": .int(counts["warn"] ?? 0),
          "error": .int(counts["error"] ?? 0), "skip": 0,
        ],
        "results": .array(
          (findings[namespace] ?? []).prefix(maximumResults).map { Self.result($0, timestamp) }),
      ]
    }
  }

  /// Whether two reports say the same, whenever they were made.
  static func saySame(_ existing: Value, _ wanted: Value) -> Bool {
    func results(_ report: Value) -> [Value] {
      (report["results"]?.array ?? []).map { result in
        .object((result.object ?? ObjectValue()).removing("timestamp"))
      }
    }
    return existing["summary"] == wanted["summary"] && results(existing) == results(wanted)
  }

  private static func result(of effect: AuditReport.Effect) -> String {
    switch effect {
    case .deny: "fail"
    case .warn, .dryrun: "warn"
    case .failure: "error"
    }
  }

  private static func result(_ finding: AuditReport.Finding, _ timestamp: Value) -> Value {
    var resource: [(Value, Value)] = [
      ("apiVersion", .string(finding.object.kind.apiVersion)), ("kind", .string(finding.object.kind.kind)),
      ("name", .string(finding.object.name)),
    ]
    if let namespace = finding.object.namespace { resource.append(("namespace", .string(namespace))) }
    if !finding.uid.isEmpty { resource.append(("uid", .string(finding.uid))) }
    var members: [(Value, Value)] = [
      ("source", "portcullis"), ("policy", .string(finding.policy)),
      ("result", .string(result(of: finding.effect))),
      ("message", .string(finding.message.cut(toBytes: maximumMessage))),
      ("resources", [.object(ObjectValue(resource))]), ("scored", true), ("timestamp", timestamp),
      ("properties", ["enforcement": .string(finding.effect.rawValue)]),
    ]
    if let severity = finding.severity { members.append(("severity", .string(severity.rawValue))) }
    return .object(ObjectValue(members))
  }
}
