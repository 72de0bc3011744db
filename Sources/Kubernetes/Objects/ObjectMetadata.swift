import Rego

/// The members of an object's `metadata` that decide something (Kubernetes API reference, ObjectMeta).
public struct ObjectMetadata: Sendable {
  /// An object that another one depends on (OwnerReference).
  public struct Owner: Sendable, Hashable {
    public let kind: GroupVersionKind
    public let name: RegoString
    public let uid: RegoString
    /// Whether the owner manages the object; at most one of an object's owners does.
    public let isController: Bool
  }

  public let name: RegoString?
  public let generateName: RegoString?
  public let namespace: RegoString?
  public let uid: RegoString?
  /// Every key and value is a string. Empty where there are none.
  public let labels: ObjectValue
  /// Every key and value is a string. Empty where there are none.
  public let annotations: ObjectValue
  public let owners: [Owner]
  public let deletionTimestamp: RegoString?

  /// Whether deletion has begun; until finalizers let it go the object still counts.
  public var isBeingDeleted: Bool { deletionTimestamp != nil }

  /// The owner that manages the object, where there is one.
  public var controller: Owner? { owners.first(where: \.isController) }

  /// The name, or the prefix that the API server makes one of, or nothing.
  public var displayName: RegoString { name ?? generateName ?? "" }

  /// Reads the metadata of an object, or of a pod template. Null and absent are the same; absent metadata has no members.
  ///
  /// - Throws: ``FieldError`` where a member has another type than the API reference says; the path starts at the object.
  public init(of object: Value) throws(FieldError) {
    guard case .object(let object) = object else {
      throw .wrongType(path: "object", expected: "an object", found: object.typeNameWithArticle)
    }
    let metadata = FieldReader(try FieldReader(object).object(FieldName.metadata) ?? ObjectValue())
    do throws(FieldError) {
      name = try metadata.nonEmpty(FieldName.name)
      generateName = try metadata.nonEmpty(FieldName.generateName)
      namespace = try metadata.nonEmpty(FieldName.namespace)
      uid = try metadata.nonEmpty(FieldName.uid)
      labels = try metadata.stringMap(FieldName.labels) ?? ObjectValue()
      annotations = try metadata.stringMap(FieldName.annotations) ?? ObjectValue()
      deletionTimestamp = try metadata.nonEmpty(FieldName.deletionTimestamp)
      owners = try Self.owners(try metadata.array(FieldName.ownerReferences) ?? [])
    } catch {
      throw error.under("metadata")
    }
  }

  private static func owners(_ references: [Value]) throws(FieldError) -> [Owner] {
    if references.isEmpty { return [] }
    var owners: [Owner] = []
    for reference in references {
      do throws(FieldError) {
        owners.append(try Owner(reference))
      } catch {
        throw error.under("ownerReferences[\(owners.count)]")
      }
    }
    return owners
  }
}

extension ObjectMetadata.Owner {
  fileprivate init(_ reference: Value) throws(FieldError) {
    guard case .object(let object) = reference else {
      throw .wrongType(path: "", expected: "an object", found: reference.typeNameWithArticle)
    }
    let reader = FieldReader(object)
    let apiVersion = try reader.string(FieldName.apiVersion) ?? ""
    let kind = try reader.string(FieldName.kind) ?? ""
    self.init(
      kind: GroupVersionKind(apiVersion: apiVersion, kind: kind)
        ?? GroupVersionKind(group: "", version: apiVersion, kind: kind),
      name: try reader.string(FieldName.name) ?? "",
      uid: try reader.string(FieldName.uid) ?? "",
      isController: try reader.boolean(FieldName.controller) ?? false)
  }
}
