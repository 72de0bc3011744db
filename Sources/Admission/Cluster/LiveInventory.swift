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

  /// - Parameters:
  ///   - batching: how long changes are collected.
  ///   - publish: called with every new inventory, one after the other.
  ///   - statusChanged: called when what policies wait for may have changed.
  init(
    interner: StringInterner, freshness: InventoryFreshness, counters: FollowCounters, batching: Duration,
    publish: @escaping @Sendable (Inventory, [InventoryChange]) -> Void,
    statusChanged: @escaping @Sendable () -> Void
  ) {
    shared = SharedValues(interner: interner)
    self.freshness = freshness
    self.counters = counters
    self.batching = batching
    self.publish = publish
    self.statusChanged = statusChanged
  }

  var statuses: [KindStatus] {
    states.values.sorted { ($0.kind.apiVersion, $0.kind.kind) < ($1.kind.apiVersion, $1.kind.kind) }
  }

  func objectCount(of kind: GroupVersionKind) -> Int { tree.count(of: kind) }

  /// Follows these kinds from now on: what is known of others is dropped.
  func setKinds(_ kinds: [GroupVersionKind: Bool]) {
    if states.mapValues(\.isRequired) == kinds { return }
    for kind in states.keys where kinds[kind] == nil {
      states[kind] = nil
      lists[kind] = nil
      clear(kind)
    }
    for (kind, isRequired) in kinds {
      states[kind, default: KindStatus(kind: kind)].isRequired = isRequired
    }
    heard()
    statusChanged()
  }

  func take(_ change: Reflector.Change, of kind: GroupVersionKind, _ rule: @Sendable () -> String) {
    guard var state = states[kind] else { return }
    let before = state
    switch change {
    case .listed(let objects, let isFirst):
      state.phase = .listing
      if isFirst { lists[kind] = [:] }
      for object in objects { list(object, of: kind) }
    case .synced:
      state.phase = .followed
      state.isKnown = true
      state.isAbsent = false
      state.lastHeard = InventoryFreshness.now()
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
      state.isKnown = true
      state.isAbsent = true
      state.lastHeard = InventoryFreshness.now()
      lists[kind] = nil
      if before.phase != .absent { clear(kind) }
    case .failed(let error):
      state.phase = error.isForbidden ? .forbidden(rule: rule()) : .failing(reason: error.description)
    }
    states[kind] = state
    if state.phase != before.phase || state.isKnown != before.isKnown {
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
      case .failing, .forbidden: state.isKnown && !state.isAbsent
      case .listing, .followed, .absent: false
      }
    }
    freshness.set(lastHeard: lost.map(\.lastHeard).min())
  }
}
