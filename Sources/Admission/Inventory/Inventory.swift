import Kubernetes
import Rego

/// The cluster's objects as policies see them under `data.inventory`: immutable, as is all that a request reads.
///
/// Shaped as Gatekeeper shapes its inventory: `namespace[NS][GROUP_VERSION][KIND][NAME]` and
/// `cluster[GROUP_VERSION][KIND][NAME]`.
public struct Inventory: Sendable {
  /// How many objects of one kind there are.
  public struct KindCount: Sendable, Hashable, CustomStringConvertible {
    public let groupVersion: String
    public let kind: String
    public let count: Int

    public var description: String { "\(count) \(kind)" + (groupVersion == "v1" ? "" : " (\(groupVersion))") }
  }

  /// The object `{"namespace": ..., "cluster": ...}`.
  public let value: Value
  /// By group, version and kind.
  public let counts: [KindCount]
  public let namespaceCount: Int
  /// How old it is; nil where it does not age, since it comes from files.
  let freshness: InventoryFreshness?

  init(value: Value, counts: [KindCount], namespaceCount: Int, freshness: InventoryFreshness? = nil) {
    self.value = value
    self.counts = counts
    self.namespaceCount = namespaceCount
    self.freshness = freshness
  }

  /// The inventory of no objects.
  public static let empty = InventoryBuilder().build()

  public var objectCount: Int { counts.reduce(0) { $0 + $1.count } }
}

/// Collects objects into an ``Inventory``.
///
/// What nobody judges by and what takes much room is left out: `metadata.managedFields`, the annotation in which kubectl
/// remembers what it applied, and the contents of Secrets.
public struct InventoryBuilder {
  fileprivate typealias ByName = [RegoString: Value]
  fileprivate typealias ByKind = [RegoString: ByName]
  fileprivate typealias ByVersion = [RegoString: ByKind]

  private var namespaces: [RegoString: ByVersion] = [:]
  private var cluster: ByVersion = [:]
  private let interner: StringInterner
  private var pool: ValuePool

  /// - Parameter interner: shared with the compiler, so that comparing a policy's strings with the inventory's compares pointers.
  public init(interner: StringInterner = StringInterner()) {
    self.interner = interner
    pool = ValuePool(interner: interner)
  }

  /// Why an object cannot be filed.
  public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    case notAnObject
    case missing(String)

    public var description: String {
      switch self {
      case .notAnObject: "an object of the cluster must be a map"
      case .missing(let field): "an object of the cluster must have \(field), a string that is not empty"
      }
    }
  }

  /// Adds an object, which takes the place of the one with its kind, namespace and name.
  public mutating func add(_ object: Value) throws(Failure) {
    let place = try Self.place(of: object)
    set(pooled(object), at: place)
  }

  /// Takes out the object with the kind, namespace and name of this one.
  public mutating func remove(_ object: Value) throws(Failure) {
    set(nil, at: try Self.place(of: object))
  }

  /// Adds an object under keys that are given, as in a document that has an inventory's shape already.
  mutating func add(
    _ object: Value, namespace: RegoString?, groupVersion: RegoString, kind: RegoString, name: RegoString
  ) {
    set(pooled(object), at: Place(namespace: namespace, groupVersion: groupVersion, kind: kind, name: name))
  }

  /// The inventory of what has been added so far.
  public func build() -> Inventory {
    func object<Member>(_ members: [RegoString: Member], _ value: (Member) -> Value) -> Value {
      .object(ObjectValue(members.map { (.string($0.key), value($0.value)) }))
    }
    func versions(_ versions: ByVersion) -> Value {
      object(versions) { kinds in object(kinds) { names in object(names) { $0 } } }
    }
    var totals: [[RegoString]: Int] = [:]
    for versions in [cluster] + namespaces.values {
      for (version, kinds) in versions {
        for (kind, names) in kinds where !names.isEmpty {
          totals[[version, kind], default: 0] += names.count
        }
      }
    }
    let counts = totals.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { Inventory.KindCount(groupVersion: $0.key[0].string, kind: $0.key[1].string, count: $0.value) }
    return Inventory(
      value: ["namespace": object(namespaces, versions), "cluster": versions(cluster)], counts: counts,
      namespaceCount: namespaces.count)
  }
}

extension InventoryBuilder {
  private struct Place {
    var namespace: RegoString?
    var groupVersion: RegoString
    var kind: RegoString
    var name: RegoString
  }

  private static func place(of object: Value) throws(Failure) -> Place {
    guard case .object = object else { throw .notAnObject }
    func string(_ value: Value?) -> RegoString? {
      guard case .string(let string)? = value, string.utf8Count > 0 else { return nil }
      return string
    }
    guard let groupVersion = string(object["apiVersion"]) else { throw .missing("apiVersion") }
    guard let kind = string(object["kind"]) else { throw .missing("kind") }
    guard let name = string(object["metadata"]?["name"]) else { throw .missing("metadata.name") }
    return Place(
      namespace: string(object["metadata"]?["namespace"]), groupVersion: groupVersion, kind: kind, name: name)
  }

  private mutating func set(_ object: Value?, at place: Place) {
    let version = interner.intern(place.groupVersion)
    let kind = interner.intern(place.kind)
    let name = interner.intern(place.name)
    func update(_ versions: inout ByVersion) {
      versions[version, default: [:]][kind, default: [:]][name] = object
      // Policies ask whether there is anything of a kind: nothing of a kind is no such kind.
      if versions[version]?[kind]?.isEmpty ?? false { versions[version]?[kind] = nil }
      if versions[version]?.isEmpty ?? false { versions[version] = nil }
    }
    if let namespace = place.namespace.map(interner.intern) {
      update(&namespaces[namespace, default: [:]])
      if namespaces[namespace]?.isEmpty ?? false { namespaces[namespace] = nil }
    } else {
      update(&cluster)
    }
  }

  private mutating func pooled(_ object: Value) -> Value {
    guard case .object(let trimmed) = Self.trimmed(object) else { return object }
    return .object(pool.pooled(trimmed))
  }

  private static let metadata: RegoString = "metadata"
  private static let managedFields: Value = "managedFields"
  private static let annotations: RegoString = "annotations"
  private static let lastApplied: Value = "kubectl.kubernetes.io/last-applied-configuration"

  private static func trimmed(_ value: Value) -> Value {
    let masked = value["kind"] == "Secret" ? SecretMask.masked(value) : value
    guard case .object(let object) = masked, case .object(var metadata)? = object[Self.metadata] else {
      return masked
    }
    metadata = metadata.removing(managedFields)
    if case .object(let annotations)? = metadata[Self.annotations] {
      metadata = metadata.inserting(
        .string(Self.annotations), .object(annotations.removing(lastApplied)))
    }
    return .object(object.inserting(.string(Self.metadata), .object(metadata)))
  }
}
