import Rego

extension KubernetesClient {
  /// A group of the API with its versions.
  public struct APIGroup: Sendable, Hashable {
    public var name: RegoString
    /// The preferred one first.
    public var versions: [RegoString]
  }

  /// The groups that the server offers, the core group first.
  public func groups(deadline: ContinuousClock.Instant? = nil) async throws -> [APIGroup] {
    let list = try await get(path: "/apis", deadline: deadline)
    var groups = [APIGroup(name: "", versions: ["v1"])]
    for group in list["groups"]?.array ?? [] {
      guard case .string(let name)? = group["name"] else { continue }
      var versions: [RegoString] = []
      if case .string(let version)? = group["preferredVersion"]?["version"] { versions.append(version) }
      for other in group["versions"]?.array ?? [] {
        if case .string(let version)? = other["version"], !versions.contains(version) {
          versions.append(version)
        }
      }
      groups.append(APIGroup(name: name, versions: versions))
    }
    return groups
  }

  /// The resources of a version of a group, without subresources; nil where the server has no such version.
  ///
  /// - Parameter group: empty for the core group.
  public func resources(
    group: RegoString, version: RegoString, deadline: ContinuousClock.Instant? = nil
  ) async throws -> [APIResource]? {
    let path =
      (group.utf8Count == 0 ? "/api/" : "/apis/\(URLText.escaped(group.string))/")
      + URLText.escaped(version.string)
    let list: Value
    do {
      list = try await get(path: path, deadline: deadline)
    } catch let error as APIError where error.isNotFound {
      return nil
    }
    return (list["resources"]?.array ?? []).compactMap { resource in
      guard case .string(let plural)? = resource["name"], !plural.utf8.contains(UInt8(ascii: "/")),
        case .string(let kind)? = resource["kind"]
      else { return nil }
      return APIResource(
        group: group, version: version, plural: plural, kind: kind,
        isNamespaced: resource["namespaced"]?.boolean ?? false)
    }
  }

  /// The resource of a kind; nil where the server has none, as before its CustomResourceDefinition is there.
  public func resource(
    group: RegoString, version: RegoString, kind: RegoString, deadline: ContinuousClock.Instant? = nil
  ) async throws -> APIResource? {
    try await resources(group: group, version: version, deadline: deadline)?.first { $0.kind == kind }
  }
}
