import Kubernetes
import Rego

/// A request as Constraints see it: `input.review`, and the objects that they are matched with.
public struct ConstraintReview: Sendable {
  /// `input.review`: the AdmissionRequest.
  public let request: Value
  let object: Value?
  let oldObject: Value?
  /// The Namespace of the objects, where it is known.
  let namespace: Value?
  let source = ConstraintMatch.Source.original

  /// A request about an object alone, as if nobody in particular had asked: neither an operation nor a user is given.
  ///
  /// - Parameter namespaces: the Namespaces that are known, by name.
  public init(object: Value, namespaces: [RegoString: Value] = [:]) throws(GatekeeperError) {
    guard object.object != nil, object["kind"]?.string != nil else {
      throw .review("object or oldObject cannot be unmarshalled: Object 'Kind' is missing")
    }
    let reviewed = ReviewedObject(object)
    let kind: Value = [
      "group": .string(reviewed.group), "version": .string(reviewed.version), "kind": .string(reviewed.kind),
    ]
    var request: [(Value, Value)] = [("kind", kind), ("object", object)]
    if !reviewed.name.isEmpty { request.append(("name", .string(reviewed.name))) }
    if !reviewed.namespace.isEmpty { request.append(("namespace", .string(reviewed.namespace))) }
    try self.init(request: .object(ObjectValue(request)), namespaces: namespaces)
  }

  /// An AdmissionRequest. On DELETE the object is the one that goes (Gatekeeper documentation, "How to use Gatekeeper",
  /// "Input Review").
  ///
  /// - Parameter namespaces: the Namespaces that are known, by name.
  public init(request: Value, namespaces: [RegoString: Value] = [:]) throws(GatekeeperError) {
    guard var members = request.object else {
      throw .review(
        "missing an AdmissionRequest object: request did not actually pass in an AdmissionRequest")
    }
    func given(_ key: RegoString) -> Value? { members[key].flatMap { $0 == .null ? nil : $0 } }
    if given("object") == nil, given("oldObject") == nil {
      throw .review(
        "no object or oldObject found to review: AdmissionRequest does not contain an \"object\" or \"oldObject\" to review"
      )
    }
    for key: RegoString in ["object", "oldObject"] {
      if let object = given(key), object["kind"]?.string == nil {
        throw .review("object or oldObject cannot be unmarshalled: Object 'Kind' is missing")
      }
    }
    if members["operation"] == "DELETE" {
      guard let old = given("oldObject") else {
        throw .review("not a valid AdmissionReview object: oldObject is nil")
      }
      members = members.inserting("object", old)
    }
    object = given("object")
    oldObject = given("oldObject")
    let name = members["namespace"]?.string ?? ""
    namespace = name.isEmpty ? nil : namespaces[RegoString(name)]
    // What Go writes for fields that nobody has set.
    for (key, value) in Self.unset where members[key] == nil { members = members.inserting(key, value) }
    self.request = .object(members)
  }

  private static let noKind: Value = ["group": "", "version": "", "kind": ""]
  private static let unset: [(Value, Value)] = [
    ("uid", ""), ("kind", noKind), ("resource", ["group": "", "version": "", "resource": ""]),
    ("operation", ""), ("userInfo", .object(ObjectValue())), ("object", .null), ("oldObject", .null),
    ("options", .null),
  ]
}

/// One violation of a Constraint.
public struct ConstraintViolation: Sendable, Hashable {
  public let message: String
  /// What the policy says beside the message.
  public let details: Value
}

extension ConstraintTemplate {
  /// What a constraint of this template finds in a request; empty where it is not about the request's object.
  ///
  /// What cannot be evaluated, or matched, is a violation too: a policy that fails must not let through what it is there to stop.
  ///
  /// - Parameter inventory: the document `data.inventory`.
  public func violations(
    of constraint: Constraint, by review: ConstraintReview, inventory: Value, context: BuiltinContext,
    limits: EvaluationLimits = EvaluationLimits()
  ) -> [ConstraintViolation] {
    do throws(GatekeeperError) {
      guard try constraint.isAbout(review) else { return [] }
    } catch {
      return [ConstraintViolation(message: "\(error)", details: .null)]
    }
    let input = ["review": review.request, "parameters": constraint.parameters] as Value
    let evaluation = Evaluation(
      program, input: input, data: ["inventory": inventory], context: context,
      limits: limits)
    do throws(RegoError) {
      return try Self.violations(try evaluation.value(of: violation))
    } catch {
      return [ConstraintViolation(message: "\(error)", details: .null)]
    }
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

extension Constraint {
  /// Whether the object of a request matches, or the one that there was before.
  func isAbout(_ review: ConstraintReview) throws(GatekeeperError) -> Bool {
    for object in [review.object, review.oldObject].compactMap(\.self) {
      if try match.matches(object, namespace: review.namespace, source: review.source) { return true }
    }
    return false
  }
}
