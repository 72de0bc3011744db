import Kubernetes
import Rego

extension Decision {
  /// What was asked; nothing of it is decided yet, so that it is allowed.
  init(_ request: AdmissionRequest) {
    uid = request.uid.string
    apiVersion = request.version.rawValue
    kind = GroupVersion(
      group: request.kind.group.string, version: request.kind.version.string, name: request.kind.kind.string)
    subresource = request.subResource.string
    namespace = request.namespace.string
    name = request.name.string
    operation = request.operation.rawValue
    user = request.username.string
    isDryRun = request.isDryRun
  }

  /// Adds what a policy says, by its enforcement.
  mutating func add(_ verdict: PolicyVerdict, of policy: Policy) {
    evaluatedPolicies.append(policy.name)
    let violations = verdict.violations.map { Finding(policy: policy.name, message: $0) }
    let warnings = verdict.warnings.map { Finding(policy: policy.name, message: $0) }
    switch policy.settings.enforcement {
    case .deny:
      self.violations += violations
      self.warnings += warnings
    case .warn:
      self.warnings += (violations + warnings).withoutDuplicates
    case .dryrun: dryRunViolations += violations
    }
    builtinErrors += verdict.builtinErrors.map { Finding(policy: policy.name, message: $0) }
    guard let failure = verdict.failure else { return }
    failures.append(Finding(policy: policy.name, message: failure))
    if policy.settings.onError == .deny, policy.settings.enforcement == .deny { isFailed = true }
  }

  /// Keeps the contents of Secrets out of every text.
  mutating func mask(with mask: SecretMask) {
    for path in [\Decision.violations, \.warnings, \.dryRunViolations, \.failures, \.builtinErrors] {
      for index in self[keyPath: path].indices {
        self[keyPath: path][index].message = mask.masking(self[keyPath: path][index].message)
      }
    }
  }

  /// Takes violations of some policies back, since what they are for want of could not be asked for: the policies failed.
  mutating func doubt(policies: [String: Set<GroupVersionKind>], because reason: String) {
    var seen: Set<String> = []
    for violation in violations where policies[violation.policy] != nil {
      guard seen.insert(violation.policy).inserted else { continue }
      failures.append(
        Finding(
          policy: violation.policy,
          message: "the cluster could not be asked whether what it wants is there by now: \(reason)"))
      isFailed = true
    }
    violations.removeAll { policies[$0.policy] != nil }
    conclude()
  }

  /// Draws the conclusion from what the policies said.
  mutating func conclude() {
    allowed = violations.isEmpty && !isFailed
    // A violation is certain, whatever another policy would have said.
    code = allowed ? 200 : violations.isEmpty ? 500 : 403
    auditAnnotations = [:]
    if !evaluatedPolicies.isEmpty { auditAnnotations["policies"] = evaluatedPolicies.joined(separator: ",") }
    // What refuses a request is in its status, which the audit log holds too.
    for (key, findings) in [("dryrun-violations", dryRunViolations), ("failures", failures)]
    where !findings.isEmpty {
      auditAnnotations[key] = ResponseLimits.message(listing: findings.map(\.text), separator: "\n")
    }
  }

  /// The answer that the API server gets.
  public func response(to request: AdmissionRequest) -> AdmissionResponse {
    var status: AdmissionResponse.Status?
    if !allowed {
      let failed = failures.map { Finding(policy: $0.policy, message: "the policy failed: \($0.message)") }
      status = AdmissionResponse.Status(
        code: code,
        message: ResponseLimits.message(listing: (violations + failed).map(\.text), separator: "\n"))
    }
    return AdmissionResponse(
      version: request.version, uid: request.uid, allowed: allowed, status: status,
      warnings: warnings.map(\.text), auditAnnotations: auditAnnotations)
  }
}

extension Decision.Finding {
  /// `POLICY: MESSAGE`; `[NAME] MESSAGE` of a constraint, as Gatekeeper has it.
  public var text: String { constraint.map { "[\($0)] \(message)" } ?? "\(policy): \(message)" }
}

extension [Decision.Finding] {
  fileprivate var withoutDuplicates: [Decision.Finding] {
    var kept: [Decision.Finding] = []
    for finding in self where !kept.contains(where: { $0.message.utf8.elementsEqual(finding.message.utf8) }) {
      kept.append(finding)
    }
    return kept
  }
}
