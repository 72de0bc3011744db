import Kubernetes
import Rego

/// Follows the objects of one kind: lists them, watches what happens from there on, and starts over where it must, until its task
/// is cancelled.
public struct Reflector: Sendable {
  /// What is followed.
  public enum Subject: Sendable, Hashable {
    case resource(APIResource)
    /// A kind whose resource is asked for, and waited for where the server has none yet.
    case kind(GroupVersionKind)
  }

  /// What whoever follows is told, in this order: that a list begins, its pages, its end, then events.
  public enum Change: Sendable {
    /// What there is is asked for: what happened meanwhile is not known.
    case listing
    /// Objects of a list; with `isFirst` it starts, and what came of lists before it that did not end is void.
    case listed([Value], isFirst: Bool)
    /// The list is whole: what it did not have is no more.
    case synced
    case events([WatchEvent])
    /// The server has been heard: what is known is what is.
    case connected
    /// The server has no such kind, or no longer has it: there are no objects of it.
    case absent
    /// It cannot be followed for now, and is tried again after a while.
    case failed(APIError)
  }

  /// How it goes about it.
  public struct Options: Sendable {
    public var namespace: RegoString?
    public var labelSelector: String?
    public var fieldSelector: String?
    public var shape = PathShape.all
    public var pageSize = 500
    /// After which a watch that sends nothing counts as lost.
    public var silence = Duration.seconds(120)
    /// Between tries that fail.
    public var backoff = Backoff()
    /// A watch that has lasted for so long was a success, however it ended.
    public var lasting = Duration.seconds(10)
    /// Between looks for a kind that is absent or forbidden.
    public var absence = Backoff(first: .seconds(1), longest: .seconds(30))

    public init() {}
  }

  private let client: KubernetesClient
  private let subject: Subject
  private let options: Options

  public init(_ client: KubernetesClient, _ subject: Subject, options: Options = Options()) {
    self.client = client
    self.subject = subject
    self.options = options
  }

  /// Follows until its task is cancelled.
  ///
  /// - Parameter handle: told one thing after the other; while it works, the server waits.
  public func run(_ handle: @Sendable (Change) async -> Void) async {
    var backoff = options.backoff
    var absence = options.absence
    var resource: APIResource?
    var version: RegoString?
    // Since when a watch has been under way.
    var watching: ContinuousClock.Instant?
    // Whether the last list was of a kind that the server offers and does not find.
    var isMissing = false
    while !Task.isCancelled {
      do {
        guard let found = try await find(resource) else {
          await handle(.absent)
          try await Task.sleep(for: absence.delay())
          continue
        }
        resource = found
        absence.reset()
        if version == nil { version = try await list(found, handle) }
        isMissing = false
        guard let from = version else { continue }
        let start = ContinuousClock.now
        try await watch(found, from: from, handle, opened: { watching = .now }) { version = $0 }
        watching = nil
        // A server that ends watches at once is not to be kept busy with it.
        if ContinuousClock.now - start < .seconds(1) {
          try await Task.sleep(for: backoff.delay())
        } else {
          backoff.reset()
        }
      } catch let error as APIError {
        if let start = watching, ContinuousClock.now - start >= options.lasting { backoff.reset() }
        watching = nil
        if error.isExpired {
          // What happened meanwhile is not known: list again.
          version = nil
          try? await Task.sleep(for: backoff.delay(atLeast: error.retryAfter))
          continue
        }
        if error.isNotFound, case .kind = subject {
          // A kind that is offered and cannot be listed, and that not only for a moment, as while its definition comes or goes: whether
          // there are objects of it is not known.
          if isMissing { await handle(.failed(error)) }
          isMissing = version == nil
          resource = nil
          version = nil
          try? await Task.sleep(for: backoff.delay())
          continue
        }
        if case .malformedResponse = error { version = nil }
        if case .responseTooLarge = error { version = nil }
        await handle(.failed(error))
        try? await Task.sleep(
          for: error.isForbidden ? absence.delay() : backoff.delay(atLeast: error.retryAfter))
      } catch {
        // Cancelled.
        continue
      }
    }
  }

  /// The resource to follow; nil where the server has none.
  private func find(_ known: APIResource?) async throws -> APIResource? {
    if let known { return known }
    switch subject {
    case .resource(let resource): return resource
    case .kind(let kind):
      return try await client.resource(group: kind.group, version: kind.version, kind: kind.kind)
    }
  }

  private func list(
    _ resource: APIResource, _ handle: @Sendable (Change) async -> Void
  ) async throws -> RegoString {
    var list = ListOptions()
    list.labelSelector = options.labelSelector
    list.fieldSelector = options.fieldSelector
    list.shape = options.shape
    list.pageSize = options.pageSize
    await handle(.listing)
    let version = try await client.list(resource, namespace: options.namespace, options: list) { page in
      await handle(.listed(page.items, isFirst: page.isFirst))
    }
    await handle(.synced)
    return version
  }

  private func watch(
    _ resource: APIResource, from version: RegoString, _ handle: @Sendable (Change) async -> Void,
    opened: () -> Void, reached: (RegoString) -> Void
  ) async throws {
    var watch = WatchOptions(resourceVersion: version)
    watch.labelSelector = options.labelSelector
    watch.fieldSelector = options.fieldSelector
    watch.shape = options.shape
    watch.silence = options.silence
    let stream = try await client.watch(resource, namespace: options.namespace, options: watch)
    opened()
    await handle(.connected)
    for try await events in stream {
      if let last = events.last { reached(last.resourceVersion) }
      let news = events.filter { $0.kind != .bookmark }
      await handle(news.isEmpty ? .connected : .events(news))
    }
  }
}
