import Kubernetes
import KubernetesClient
import Rego
import Synchronization

/// Asks the cluster itself for objects, where what is known of them may be a moment old.
public protocol LiveReader: Sendable {
  /// The objects of a kind in a namespace, as they are at some moment after the call; of the kind Namespace the one of that name.
  ///
  /// - Throws: where they cannot be read by then.
  func objects(
    of kind: GroupVersionKind, in namespace: RegoString, until deadline: ContinuousClock.Instant
  ) async throws -> [Value]
}

/// Lists objects for all who ask for the same at a time: who comes while a list is under way, which may have begun before what it is
/// to show, waits for the next, and all who wait share that one. So many lists a second are made and no more.
public actor LiveReads: LiveReader {
  private struct Key: Hashable {
    var kind: GroupVersionKind
    var namespace: RegoString
  }

  private struct Queue {
    var isRunning = false
    /// Those for whom the next list will be made.
    var waiting: [Int] = []
  }

  private struct Waiter {
    var continuation: CheckedContinuation<[Value], any Error>
    var alarm: Task<Void, Never>
  }

  /// What has been done, counted.
  public final class Counters: Sendable {
    public let requests = Atomic<Int>(0)
    public let lists = Atomic<Int>(0)
    public let failures = Atomic<Int>(0)
  }

  private let list: @Sendable (APIResource, RegoString) async throws -> [Value]
  private let perSecond: Double
  private let burst: Double
  private var tokens: Double
  private var filled = ContinuousClock.now
  private var queues: [Key: Queue] = [:]
  private var waiters: [Int: Waiter] = [:]
  private var lastWaiter = 0
  public nonisolated let counters = Counters()

  /// - Parameters:
  ///   - perSecond: how many lists are made a second, on average.
  ///   - burst: how many may be made at once after a while without.
  public init(_ client: KubernetesClient, perSecond: Double = 50, burst: Double = 100) {
    self.init(perSecond: perSecond, burst: burst) { resource, namespace in
      var options = ListOptions()
      options.shape = KeptFields.shape(keepsStatus: false)
      // As a list, since that is what the inventory has the permission for; the API server reads the one object.
      if !resource.isNamespaced { options.fieldSelector = "metadata.name=\(namespace)" }
      return try await client.list(resource, namespace: namespace, options: options).items
    }
  }

  init(
    perSecond: Double, burst: Double,
    list: @escaping @Sendable (APIResource, RegoString) async throws -> [Value]
  ) {
    self.list = list
    self.perSecond = perSecond
    self.burst = burst
    tokens = burst
  }

  public func objects(
    of kind: GroupVersionKind, in namespace: RegoString, until deadline: ContinuousClock.Instant
  ) async throws -> [Value] {
    guard let known = KindTable.builtin[kind],
      known.isNamespaced || known.group.utf8Count == 0 && known.kind == "Namespace"
    else {
      throw LiveReadFailure.unknownKind(kind)
    }
    let resource = APIResource(known, version: kind.version)
    let key = Key(kind: kind, namespace: namespace)
    lastWaiter += 1
    let number = lastWaiter
    return try await withCheckedThrowingContinuation { continuation in
      let alarm = Task {
        try? await Task.sleep(until: deadline, clock: .continuous)
        if !Task.isCancelled { self.answer([number], .failure(LiveReadFailure.tooLate)) }
      }
      waiters[number] = Waiter(continuation: continuation, alarm: alarm)
      queues[key, default: Queue()].waiting.append(number)
      startList(of: key, resource)
      counters.requests.wrappingAdd(1, ordering: .relaxed)
    }
  }

  private func startList(of key: Key, _ resource: APIResource) {
    guard var queue = queues[key], !queue.isRunning else { return }
    queue.waiting.removeAll { waiters[$0] == nil }
    if queue.waiting.isEmpty {
      queues[key] = nil
      return
    }
    let served = queue.waiting
    queue.waiting = []
    queue.isRunning = true
    queues[key] = queue
    Task { await self.run(key, resource, for: served) }
  }

  private func run(_ key: Key, _ resource: APIResource, for served: [Int]) async {
    var served = served
    let wait = takeToken()
    if wait > .zero {
      try? await Task.sleep(for: wait)
      // Who came meanwhile came before the list.
      served += queues[key]?.waiting ?? []
      queues[key]?.waiting = []
    }
    var result: Result<[Value], any Error> = .failure(LiveReadFailure.tooLate)
    if served.contains(where: { waiters[$0] != nil }) {
      counters.lists.wrappingAdd(1, ordering: .relaxed)
      do {
        result = .success(try await list(resource, key.namespace))
      } catch {
        result = .failure(error)
      }
    }
    answer(served, result)
    queues[key]?.isRunning = false
    startList(of: key, resource)
  }

  private func answer(_ numbers: [Int], _ result: Result<[Value], any Error>) {
    for number in numbers {
      guard let waiter = waiters.removeValue(forKey: number) else { continue }
      if case .failure = result { counters.failures.wrappingAdd(1, ordering: .relaxed) }
      waiter.alarm.cancel()
      waiter.continuation.resume(with: result)
    }
  }

  /// How long to wait for the next list.
  private func takeToken() -> Duration {
    let now = ContinuousClock.now
    let elapsed = (now - filled) / .seconds(1)
    filled = now
    tokens = min(burst, tokens + elapsed * perSecond) - 1
    return tokens >= 0 ? .zero : .seconds(-tokens / perSecond)
  }
}

enum LiveReadFailure: Error, CustomStringConvertible {
  case tooLate
  case unknownKind(GroupVersionKind)

  var description: String {
    switch self {
    case .tooLate: "the API server was not asked in time"
    case .unknownKind(let kind): "\(kind) is no kind that is in namespaces"
    }
  }
}
