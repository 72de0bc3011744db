import Kubernetes
import Rego

/// The objects of a cluster that say what its policies are.
public struct PolicyObjects: Sendable, Hashable {
  /// The label by which a ConfigMap is known to hold policies, whatever its value.
  public static let label: RegoString = "portcullis.dev/policy"

  /// Those that are labelled.
  public let configMaps: [Value]
  public let templates: [Value]
  public let constraints: [Value]

  /// - Parameters:
  ///   - configMaps: any; those that are not labelled are left out.
  ///   - templates: ConstraintTemplates.
  ///   - constraints: of any template.
  public init(configMaps: [Value] = [], templates: [Value] = [], constraints: [Value] = []) {
    self.configMaps = Self.sorted(configMaps.filter(Self.isPolicy))
    self.templates = Self.sorted(templates)
    self.constraints = Self.sorted(constraints)
  }

  /// Whether a ConfigMap holds policies.
  public static func isPolicy(_ configMap: Value) -> Bool {
    guard case .object(let labels)? = configMap["metadata"]?["labels"] else { return false }
    return labels[label] != nil
  }

  /// In one order on every replica: the older first, so that a new object cannot take the name of another's policy. One that does
  /// not exist yet is the newest.
  private static func sorted(_ objects: [Value]) -> [Value] {
    objects.map { ($0, Self.rank(of: $0)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
  }

  private static func rank(of object: Value) -> [RegoString] {
    func string(_ value: Value?) -> RegoString? { if case .string(let text)? = value { text } else { nil } }
    let metadata = object["metadata"]
    return [
      string(metadata?["creationTimestamp"]) ?? "~", string(object["kind"]) ?? "",
      string(metadata?["namespace"]) ?? "", string(metadata?["name"]) ?? "",
    ]
  }
}

extension PolicyObjects {
  /// The same objects with one more, in the place of the one with its kind and name where there is one.
  func replacing(_ object: Value) -> PolicyObjects {
    func others(_ objects: [Value]) -> [Value] {
      objects.filter { ObjectReference(of: $0) != ObjectReference(of: object) }
    }
    let apiVersion = object["apiVersion"]?.string ?? ""
    if apiVersion.utf8.starts(with: "\(ConstraintTemplate.group)/".utf8) {
      return PolicyObjects(
        configMaps: configMaps, templates: others(templates) + [object], constraints: constraints)
    }
    if apiVersion.utf8.starts(with: "\(Constraint.group)/".utf8) {
      return PolicyObjects(
        configMaps: configMaps, templates: templates, constraints: others(constraints) + [object])
    }
    return PolicyObjects(
      configMaps: others(configMaps) + [object], templates: templates, constraints: constraints)
  }
}

extension ObjectReference {
  /// How an object is called, by what it says of itself; its version is left out, in which it may be read in one way or another.
  public init(of object: Value) {
    let reviewed = ReviewedObject(object)
    self.init(
      kind: GroupVersionKind(group: reviewed.group, version: "", kind: reviewed.kind),
      namespace: reviewed.namespace.utf8Count > 0 ? reviewed.namespace : nil, name: reviewed.name)
  }
}
