import Kubernetes
import Rego

/// The change of an object that an admission request asks for.
struct RequestedChange {
  private enum Name {
    static let generateName: RegoString = "generateName"
    static let group: RegoString = "group"
    static let kind: RegoString = "kind"
    static let metadata: RegoString = "metadata"
    static let name: RegoString = "name"
    static let namespace: RegoString = "namespace"
    static let object: RegoString = "object"
    static let oldObject: RegoString = "oldObject"
    static let operation: RegoString = "operation"
    static let version: RegoString = "version"
  }

  let reference: ObjectReference
  /// Nil where the request changes no object.
  let change: ObjectChange?

  /// Reads a request, as an AdmissionReview holds it.
  ///
  /// - Throws: `BuiltinError` where it is no request, or its objects are not as objects are.
  init(_ request: ObjectValue) throws(BuiltinError) {
    do throws(FieldError) {
      (reference, change) = try Self.read(FieldReader(request))
    } catch {
      throw .failed("the request cannot be understood: \(error)")
    }
  }

  private static func read(_ request: FieldReader) throws(FieldError) -> (ObjectReference, ObjectChange?) {
    guard let kind = try request.object(Name.kind) else { throw .missing(path: "kind") }
    let reader = FieldReader(kind)
    guard let name = try reader.nonEmpty(Name.kind) else { throw .missing(path: "kind.kind") }
    guard let operation = try request.nonEmpty(Name.operation) else { throw .missing(path: "operation") }
    let old = try request.value(Name.oldObject).map(state)
    let new = try request.value(Name.object).map(state)
    let states = [new, old].compactMap(\.self)
    let object =
      try request.nonEmpty(Name.name) ?? states.lazy.compactMap(\.metadata.name).first
      ?? states.lazy.compactMap(\.metadata.generateName).first
    var reference = ObjectReference(
      kind: GroupVersionKind(
        group: try reader.string(Name.group) ?? "", version: try reader.string(Name.version) ?? "", kind: name
      ),
      namespace: try request.nonEmpty(Name.namespace) ?? states.lazy.compactMap(\.metadata.namespace).first,
      name: object ?? "")
    // The request about a namespace names the namespace itself; for the model it is the cluster's.
    if name == "Namespace" && reference.kind.group.utf8Count == 0 { reference.namespace = nil }
    switch operation.string {
    case "CREATE":
      guard let new else { throw .missing(path: "object") }
      return (reference, ObjectChange(reference, old: nil, new: new))
    case "UPDATE":
      guard let new else { throw .missing(path: "object") }
      return (
        reference, old.map { ObjectChange(reference, old: $0, new: new) } ?? ObjectChange(reference, new: new)
      )
    case "DELETE":
      return (
        reference, old.map { ObjectChange(reference, old: $0, new: nil) } ?? ObjectChange(reference, new: nil)
      )
    case "CONNECT": return (reference, nil)
    default:
      throw .wrongType(
        path: "operation", expected: "CREATE, UPDATE, DELETE or CONNECT", found: "\"\(operation)\"")
    }
  }

  private static func state(_ object: Value) throws(FieldError) -> ObjectChange.State {
    ObjectChange.State(object: object, metadata: try ObjectMetadata(of: object))
  }
}
