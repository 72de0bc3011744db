import ClusterControl
import WebhookServer

/// What the last scan found, as metrics; those of replicas that do not scan are empty.
enum AuditMetrics {
  /// More series than this are left out, the last namespaces first.
  private static let maximumSeries = 2_000

  static func register(_ audit: AuditController, in registry: MetricRegistry) {
    registry.registerGauges(
      "portcullis_audit_violations", help: "What the last scan found, by policy, namespace and effect."
    ) {
      guard let report = audit.latest?.report else { return [] }
      return report.counts.sorted { $0.key < $1.key }.prefix(maximumSeries).map { key, count in
        (
          labels: [("policy", key.policy), ("namespace", key.namespace), ("effect", key.effect.rawValue)],
          value: Double(count)
        )
      }
    }
    registry.registerGauges(
      "portcullis_audit_workloads", help: "Workloads that policies can isolate, by namespace."
    ) {
      (audit.latest?.report.coverage ?? []).prefix(maximumSeries).map {
        (labels: [("namespace", $0.namespace)], value: Double($0.workloads))
      }
    }
    registry.registerGauges(
      "portcullis_audit_isolated_workloads",
      help: "Workloads that policies isolate, by namespace and direction."
    ) {
      (audit.latest?.report.coverage ?? []).prefix(maximumSeries / 2).flatMap {
        [
          (labels: [("namespace", $0.namespace), ("direction", "ingress")], value: Double($0.ingress)),
          (labels: [("namespace", $0.namespace), ("direction", "egress")], value: Double($0.egress)),
        ]
      }
    }
    registry.registerGauges("portcullis_audit_objects", help: "Objects that the last scan looked at.") {
      audit.latest.map { [(labels: [], value: Double($0.report.objectCount))] } ?? []
    }
    registry.registerGauges(
      "portcullis_audit_last_end_seconds", help: "When the last scan ended, in seconds since 1970."
    ) {
      audit.latest.map { [(labels: [], value: $0.end.timeIntervalSince1970)] } ?? []
    }
    registry.registerGauges("portcullis_audit_duration_seconds", help: "How long the last scan took.") {
      audit.latest.map { [(labels: [], value: Double($0.duration.components.seconds))] } ?? []
    }
  }
}
