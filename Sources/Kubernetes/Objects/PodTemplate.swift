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
    guard let path = KindTable.builtin[kind]?.podTemplatePath else { throw .notAWorkload(kind) }
    do throws(FieldError) {
      var reader = FieldReader(members)
      for step in path {
        guard let next = try reader.reader(step) else {
          throw FieldError.missing(path: reader.prefix + step.string)
        }
        reader = next
      }
      metadata = .object(try reader.object(FieldName.metadata) ?? ObjectValue())
      guard let spec = try reader.object(FieldName.spec) else {
        throw FieldError.missing(path: reader.prefix + "spec")
      }
      self.spec = .object(spec)
    } catch {
      throw .field(kind: kindName, error)
    }
  }
}

extension PodTemplate {
  /// Checks that the labels and annotations of a workload's pods are strings; objects that are no workloads pass.
  ///
  /// - Throws: ``FieldError`` where they are not, or where what leads to them is no object.
  static func checkLabels(in object: ObjectValue) throws(FieldError) {
    guard case .string(let apiVersion)? = object[FieldName.apiVersion],
      case .string(let kindName)? = object[FieldName.kind],
      let kind = GroupVersionKind(apiVersion: apiVersion, kind: kindName),
      let path = KindTable.builtin[kind]?.podTemplatePath, !path.isEmpty
    else { return }
    var reader = FieldReader(object)
    for step in path {
      guard let next = try reader.reader(step) else { return }
      reader = next
    }
    guard let metadata = try reader.reader(FieldName.metadata) else { return }
    _ = try metadata.stringMap(FieldName.labels)
    _ = try metadata.stringMap(FieldName.annotations)
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
