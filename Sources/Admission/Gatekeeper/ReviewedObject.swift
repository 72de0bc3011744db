import Kubernetes
import Rego

/// What matching asks of an object, looked up once for all constraints.
struct ReviewedObject: Sendable {
  let group: RegoString
  let kind: RegoString
  /// Empty where there is none, as are the others.
  let name: RegoString
  let generateName: RegoString
  let namespace: RegoString
  let labels: ObjectValue
  let isNamespace: Bool

  /// - Parameters:
  ///   - kind: what the object is; what it says of itself where nil.
  ///   - requestNamespace: where it lies, which it need not say, as the options of a CONNECT do not.
  init(_ object: Value, kind given: GroupVersionKind? = nil, requestNamespace: RegoString = "") {
    if let given {
      group = given.group
      kind = given.kind
    } else {
      group = Self.groupAndVersion(of: object).group
      kind = Self.string(object["kind"])
    }
    let metadata = object["metadata"]
    name = Self.string(metadata?["name"])
    generateName = Self.string(metadata?["generateName"])
    labels = metadata?["labels"]?.object ?? ObjectValue()
    isNamespace = kind == "Namespace" && group.utf8Count == 0
    let own = Self.string(metadata?["namespace"])
    namespace = own.utf8Count == 0 && !isNamespace ? requestNamespace : own
  }

  /// The parts of an object's `apiVersion`.
  static func groupAndVersion(of object: Value) -> (group: RegoString, version: RegoString) {
    let apiVersion = string(object["apiVersion"])
    guard let slash = apiVersion.utf8.firstIndex(of: UInt8(ascii: "/")) else { return ("", apiVersion) }
    let text = apiVersion.string
    return (RegoString(String(text[..<slash])), RegoString(String(text[text.index(after: slash)...])))
  }

  private static func string(_ value: Value?) -> RegoString {
    if case .string(let string)? = value { string } else { "" }
  }
}
