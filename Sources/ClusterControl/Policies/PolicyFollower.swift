import Admission
import Kubernetes
import KubernetesClient
import Logging
import Rego
import ServiceLifecycle
import Synchronization

/// Keeps policies what the cluster says they are: follows ConfigMaps, ConstraintTemplates and constraints, and reports what cannot
/// be used where people look for it.
public final class PolicyFollower: Service {
  private enum Source: Hashable {
    case configMaps
    case templates
    case constraints(kind: RegoString)
  }

  private struct State {
    var followed: [Source: FollowedObjects] = [.configMaps: FollowedObjects(), .templates: FollowedObjects()]
    /// Whether everything has been read once, and is judged by.
    var isComplete = false
  }

  private let client: KubernetesClient
  private let assembly: PolicyAssembly
  private let namespace: String
  private let logger: Logger
  /// Whether anything is written to the cluster.
  private let writes: Bool
  private let reporter: PolicyReporter
  private let definitions: ConstraintDefinitions
  /// How long changes are collected before they are compiled.
  private let batching: Duration
  private let completed: @Sendable () -> Void
  private let changed: @Sendable (ClusterPolicies) -> Void
  private let state = Mutex(State())
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation
  /// What is to be told of; only the newest counts.
  private let findings: AsyncStream<Finding>
  private let find: AsyncStream<Finding>.Continuation

  private struct Finding {
    var objects: PolicyObjects
    var cluster: ClusterPolicies
  }

  /// - Parameters:
  ///   - namespace: where ConfigMaps may hold policies: the webhook's own.
  ///   - writes: whether definitions, status and Events are written; otherwise the cluster is only read.
  ///   - completed: told once when all policies have been read and are judged by.
  ///   - changed: told of policies that have been taken over.
  public init(
    _ client: KubernetesClient, assembly: PolicyAssembly, namespace: String, writes: Bool = true,
    logger: Logger,
    batching: Duration = .milliseconds(100), completed: @escaping @Sendable () -> Void = {},
    changed: @escaping @Sendable (ClusterPolicies) -> Void = { _ in }
  ) {
    self.client = client
    self.assembly = assembly
    self.namespace = namespace
    self.writes = writes
    self.logger = logger
    self.batching = batching
    self.completed = completed
    self.changed = changed
    reporter = PolicyReporter(client, namespace: namespace, logger: logger)
    definitions = ConstraintDefinitions(client, logger: logger)
    (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    (findings, find) = AsyncStream.makeStream(of: Finding.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Whether all policies of the cluster have been read and are judged by; and what cannot be followed.
  public var readiness: (isReady: Bool, detail: String) {
    state.withLock { state in
      let waiting = state.followed.filter { !$0.value.isKnown }.map { Self.name($0.key) }.sorted()
      var details = state.followed.compactMap { source, followed in
        followed.failure.map { "\(Self.name(source)) cannot be followed: \($0)" }
      }.sorted()
      if !waiting.isEmpty { details.append("not read yet: \(waiting.joined(separator: ", "))") }
      // Once ready it stays so: a new template would else take every replica away at a time.
      return (state.isComplete, details.joined(separator: "; "))
    }
  }

  private static func name(_ source: Source) -> String {
    switch source {
    case .configMaps: "policy ConfigMaps"
    case .templates: "ConstraintTemplates"
    case .constraints(let kind): "constraints of \(kind)"
    }
  }

  public func run() async throws {
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { await self.follow() }
      try? await gracefulShutdown()
      tasks.cancelAll()
    }
  }

  // MARK: Following

  private func follow() async {
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { await self.follow(.configMaps) }
      tasks.addTask { await self.follow(.templates) }
      tasks.addTask {
        while !Task.isCancelled {
          // Definitions that somebody took away, and reports that could not be written.
          try? await Task.sleep(for: .seconds(60))
          self.wake.yield()
        }
      }
      tasks.addTask { await self.assemble() }
      if writes { tasks.addTask { await self.tell() } }
    }
  }

  private func follow(_ source: Source) async {
    var options = Reflector.Options()
    options.shape = Self.shape
    let subject: Reflector.Subject
    switch source {
    case .configMaps:
      subject = .resource(.configMaps)
      options.namespace = RegoString(namespace)
      options.labelSelector = PolicyObjects.label.string
    case .templates:
      subject = .kind(
        GroupVersionKind(group: "templates.gatekeeper.sh", version: "v1", kind: "ConstraintTemplate"))
    case .constraints(let kind):
      subject = .kind(
        GroupVersionKind(
          group: "constraints.gatekeeper.sh", version: RegoString(ConstraintDefinition.version), kind: kind))
      // Its definition follows its template.
      options.absence = Backoff(first: .milliseconds(250), longest: .seconds(30))
    }
    await Reflector(client, subject, options: options).run { change in
      let isNew = self.state.withLock { state in
        let failure = state.followed[source]?.failure
        let isNew = state.followed[source]?.take(change) ?? false
        if case .failed(let error) = change, failure != error {
          self.logger.warning(
            "policies cannot be followed", metadata: ["what": "\(Self.name(source))", "error": "\(error)"])
        }
        return isNew
      }
      if isNew { self.wake.yield() }
    }
  }

  /// What is kept of an object: not what managers note, and of its status only what is said of its use.
  private static let shape: PathShape = .members([
    ("apiVersion", .all), ("kind", .all), ("spec", .all), ("data", .all), ("binaryData", .all),
    (
      "metadata",
      .members([
        ("name", .all), ("namespace", .all), ("uid", .all), ("generation", .all), ("labels", .all),
        ("annotations", .all), ("creationTimestamp", .all),
      ])
    ), ("status", .members([("byPod", .all), ("created", .all)])),
  ])

  // MARK: Putting together

  private func assemble() async {
    var constraintTasks: [RegoString: Task<Void, Never>] = [:]
    defer { for task in constraintTasks.values { task.cancel() } }
    var last: PolicyObjects?
    for await _ in wakes {
      try? await Task.sleep(for: batching)
      if Task.isCancelled { return }
      let templates = state.withLock { $0.followed[.templates]?.values ?? [] }
      let kinds = Set(
        templates.compactMap { template -> RegoString? in
          guard case .string(let kind)? = template["spec"]?["crd"]?["spec"]?["names"]?["kind"] else {
            return nil
          }
          return kind
        })
      state.withLock { state in
        for kind in kinds where state.followed[.constraints(kind: kind)] == nil {
          state.followed[.constraints(kind: kind)] = FollowedObjects()
        }
        for kind in constraintTasks.keys where !kinds.contains(kind) {
          state.followed[.constraints(kind: kind)] = nil
        }
      }
      for (kind, task) in constraintTasks where !kinds.contains(kind) {
        task.cancel()
        constraintTasks[kind] = nil
      }
      for kind in kinds where constraintTasks[kind] == nil {
        constraintTasks[kind] = Task { await self.follow(.constraints(kind: kind)) }
      }
      guard let (objects, isComplete) = known() else { continue }
      if objects != last {
        last = objects
        await take(objects)
        if Task.isCancelled { return }
      }
      if isComplete {
        let isNew = state.withLock { state in
          defer { state.isComplete = true }
          return !state.isComplete
        }
        if isNew { completed() }
      }
      find.yield(Finding(objects: objects, cluster: assembly.cluster))
    }
  }

  /// Writes what follows from the policies that are judged by. An API server that is slow to take it keeps no change of policies
  /// waiting.
  private func tell() async {
    for await finding in findings {
      await definitions.write(for: finding.objects.templates)
      if Task.isCancelled { return }
      await reporter.report(
        finding.cluster, on: finding.objects, mayWriteStatus: !definitions.isGatekeepers)
    }
  }

  /// All that is there, and whether that is everything; nil where not even templates are known.
  private func known() -> (PolicyObjects, isComplete: Bool)? {
    state.withLock { state in
      guard state.followed[.configMaps]?.isKnown == true, state.followed[.templates]?.isKnown == true else {
        return nil
      }
      var constraints: [Value] = []
      for case (.constraints, let followed) in state.followed { constraints += followed.values }
      let objects = PolicyObjects(
        configMaps: state.followed[.configMaps]?.values ?? [],
        templates: state.followed[.templates]?.values ?? [], constraints: constraints)
      return (objects, state.followed.values.allSatisfy(\.isKnown))
    }
  }

  private func take(_ objects: PolicyObjects) async {
    let assembly = assembly
    // To compile takes a while, and this must not be a thread that answers requests. Nor can it be broken off: who ends does not wait
    // for it.
    let (results, result) = AsyncStream.makeStream(of: (cluster: ClusterPolicies, isNew: Bool).self)
    Task.detached(priority: .utility) {
      result.yield(assembly.replace(objects: objects))
      result.finish()
    }
    for await (cluster, isNew) in results where isNew {
      changed(cluster)
      logger.notice(
        "policies of the cluster are in use",
        metadata: [
          "policies": "\(cluster.policies.count)", "templates": "\(cluster.templates.count)",
          "constraints": "\(cluster.constraints.count)", "quarantined": "\(cluster.quarantined.count)",
        ])
    }
  }
}
