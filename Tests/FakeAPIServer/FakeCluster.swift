import NIOHTTP1
import Rego
import Synchronization
import TLS

/// Enough of an API server for clients to be tried on: lists in pages, watches with history and bookmarks, writes, discovery, 401
/// and 403, and the ways in which each of them goes wrong.
public final class FakeCluster: Sendable {
  public struct Resource: Sendable, Hashable {
    public var groupVersion: String
    public var plural: String
    public var kind: String
    public var isNamespaced: Bool

    public init(_ groupVersion: String, _ plural: String, _ kind: String, isNamespaced: Bool = true) {
      self.groupVersion = groupVersion
      self.plural = plural
      self.kind = kind
      self.isNamespaced = isNamespaced
    }

    public static let pods = Resource("v1", "pods", "Pod")
    public static let namespaces = Resource("v1", "namespaces", "Namespace", isNamespaced: false)
    public static let configMaps = Resource("v1", "configmaps", "ConfigMap")
    public static let networkPolicies = Resource("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy")
    public static let ingresses = Resource("networking.k8s.io/v1", "ingresses", "Ingress")
  }

  /// Keys are namespace and name.
  struct Key: Hashable, Comparable {
    var namespace: String
    var name: String

    static func < (left: Key, right: Key) -> Bool {
      (left.namespace, left.name) < (right.namespace, right.name)
    }
  }

  struct Event {
    var version: Int
    var namespace: String
    var line: [UInt8]
  }

  struct Store {
    var objects: [Key: Value] = [:]
    /// What continue tokens lead to: the keys in order, by the version of the list.
    var sorted: [Key]?
    var history: [Event] = []
    /// From here on history is complete.
    var oldest = 0
    var watchers: [Int: (namespace: String?, stream: AsyncStream<FakeServer.Part>.Continuation)] = [:]
  }

  struct State {
    var resources: [Resource] = []
    var stores: [Resource: Store] = [:]
    var version = 1_000
    var nextWatcher = 0
    var requests: [FakeServer.Request] = []
    var token: String?
    var forbidden: Set<String> = []
    /// Continue tokens of versions before this have expired.
    var expiredTokensBefore = 0
    var hook: (@Sendable (FakeServer.Request) async -> FakeServer.Response?)?
  }

  private let state: Mutex<State>

  public init(_ resources: [Resource] = [.pods, .namespaces, .networkPolicies]) {
    var state = State()
    state.resources = resources
    for resource in resources { state.stores[resource] = Store() }
    self.state = Mutex(state)
  }

  public func start(port: Int = 0, tls: TLSContext? = nil) async throws -> FakeServer {
    try await FakeServer.start(port: port, tls: tls) { [self] request in await answer(request) }
  }

  // MARK: What tests do to it

  public func add(_ resource: Resource) {
    state.withLock {
      $0.resources.append(resource)
      if $0.stores[resource] == nil { $0.stores[resource] = Store() }
    }
  }

  /// Only requests with this token are answered.
  public func require(token: String?) { state.withLock { $0.token = token } }

  /// Requests for these plurals are 403.
  public func forbid(_ plurals: Set<String>) { state.withLock { $0.forbidden = plurals } }

  /// Answers some requests in another way; nil leaves them.
  public func intercept(_ hook: (@Sendable (FakeServer.Request) async -> FakeServer.Response?)?) {
    state.withLock { $0.hook = hook }
  }

  public var requests: [FakeServer.Request] { state.withLock { $0.requests } }
  public func forgetRequests() { state.withLock { $0.requests = [] } }

  /// Watches and lists from versions up to now are no longer possible (etcd's compaction).
  public func compact() {
    state.withLock { state in
      state.version += 1
      state.expiredTokensBefore = state.version
      for resource in state.stores.keys {
        state.stores[resource]?.history = []
        state.stores[resource]?.oldest = state.version
      }
    }
  }

  /// Puts an object there, or another in its place.
  public func put(_ resource: Resource, _ object: Value) {
    state.withLock { $0.put(resource, object) }
  }

  public func remove(_ resource: Resource, namespace: String = "", name: String) {
    state.withLock { $0.remove(resource, Key(namespace: namespace, name: name)) }
  }

  public func object(_ resource: Resource, namespace: String = "", name: String) -> Value? {
    state.withLock { $0.stores[resource]?.objects[Key(namespace: namespace, name: name)] }
  }

  public func watcherCount(_ resource: Resource) -> Int {
    state.withLock { $0.stores[resource]?.watchers.count ?? 0 }
  }

  /// Ends the watches of a resource, having sent these bytes.
  public func endWatches(_ resource: Resource, sending bytes: [UInt8] = [], cut: Bool = false) {
    let streams = state.withLock { state in
      let watchers = state.stores[resource]?.watchers.values.map(\.stream) ?? []
      state.stores[resource]?.watchers = [:]
      return watchers
    }
    for stream in streams {
      if !bytes.isEmpty { stream.yield(.bytes(bytes)) }
      if cut { stream.yield(.cut) }
      stream.finish()
    }
  }

  /// Sends a bookmark to the watches of a resource.
  public func bookmark(_ resource: Resource) {
    state.withLock { state in
      state.version += 1
      let line =
        #"{"type":"BOOKMARK","object":{"kind":"\#(resource.kind)","apiVersion":"\#(resource.groupVersion)","#
        + #""metadata":{"resourceVersion":"\#(state.version)","creationTimestamp":null}}}"# + "\n"
      for watcher in state.stores[resource]?.watchers.values ?? [:].values {
        watcher.stream.yield(.bytes(Array(line.utf8)))
      }
    }
  }

  // MARK: Answers

  private func answer(_ request: FakeServer.Request) async -> FakeServer.Response {
    let hook = state.withLock { state in
      state.requests.append(request)
      return state.hook
    }
    if let response = await hook?(request) { return response }
    return state.withLock { $0.answer(request, self) }
  }

  fileprivate func forget(watcher: Int, of resource: Resource) {
    state.withLock { $0.stores[resource]?.watchers[watcher] = nil }
  }

  public static func status(_ code: Int, _ reason: String, _ message: String) -> FakeServer.Response {
    let status: Value = [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
      "reason": .string(reason), "code": .int(code),
    ]
    return .whole(status: code, body: Array(status.json.utf8))
  }
}

extension FakeCluster.State {
  mutating func put(_ resource: FakeCluster.Resource, _ object: Value) {
    version += 1
    let metadata = object["metadata"]?.object ?? ObjectValue()
    let key = FakeCluster.Key(
      namespace: metadata["namespace"]?.string ?? "", name: metadata["name"]?.string ?? "")
    var stored = object.object ?? ObjectValue()
    stored = stored.inserting(
      "metadata", .object(metadata.inserting("resourceVersion", .string("\(version)"))))
    let isNew = stores[resource]?.objects[key] == nil
    stores[resource]?.objects[key] = .object(stored)
    if isNew { stores[resource]?.sorted = nil }
    emit(isNew ? "ADDED" : "MODIFIED", resource, key, stored)
  }

  mutating func remove(_ resource: FakeCluster.Resource, _ key: FakeCluster.Key) {
    guard var object = stores[resource]?.objects.removeValue(forKey: key)?.object else { return }
    version += 1
    stores[resource]?.sorted = nil
    let metadata = object["metadata"]?.object ?? ObjectValue()
    object = object.inserting(
      "metadata", .object(metadata.inserting("resourceVersion", .string("\(version)"))))
    emit("DELETED", resource, key, object)
  }

  private mutating func emit(
    _ type: String, _ resource: FakeCluster.Resource, _ key: FakeCluster.Key, _ object: ObjectValue
  ) {
    let object = object.inserting("apiVersion", .string(resource.groupVersion))
      .inserting("kind", .string(resource.kind))
    let line = Array((#"{"type":"\#(type)","object":"# + Value.object(object).json + "}\n").utf8)
    stores[resource]?.history.append(.init(version: version, namespace: key.namespace, line: line))
    for watcher in stores[resource]?.watchers.values ?? [:].values
    where watcher.namespace == nil || watcher.namespace == key.namespace {
      watcher.stream.yield(.bytes(line))
    }
  }

  mutating func answer(_ request: FakeServer.Request, _ cluster: FakeCluster) -> FakeServer.Response {
    if let token, request.headers.first(name: "Authorization") != "Bearer \(token)" {
      return FakeCluster.status(401, "Unauthorized", "Unauthorized")
    }
    var parts = request.path.split(separator: "/").map { String($0).removingPercentEncoding ?? "" }[...]
    if parts == ["apis"] { return groups() }
    guard let root = parts.popFirst(), root == "api" || root == "apis", !parts.isEmpty else {
      return FakeCluster.status(404, "NotFound", "the server could not find the requested resource")
    }
    let groupVersion = parts.prefix(root == "api" ? 1 : 2).joined(separator: "/")
    parts = parts.dropFirst(root == "api" ? 1 : 2)
    if parts.isEmpty { return discovery(groupVersion) }
    var namespace: String?
    if parts.first == "namespaces", parts.count > 2 {
      namespace = parts[parts.startIndex + 1]
      parts = parts.dropFirst(2)
    }
    guard let plural = parts.popFirst(),
      let resource = resources.first(where: { $0.groupVersion == groupVersion && $0.plural == plural })
    else { return FakeCluster.status(404, "NotFound", "the server could not find the requested resource") }
    if forbidden.contains(plural) {
      return FakeCluster.status(
        403, "Forbidden",
        #"\#(plural) is forbidden: User "system:anonymous" cannot list resource "\#(plural)""#)
    }
    if let name = parts.first {
      return single(request, resource, FakeCluster.Key(namespace: namespace ?? "", name: name))
    }
    switch request.method {
    case "POST": return create(request, resource, namespace)
    case "GET" where request.query["watch"] == "true": return watch(request, resource, namespace, cluster)
    default: return list(request, resource, namespace)
    }
  }

  private func groups() -> FakeServer.Response {
    let names = Set(resources.map(\.groupVersion)).filter { $0.contains("/") }
    let list: Value = [
      "kind": "APIGroupList",
      "groups": .array(
        names.sorted().map { name in
          let parts = name.split(separator: "/").map { Value.string(String($0)) }
          return [
            "name": parts[0], "preferredVersion": ["version": parts[1]], "versions": [["version": parts[1]]],
          ]
        }),
    ]
    return .whole(status: 200, body: Array(list.json.utf8))
  }

  private func discovery(_ groupVersion: String) -> FakeServer.Response {
    let found = resources.filter { $0.groupVersion == groupVersion }
    guard !found.isEmpty else { return FakeCluster.status(404, "NotFound", "the server could not find it") }
    let list: Value = [
      "kind": "APIResourceList", "groupVersion": .string(groupVersion),
      "resources": .array(
        found.flatMap { resource -> [Value] in
          let entry: Value = [
            "name": .string(resource.plural), "kind": .string(resource.kind),
            "namespaced": .boolean(resource.isNamespaced), "verbs": ["get", "list", "watch"],
          ]
          return [entry, ["name": .string(resource.plural + "/status"), "kind": .string(resource.kind)]]
        }),
    ]
    return .whole(status: 200, body: Array(list.json.utf8))
  }

  private mutating func single(
    _ request: FakeServer.Request, _ resource: FakeCluster.Resource, _ key: FakeCluster.Key
  ) -> FakeServer.Response {
    guard let object = stores[resource]?.objects[key] else {
      return FakeCluster.status(404, "NotFound", #"\#(resource.plural) "\#(key.name)" not found"#)
    }
    switch request.method {
    case "GET": return .whole(status: 200, body: Array(object.json.utf8))
    case "DELETE":
      remove(resource, key)
      return .whole(status: 200, body: Array(#"{"kind":"Status","status":"Success"}"#.utf8))
    case "PUT", "PATCH":
      guard let change = try? JSONReader.value(request.body) else {
        return FakeCluster.status(400, "BadRequest", "no JSON")
      }
      if let expected = change["metadata"]?["resourceVersion"],
        expected != object["metadata"]?["resourceVersion"]
      {
        return FakeCluster.status(409, "Conflict", "the object has been modified")
      }
      put(resource, request.method == "PUT" ? change : Self.merged(object, change))
      return .whole(status: 200, body: Array((stores[resource]?.objects[key] ?? .null).json.utf8))
    default: return FakeCluster.status(405, "MethodNotAllowed", "no such method")
    }
  }

  /// RFC 7386.
  private static func merged(_ old: Value, _ patch: Value) -> Value {
    guard case .object(let changes) = patch else { return patch }
    var result = old.object ?? ObjectValue()
    for (key, value) in changes {
      if case .null = value {
        result = result.removing(key)
      } else {
        result = result.inserting(key, merged(result[key] ?? .null, value))
      }
    }
    return .object(result)
  }

  private mutating func create(
    _ request: FakeServer.Request, _ resource: FakeCluster.Resource, _ namespace: String?
  ) -> FakeServer.Response {
    guard var object = (try? JSONReader.value(request.body))?.object,
      var metadata = object["metadata"]?.object, let name = metadata["name"]?.string
    else { return FakeCluster.status(422, "Invalid", "no name") }
    if let namespace { metadata = metadata.inserting("namespace", .string(namespace)) }
    object = object.inserting("metadata", .object(metadata))
    let key = FakeCluster.Key(namespace: namespace ?? "", name: name)
    if stores[resource]?.objects[key] != nil {
      return FakeCluster.status(409, "AlreadyExists", #"\#(resource.plural) "\#(name)" already exists"#)
    }
    if request.query["dryRun"] == nil { put(resource, .object(object)) }
    return .whole(
      status: 201, body: Array((stores[resource]?.objects[key] ?? .object(object)).json.utf8))
  }

  private mutating func list(
    _ request: FakeServer.Request, _ resource: FakeCluster.Resource, _ namespace: String?
  ) -> FakeServer.Response {
    var listVersion = version
    var start = 0
    if let token = request.query["continue"] {
      let parts = token.split(separator: ":").compactMap { Int($0) }
      guard parts.count == 2 else { return FakeCluster.status(400, "BadRequest", "no such token") }
      if parts[0] < expiredTokensBefore {
        return FakeCluster.status(410, "Expired", "The provided continue parameter is too old")
      }
      listVersion = parts[0]
      start = parts[1]
    }
    let all = stores[resource]?.sorted ?? (stores[resource]?.objects.keys.sorted() ?? [])
    stores[resource]?.sorted = all
    let keys = namespace.map { wanted in all.filter { $0.namespace == wanted } } ?? all
    let limit = request.query["limit"].flatMap(Int.init) ?? keys.count
    let end = min(start + max(limit, 1), keys.count)
    var text = Array(
      #"{"kind":"\#(resource.kind)List","apiVersion":"\#(resource.groupVersion)","metadata":{"resourceVersion":"\#(listVersion)""#
        .utf8)
    if end < keys.count {
      text += Array(#","continue":"\#(listVersion):\#(end)","remainingItemCount":\#(keys.count - end)"#.utf8)
    }
    text += Array(#"},"items":["#.utf8)
    for (offset, key) in keys[min(start, keys.count)..<end].enumerated() {
      if offset > 0 { text.append(UInt8(ascii: ",")) }
      JSONWriter.append(stores[resource]?.objects[key] ?? .null, to: &text)
    }
    text += Array("]}".utf8)
    return .whole(status: 200, body: text)
  }

  private mutating func watch(
    _ request: FakeServer.Request, _ resource: FakeCluster.Resource, _ namespace: String?,
    _ cluster: FakeCluster
  ) -> FakeServer.Response {
    let from = request.query["resourceVersion"].flatMap(Int.init) ?? 0
    guard let store = stores[resource], from >= store.oldest else {
      return FakeCluster.status(410, "Expired", "too old resource version: \(from)")
    }
    let (stream, continuation) = AsyncStream.makeStream(of: FakeServer.Part.self)
    for event in store.history
    where event.version > from && (namespace == nil || namespace == event.namespace) {
      continuation.yield(.bytes(event.line))
    }
    let number = nextWatcher
    nextWatcher += 1
    stores[resource]?.watchers[number] = (namespace, continuation)
    continuation.onTermination = { _ in cluster.forget(watcher: number, of: resource) }
    return .stream(stream)
  }
}
