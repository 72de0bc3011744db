import Kubernetes
import Rego

/// A request as Constraints see it: `input.review`, and the objects that they are matched with.
public struct ConstraintReview: Sendable {
  /// `input.review`: the AdmissionRequest.
  public let request: Value
  /// The object, and the one that there was before, so far as there are.
  let objects: [ReviewedObject]
  /// The Namespace of the objects, where it is known.
  let namespace: ReviewedObject?
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
      "group": .string(reviewed.group),
      "version": .string(ReviewedObject.groupAndVersion(of: object).version),
      "kind": .string(reviewed.kind),
    ]
    var request: [(Value, Value)] = [("kind", kind), ("object", object)]
    if reviewed.name.utf8Count > 0 { request.append(("name", .string(reviewed.name))) }
    if reviewed.namespace.utf8Count > 0 { request.append(("namespace", .string(reviewed.namespace))) }
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
    objects = [given("object"), given("oldObject")].compactMap { $0.map { ReviewedObject($0) } }
    if case .string(let name)? = members["namespace"] {
      namespace = namespaces[name].map { ReviewedObject($0) }
    } else {
      namespace = nil
    }
    self.request = .object(Self.completed(members))
  }

  /// An AdmissionRequest that has been read, of a review that holds at least what constraints read of it.
  ///
  /// - Parameters:
  ///   - members: the review's `request`.
  ///   - namespace: finds the Namespace of a name.
  init(_ request: AdmissionRequest, members: ObjectValue, namespace: (RegoString) -> Value?) {
    var members = members
    if request.operation == .delete, let old = request.oldObject {
      members = members.inserting("object", old)
    }
    objects = [request.object, request.oldObject].compactMap { object in
      object.map { ReviewedObject($0, kind: request.kind, requestNamespace: request.namespace) }
    }
    // A Namespace is matched by itself.
    let isNamespaced = request.namespace.utf8Count > 0 && !(objects.first?.isNamespace ?? false)
    self.namespace = isNamespaced ? namespace(request.namespace).map { ReviewedObject($0) } : nil
    self.request = .object(Self.completed(members))
  }

  /// With what Go writes for fields that nobody has set.
  private static func completed(_ members: ObjectValue) -> ObjectValue {
    unset.reduce(members) { members, field in
      members[field.0] == nil ? members.inserting(field.0, field.1) : members
    }
  }

  private static let noKind: Value = ["group": "", "version": "", "kind": ""]
  private static let unset: [(Value, Value)] = [
    ("uid", ""), ("kind", noKind), ("resource", ["group": "", "version": "", "resource": ""]),
    ("operation", ""), ("userInfo", .object(ObjectValue())), ("object", .null), ("oldObject", .null),
    ("options", .null),
  ]
}

extension Constraint {
  /// Whether the object of a request matches, or the one that there was before.
  func isAbout(_ review: ConstraintReview) throws(GatekeeperError) -> Bool {
    for object in review.objects {
      if try match.matches(object, namespace: review.namespace, source: review.source) { return true }
    }
    return false
  }
}
