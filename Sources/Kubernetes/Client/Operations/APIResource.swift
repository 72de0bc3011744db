import Kubernetes
import Rego

/// A resource of the API: a kind with the names by which its URLs are made.
public struct APIResource: Sendable, Hashable {
  /// Empty for the core group.
  public var group: RegoString
  public var version: RegoString
  /// Such as `networkpolicies`.
  public var plural: RegoString
  public var kind: RegoString
  public var isNamespaced: Bool

  public init(
    group: RegoString, version: RegoString, plural: RegoString, kind: RegoString, isNamespaced: Bool
  ) {
    self.group = group
    self.version = version
    self.plural = plural
    self.kind = kind
    self.isNamespaced = isNamespaced
  }

  /// `apps/v1`, or `v1` in the core group.
  public var apiVersion: RegoString { groupVersionKind.apiVersion }

  public var groupVersionKind: GroupVersionKind {
    GroupVersionKind(group: group, version: version, kind: kind)
  }

  /// The path of the resource's URL, with an object's name or of all of them (Kubernetes API reference, "API Concepts").
  ///
  /// - Parameters:
  ///   - namespace: nil for objects of all namespaces and for those that are the cluster's.
  ///   - subresource: such as `status`.
  public func path(namespace: RegoString?, name: RegoString? = nil, subresource: String? = nil) -> String {
    var path = group.utf8Count == 0 ? "/api/" : "/apis/\(URLText.escaped(group.string))/"
    path += URLText.escaped(version.string)
    if isNamespaced, let namespace { path += "/namespaces/\(URLText.escaped(namespace.string))" }
    path += "/\(URLText.escaped(plural.string))"
    if let name { path += "/\(URLText.escaped(name.string))" }
    if let subresource { path += "/\(URLText.escaped(subresource))" }
    return path
  }
}

extension APIResource: CustomStringConvertible {
  /// `networkpolicies.networking.k8s.io`, as RBAC and kubectl name it.
  public var description: String { group.utf8Count == 0 ? plural.string : "\(plural).\(group)" }
}

extension APIResource {
  /// A resource of a kind that is known, in some version of it.
  public init(_ kind: KnownKind, version: RegoString) {
    self.init(
      group: kind.group, version: version, plural: kind.resource, kind: kind.kind,
      isNamespaced: kind.isNamespaced)
  }

  private static func core(_ kind: RegoString, _ plural: RegoString, isNamespaced: Bool = true) -> APIResource
  {
    APIResource(group: "", version: "v1", plural: plural, kind: kind, isNamespaced: isNamespaced)
  }

  public static let configMaps = core("ConfigMap", "configmaps")
  public static let events = core("Event", "events")
  public static let namespaces = core("Namespace", "namespaces", isNamespaced: false)
  public static let pods = core("Pod", "pods")
  public static let secrets = core("Secret", "secrets")
  public static let leases = APIResource(
    group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", isNamespaced: true)
  public static let networkPolicies = APIResource(
    group: "networking.k8s.io", version: "v1", plural: "networkpolicies", kind: "NetworkPolicy",
    isNamespaced: true)
  public static let customResourceDefinitions = APIResource(
    group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition", isNamespaced: false)
  public static let validatingWebhookConfigurations = APIResource(
    group: "admissionregistration.k8s.io", version: "v1", plural: "validatingwebhookconfigurations",
    kind: "ValidatingWebhookConfiguration", isNamespaced: false)
}

/// Text as parts of a URL (RFC 3986).
enum URLText {
  /// A path's segment, or a query's name or value, with everything but unreserved characters escaped.
  static func escaped(_ text: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default:
        let digits = Array("0123456789ABCDEF".utf8)
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    // A segment of dots alone would be taken for a step up or down.
    if bytes.allSatisfy({ $0 == UInt8(ascii: ".") }) { return text.utf8.map { _ in "%2E" }.joined() }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func query(_ items: [(name: String, value: String)]) -> String {
    if items.isEmpty { return "" }
    return "?" + items.map { "\(escaped($0.name))=\(escaped($0.value))" }.joined(separator: "&")
  }
}
