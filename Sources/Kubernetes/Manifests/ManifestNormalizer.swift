import Rego

/// Makes of an object as it is written what the API server makes of it before admission: defaults are set, and what is null or empty and
/// would not be stored is dropped.
///
/// The rules are those of Kubernetes 1.27 and later (API reference; for fields that lists and maps leave when empty, the types' own
/// declarations). Besides the API server's defaults a Pod gets what the admission plugins that every cluster runs give it: its service
/// account, its priority and the tolerations of failing nodes. Not set is what only a cluster can know: uid, time, addresses, tokens.
public struct ManifestNormalizer: Sendable {
  /// Where objects go that name no namespace, as `kubectl --namespace` says.
  public var namespace: RegoString
  /// What is known of kinds. An object of an unknown kind keeps the namespace that it has, or lacks.
  public var kinds: KindTable

  public init(namespace: RegoString = "default", kinds: KindTable = .builtin) {
    self.namespace = namespace
    self.kinds = kinds
  }

  /// The object as the API server would show it to a webhook.
  ///
  /// - Throws: ``FieldError`` where a field that is looked at has another type than the API's; the path starts at the object.
  public func normalize(_ object: Value) throws(FieldError) -> Value {
    guard case .object(let members) = object else {
      throw .wrongType(path: "object", expected: "an object", found: object.typeNameWithArticle)
    }
    let written = try FieldReader(members).groupVersionKind()
    let isBuiltin = KindTable.builtin[written] != nil
    // A definition's schemas may hold null as a value, and so may a custom resource.
    var fields = Fields(isBuiltin && written.group != "apiextensions.k8s.io" ? withoutNull(members) : members)
    let current = Self.current(written)
    if current != written { fields[FieldName.apiVersion] = .string(current.apiVersion) }
    let scope = kinds[written]?.scope
    try fields.changeOrMake(FieldName.metadata) { metadata throws(FieldError) in
      Self.normalize(metadata: &metadata)
      switch scope {
      case .namespaced?: metadata.setDefault(FieldName.namespace, .string(namespace))
      case .cluster?: metadata[FieldName.namespace] = nil
      case nil: break
      }
    }
    try setDefaults(of: current, writtenAs: written, in: &fields)
    return .object(fields.object)
  }

  private func withoutNull(_ members: ObjectValue) -> ObjectValue {
    NullFields.dropped(from: .object(members)).object ?? members
  }

  /// The group and version under which the API server shows an object to webhooks that are registered for current ones
  /// (`matchPolicy: Equivalent`), where the fields are the same.
  private static func current(_ kind: GroupVersionKind) -> GroupVersionKind {
    switch (kind.group.string, kind.kind.string) {
    case ("extensions", "NetworkPolicy"):
      GroupVersionKind(group: "networking.k8s.io", version: "v1", kind: kind.kind)
    case ("extensions", "Deployment"), ("extensions", "DaemonSet"), ("extensions", "ReplicaSet"),
      ("apps", "Deployment"), ("apps", "DaemonSet"), ("apps", "ReplicaSet"), ("apps", "StatefulSet"):
      GroupVersionKind(group: "apps", version: "v1", kind: kind.kind)
    case ("batch", "CronJob"), ("batch", "Job"):
      GroupVersionKind(group: "batch", version: "v1", kind: kind.kind)
    default: kind
    }
  }

  /// ObjectMeta leaves out whatever is empty.
  static func normalize(metadata: inout Fields) {
    metadata.dropEmpty(omittedFromMetadata)
  }

  private static let omittedFromMetadata: [RegoString] = [
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "labels", "annotations",
    "ownerReferences",
    "finalizers", "managedFields",
  ]

  private func setDefaults(
    of kind: GroupVersionKind, writtenAs written: GroupVersionKind, in fields: inout Fields
  ) throws(FieldError) {
    switch (kind.group.string, kind.kind.string) {
    case ("networking.k8s.io", "NetworkPolicy"): try NetworkPolicyDefaults.set(in: &fields)
    case ("", "Pod"): try PodDefaults.setPod(in: &fields)
    case ("", "PodTemplate"): try fields.changeOrMake(FieldName.template, PodDefaults.setTemplate)
    case ("", "ReplicationController"), ("apps", _), ("batch", _):
      try WorkloadDefaults.set(in: &fields, kind: kind, writtenAs: written)
    case ("", "Namespace"): try ClusterDefaults.setNamespace(in: &fields)
    case ("", "Service"): try ClusterDefaults.setService(in: &fields)
    case ("", "Secret"): try ClusterDefaults.setSecret(in: &fields)
    default: break
    }
  }
}

extension FieldReader {
  /// The group, version and kind of an object.
  func groupVersionKind() throws(FieldError) -> GroupVersionKind {
    guard let apiVersion = try nonEmpty(FieldName.apiVersion) else {
      throw .missing(path: "apiVersion")
    }
    guard let kind = try nonEmpty(FieldName.kind) else { throw .missing(path: "kind") }
    guard let named = GroupVersionKind(apiVersion: apiVersion, kind: kind) else {
      throw .wrongType(
        path: "apiVersion", expected: "VERSION or GROUP/VERSION", found: "\"\(apiVersion)\"")
    }
    return named
  }
}
