import Rego

/// An API group, a version in it and a kind.
public struct GroupVersionKind: Sendable, Hashable {
  /// Empty for the core group.
  public var group: RegoString
  public var version: RegoString
  public var kind: RegoString

  public init(group: RegoString, version: RegoString, kind: RegoString) {
    self.group = group
    self.version = version
    self.kind = kind
  }

  /// Of a manifest's `apiVersion` (`v1`, `apps/v1`) and `kind`; nil where the first is no such thing.
  public init?(apiVersion: RegoString, kind: RegoString) {
    guard let (group, version) = Self.split(apiVersion) else { return nil }
    self.init(group: group, version: version, kind: kind)
  }

  /// Group and version as manifests write them: `apps/v1`, or `v1` in the core group.
  public var apiVersion: RegoString {
    group.utf8Count == 0 ? version : RegoString("\(group)/\(version)")
  }

  private static func split(_ apiVersion: RegoString) -> (RegoString, RegoString)? {
    let parts = apiVersion.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    switch parts.count {
    case 1 where !parts[0].isEmpty: return ("", apiVersion)
    case 2 where !parts[0].isEmpty && !parts[1].isEmpty:
      return (RegoString(String(Substring(parts[0]))), RegoString(String(Substring(parts[1]))))
    default: return nil
    }
  }
}

extension GroupVersionKind: CustomStringConvertible {
  /// `apps/v1 Deployment`.
  public var description: String { "\(apiVersion) \(kind)" }
}

/// An API group, a version in it and a resource by its plural name.
public struct GroupVersionResource: Sendable, Hashable {
  /// Empty for the core group.
  public var group: RegoString
  public var version: RegoString
  public var resource: RegoString

  public init(group: RegoString, version: RegoString, resource: RegoString) {
    self.group = group
    self.version = version
    self.resource = resource
  }
}

/// Which object: its kind, its namespace where it has one, and its name.
public struct ObjectReference: Sendable, Hashable {
  public var kind: GroupVersionKind
  /// Nil for objects that are the cluster's.
  public var namespace: RegoString?
  public var name: RegoString

  public init(kind: GroupVersionKind, namespace: RegoString?, name: RegoString) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }
}

extension ObjectReference: CustomStringConvertible {
  /// `Deployment shop/web`, as reports name an object.
  public var description: String {
    if let namespace { "\(kind.kind) \(namespace)/\(name)" } else { "\(kind.kind) \(name)" }
  }
}
