import Kubernetes
import KubernetesClient
import Logging
import Rego
import Synchronization

/// Keeps an ``AdmissionService``'s inventory what the cluster is: follows the kinds that its policies refer to, and holds back those
/// policies that refer to what cannot be followed or has not been read yet.
public final class ClusterFollower: Sendable {
  public struct Options: Sendable {
    public var kinds = FollowedKinds.standard
    /// How long changes are collected before decisions see them.
    public var batching = Duration.milliseconds(15)
    /// How lists and watches are made.
    public var reflector = Reflector.Options()

    public init() {}
  }

  private struct State {
    var surroundings = WatchPlan.Surroundings()
    /// Of what the service has now.
    var plan = WatchPlan()
    /// What policies wait for, by kind.
    var obstacles: [GroupVersionKind: String] = [:]
    var statuses: [KindStatus] = []
    var hasSynced = false
    /// What Gatekeeper's Config and SyncSets name, by the object.
    var configured: [GroupVersionKind: [ObjectReference: Set<GroupVersionKind>]] = [:]
  }

  private let client: KubernetesClient
  private let service: AdmissionService
  private let options: Options
  private let logger: Logger
  private let state: Mutex<State>
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation
  private let inventory: LiveInventory
  public let freshness = InventoryFreshness()
  public let counters = FollowCounters()

  /// - Parameter interner: the compiler's, so that policies' strings and the inventory's are compared by their pointers.
  public init(
    _ client: KubernetesClient, service: AdmissionService, interner: StringInterner = StringInterner(),
    options: Options = Options(), logger: Logger = Logger(label: "portcullis.cluster")
  ) {
    self.client = client
    self.service = service
    self.options = options
    self.logger = logger
    var state = State()
    state.surroundings.allowed = options.kinds
    self.state = Mutex(state)
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.wakes = wakes
    self.wake = wake
    inventory = LiveInventory(
      interner: interner, freshness: freshness, counters: counters, batching: options.batching,
      publish: { service.replace(inventory: $0, changes: $1) }, statusChanged: { wake.yield() })
    service.setGate { [weak self] policies in self?.withheld(of: policies) ?? [:] }
  }

  // MARK: What there is to say

  /// How far each kind has come.
  public var statuses: [KindStatus] { state.withLock { $0.statuses } }

  /// Whether all had been read at some time without which built-in policies cannot be judged by, and all else that could be.
  ///
  /// What is to be read later, for policies that come later, does not change it: these policies wait.
  public var isSynced: Bool { state.withLock(\.hasSynced) }

  private func noteSync() {
    let isNew = state.withLock { state -> Bool in
      if state.hasSynced || state.surroundings.versions.isEmpty { return false }
      let known = Dictionary(uniqueKeysWithValues: state.statuses.map { ($0.kind, $0) })
      state.hasSynced = state.plan.kinds.keys.allSatisfy { kind in
        guard let status = known[kind] else { return false }
        if status.isKnown { return true }
        if case .forbidden = status.phase { return !state.plan.required.contains(kind) }
        return false
      }
      return state.hasSynced
    }
    guard isNew else { return }
    let inventory = service.snapshot.inventory
    logger.notice(
      "the cluster has been read",
      metadata: [
        "objects": "\(inventory?.objectCount ?? 0)",
        "policies": "\(service.snapshot.policies.policies.count)",
      ])
  }

  // MARK: Policies

  /// The service's gate: which policies refer to what is not known, and why.
  private func withheld(of policies: PolicySet) -> [String: String] {
    let (reasons, isNew) = state.withLock { state -> ([String: String], Bool) in
      let plan = WatchPlan(policies, state.surroundings)
      var reasons = plan.uncovered
      for (kind, names) in plan.kinds.sorted(by: { $0.key.description < $1.key.description }) {
        guard
          let obstacle = state.obstacles[kind, default: "it needs \(kind), which has not been read yet"]
            .nonEmpty
        else { continue }
        for name in names where reasons[name] == nil { reasons[name] = obstacle }
      }
      defer { state.plan = plan }
      return (reasons, plan != state.plan)
    }
    if isNew { wake.yield() }
    return reasons
  }

  // MARK: Running

  /// Follows until its task is cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      for kind in Self.gatekeeperKinds { group.addTask { await self.followConfiguration(kind) } }
      group.addTask { await self.reconcile() }
    }
  }

  /// Starts and ends reflectors as the plan wants.
  private func reconcile() async {
    var running: [GroupVersionKind: Task<Void, Never>] = [:]
    defer { for task in running.values { task.cancel() } }
    var keepsStatus = false
    var backoff = options.reflector.backoff
    wake.yield()
    for await _ in wakes {
      if Task.isCancelled { break }
      if state.withLock({ $0.surroundings.versions.isEmpty }) {
        // What is offered is asked before anything is followed; without an answer there is nothing to follow either.
        do {
          try await readVersions()
        } catch {
          logger.warning("the API server cannot be asked for its groups", metadata: ["error": "\(error)"])
          try? await Task.sleep(for: backoff.delay())
          wake.yield()
          continue
        }
        service.refreshPolicies()
      }
      let plan = state.withLock { $0.plan }
      if plan.keepsStatus != keepsStatus {
        keepsStatus = plan.keepsStatus
        for task in running.values { task.cancel() }
        running = [:]
      }
      for (kind, task) in running where plan.kinds[kind] == nil {
        task.cancel()
        running[kind] = nil
      }
      await inventory.setKinds(
        Dictionary(uniqueKeysWithValues: plan.kinds.keys.map { ($0, plan.required.contains($0)) }))
      for kind in plan.kinds.keys where running[kind] == nil {
        let keepsStatus = keepsStatus
        running[kind] = Task { await self.follow(kind, keepsStatus: keepsStatus) }
      }
      await updateStatuses()
    }
  }

  private func readVersions() async throws {
    let groups = try await client.groups()
    state.withLock { state in
      for group in groups {
        if let version = group.versions.first { state.surroundings.versions[group.name] = version }
      }
    }
  }

  private func updateStatuses() async {
    let statuses = await inventory.statuses
    let changed = state.withLock { state in
      var obstacles: [GroupVersionKind: String] = [:]
      for status in statuses { obstacles[status.kind] = status.obstacle ?? "" }
      defer {
        state.obstacles = obstacles
        state.statuses = statuses
      }
      let before = Dictionary(uniqueKeysWithValues: state.statuses.map { ($0.kind, $0) })
      // While a server is away, its reasons change from try to try.
      return statuses.filter { before[$0.kind]?.phase.name != $0.phase.name }
    }
    for status in changed {
      switch status.phase {
      case .forbidden, .failing: logger.warning("\(status)")
      case .absent, .followed: logger.info("\(status)")
      case .listing: logger.debug("\(status)")
      }
    }
    service.refreshPolicies()
    // Not before: who is ready asks all policies that can be asked.
    noteSync()
  }

  private func follow(_ kind: GroupVersionKind, keepsStatus: Bool) async {
    var options = options.reflector
    options.shape = KeptFields.shape(keepsStatus: keepsStatus)
    let inventory = inventory
    let reflector = Reflector(client, .kind(kind), options: options)
    await reflector.run { change in
      await inventory.take(change, of: kind) { Self.rule(for: kind) }
    }
  }

  /// The rule of a ClusterRole that lets a kind be followed.
  static func rule(for kind: GroupVersionKind) -> String {
    // Without a resource to ask the server for, the plural is made as most are.
    let plural = KindTable.builtin[kind]?.resource.string ?? kind.kind.string.lowercased() + "s"
    return #"{"apiGroups":["\#(kind.group)"],"resources":["\#(plural)"],"verbs":["list","watch"]}"#
  }

  // MARK: Gatekeeper's configuration

  private static let gatekeeperKinds = [
    GroupVersionKind(group: "config.gatekeeper.sh", version: "v1alpha1", kind: "Config"),
    GroupVersionKind(group: "syncset.gatekeeper.sh", version: "v1alpha1", kind: "SyncSet"),
  ]

  /// Follows the objects that say what Gatekeeper is to sync; where there are none, or they may not be read, nothing is said.
  private func followConfiguration(_ kind: GroupVersionKind) async {
    await Reflector(client, .kind(kind), options: options.reflector).run { change in
      switch change {
      case .listed(let objects, let isFirst): self.configure(kind, objects, replaces: isFirst)
      case .events(let events):
        for event in events { self.configure(kind, [event.object], isGone: event.kind == .deleted) }
      case .absent: self.configure(kind, [], replaces: true)
      case .synced, .connected, .failed: break
      }
    }
  }

  private func configure(
    _ kind: GroupVersionKind, _ objects: [Value], replaces: Bool = false, isGone: Bool = false
  ) {
    let hasChanged = state.withLock { state in
      if replaces { state.configured[kind] = [:] }
      for object in objects {
        let kinds = SyncedKinds.kinds(ofConfig: object) + SyncedKinds.kinds(ofSyncSet: object)
        state.configured[kind, default: [:]][ObjectReference(of: object)] = isGone ? nil : Set(kinds)
      }
      let synced = state.configured.values.reduce(into: Set<GroupVersionKind>()) { all, objects in
        for kinds in objects.values { all.formUnion(kinds) }
      }
      defer { state.surroundings.synced = synced }
      return synced != state.surroundings.synced
    }
    if hasChanged { service.refreshPolicies() }
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
