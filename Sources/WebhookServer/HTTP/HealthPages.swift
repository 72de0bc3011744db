import Synchronization

/// What `/healthz`, `/readyz` and `/metrics` answer.
final class HealthPages: Sendable {
  private let checks: [ReadinessCheck]
  private let metrics: MetricRegistry
  private let isShuttingDown = Atomic<Bool>(false)

  init(checks: [ReadinessCheck], metrics: MetricRegistry) {
    self.checks = checks
    self.metrics = metrics
  }

  /// Readiness fails from now on.
  func beginShutdown() { isShuttingDown.store(true, ordering: .relaxed) }

  func liveness() -> Answer { Answer(.ok, .text, body: Array("ok\n".utf8)) }

  /// In the form of the API server's own `/readyz` (Kubernetes API health endpoints).
  func readiness(isVerbose: Bool) -> Answer {
    var results = checks.map { (name: $0.name, result: $0.check()) }
    if isShuttingDown.load(ordering: .relaxed) {
      results.append(("shutdown", .notReady("the server is shutting down")))
    }
    let isReady = results.allSatisfy(\.result.isReady)
    var text = ""
    if isVerbose {
      for (name, result) in results {
        let detail = result.detail.isEmpty ? "" : ": \(result.detail)"
        text += result.isReady ? "[+]\(name) ok\(detail)\n" : "[-]\(name) failed\(detail)\n"
      }
      text += isReady ? "readyz check passed\n" : "readyz check failed\n"
    } else if isReady {
      text = "ok\n"
    } else {
      let failed = results.filter { !$0.result.isReady }.map(\.name)
      text = "not ready: \(failed.joined(separator: ", "))\n"
    }
    return Answer(isReady ? .ok : .serviceUnavailable, .text, body: Array(text.utf8))
  }

  func metricsPage() -> Answer { Answer(.ok, .metrics, body: metrics.render()) }
}
