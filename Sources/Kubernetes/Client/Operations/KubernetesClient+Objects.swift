import NIOCore
import NIOHTTP1
import Rego

extension KubernetesClient {
  /// How a patch is to be read (Kubernetes API reference, "Patches").
  public enum PatchType: Sendable {
    /// RFC 7386.
    case merge
    /// RFC 6902; the patch is an array.
    case json
    /// Server-side apply: the fields in the patch become the manager's.
    case apply(fieldManager: String, force: Bool)
  }

  /// What must be so for an object to be deleted.
  public struct Preconditions: Sendable {
    public var uid: RegoString?
    public var resourceVersion: RegoString?

    public init(uid: RegoString? = nil, resourceVersion: RegoString? = nil) {
      self.uid = uid
      self.resourceVersion = resourceVersion
    }
  }

  /// Reads an object.
  ///
  /// - Parameters:
  ///   - subresource: such as `status` or `scale`.
  ///   - deadline: ``Limits/requestTimeout`` from now where nil; as everywhere here.
  public func get(
    _ resource: APIResource, namespace: RegoString? = nil, name: RegoString, subresource: String? = nil,
    deadline: ContinuousClock.Instant? = nil
  ) async throws -> Value {
    try await value(
      .GET, resource.path(namespace: namespace, name: name, subresource: subresource),
      "get \(resource) \(place(namespace, name))", deadline: deadline)
  }

  /// Makes an object, which is returned as the server stored it.
  public func create(
    _ resource: APIResource, namespace: RegoString? = nil, _ object: Value, isDryRun: Bool = false,
    deadline: ContinuousClock.Instant? = nil
  ) async throws -> Value {
    let name: RegoString? = if case .string(let name)? = object["metadata"]?["name"] { name } else { nil }
    return try await value(
      .POST, resource.path(namespace: namespace) + query(isDryRun),
      "create \(resource) \(place(namespace, name))", body: object, deadline: deadline)
  }

  /// Replaces an object. With `metadata.resourceVersion` in it the server refuses where another has changed it since.
  public func replace(
    _ resource: APIResource, namespace: RegoString? = nil, name: RegoString, _ object: Value,
    subresource: String? = nil, isDryRun: Bool = false, deadline: ContinuousClock.Instant? = nil
  ) async throws -> Value {
    try await value(
      .PUT, resource.path(namespace: namespace, name: name, subresource: subresource) + query(isDryRun),
      "update \(resource) \(place(namespace, name))", body: object, deadline: deadline)
  }

  /// Changes an object.
  public func patch(
    _ resource: APIResource, namespace: RegoString? = nil, name: RegoString, _ patch: Value,
    type: PatchType = .merge, subresource: String? = nil, isDryRun: Bool = false,
    deadline: ContinuousClock.Instant? = nil
  ) async throws -> Value {
    var items = [(name: String, value: String)]()
    if isDryRun { items.append(("dryRun", "All")) }
    let contentType: String
    switch type {
    case .merge: contentType = "application/merge-patch+json"
    case .json: contentType = "application/json-patch+json"
    case .apply(let manager, let force):
      // JSON is YAML.
      contentType = "application/apply-patch+yaml"
      items += [("fieldManager", manager), ("force", "\(force)")]
    }
    return try await value(
      .PATCH,
      resource.path(namespace: namespace, name: name, subresource: subresource) + URLText.query(items),
      "patch \(resource) \(place(namespace, name))", body: patch, contentType: contentType, deadline: deadline
    )
  }

  /// Deletes an object.
  public func delete(
    _ resource: APIResource, namespace: RegoString? = nil, name: RegoString,
    preconditions: Preconditions? = nil, deadline: ContinuousClock.Instant? = nil
  ) async throws {
    var body: Value?
    if let preconditions {
      var members: [(Value, Value)] = []
      if let uid = preconditions.uid { members.append(("uid", .string(uid))) }
      if let version = preconditions.resourceVersion { members.append(("resourceVersion", .string(version))) }
      body = ["apiVersion": "v1", "kind": "DeleteOptions", "preconditions": .object(ObjectValue(members))]
    }
    _ = try await value(
      .DELETE, resource.path(namespace: namespace, name: name),
      "delete \(resource) \(place(namespace, name))",
      body: body, deadline: deadline)
  }

  /// Makes a request for a path that is not a resource's, such as `/version`, and returns the JSON of the answer.
  public func get(path: String, deadline: ContinuousClock.Instant? = nil) async throws -> Value {
    try await value(.GET, path, "get \(path)", deadline: deadline)
  }

  private func value(
    _ method: HTTPMethod, _ target: String, _ operation: String, body: Value? = nil,
    contentType: String = "application/json", deadline: ContinuousClock.Instant?
  ) async throws -> Value {
    let request = Request(
      method: method, target: target, operation: operation, body: body.map { Array($0.json.utf8) },
      contentType: contentType, deadline: deadline ?? .now + limits.requestTimeout)
    let response = try await self.body(of: request)
    do {
      return try response.withUnsafeReadableBytes { try JSONReader.value($0) }
    } catch {
      throw APIError.malformedResponse(operation: operation, reason: "\(error)")
    }
  }

  private func query(_ isDryRun: Bool) -> String {
    URLText.query(isDryRun ? [("dryRun", "All")] : [])
  }

  private func place(_ namespace: RegoString?, _ name: RegoString?) -> String {
    let name = name?.string ?? ""
    return namespace.map { "\($0)/\(name)" } ?? name
  }
}
