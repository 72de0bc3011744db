import Kubernetes
import Rego

/// The question that the API server asks where somebody creates an object.
enum CreationReview {
  /// - Parameters:
  ///   - reference: what the object is.
  ///   - hasName: whether the object says its name, rather than what one is to be made of.
  ///   - user: who creates it.
  static func make(
    _ object: Value, _ reference: ObjectReference, hasName: Bool = true, by user: AdmissionRequest.UserInfo
  ) -> Value {
    let kind = reference.kind
    let resource = KindTable.builtin[kind]?.resource ?? RegoString(kind.kind.string.lowercased() + "s")
    let kindValue: Value = [
      "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
    ]
    let resourceValue: Value = [
      "group": .string(kind.group), "version": .string(kind.version), "resource": .string(resource),
    ]
    // As the API server does, which takes a namespace to be in itself.
    let isNamespace = kind.group.utf8Count == 0 && kind.kind == "Namespace"
    let namespace = isNamespace ? reference.name : reference.namespace
    var request: [(Value, Value)] = [
      ("uid", "check"), ("kind", kindValue), ("resource", resourceValue), ("requestKind", kindValue),
      ("requestResource", resourceValue), ("operation", "CREATE"), ("object", object),
      ("oldObject", .null), ("dryRun", false),
      (
        "userInfo",
        ["username": .string(user.username), "groups": .array(user.groups.map(Value.string))]
      ),
      ("options", ["kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"]),
    ]
    if hasName { request.append(("name", .string(reference.name))) }
    if let namespace { request.append(("namespace", .string(namespace))) }
    return [
      "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
      "request": .object(ObjectValue(request)),
    ]
  }
}
