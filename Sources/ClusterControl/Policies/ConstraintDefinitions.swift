import Admission
import Kubernetes
import KubernetesClient
import Logging
import Rego
import Synchronization

/// Sees to the CustomResourceDefinitions of constraints, which their templates ask for, unless Gatekeeper does.
final class ConstraintDefinitions: Sendable {
  private let client: KubernetesClient
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    var isGatekeepers = false
    /// What was wrong with a definition when it was last written, by its name.
    var problems: [String: String] = [:]
    /// What was last seen to be there, by the definition's name.
    var seen: [RegoString: Seen] = [:]
    /// When it was last asked who makes definitions.
    var asked: ContinuousClock.Instant?
  }

  /// A definition as it was wanted, and what the API server made of it.
  private struct Seen {
    var wanted: Value
    var stored: Value?
    var time: ContinuousClock.Instant
  }

  /// How long what was seen counts: somebody may take a definition away.
  private let recheck: Duration

  init(_ client: KubernetesClient, logger: Logger, recheck: Duration = .seconds(55)) {
    self.client = client
    self.recheck = recheck
    self.logger = logger
  }

  /// Whether Gatekeeper runs in the cluster.
  var isGatekeepers: Bool { state.withLock { $0.isGatekeepers } }

  /// Makes or changes the definitions that templates ask for.
  func write(for templates: [Value]) async {
    if templates.isEmpty { return }
    if isDue(state.withLock { $0.asked }) {
      do {
        try await askWhose()
      } catch {
        // Without knowing whose they are none is made.
        note("\(error)", of: Self.ofTemplates.string)
        return
      }
    }
    if isGatekeepers { return }
    var names: Set<RegoString> = []
    for template in templates {
      guard let wanted = ConstraintDefinition.definition(of: template),
        case .string(let name)? = wanted["metadata"]?["name"]
      else { continue }
      names.insert(name)
      let seen = state.withLock { $0.seen[name] }
      if let seen, seen.wanted == wanted, !isDue(seen.time) { continue }
      do {
        let stored = try await write(wanted, name, seen)
        state.withLock { $0.seen[name] = Seen(wanted: wanted, stored: stored, time: .now) }
        note("", of: name.string)
      } catch {
        if Task.isCancelled { return }
        note("\(error)", of: name.string)
      }
    }
    state.withLock { state in state.seen = state.seen.filter { names.contains($0.key) } }
  }

  private func isDue(_ time: ContinuousClock.Instant?) -> Bool {
    time.map { ContinuousClock.now - $0 >= recheck } ?? true
  }

  private static let ofTemplates: RegoString = "constrainttemplates.templates.gatekeeper.sh"

  private func askWhose() async throws {
    let own = try await client.get(.customResourceDefinitions, name: Self.ofTemplates)
    let isGatekeepers = ConstraintDefinition.isOfGatekeeper(own)
    state.withLock { state in
      state.isGatekeepers = isGatekeepers
      state.asked = .now
    }
    note("", of: Self.ofTemplates.string)
  }

  /// Sees to one definition.
  ///
  /// - Returns: what the API server has of it; nil where it was not said.
  private func write(_ wanted: Value, _ name: RegoString, _ seen: Seen?) async throws -> Value? {
    let existing: Value
    do {
      existing = try await client.get(.customResourceDefinitions, name: name)
    } catch let error as APIError where error.isNotFound {
      do {
        let made = try await client.create(.customResourceDefinitions, wanted)
        logger.notice("a definition of constraints is made", metadata: ["name": "\(name)"])
        return Self.content(of: made)
      } catch let error as APIError where error.isAlreadyExists {
        // Another replica was faster.
        return nil
      }
    }
    guard ConstraintDefinition.isOwn(existing), !ConstraintDefinition.isCurrent(existing, wanted) else {
      return Self.content(of: existing)
    }
    // The API server leaves out what it does not know: asking for it once more changes nothing.
    if let seen, seen.wanted == wanted, let stored = seen.stored, stored == Self.content(of: existing) {
      return stored
    }
    let changed = try await client.patch(
      .customResourceDefinitions, name: name,
      [
        "metadata": [
          "labels": wanted["metadata"]?["labels"] ?? .null,
          "ownerReferences": wanted["metadata"]?["ownerReferences"] ?? .null,
        ], "spec": wanted["spec"] ?? .null,
      ])
    logger.notice("a definition of constraints is changed", metadata: ["name": "\(name)"])
    return Self.content(of: changed)
  }

  private static func content(of definition: Value) -> Value {
    [
      definition["spec"] ?? .null, definition["metadata"]?["labels"] ?? .null,
      definition["metadata"]?["ownerReferences"] ?? .null,
    ]
  }

  /// Logs what is wrong, once.
  private func note(_ problem: String, of name: String) {
    let isNew = state.withLock { state in
      defer { state.problems[name] = problem.isEmpty ? nil : problem }
      return !problem.isEmpty && state.problems[name] != problem
    }
    if isNew {
      logger.warning(
        "the definition of constraints cannot be seen to",
        metadata: ["name": "\(name)", "error": "\(problem)"])
    }
  }
}
