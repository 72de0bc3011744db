import NIOCore
import NIOHTTP1
import Rego

/// Which objects to list, and what of them.
public struct ListOptions: Sendable {
  public var labelSelector: String?
  public var fieldSelector: String?
  /// Nil for the state that is the newest when the server is asked; "0" for any that it has at hand.
  public var resourceVersion: RegoString?
  /// How many objects a page holds.
  public var pageSize = 500
  /// What of each object is built.
  public var shape = PathShape.all
  /// For the list as a whole; ``KubernetesClient/Limits/requestTimeout`` for each page where nil.
  public var deadline: ContinuousClock.Instant?

  public init() {}
}

/// A part of a list.
public struct ListPage: Sendable {
  /// Complete with `apiVersion` and `kind`, which the server leaves out in lists.
  public var items: [Value]
  /// From where to watch on, once the last page has come.
  public var resourceVersion: RegoString
  /// Whether this starts the list: what came before, if anything did, is void.
  public var isFirst: Bool
  /// How many objects are still to come, where the server says so.
  public var remainingCount: Int?
}

extension KubernetesClient {
  /// How often a list is started anew because the server no longer knows its state.
  private static let maximumRestarts = 4

  /// Lists objects page by page, so that a large list takes little room.
  ///
  /// Where the server has forgotten the state from which the pages are (410), the list starts anew, with larger pages, and the
  /// page says so. Where a page is larger than a response may be, smaller ones are asked for.
  ///
  /// - Parameter namespace: nil for all of them.
  /// - Returns: the resource version from which to watch on.
  @discardableResult
  public func list(
    _ resource: APIResource, namespace: RegoString? = nil, options: ListOptions = ListOptions(),
    page body: (ListPage) async throws -> Void
  ) async throws -> RegoString {
    var token: RegoString?
    var limit = max(options.pageSize, 1)
    var restarts = 0
    while true {
      let page: (page: ListPage, next: RegoString?)
      do {
        page = try await self.page(resource, namespace, options, limit: limit, token: token)
      } catch let error as APIError where error.isExpired && token != nil && restarts < Self.maximumRestarts {
        restarts += 1
        token = nil
        limit = min(limit * 2, 10_000)
        continue
      } catch APIError.responseTooLarge where limit > 1 {
        limit = max(limit / 8, 1)
        continue
      }
      try await body(page.page)
      guard let next = page.next else { return page.page.resourceVersion }
      token = next
    }
  }

  /// Lists objects, all in one.
  public func list(
    _ resource: APIResource, namespace: RegoString? = nil, options: ListOptions = ListOptions()
  ) async throws -> (items: [Value], resourceVersion: RegoString) {
    var items: [Value] = []
    let version = try await list(resource, namespace: namespace, options: options) { page in
      if page.isFirst { items = [] }
      items += page.items
    }
    return (items, version)
  }

  private func page(
    _ resource: APIResource, _ namespace: RegoString?, _ options: ListOptions, limit: Int, token: RegoString?
  ) async throws -> (ListPage, next: RegoString?) {
    var items = [(name: String, value: String)]()
    items.append(("limit", "\(limit)"))
    if let token {
      items.append(("continue", token.string))
    } else if let version = options.resourceVersion {
      items.append(("resourceVersion", version.string))
    }
    if let selector = options.labelSelector { items.append(("labelSelector", selector)) }
    if let selector = options.fieldSelector { items.append(("fieldSelector", selector)) }
    let operation = "list \(resource)" + (namespace.map { " in \($0)" } ?? "")
    let response = try await body(
      of: Request(
        method: .GET, target: resource.path(namespace: namespace) + URLText.query(items),
        operation: operation, deadline: options.deadline ?? .now + limits.requestTimeout))
    let list: Value
    do {
      list = try response.withUnsafeReadableBytes {
        try JSONReader.project(
          $0, shape: .members([("metadata", .all), ("items", .members([], elements: options.shape))]))
      }
    } catch {
      throw APIError.malformedResponse(operation: operation, reason: "\(error)")
    }
    guard case .string(let version)? = list["metadata"]?["resourceVersion"] else {
      throw APIError.malformedResponse(operation: operation, reason: "metadata.resourceVersion is missing")
    }
    let found: [Value]
    switch list["items"] {
    case .array(let elements)?: found = elements
    case nil, .null?: found = []
    default: throw APIError.malformedResponse(operation: operation, reason: "items is no array")
    }
    var next: RegoString?
    if case .string(let token)? = list["metadata"]?["continue"], token.utf8Count > 0 { next = token }
    if let next, let token, next == token {
      throw APIError.malformedResponse(operation: operation, reason: "one page leads to itself")
    }
    return (
      ListPage(
        items: found.map { resource.completed($0) }, resourceVersion: version, isFirst: token == nil,
        remainingCount: list["metadata"]?["remainingItemCount"]?.int),
      next
    )
  }
}

extension APIResource {
  /// The object with its `apiVersion` and `kind`, where the server left them out.
  func completed(_ object: Value) -> Value {
    guard case .object(var members) = object else { return object }
    if members["apiVersion"] == nil { members = members.inserting("apiVersion", .string(apiVersion)) }
    if members["kind"] == nil { members = members.inserting("kind", .string(kind)) }
    return .object(members)
  }
}
