import Rego

/// What is known of a kind, whatever its version.
public struct KnownKind: Sendable, Hashable {
  /// Whether an object is in a namespace or is the cluster's.
  public enum Scope: Sendable, Hashable {
    case namespaced
    case cluster
  }

  public let group: RegoString
  public let kind: RegoString
  /// The plural by which URLs and webhook rules name the kind.
  public let resource: RegoString
  public let scope: Scope
  /// From an object to its pod template: `[]` for a Pod, which is its own, and nil for what is no workload.
  public let podTemplatePath: [RegoString]?

  public var isNamespaced: Bool { scope == .namespaced }
  public var isWorkload: Bool { podTemplatePath != nil }
}

/// The kinds that are known by group and kind: those that Kubernetes brings, and those that custom resources add.
public struct KindTable: Sendable {
  private struct Key: Hashable, Sendable {
    let group: RegoString
    let kind: RegoString
  }

  private var kinds: [Key: KnownKind] = [:]

  /// The kinds of Kubernetes itself, of 1.27 and later and under the groups that older manifests name.
  public static let builtin = KindTable(builtinKinds)

  /// The names of the kinds that make pods.
  public static let workloadKinds = Set(builtinKinds.filter(\.isWorkload).map(\.kind))

  init(_ known: [KnownKind]) {
    for kind in known { add(kind) }
  }

  public subscript(kind: GroupVersionKind) -> KnownKind? {
    kinds[Key(group: kind.group, kind: kind.kind)]
  }

  /// All that are known.
  public var all: some Collection<KnownKind> { kinds.values }

  private mutating func add(_ kind: KnownKind) {
    kinds[Key(group: kind.group, kind: kind.kind)] = kind
  }

  /// Adds the kind that a CustomResourceDefinition defines; other objects, and definitions without the fields, add nothing.
  public mutating func addDefinition(_ object: Value) {
    guard object["kind"] == "CustomResourceDefinition", let spec = object["spec"],
      case .string(let group)? = spec["group"], case .string(let kind)? = spec["names"]?["kind"],
      case .string(let resource)? = spec["names"]?["plural"], case .string(let scope)? = spec["scope"]
    else { return }
    add(
      KnownKind(
        group: group, kind: kind, resource: resource, scope: scope == "Cluster" ? .cluster : .namespaced,
        podTemplatePath: nil))
  }
}
