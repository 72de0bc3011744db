import Admission

/// What the server counts. Others add their own through ``registry``.
public final class ServerMetrics: Sendable {
  public let registry = MetricRegistry()
  /// Policy sources that did not compile; set by whoever compiles them.
  public let policiesQuarantined = Gauge()
  /// Why a review got no decision.
  enum Refusal: String, CaseIterable {
    /// The body is not a review.
    case malformed
    /// 503, to be tried again.
    case overloaded
  }

  private let decisions: [[Counter]]
  private let refusals: [Counter]
  private let duration = Histogram(
    bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
  private let policyViolations = CounterFamily(labels: ["policy", "enforcement"])
  private let policyErrors = CounterFamily(labels: ["policy"])
  private let builtinErrors = CounterFamily(labels: ["policy"])
  private let responses: [Counter]
  let tlsFailures = Counter()
  let connectionsRefused = Counter()
  let connectionsEvicted = Counter()
  let certificateReloads = Counter()
  let certificateReloadFailures = Counter()

  private static let operations = ["CREATE", "UPDATE", "DELETE", "CONNECT", "other"]

  /// - Parameter version: of this program.
  public init(version: String = "dev") {
    decisions = Decision.Outcome.allCases.map { _ in Self.operations.map { _ in Counter() } }
    refusals = Refusal.allCases.map { _ in Counter() }
    responses = Status.allCases.map { _ in Counter() }
    registry.registerGauges("portcullis_build_info", help: "Always 1; the label says which version this is.")
    {
      [(labels: [("version", version)], value: 1)]
    }
    var requests: [(labels: [(String, String)], counter: Counter)] = []
    for (outcome, counters) in zip(Decision.Outcome.allCases, decisions) {
      for (operation, counter) in zip(Self.operations, counters) {
        requests.append(([("outcome", outcome.rawValue), ("operation", operation)], counter))
      }
    }
    for (refusal, counter) in zip(Refusal.allCases, refusals) {
      requests.append(([("outcome", refusal.rawValue), ("operation", "unknown")], counter))
    }
    registry.register(
      "portcullis_admission_requests_total", help: "Reviews asked for, by how they ended.", requests)
    registry.register(
      "portcullis_admission_duration_seconds", help: "From a review's last byte to its decision.", duration)
    registry.register(
      "portcullis_policy_violations_total", help: "Violations found, by policy and what they led to.",
      policyViolations)
    registry.register(
      "portcullis_policy_errors_total", help: "Policies that failed or ran out of budget.", policyErrors)
    registry.register(
      "portcullis_builtin_errors_total", help: "Builtin errors that made an expression undefined.",
      builtinErrors)
    registry.register(
      "portcullis_policies_quarantined", help: "Policy sources that did not compile and do not serve.",
      policiesQuarantined)
    registry.register(
      "portcullis_http_responses_total", help: "HTTP responses by status code.",
      zip(Status.allCases, responses).map { ([("code", String($0.rawValue))], $1) })
    registry.register(
      "portcullis_tls_failures_total", help: "Connections that failed in TLS, handshakes included.",
      tlsFailures)
    registry.register(
      "portcullis_connections_refused_total", help: "Connections refused for their number.",
      connectionsRefused)
    registry.register(
      "portcullis_connections_evicted_total",
      help: "Connections closed, for their number, before they had completed a review.", connectionsEvicted)
    registry.register(
      "portcullis_certificate_reloads_total", help: "Certificates taken over while serving.",
      certificateReloads)
    registry.register(
      "portcullis_certificate_reload_failures_total",
      help: "Changed certificate files that could not be used.", certificateReloadFailures)
  }

  func countResponse(_ status: Status) {
    if let index = Self.statusIndex[status] { responses[index].increment() }
  }

  private static let statusIndex = Dictionary(
    uniqueKeysWithValues: Status.allCases.enumerated().map { ($1, $0) })

  func count(_ refusal: Refusal) {
    switch refusal {
    case .malformed: refusals[0].increment()
    case .overloaded: refusals[1].increment()
    }
  }

  /// Counts a decision with all its policies.
  func count(_ decision: Decision, took elapsed: Duration) {
    let outcome =
      switch decision.outcome {
      case .allowed: 0
      case .denied: 1
      case .failed: 2
      }
    let operation =
      switch decision.operation {
      case "CREATE": 0
      case "UPDATE": 1
      case "DELETE": 2
      case "CONNECT": 3
      default: 4
      }
    decisions[outcome][operation].increment()
    duration.observe(elapsed)
    for finding in decision.violations { policyViolations.increment([finding.policy, "deny"]) }
    for finding in decision.warnings { policyViolations.increment([finding.policy, "warn"]) }
    for finding in decision.dryRunViolations { policyViolations.increment([finding.policy, "dryrun"]) }
    for finding in decision.failures { policyErrors.increment([finding.policy]) }
    for finding in decision.builtinErrors { builtinErrors.increment([finding.policy]) }
  }
}
