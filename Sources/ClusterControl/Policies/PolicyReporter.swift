import Admission
import Foundation
import Kubernetes
import KubernetesClient
import Logging
import Rego
import Synchronization

/// Tells of policies that cannot be used where people look: in the log, as Events, and in the status of templates and constraints.
///
/// Every replica comes to the same, so that it does not matter which of them tells of it.
final class PolicyReporter: Sendable {
  private let client: KubernetesClient
  private let namespace: String
  private let logger: Logger
  private let events: EventWriter
  /// How long after a status was written the same is not written again: another version of Portcullis may say something else of
  /// the object, and each would else answer the other at once.
  private let statusInterval: Duration
  private let told = Mutex(Told())

  private struct Told {
    /// What has been logged of an object, by its reference.
    var messages: [ObjectReference: String] = [:]
    /// What Events have said of an object.
    var events: [ObjectReference: String] = [:]
    /// What has been written of an object into its status, and when.
    var statuses: [ObjectReference: (entry: Value, time: ContinuousClock.Instant)] = [:]
    /// What could not be written, so that it is not logged again and again.
    var failure = ""
  }

  init(
    _ client: KubernetesClient, namespace: String, logger: Logger, statusInterval: Duration = .seconds(600)
  ) {
    self.client = client
    self.namespace = namespace
    self.statusInterval = statusInterval
    self.logger = logger
    events = EventWriter(client, namespace: namespace)
  }

  /// Reports what has changed since the last time.
  ///
  /// - Parameter mayWriteStatus: false where the status of templates and constraints is another's.
  func report(_ cluster: ClusterPolicies, on objects: PolicyObjects, mayWriteStatus: Bool) async {
    let current = Dictionary(
      cluster.quarantined.map { ($0.object, $0.message) }, uniquingKeysWith: { first, _ in first })
    let (fresh, healed) = told.withLock { told in
      defer {
        told.messages = current
        told.events = told.events.filter { current[$0.key] == $0.value }
      }
      return (
        cluster.quarantined.filter { told.messages[$0.object] != $0.message },
        told.messages.keys.filter { current[$0] == nil }
      )
    }
    for object in healed { logger.notice("no longer quarantined", metadata: ["object": "\(object)"]) }
    for one in fresh {
      logger.error(
        "quarantined: it does not judge", metadata: ["object": "\(one.object)", "reason": "\(one.message)"])
    }
    do {
      var writes = IndependentWrites()
      for one in cluster.quarantined where told.withLock({ $0.events[one.object] != one.message }) {
        let isWritten = try await writes.attempt {
          try await events.write(
            about: one.object, uid: one.uid, reason: "PolicyQuarantined", message: one.message,
            isWarning: true)
        }
        if isWritten { told.withLock { $0.events[one.object] = one.message } }
      }
      if mayWriteStatus {
        let all = objects.templates + objects.constraints
        let references = Set(all.map { ObjectReference(of: $0) })
        told.withLock { told in told.statuses = told.statuses.filter { references.contains($0.key) } }
        for object in all { try await writes.attempt { try await writeStatus(of: object, cluster) } }
      }
      try writes.finish()
      told.withLock { $0.failure = "" }
    } catch {
      let text = "\(error)"
      let isNew = told.withLock { told in
        defer { told.failure = text }
        return !told.failure.utf8.elementsEqual(text.utf8)
      }
      if isNew, !Task.isCancelled {
        logger.warning("what is quarantined cannot be reported", metadata: ["error": "\(text)"])
      }
    }
  }

  // MARK: Status

  private static let identifier: Value = "portcullis"
  /// How much of an error a status holds, in bytes.
  private static let maximumMessage = 4_000

  /// The one entry of `status.byPod` (Gatekeeper documentation, "Debugging") that stands for all replicas.
  static func entry(for object: Value, _ cluster: ClusterPolicies) -> Value {
    var members: [(Value, Value)] = [("id", identifier)]
    if let generation = object["metadata"]?["generation"] {
      members.append(("observedGeneration", generation))
    }
    let problem = cluster.problem(with: object)
    let isTemplate = object["kind"]?.string == "ConstraintTemplate"
    if !isTemplate { members.append(("enforced", .boolean(problem == nil))) }
    if let problem {
      members.append(
        (
          "errors",
          .array(
            problem.reasons.prefix(10).map {
              [
                "code": isTemplate ? "create_error" : "schema_error",
                "message": .string("\($0)".cut(toBytes: maximumMessage)),
              ]
            })
        ))
    }
    return .object(ObjectValue(members))
  }

  private func writeStatus(of object: Value, _ cluster: ClusterPolicies) async throws {
    let entry = Self.entry(for: object, cluster)
    if object["status"]?["byPod"]?.array == [entry] { return }
    let reference = ObjectReference(of: object)
    if let last = told.withLock({ $0.statuses[reference] }), last.entry == entry,
      ContinuousClock.now - last.time < statusInterval
    {
      return
    }
    guard case .string(let name)? = object["metadata"]?["name"], case .string(let kind)? = object["kind"],
      case .string(let apiVersion)? = object["apiVersion"],
      let version = GroupVersionKind(apiVersion: apiVersion, kind: kind)
    else { return }
    let isTemplate = kind == "ConstraintTemplate"
    let plural = isTemplate ? "constrainttemplates" : RegoString(kind.string.lowercased())
    let resource = APIResource(
      group: version.group, version: version.version, plural: plural, kind: kind, isNamespaced: false)
    var status: [(Value, Value)] = [("byPod", [entry])]
    if isTemplate { status.append(("created", .boolean(cluster.problem(with: object) == nil))) }
    do {
      _ = try await client.patch(
        resource, name: name, ["status": .object(ObjectValue(status))], subresource: "status")
      told.withLock { $0.statuses[reference] = (entry, .now) }
    } catch let error as APIError where error.isNotFound {
      // It has been deleted meanwhile.
    }
  }
}

/// Writes Events (Kubernetes API reference, Event).
struct EventWriter: Sendable {
  private let client: KubernetesClient
  private let namespace: String

  /// - Parameter namespace: where the Events go.
  init(_ client: KubernetesClient, namespace: String) {
    self.client = client
    self.namespace = namespace
  }

  /// Writes an Event about an object; one that has been written already is not written again.
  func write(
    about object: ObjectReference, uid: String, reason: String, message: String, isWarning: Bool
  ) async throws {
    let place = RegoString(namespace)
    let event = Self.event(
      about: object, uid: uid, reason: reason, message: message, isWarning: isWarning, in: place,
      now: Date())
    do {
      _ = try await client.create(.events, namespace: place, event)
    } catch let error as APIError where error.isAlreadyExists {
      // Another replica has said it, or this one before it was restarted.
    }
  }

  static func event(
    about object: ObjectReference, uid: String, reason: String, message: String, isWarning: Bool,
    in place: RegoString, now: Date
  ) -> Value {
    let time = Value.string(now.formatted(.iso8601))
    let hash = ContentHash.sha256(Array("\(object) \(uid) \(reason) \(message)".utf8)) ?? ""
    var about: [(Value, Value)] = [
      ("kind", .string(object.kind.kind)), ("name", .string(object.name)),
    ]
    if object.kind.group.utf8Count > 0 || object.kind.version.utf8Count > 0 {
      let isConstraint = object.kind.group == "constraints.gatekeeper.sh"
      let standard = isConstraint ? RegoString(ConstraintDefinition.version) : "v1"
      let version = object.kind.version.utf8Count > 0 ? object.kind.version : standard
      about.append(
        (
          "apiVersion",
          .string(GroupVersionKind(group: object.kind.group, version: version, kind: "").apiVersion)
        ))
    }
    // The API server wants an Event to lie in the namespace of what it is about. What lies in none is found by its uid.
    about.append(("namespace", .string(place)))
    if !uid.isEmpty { about.append(("uid", .string(uid))) }
    return [
      "apiVersion": "v1", "kind": "Event",
      "metadata": [
        "name": .string("\(object.name.string.prefix(200)).\(hash.prefix(16))"), "namespace": .string(place),
      ],
      "involvedObject": .object(ObjectValue(about)), "reason": .string(reason),
      // 1,024 bytes is what the API server takes.
      "message": .string(message.cut(toBytes: 1_000)), "type": isWarning ? "Warning" : "Normal",
      "source": ["component": "portcullis"], "reportingComponent": "portcullis.dev/webhook",
      "reportingInstance": "portcullis", "firstTimestamp": time, "lastTimestamp": time, "count": 1,
    ]
  }
}
