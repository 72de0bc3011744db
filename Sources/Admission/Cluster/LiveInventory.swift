import Kubernetes
import KubernetesClient
import Rego
import Synchronization

/// What following has met, counted.
public final class FollowCounters: Sendable {
  public let events = Atomic<Int>(0)
  /// Objects without a name, which nobody can refer to.
  public let malformed = Atomic<Int>(0)
  /// Inventories that decisions were given.
  public let published = Atomic<Int>(0)
}

/// Collects what reflectors tell, and publishes an inventory some milliseconds after the first change: events that come close
/// together become one inventory.
actor LiveInventory {
  private let freshness: InventoryFreshness
  private let batching: Duration
  private let publish: @Sendable (Inventory, [InventoryChange]) -> Void
  private let statusChanged: @Sendable () -> Void
  private var tree = InventoryTree()
  private var shared: SharedValues
  private var states: [GroupVersionKind: KindStatus] = [:]
  /// What lists have brought that have not ended.
  private var lists: [GroupVersionKind: [InventoryTree.Place: Value]] = [:]
  private var isScheduled = false
  private let counters: FollowCounters
  private let patience: Duration

  /// How a kind is to be followed.
  struct Following: Equatable {
    /// Whether a built-in policy needs it.
    var isRequired: Bool
    /// Whether the whole of `status` is kept.
    var keepsStatus = false
  }

  /// - Parameters:
  ///   - batching: how long changes are collected.
  ///   - patience: for how long a kind may fail before nobody waits for it.
  ///   - publish: called with every new inventory, one after the other.
  ///   - statusChanged: called when what policies wait for may have changed.
  init(
    interner: StringInterner, freshness: InventoryFreshness, counters: FollowCounters, batching: Duration,
    patience: Duration = .seconds(30),
    publish: @escaping @Sendable (Inventory, [InventoryChange]) -> Void,
    statusChanged: @escaping @Sendable () -> Void
  ) {
    shared = SharedValues(interner: interner)
    self.freshness = freshness
    self.counters = counters
    self.batching = batching
    self.patience = patience
    self.publish = publish
    self.statusChanged = statusChanged
  }

  var statuses: [KindStatus] {
    states.values.sorted { ($0.kind.apiVersion, $0.kind.kind) < ($1.kind.apiVersion, $1.kind.kind) }
  }

  func objectCount(of kind: GroupVersionKind) -> Int { tree.count(of: kind) }

  /// Follows these kinds from now on: what is known of others is dropped.
  func setKinds(_ kinds: [GroupVersionKind: Following]) {
    let current = states.mapValues { Following(isRequired: $0.isRequired, keepsStatus: $0.keepsStatus) }
    if current == kinds { return }
    for kind in states.keys where kinds[kind] == nil {
      states[kind] = nil
      lists[kind] = nil
      clear(kind)
    }
    for (kind, following) in kinds {
      var state = states[kind] ?? KindStatus(kind: kind)
      state.isRequired = following.isRequired
      if state.keepsStatus != following.keepsStatus {
        // What is known was read in another shape, and is read again.
        state.keepsStatus = following.keepsStatus
        state.hasStatus = false
        state.failingSince = nil
        state.isGivenUp = false
        if state.phase == .followed { state.phase = .listing }
        lists[kind] = nil
      }
      states[kind] = state
    }
    heard()
    statusChanged()
  }

  /// - Parameters:
  ///   - keepsStatus: in which shape it was read.
  ///   - rule: the rule of a ClusterRole that lets the kind be followed.
  func take(
    _ change: Reflector.Change, of kind: GroupVersionKind, keepsStatus: Bool = false,
    _ rule: @Sendable () -> String
  ) {
    guard var state = states[kind], state.keepsStatus == keepsStatus else { return }
    let before = state
    switch change {
    case .listing:
      // Why it could not be read stays until it can.
      if state.phase == .followed { state.phase = .listing }
    case .listed(let objects, let isFirst):
      state.phase = .listing
      if isFirst { lists[kind] = [:] }
      for object in objects { list(object, of: kind) }
    case .synced:
      state.phase = .followed
      state.note(isAbsent: false)
      endList(of: kind)
    case .events(let events):
      state.phase = .followed
      state.lastHeard = InventoryFreshness.now()
      for event in events { take(event, of: kind) }
    case .connected:
      state.phase = .followed
      state.lastHeard = InventoryFreshness.now()
    case .absent:
      state.phase = .absent
      state.note(isAbsent: true)
      lists[kind] = nil
      if before.phase != .absent { clear(kind) }
    case .failed(let error):
      state.phase = error.isForbidden ? .forbidden(rule: rule()) : .failing(reason: error.description)
      if error.isOfOneKind {
        let since = state.failingSince ?? .now
        state.failingSince = since
        state.isGivenUp = state.isGivenUp || ContinuousClock.now - since >= patience
      }
    }
    states[kind] = state
    if state.phase != before.phase || state.isKnown != before.isKnown || state.hasStatus != before.hasStatus
      || state.isGivenUp != before.isGivenUp
    {
      heard()
      statusChanged()
    }
  }

  // MARK: Objects

  private func take(_ event: WatchEvent, of kind: GroupVersionKind) {
    counters.events.wrappingAdd(1, ordering: .relaxed)
    guard let place = place(of: event.object) else { return }
    let apiVersion = kind.apiVersion
    let old = tree.object(of: kind, apiVersion, at: place)
    switch event.kind {
    case .added, .modified:
      // Most events change what nobody here reads.
      if event.object == old { return }
      tree.set(stored(event.object), of: kind, apiVersion, at: place)
    case .deleted:
      if old == nil { return }
      tree.set(nil, of: kind, apiVersion, at: place)
    case .bookmark: return
    }
    schedule()
  }

  private func list(_ object: Value, of kind: GroupVersionKind) {
    guard let place = place(of: object) else { return }
    let old = tree.object(of: kind, kind.apiVersion, at: place)
    lists[kind, default: [:]][place] = if let old, old == object { old } else { stored(object) }
  }

  private func endList(of kind: GroupVersionKind) {
    guard let listed = lists.removeValue(forKey: kind) else { return }
    flush()
    let apiVersion = kind.apiVersion
    for place in tree.places(of: kind, apiVersion) where listed[place] == nil {
      tree.set(nil, of: kind, apiVersion, at: place)
    }
    for (place, object) in listed {
      if let old = tree.object(of: kind, apiVersion, at: place), old == object { continue }
      tree.set(object, of: kind, apiVersion, at: place)
    }
    // Policies that wait for this kind are asked from now on.
    flush()
  }

  private func clear(_ kind: GroupVersionKind) {
    flush()
    let apiVersion = kind.apiVersion
    for place in tree.places(of: kind, apiVersion) { tree.set(nil, of: kind, apiVersion, at: place) }
    schedule()
  }

  private func stored(_ object: Value) -> Value {
    guard case .object(let members) = object else { return object }
    return .object(shared.shared(members))
  }

  private func place(of object: Value) -> InventoryTree.Place? {
    func text(_ value: Value?) -> RegoString? {
      guard case .string(let text)? = value, text.utf8Count > 0 else { return nil }
      return text
    }
    let metadata = object["metadata"]
    guard let name = text(metadata?["name"]) else {
      counters.malformed.wrappingAdd(1, ordering: .relaxed)
      return nil
    }
    return InventoryTree.Place(
      namespace: text(metadata?["namespace"]).map { shared.shared($0) }, name: shared.shared(name))
  }

  // MARK: Publishing

  private func schedule() {
    if isScheduled || !tree.hasChanged { return }
    isScheduled = true
    let batching = batching
    Task { [weak self] in
      try? await Task.sleep(for: batching)
      await self?.endBatch()
    }
  }

  private func endBatch() {
    isScheduled = false
    flush()
  }

  private func flush() {
    guard tree.hasChanged else { return }
    let changes = tree.changes
    counters.published.wrappingAdd(1, ordering: .relaxed)
    publish(tree.inventory(freshness), changes)
  }

  /// What was known and can no longer be followed makes the inventory old.
  private func heard() {
    let lost = states.values.filter { state in
      switch state.phase {
      case .listing, .failing, .forbidden: state.isKnown && !state.isAbsent
      case .followed, .absent: false
      }
    }
    freshness.set(lastHeard: lost.map(\.lastHeard).min())
  }
}

extension KindStatus {
  /// Notes that all there is has been read.
  fileprivate mutating func note(isAbsent: Bool) {
    isKnown = true
    hasStatus = keepsStatus
    self.isAbsent = isAbsent
    failingSince = nil
    isGivenUp = false
    lastHeard = InventoryFreshness.now()
  }
}

extension APIError {
  /// Whether it tells of what was asked for, rather than of a server that is away or does not know who asks.
  var isOfOneKind: Bool {
    switch self {
    case .status: !isUnauthorized
    case .timedOut, .malformedResponse, .responseTooLarge: true
    case .unreachable, .connectionLost, .credentials: false
    }
  }
}
