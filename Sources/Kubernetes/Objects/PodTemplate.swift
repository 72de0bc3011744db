import Rego

/// The pods that a workload makes: their metadata and spec.
public struct PodTemplate: Sendable {
  /// The template's metadata; an empty object where it has none.
  public let metadata: Value
  public let spec: Value

  /// Why an object has no pod template.
  public enum Failure: Error, Sendable, Hashable {
    case notAnObject(found: String)
    /// `apiVersion` or `kind` is missing or no string.
    case untyped
    case notAWorkload(GroupVersionKind)
    /// The object is of a workload kind but lacks a part that such an object must have.
    case field(kind: RegoString, FieldError)
  }

  /// The template of a Pod (which is its own), Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or
  /// CronJob of any version.
  ///
  /// - Throws: ``Failure`` for anything else, and for a workload without a pod spec.
  public init(of object: Value) throws(Failure) {
    guard case .object(let members) = object else { throw .notAnObject(found: object.typeNameWithArticle) }
    guard case .string(let apiVersion)? = members[FieldName.apiVersion],
      case .string(let kindName)? = members[FieldName.kind],
      let kind = GroupVersionKind(apiVersion: apiVersion, kind: kindName)
    else { throw .untyped }
    try self.init(of: object, kind: kind)
  }

  /// The template of an object whose kind is known from elsewhere.
  ///
  /// - Throws: ``Failure`` for what is no workload, and for a workload without a pod spec.
  public init(of object: Value, kind: GroupVersionKind) throws(Failure) {
    guard case .object(let members) = object else { throw .notAnObject(found: object.typeNameWithArticle) }
    guard let path = KindTable.builtin[kind]?.podTemplatePath else { throw .notAWorkload(kind) }
    do throws(FieldError) {
      (metadata, spec) = try Self.template(in: FieldReader(members), path: path[...])
    } catch {
      throw .field(kind: kind.kind, error)
    }
  }

  private static func template(
    in object: FieldReader, path: ArraySlice<RegoString>
  ) throws(FieldError) -> (Value, Value) {
    if let step = path.first {
      let found = try object.within(step) { (member) throws(FieldError) in
        try template(in: member, path: path.dropFirst())
      }
      guard let found else { throw .missing(path: step.string) }
      return found
    }
    let metadata = try object.object(FieldName.metadata) ?? ObjectValue()
    guard let spec = try object.object(FieldName.spec) else { throw .missing(path: FieldName.spec.string) }
    return (.object(metadata), .object(spec))
  }
}

extension PodTemplate {
  /// Checks that the labels and annotations of a workload's pods are strings; objects that are no workloads pass.
  ///
  /// - Throws: ``FieldError`` where they are not, or where what leads to them is no object.
  static func checkLabels(in object: ObjectValue, of kind: GroupVersionKind) throws(FieldError) {
    guard let path = KindTable.builtin[kind]?.podTemplatePath, !path.isEmpty else { return }
    try FieldReader(object).within(path: path) { (template) throws(FieldError) in
      try template.within(FieldName.metadata) { (metadata) throws(FieldError) in
        _ = try metadata.stringMap(FieldName.labels)
        _ = try metadata.stringMap(FieldName.annotations)
      }
    }
  }
}

extension PodTemplate.Failure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notAnObject(let found): "a workload must be an object, but this is \(found)"
    case .untyped: "the object has no apiVersion and kind to tell whether it is a workload"
    case .notAWorkload(let kind): "\(kind) is no workload: it has no pod template"
    case .field(let kind, let error): "in a \(kind) \(error)"
    }
  }
}
