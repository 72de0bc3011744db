import Foundation
import Kubernetes
import Rego

/// What one policy says of a request.
struct PolicyVerdict {
  /// The messages of `deny` and `violation`.
  var violations: [String] = []
  /// The messages of `warn`.
  var warnings: [String] = []
  /// Why the policy could not say, or not all.
  var failure: String?
  /// Whether it failed because time or steps ran out.
  var isCancelled = false
  var builtinErrors: [String] = []

  /// Asks a policy.
  ///
  /// - Parameters:
  ///   - input: the review, with at least what the policy's program reads of it.
  ///   - data: the document `data`.
  init(
    of policy: Policy, input: Value, data: Value, context: BuiltinContext, limits: EvaluationLimits
  ) {
    let evaluation = Evaluation(
      policy.program, input: input, data: data, context: context, limits: limits,
      strictBuiltinErrors: policy.settings.strictBuiltinErrors)
    do throws(RegoError) {
      for rule in policy.denials {
        try Self.collect(try evaluation.value(of: rule), into: &violations)
      }
      if let rule = policy.warnings, policy.settings.enforcement != .dryrun {
        try Self.collect(try evaluation.value(of: rule), into: &warnings)
      }
    } catch {
      failure = Self.text(error)
      isCancelled = error.code == .cancelled
    }
    if failure == nil, let error = evaluation.builtinErrors.first(where: Self.isOfTheCluster) {
      failure = Self.text(error)
      // What was made of its answer is worth nothing.
      violations = []
      warnings = []
    }
    if evaluation.builtinErrors.isEmpty { return }
    var seen: Set<RegoError> = []
    builtinErrors = evaluation.builtinErrors.filter { seen.insert($0).inserted }.map(Self.text)
  }

  /// The messages of a set: strings, or objects with `msg`.
  private static func collect(_ value: Value?, into messages: inout [String]) throws(RegoError) {
    guard let value else { return }
    guard case .set(let set) = value else {
      throw RegoError(.type, "the rule must be a set of messages, but is \(value.article)")
    }
    for element in set {
      let message: Value?
      switch element {
      case .string: message = element
      case .object(let object): message = object["msg"]
      default: message = nil
      }
      guard let text = message?.string else {
        throw RegoError(
          .type, "the rule must hold messages, or objects with msg, but holds \(element.article) without one")
      }
      if !messages.contains(where: { $0.utf8.elementsEqual(text.utf8) }) { messages.append(text) }
    }
  }

  /// Functions that know the cluster's objects never answer "undefined" when asked about what they don't know: `not` would turn
  /// that into true.
  private static func isOfTheCluster(_ error: RegoError) -> Bool {
    error.message.utf8.starts(with: "k8s.".utf8) || error.message.utf8.starts(with: "netpol.".utf8)
  }

  static func text(_ error: RegoError) -> String {
    let place = error.location.map { " (line \($0.line))" } ?? ""
    return "\(error.code.rawValue): \(error.message)\(place)"
  }
}
