import Rego

/// The question that an AdmissionReview asks (Kubernetes API reference, admission.k8s.io/v1).
///
/// It is a view: objects and options are the values that the review holds.
public final class AdmissionRequest: Sendable {
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

    /// The operation of which the bytes are the name.
    public init?(utf8 bytes: UnsafeRawBufferPointer) {
      for operation in Self.all where operation.rawValue.utf8.elementsEqual(bytes) {
        self = operation
        return
      }
      return nil
    }

    private static let all = allCases
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
  /// Such as `scale` or `status`; empty for the resource itself.
  public let subResource: RegoString
  /// The object's name; its `generateName` where it has no name yet. Taken from the objects where the request lacks it, as it
  /// may for a deletecollection.
  public let name: RegoString
  /// Empty for objects that are the cluster's. The request about a Namespace names the namespace itself.
  public let namespace: RegoString
  public let operation: Operation
  public let username: RegoString
  public let isDryRun: Bool
  /// The review's `request`, checked by ``init(review:)``.
  private let members: ObjectValue

  /// Reads a review.
  ///
  /// - Throws: ``AdmissionReviewError`` where the review is not one that can be answered: what the API reference requires is
  ///   missing, or a field has another type than it says.
  public init(review: Value) throws(AdmissionReviewError) {
    guard case .object(let review) = review else { throw .notAnObject(found: review.typeNameWithArticle) }
    version = try Self.version(of: review)
    let hasObject: Bool
    let hasOldObject: Bool
    do throws(FieldError) {
      guard let members = try FieldReader(review).object(FieldName.request) else {
        throw .missing(path: "request")
      }
      self.members = members
      let request = FieldReader(members)
      do throws(FieldError) {
        guard let uid = try request.nonEmpty(FieldName.uid) else { throw .missing(path: "uid") }
        self.uid = uid
        guard let kind = try request.kind(FieldName.kind), kind.kind.utf8Count > 0 else {
          throw .missing(path: "kind.kind")
        }
        self.kind = kind
        try request.check(FieldName.requestKind, FieldName.group, FieldName.version, FieldName.kind)
        try request.check(FieldName.resource, FieldName.group, FieldName.version, FieldName.resource)
        subResource = try request.string(FieldName.subResource) ?? Self.none
        username = try request.checkedUsername() ?? Self.none
        isDryRun = try request.boolean(FieldName.dryRun) ?? false
        _ = try request.object(FieldName.options)
        let object = try request.names(of: FieldName.object, kind)
        let oldObject = try request.names(of: FieldName.oldObject, kind)
        hasObject = object != nil
        hasOldObject = oldObject != nil
        name =
          try request.nonEmpty(FieldName.name) ?? object?.name ?? oldObject?.name ?? object?.generateName
          ?? oldObject?.generateName ?? Self.none
        namespace =
          try request.nonEmpty(FieldName.namespace) ?? object?.namespace ?? oldObject?.namespace ?? Self.none
        operation = try request.operation()
      } catch {
        throw error.under("request")
      }
    } catch {
      throw .field(error)
    }
    switch operation {
    case .create, .update:
      if !hasObject { throw .missingObject(operation) }
    case .delete:
      if !hasObject && !hasOldObject { throw .missingObject(operation) }
    case .connect: break
    }
  }

  // What few ask for is read when asked for; that it can be, was checked. Of a projected review that is what its shape holds.

  public var resource: GroupVersionResource {
    (try? FieldReader(members).resource(FieldName.resource))
      ?? GroupVersionResource(
        group: kind.group, version: kind.version, resource: KindTable.builtin[kind]?.resource ?? "")
  }

  /// The kind of the original request, where it was converted; otherwise `kind`.
  public var requestKind: GroupVersionKind { (try? FieldReader(members).kind(FieldName.requestKind)) ?? kind }

  public var userInfo: UserInfo {
    (try? FieldReader(members).userInfo()) ?? UserInfo(username: username, groups: [])
  }

  /// Nil on DELETE.
  public var object: Value? { FieldReader(members).value(FieldName.object) }

  /// Nil on CREATE.
  public var oldObject: Value? { FieldReader(members).value(FieldName.oldObject) }

  public var options: Value? { FieldReader(members).value(FieldName.options) }

  /// The metadata of `object`, where there is one.
  public var metadata: ObjectMetadata? { object.flatMap { try? ObjectMetadata(of: $0) } }

  /// The metadata of `oldObject`, where there is one.
  public var oldMetadata: ObjectMetadata? { oldObject.flatMap { try? ObjectMetadata(of: $0) } }

  /// Has an interner know the names by which requests are read, so that policies that name them too compare pointers.
  public static func seed(_ interner: StringInterner) {
    for name in FieldName.all { _ = interner.intern(name) }
  }

  /// What the request is about.
  public var reference: ObjectReference {
    ObjectReference(kind: kind, namespace: namespace.utf8Count > 0 ? namespace : nil, name: name)
  }

  /// What of a review is read here: enough for ``init(review:)``, without which a projected review is not understood.
  ///
  /// Of strings that only need to be strings nothing is read but those that are not. A policy that reads more, or whose match
  /// does (``labelShape``), asks for it itself.
  public static let shape: PathShape = {
    let map: PathShape = .members([], others: .unlessString)
    let strings: PathShape = .members([(FieldName.labels, map), (FieldName.annotations, map)])
    let owner: PathShape = .members([
      (FieldName.apiVersion, .unlessString), (FieldName.kind, .unlessString), (FieldName.name, .unlessString),
      (FieldName.uid, .unlessString), (FieldName.controller, .all),
    ])
    let metadata = strings.union(
      .members([
        (FieldName.name, .all), (FieldName.generateName, .all), (FieldName.namespace, .all),
        (FieldName.uid, .unlessString), (FieldName.deletionTimestamp, .unlessString),
        (FieldName.ownerReferences, .members([], elements: owner)),
      ]))
    let object: PathShape = .members([
      (FieldName.kind, .all), (FieldName.metadata, metadata), (FieldName.spec, templates(strings)),
    ])
    let kind: PathShape = .members([
      (FieldName.group, .unlessString), (FieldName.version, .unlessString), (FieldName.kind, .unlessString),
    ])
    let resource: PathShape = .members([
      (FieldName.group, .unlessString), (FieldName.version, .unlessString),
      (FieldName.resource, .unlessString),
    ])
    let request: PathShape = .members([
      (FieldName.uid, .all), (FieldName.kind, .all), (FieldName.resource, resource),
      (FieldName.subResource, .all), (FieldName.requestKind, kind), (FieldName.name, .all),
      (FieldName.namespace, .all), (FieldName.operation, .all),
      (
        FieldName.userInfo,
        .members([(FieldName.username, .all), (FieldName.groups, .members([], elements: .unlessString))])
      ),
      (FieldName.object, object), (FieldName.oldObject, object), (FieldName.dryRun, .all),
      (FieldName.options, .shallow),
    ])
    return .members([(FieldName.apiVersion, .all), (FieldName.kind, .all), (FieldName.request, request)])
  }()

  /// What of a review ``metadata`` and ``oldMetadata`` need besides for their labels.
  public static let labelShape: PathShape = {
    let metadata: PathShape = .path([.key(FieldName.metadata), .key(FieldName.labels)])
    return .members([
      (FieldName.request, .members([(FieldName.object, metadata), (FieldName.oldObject, metadata)]))
    ])
  }()

  /// What a spec needs so that `leaf` is read of the metadata of its pod template, or of its job template's.
  private static func templates(_ leaf: PathShape) -> PathShape {
    let template: PathShape = .path([.key(FieldName.template), .key(FieldName.metadata)], leaf: leaf)
    return template.union(.path([.key("jobTemplate"), .key(FieldName.spec)], leaf: template))
  }

  private static let none: RegoString = ""
  private static let reviewKind: RegoString = "AdmissionReview"
  private static let v1 = RegoString(Version.v1.rawValue)
  private static let v1beta1 = RegoString(Version.v1beta1.rawValue)

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
    if apiVersion == v1 { return .v1 }
    if apiVersion == v1beta1 { return .v1beta1 }
    throw .unknownVersion(found: apiVersion?.string)
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

  /// Checks that some members of a member are strings, where they are there.
  fileprivate func check(_ name: RegoString, _ first: RegoString, _ second: RegoString, _ third: RegoString)
    throws(FieldError)
  {
    guard let object = try object(name) else { return }
    let reader = FieldReader(object)
    do throws(FieldError) {
      _ = try reader.string(first)
      _ = try reader.string(second)
      _ = try reader.string(third)
    } catch {
      throw error.under(name.string)
    }
  }

  /// The user's name, its groups checked.
  fileprivate func checkedUsername() throws(FieldError) -> RegoString? {
    try within(FieldName.userInfo) { (user) throws(FieldError) -> RegoString? in
      if let groups = try user.array(FieldName.groups), !groups.isEmpty {
        _ = try user.strings(FieldName.groups)
      }
      return try user.string(FieldName.username)
    } ?? nil
  }

  /// How an object of the request is called, its metadata and that of its pod template checked; nil where there is none.
  fileprivate func names(
    of name: RegoString, _ kind: GroupVersionKind
  ) throws(FieldError) -> ObjectNames? {
    guard let object = try object(name) else { return nil }
    do throws(FieldError) {
      let names = try ObjectNames(of: object)
      try PodTemplate.checkLabels(in: object, of: kind)
      return names
    } catch {
      throw error.under(name.string)
    }
  }
}

/// What names an object, with the rest of its metadata checked as ``ObjectMetadata`` does but not kept.
private struct ObjectNames {
  var name: RegoString?
  var generateName: RegoString?
  var namespace: RegoString?

  init(of object: ObjectValue) throws(FieldError) {
    guard let members = try FieldReader(object).object(FieldName.metadata) else { return }
    let metadata = FieldReader(members)
    if let owners = metadata.value(FieldName.ownerReferences), owners != .array([]) {
      let metadata = try ObjectMetadata(of: .object(object))
      (name, generateName, namespace) = (metadata.name, metadata.generateName, metadata.namespace)
      return
    }
    do throws(FieldError) {
      name = try metadata.nonEmpty(FieldName.name)
      generateName = try metadata.nonEmpty(FieldName.generateName)
      namespace = try metadata.nonEmpty(FieldName.namespace)
      _ = try metadata.string(FieldName.uid)
      _ = try metadata.stringMap(FieldName.labels)
      _ = try metadata.stringMap(FieldName.annotations)
      _ = try metadata.string(FieldName.deletionTimestamp)
    } catch {
      throw error.under("metadata")
    }
  }
}
