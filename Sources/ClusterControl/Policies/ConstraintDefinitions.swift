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
  }

  init(_ client: KubernetesClient, logger: Logger) {
    self.client = client
    self.logger = logger
  }

  /// Whether Gatekeeper runs in the cluster.
  var isGatekeepers: Bool { state.withLock { $0.isGatekeepers } }

  /// Makes or changes the definitions that templates ask for.
  func write(for templates: [Value]) async {
    if templates.isEmpty { return }
    do {
      let own = try await client.get(
        .customResourceDefinitions, name: "constrainttemplates.templates.gatekeeper.sh")
      let isGatekeepers = ConstraintDefinition.isOfGatekeeper(own)
      state.withLock { $0.isGatekeepers = isGatekeepers }
      if isGatekeepers { return }
    } catch {
      // Without knowing whose they are none is made.
      note("\(error)", of: "constrainttemplates.templates.gatekeeper.sh")
      return
    }
    for template in templates {
      guard let wanted = ConstraintDefinition.definition(of: template),
        case .string(let name)? = wanted["metadata"]?["name"]
      else { continue }
      do {
        try await write(wanted, name)
        note("", of: name.string)
      } catch {
        if Task.isCancelled { return }
        note("\(error)", of: name.string)
      }
    }
  }

  private func write(_ wanted: Value, _ name: RegoString) async throws {
    let existing: Value
    do {
      existing = try await client.get(.customResourceDefinitions, name: name)
    } catch let error as APIError where error.isNotFound {
      do {
        _ = try await client.create(.customResourceDefinitions, wanted)
        logger.notice("a definition of constraints is made", metadata: ["name": "\(name)"])
      } catch let error as APIError where error.isAlreadyExists {
        // Another replica was faster.
      }
      return
    }
    guard ConstraintDefinition.isOwn(existing), !ConstraintDefinition.isCurrent(existing, wanted) else {
      return
    }
    _ = try await client.patch(
      .customResourceDefinitions, name: name,
      [
        "metadata": [
          "labels": wanted["metadata"]?["labels"] ?? .null,
          "ownerReferences": wanted["metadata"]?["ownerReferences"] ?? .null,
        ], "spec": wanted["spec"] ?? .null,
      ])
    logger.notice("a definition of constraints is changed", metadata: ["name": "\(name)"])
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
