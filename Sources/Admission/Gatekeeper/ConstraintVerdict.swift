import Rego

/// One violation of a Constraint.
public struct ConstraintViolation: Sendable, Hashable {
  public let message: String
  /// What the policy says beside the message.
  public let details: Value
}

/// What a constraint says of a request.
struct ConstraintVerdict {
  var violations: [ConstraintViolation] = []
  /// Whether time or steps ran out, rather than that the template said something.
  var isCancelled = false
  /// Whether it could not be matched, since the request's Namespace is not known.
  var missesNamespace = false
  /// Builtin errors that made an expression undefined.
  var builtinErrors: [RegoError] = []

  /// Asks a template about a request; nil where its constraint is not about the request's object.
  ///
  /// What cannot be evaluated, or matched, is a violation too: a policy that fails must not let through what it is there to stop.
  ///
  /// - Parameter data: the document `data`, of which a template sees `inventory`.
  init?(
    of constraint: Constraint, _ template: ConstraintTemplate, by review: ConstraintReview, data: Value,
    context: BuiltinContext, limits: EvaluationLimits
  ) {
    do throws(GatekeeperError) {
      guard try constraint.isAbout(review) else { return nil }
    } catch {
      violations = [ConstraintViolation(message: "\(error)", details: .null)]
      missesNamespace = true
      return
    }
    let input = ["review": review.request, "parameters": constraint.parameters] as Value
    let evaluation = Evaluation(template.program, input: input, data: data, context: context, limits: limits)
    do throws(RegoError) {
      violations = try Self.violations(try evaluation.value(of: template.violation))
    } catch {
      violations = [ConstraintViolation(message: "\(error)", details: .null)]
      isCancelled = error.code == .cancelled
    }
    builtinErrors = evaluation.builtinErrors
  }

  private static func violations(_ value: Value?) throws(RegoError) -> [ConstraintViolation] {
    guard let value else { return [] }
    guard case .set(let set) = value else {
      throw RegoError(.type, "violation must be a set of objects with msg, but is \(value.typeName)")
    }
    var violations: [ConstraintViolation] = []
    for element in set {
      guard let message = element["msg"]?.string else {
        throw RegoError(.type, "violation must hold objects with msg, a string, but holds \(element)")
      }
      violations.append(
        ConstraintViolation(message: message, details: element["details"] ?? .object(ObjectValue())))
    }
    return violations
  }
}

extension ConstraintTemplate {
  /// What a constraint of this template finds in a request; empty where it is not about the request's object.
  ///
  /// What cannot be evaluated, or matched, is a violation too.
  ///
  /// - Parameter inventory: the document `data.inventory`.
  public func violations(
    of constraint: Constraint, by review: ConstraintReview, inventory: Value, context: BuiltinContext,
    limits: EvaluationLimits = EvaluationLimits()
  ) -> [ConstraintViolation] {
    ConstraintVerdict(
      of: constraint, self, by: review, data: ["inventory": inventory], context: context, limits: limits
    )?.violations ?? []
  }
}
