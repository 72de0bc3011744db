import Rego

/// The question that an AdmissionReview asks (Kubernetes API reference, admission.k8s.io/v1).
///
/// It is a view: objects and options are the values that the review holds.
public struct AdmissionRequest: Sendable {
  /// The versions of AdmissionReview; a response has that of its request.
  public enum Version: String, Sendable, Hashable, CaseIterable {
    case v1 = "admission.k8s.io/v1"
    case v1beta1 = "admission.k8s.io/v1beta1"
  }

  public enum Operation: String, Sendable, Hashable, CaseIterable {
    case create = "CREATE"
    case update = "UPDATE"
    case delete = "DELETE"
    case connect = "CONNECT"
  }

  /// Who asks.
  public struct UserInfo: Sendable, Hashable {
    public let username: RegoString
    public let groups: [RegoString]

    public init(username: RegoString, groups: [RegoString]) {
      self.username = username
      self.groups = groups
    }
  }

  public let version: Version
  public let uid: RegoString
  /// What `object` is, in the version that the webhook is registered for.
  public let kind: GroupVersionKind
  public let resource: GroupVersionResource
  /// Such as `scale` or `status`; empty for the resource itself.
  public let subResource: RegoString
  /// The kind of the original request, where it was converted; otherwise `kind`.
  public let requestKind: GroupVersionKind
  /// The object's name; its `generateName` where it has no name yet. Taken from the objects where the request lacks it, as it
  /// may for a deletecollection.
  public let name: RegoString
  /// Empty for objects that are the cluster's. The request about a Namespace names the namespace itself.
  public let namespace: RegoString
  public let operation: Operation
  public let userInfo: UserInfo
  /// Nil on DELETE.
  public let object: Value?
  /// Nil on CREATE.
  public let oldObject: Value?
  public let options: Value?
  public let isDryRun: Bool
  /// The metadata of `object`, where there is one.
  public let metadata: ObjectMetadata?
  /// The metadata of `oldObject`, where there is one.
  public let oldMetadata: ObjectMetadata?

  /// Reads a review.
  ///
  /// - Throws: ``AdmissionReviewError`` where the review is not one that can be answered: what the API reference requires is
  ///   missing, or a field has another type than it says.
  public init(review: Value) throws(AdmissionReviewError) {
    guard case .object(let review) = review else { throw .notAnObject(found: review.typeNameWithArticle) }
    version = try Self.version(of: review)
    do throws(FieldError) {
      guard let members = try FieldReader(review).object(FieldName.request) else {
        throw .missing(path: "request")
      }
      let request = FieldReader(members)
      do throws(FieldError) {
        guard let uid = try request.nonEmpty(FieldName.uid) else { throw .missing(path: "uid") }
        self.uid = uid
        guard let kind = try request.kind(FieldName.kind), kind.kind.utf8Count > 0 else {
          throw .missing(path: "kind.kind")
        }
        self.kind = kind
        requestKind = try request.kind(FieldName.requestKind) ?? kind
        resource =
          try request.resource(FieldName.resource)
          ?? GroupVersionResource(
            group: kind.group, version: kind.version, resource: KindTable.builtin[kind]?.resource ?? "")
        subResource = try request.string(FieldName.subResource) ?? Self.none
        userInfo = try request.userInfo()
        isDryRun = try request.boolean(FieldName.dryRun) ?? false
        options = try request.object(FieldName.options).map(Value.object)
        (object, metadata) = try request.member(FieldName.object, of: kind)
        (oldObject, oldMetadata) = try request.member(FieldName.oldObject, of: kind)
        name =
          try request.nonEmpty(FieldName.name) ?? metadata?.name ?? oldMetadata?.name ?? metadata?
          .generateName
          ?? oldMetadata?.generateName ?? Self.none
        namespace =
          try request.nonEmpty(FieldName.namespace) ?? metadata?.namespace ?? oldMetadata?.namespace
          ?? Self.none
        operation = try request.operation()
      } catch {
        throw error.under("request")
      }
    } catch {
      throw .field(error)
    }
    switch operation {
    case .create, .update:
      if object == nil { throw .missingObject(operation) }
    case .delete:
      if object == nil && oldObject == nil { throw .missingObject(operation) }
    case .connect: break
    }
  }

  /// What the request is about.
  public var reference: ObjectReference {
    ObjectReference(kind: kind, namespace: namespace.utf8Count > 0 ? namespace : nil, name: name)
  }

  /// What of a review is read here: enough for ``init(review:)``, without which a projected review is not understood.
  ///
  /// Annotations and options are left empty; a policy that reads them asks for them itself.
  public static let shape: PathShape = {
    let strings: PathShape = .members([(FieldName.labels, .all), (FieldName.annotations, .shallow)])
    let template: PathShape = .path([.key(FieldName.template), .key(FieldName.metadata)], leaf: strings)
    let jobTemplate: PathShape = .path([.key("jobTemplate"), .key(FieldName.spec)], leaf: template)
    let metadata = strings.union(
      .members([
        (FieldName.name, .all), (FieldName.generateName, .all), (FieldName.namespace, .all),
        (FieldName.uid, .all),
        (FieldName.ownerReferences, .all), (FieldName.deletionTimestamp, .all),
      ]))
    let object: PathShape = .members([
      (FieldName.apiVersion, .all), (FieldName.kind, .all), (FieldName.metadata, metadata),
      (FieldName.spec, template.union(jobTemplate)),
    ])
    let request: PathShape = .members([
      (FieldName.uid, .all), (FieldName.kind, .all), (FieldName.resource, .all),
      (FieldName.subResource, .all),
      (FieldName.requestKind, .all), (FieldName.name, .all), (FieldName.namespace, .all),
      (FieldName.operation, .all),
      (FieldName.userInfo, .members([(FieldName.username, .all), (FieldName.groups, .all)])),
      (FieldName.object, object), (FieldName.oldObject, object), (FieldName.dryRun, .all),
      (FieldName.options, .shallow),
    ])
    return .members([(FieldName.apiVersion, .all), (FieldName.kind, .all), (FieldName.request, request)])
  }()

  private static let none: RegoString = ""
  private static let reviewKind: RegoString = "AdmissionReview"
  private static let versions = Version.allCases.map { (name: RegoString($0.rawValue), version: $0) }

  private static func version(of review: ObjectValue) throws(AdmissionReviewError) -> Version {
    let kind: RegoString?
    let apiVersion: RegoString?
    do throws(FieldError) {
      kind = try FieldReader(review).string(FieldName.kind)
      apiVersion = try FieldReader(review).string(FieldName.apiVersion)
    } catch {
      throw .field(error)
    }
    guard kind == reviewKind else { throw .notAReview(kind: kind?.string) }
    guard let version = versions.first(where: { $0.name == apiVersion })?.version else {
      throw .unknownVersion(found: apiVersion?.string)
    }
    return version
  }
}

extension AdmissionRequest.Operation {
  fileprivate static let named = allCases.map { (name: RegoString($0.rawValue), operation: $0) }
}

extension FieldReader {
  fileprivate func operation() throws(FieldError) -> AdmissionRequest.Operation {
    guard let name = try string(FieldName.operation) else { throw .missing(path: "operation") }
    guard let operation = AdmissionRequest.Operation.named.first(where: { $0.name == name })?.operation else {
      throw .wrongType(path: "operation", expected: "CREATE, UPDATE, DELETE or CONNECT", found: "\"\(name)\"")
    }
    return operation
  }

  fileprivate func kind(_ name: RegoString) throws(FieldError) -> GroupVersionKind? {
    try within(name) { (kind) throws(FieldError) in
      GroupVersionKind(
        group: try kind.string(FieldName.group) ?? "", version: try kind.string(FieldName.version) ?? "",
        kind: try kind.string(FieldName.kind) ?? "")
    }
  }

  fileprivate func resource(_ name: RegoString) throws(FieldError) -> GroupVersionResource? {
    try within(name) { (resource) throws(FieldError) in
      GroupVersionResource(
        group: try resource.string(FieldName.group) ?? "",
        version: try resource.string(FieldName.version) ?? "",
        resource: try resource.string(FieldName.resource) ?? "")
    }
  }

  fileprivate func userInfo() throws(FieldError) -> AdmissionRequest.UserInfo {
    try within(FieldName.userInfo) { (user) throws(FieldError) in
      AdmissionRequest.UserInfo(
        username: try user.string(FieldName.username) ?? "", groups: try user.strings(FieldName.groups) ?? [])
    } ?? AdmissionRequest.UserInfo(username: "", groups: [])
  }

  /// An object of the request with its metadata, and that of its pod template checked likewise.
  fileprivate func member(
    _ name: RegoString, of kind: GroupVersionKind
  ) throws(FieldError) -> (Value?, ObjectMetadata?) {
    guard let object = try object(name) else { return (nil, nil) }
    let value = Value.object(object)
    do throws(FieldError) {
      let metadata = try ObjectMetadata(of: value)
      try PodTemplate.checkLabels(in: object, of: kind)
      return (value, metadata)
    } catch {
      throw error.under(name.string)
    }
  }
}
