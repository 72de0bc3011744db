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
    /// Whether the service has not all of its policies yet: nothing is synced before ``noteAllPolicies()``.
    public var awaitsPolicies = false
    /// For how long a kind may fail that no built-in policy needs before a replica is ready without it.
    public var patience = Duration.seconds(30)
    /// Between looks at which groups and versions the server offers.
    public var discovery = Duration.seconds(300)
    /// How lists and watches are made.
    public var reflector = Reflector.Options()

    public init() {}
  }

  private struct State {
    var surroundings = WatchPlan.Surroundings()
    /// Of what the service has now.
    var plan = WatchPlan()
    /// How far each kind had come when policies were last asked for.
    var statuses: [KindStatus] = []
    var known: [GroupVersionKind: KindStatus] = [:]
    /// Which policies cannot be asked, and why.
    var reasons: [String: String] = [:]
    var hasAllPolicies: Bool
    var hasSynced = false
    /// What Gatekeeper's Config and SyncSets name, by the object.
    var configured: [GroupVersionKind: [ObjectReference: Set<GroupVersionKind>]] = [:]
    /// Which of the two have been read, or need not be waited for.
    var configurations: Set<GroupVersionKind> = []
    var configurationFailures: [GroupVersionKind: ContinuousClock.Instant] = [:]
    /// The names of kinds that have been looked for among what the server offers.
    var sought: Set<RegoString> = []
    /// Whether the server is to be asked again what it offers, and not before when.
    var asksForGroups = false
    var nextGroups = ContinuousClock.now

    /// Whether all is there that policies can be judged by, but for what nobody waits for.
    var isWhole: Bool {
      guard hasAllPolicies, !surroundings.versions.isEmpty, plan.unresolved.isSubset(of: sought),
        configurations.isSuperset(of: gatekeeperKinds)
      else { return false }
      return plan.kinds.keys.allSatisfy { kind in
        guard let status = known[kind], status.keepsStatus == plan.keepsStatus.contains(kind) else {
          return false
        }
        if status.obstacle(readsStatus: status.keepsStatus) == nil { return true }
        if plan.required.contains(kind) { return false }
        if case .forbidden = status.phase { return true }
        return status.isGivenUp
      }
    }
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
    var state = State(hasAllPolicies: !options.awaitsPolicies)
    state.surroundings.allowed = options.kinds
    self.state = Mutex(state)
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.wakes = wakes
    self.wake = wake
    inventory = LiveInventory(
      interner: interner, freshness: freshness, counters: counters, batching: options.batching,
      patience: options.patience,
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

  /// Whether the service has all policies there are.
  public var hasAllPolicies: Bool { state.withLock(\.hasAllPolicies) }

  /// Says that the service has all policies there are, those of the cluster among them (``Options/awaitsPolicies``).
  public func noteAllPolicies() {
    state.withLock { $0.hasAllPolicies = true }
    wake.yield()
  }

  private func noteSync() {
    let withheld = state.withLock { state -> [String: String]? in
      if state.hasSynced || !state.isWhole { return nil }
      state.hasSynced = true
      return state.reasons
    }
    guard let withheld else { return }
    for (policy, reason) in withheld.sorted(by: { $0.key < $1.key }) {
      logger.warning(
        "a policy is not asked until it can be", metadata: ["policy": "\(policy)", "reason": "\(reason)"])
    }
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
        let status = state.known[kind] ?? KindStatus(kind: kind)
        for name in names where reasons[name] == nil {
          reasons[name] = status.obstacle(
            readsStatus: plan.keepsStatus.contains(kind) && plan.statusReaders.contains(name))
        }
        // What Gatekeeper's configuration names beyond what can be read keeps nobody from judging by the rest.
        if status.phase == .listing, state.surroundings.synced.contains(kind) {
          for name in plan.configured where reasons[name] == nil {
            reasons[name] = status.obstacle(readsStatus: plan.statusReaders.contains(name))
          }
        }
      }
      defer {
        state.plan = plan
        state.reasons = reasons
      }
      return (reasons, plan != state.plan)
    }
    if isNew { wake.yield() }
    return reasons
  }

  // MARK: Running

  /// Follows until its task is cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      for kind in gatekeeperKinds { group.addTask { await self.followConfiguration(kind) } }
      group.addTask {
        while !Task.isCancelled {
          try? await Task.sleep(for: self.options.discovery)
          self.askForGroups()
        }
      }
      group.addTask { await self.reconcile() }
    }
  }

  /// Starts and ends reflectors as the plan wants.
  private func reconcile() async {
    var running: [GroupVersionKind: (task: Task<Void, Never>, keepsStatus: Bool)] = [:]
    defer { for one in running.values { one.task.cancel() } }
    var backoff = options.reflector.backoff
    wake.yield()
    for await _ in wakes {
      if Task.isCancelled { break }
      if state.withLock({ $0.surroundings.versions.isEmpty }) {
        // What is offered is asked before anything is followed; without an answer there is nothing to follow either.
        do {
          try await readGroups()
          backoff.reset()
        } catch {
          logger.warning("the API server cannot be asked for its groups", metadata: ["error": "\(error)"])
          try? await Task.sleep(for: backoff.delay())
          wake.yield()
          continue
        }
        service.refreshPolicies()
      }
      await readGroupsAgain(&backoff)
      let plan = state.withLock { $0.plan }
      for (kind, one) in running
      where plan.kinds[kind] == nil || plan.keepsStatus.contains(kind) != one.keepsStatus {
        one.task.cancel()
        running[kind] = nil
      }
      await inventory.setKinds(
        Dictionary(
          uniqueKeysWithValues: plan.kinds.keys.map { kind in
            let isRequired = plan.required.contains(kind)
            return (kind, .init(isRequired: isRequired, keepsStatus: plan.keepsStatus.contains(kind)))
          }))
      for kind in plan.kinds.keys where running[kind] == nil {
        let keepsStatus = plan.keepsStatus.contains(kind)
        running[kind] = (Task { await self.follow(kind, keepsStatus: keepsStatus) }, keepsStatus)
      }
      await updateStatuses()
    }
  }

  private func updateStatuses() async {
    let statuses = await inventory.statuses
    let (changed, isGone) = state.withLock { state in
      let before = state.known
      state.statuses = statuses
      state.known = Dictionary(uniqueKeysWithValues: statuses.map { ($0.kind, $0) })
      let isGone = statuses.contains { status in
        status.isAbsent && before[status.kind].map { $0.isKnown && !$0.isAbsent } ?? false
      }
      // While a server is away, its reasons change from try to try.
      return (statuses.filter { before[$0.kind]?.phase.name != $0.phase.name }, isGone)
    }
    // It may be offered in another version.
    if isGone { askForGroups() }
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
      await inventory.take(change, of: kind, keepsStatus: keepsStatus) { Self.rule(for: kind) }
    }
  }

  /// The rule of a ClusterRole that lets a kind be followed.
  static func rule(for kind: GroupVersionKind) -> String {
    // Without a resource to ask the server for, the plural is made as most are.
    let plural = KindTable.builtin[kind]?.resource.string ?? kind.kind.string.lowercased() + "s"
    return #"{"apiGroups":["\#(kind.group)"],"resources":["\#(plural)"],"verbs":["list","watch"]}"#
  }

  // MARK: Gatekeeper's configuration

  /// Follows the objects that say what Gatekeeper is to sync; where there are none, or they may not be read, nothing is said.
  private func followConfiguration(_ kind: GroupVersionKind) async {
    await Reflector(client, .kind(kind), options: options.reflector).run { change in
      switch change {
      case .listed(let objects, let isFirst): self.configure(kind, objects, replaces: isFirst)
      case .events(let events):
        for event in events { self.configure(kind, [event.object], isGone: event.kind == .deleted) }
      case .absent:
        self.configure(kind, [], replaces: true)
        self.note(configuration: kind)
      case .synced: self.note(configuration: kind)
      case .failed(let error): self.note(configuration: kind, failure: error)
      case .listing, .connected: break
      }
    }
  }

  /// Notes that what Gatekeeper's configuration says is known, or need not be waited for.
  private func note(configuration kind: GroupVersionKind, failure: APIError? = nil) {
    let patience = options.patience
    let isNew = state.withLock { state in
      if let failure, !failure.isForbidden {
        guard failure.isOfOneKind else { return false }
        let since = state.configurationFailures[kind] ?? .now
        state.configurationFailures[kind] = since
        if ContinuousClock.now - since < patience { return false }
      }
      state.configurationFailures[kind] = nil
      return state.configurations.insert(kind).inserted
    }
    if isNew { wake.yield() }
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

// MARK: What the server offers

extension ClusterFollower {
  /// Has the server asked again what it offers.
  private func askForGroups() {
    state.withLock { $0.asksForGroups = true }
    wake.yield()
  }

  /// Asks the server what it offers where that is due: every few minutes, when a kind has gone, and when a policy refers to one that
  /// is not known.
  private func readGroupsAgain(_ backoff: inout Backoff) async {
    let isDue = state.withLock { state in
      ContinuousClock.now >= state.nextGroups
        && (state.asksForGroups || !state.plan.unresolved.isSubset(of: state.sought))
    }
    if !isDue { return }
    do {
      try await readGroups()
      backoff.reset()
      service.refreshPolicies()
    } catch {
      logger.warning("the API server cannot be asked for its groups", metadata: ["error": "\(error)"])
      // What is followed is followed on meanwhile.
      let delay = backoff.delay()
      state.withLock { $0.nextGroups = .now + delay }
      Task { [wake] in
        try? await Task.sleep(for: delay)
        wake.yield()
      }
    }
  }

  private func readGroups() async throws {
    let groups = try await client.groups()
    let (surroundings, sought) = state.withLock { state in
      state.asksForGroups = false
      return (state.surroundings, state.plan.unresolved.union(state.surroundings.offered.keys))
    }
    var versions = surroundings.versions
    for group in groups {
      // What is followed in one version is followed on in it, for as long as it is offered.
      if let version = versions[group.name], group.versions.contains(version) { continue }
      if let version = group.versions.first { versions[group.name] = version }
    }
    // Before all is known that a table knows, nobody can say what else there is to look for.
    let isFirst = surroundings.versions.isEmpty
    let offered = isFirst ? [:] : await client.kinds(named: sought, of: groups, surroundings)
    state.withLock { state in
      state.surroundings.versions = versions
      // What the server no longer offers is absent, and not unknown.
      for (kind, found) in offered where !found.isEmpty { state.surroundings.offered[kind] = found }
      if !isFirst { state.sought = sought }
    }
  }
}

private let gatekeeperKinds = [
  GroupVersionKind(group: "config.gatekeeper.sh", version: "v1alpha1", kind: "Config"),
  GroupVersionKind(group: "syncset.gatekeeper.sh", version: "v1alpha1", kind: "SyncSet"),
]
