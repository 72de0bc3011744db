import Kubernetes
import Rego

extension AdmissionSnapshot {
  private static let request: RegoString = "request"

  /// Asks constraints about a request, and adds to a decision what they say.
  ///
  /// - Parameters:
  ///   - indices: those of ``PolicySet/constraints`` that may concern the request's kind.
  ///   - acceptsCancellation: whether running out of time is a failure; otherwise it is for another try.
  /// - Returns: false where time ran out and that is for another try.
  func judge(
    _ request: AdmissionRequest, review: Value, by indices: [Int], _ context: BuiltinContext,
    _ limits: EvaluationLimits, acceptsCancellation: Bool, _ decision: inout Decision
  ) -> Bool {
    guard case .object(let members)? = review[Self.request.string] else { return true }
    let asked = ConstraintReview(request, members: members) { namespace(named: $0) }
    for index in indices {
      let entry = policies.constraints.entries[index]
      let (constraint, template) = (entry.compiled.constraint, entry.compiled.template)
      guard template.isAsked(about: request.operation),
        let verdict = ConstraintVerdict(
          of: constraint, template, by: asked, data: data, context: context, limits: limits)
      else { continue }
      if verdict.isCancelled, !acceptsCancellation { return false }
      decision.add(verdict, of: entry)
    }
    return true
  }

  /// The Namespace of a name, where the inventory knows it.
  func namespace(named name: RegoString) -> Value? {
    guard let namespaces = data["inventory"]?["cluster"]?["v1"]?["Namespace"] else { return nil }
    return namespaces.lookup(.string(name))
  }
}

extension Decision {
  /// Adds what a constraint says, by its enforcement.
  mutating func add(_ verdict: ConstraintVerdict, of entry: ConstraintSet.Entry) {
    let name = entry.compiled.name
    missesNamespace = missesNamespace || verdict.missesNamespace
    evaluatedPolicies.append(name)
    builtinErrors += verdict.builtinErrors.map { Finding(policy: name, message: PolicyVerdict.text($0)) }
    let findings = verdict.violations.map {
      Finding(policy: name, message: $0.message, constraint: entry.compiled.constraint.name)
    }
    if verdict.isCancelled {
      // Nothing was found; there was no time to look.
      failures += findings
      if entry.enforcement.contains(.deny) { isFailed = true }
      return
    }
    for enforcement in entry.enforcement {
      switch enforcement {
      case .deny: violations += findings
      case .warn: warnings += findings
      case .dryrun: dryRunViolations += findings
      }
    }
  }
}
