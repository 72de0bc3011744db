import Admission
import Foundation
import Kubernetes
import KubernetesClient
import Logging
import Rego
import ServiceLifecycle
import Synchronization

/// Scans the cluster again and again, on the one replica that holds a Lease, and tells what it finds: as Events about the objects,
/// in the status of constraints, and as PolicyReports where the cluster knows them. Metrics read ``latest``.
public final class AuditController: Service {
  public struct Settings: Sendable {
    public var namespace: String
    /// Which replica this is.
    public var identity: String
    public var leaseName = "portcullis"
    /// From the end of a scan to the next one.
    public var interval = Duration.seconds(600)
    /// From a scan that failed to the next one; longer with every further one that does, until it is ``interval``.
    public var retry = Duration.seconds(30)
    public var networks = AuditScan.enforcingNetworks
    /// About how many objects one scan writes Events.
    public var maximumEvents = 100

    public init(namespace: String, identity: String) {
      self.namespace = namespace
      self.identity = identity
    }
  }

  /// A scan that has ended.
  public struct Scan: Sendable {
    public let report: AuditReport
    public let end: Date
    public let duration: Duration
  }

  private let client: KubernetesClient
  private let settings: Settings
  private let logger: Logger
  private let isReady: @Sendable () -> Bool
  private let subject: @Sendable () -> (AdmissionSnapshot, [CompiledConstraint])
  private let election: LeaseElection
  private let scan = Mutex<Scan?>(nil)
  private let failure = Mutex("")

  /// - Parameters:
  ///   - isReady: whether what is judged by has been read.
  ///   - subject: what is judged by, and all constraints of the cluster.
  public init(
    _ client: KubernetesClient, _ settings: Settings, logger: Logger, isReady: @escaping @Sendable () -> Bool,
    subject: @escaping @Sendable () -> (AdmissionSnapshot, [CompiledConstraint])
  ) {
    self.client = client
    self.settings = settings
    self.logger = logger
    self.isReady = isReady
    self.subject = subject
    election = LeaseElection(
      client, namespace: settings.namespace, name: settings.leaseName, identity: settings.identity)
  }

  /// The last scan of this replica; nil where another does the scanning.
  public var latest: Scan? { election.isHeld ? scan.withLock { $0 } : nil }

  public func run() async throws {
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { await self.campaign() }
      tasks.addTask { await self.scanAgainAndAgain() }
      try? await gracefulShutdown()
      tasks.cancelAll()
    }
    await election.release()
  }

  private func campaign() async {
    while !Task.isCancelled {
      do {
        try await election.attempt()
        note("")
      } catch {
        note("\(error)")
      }
      try? await Task.sleep(for: .seconds(Int64.random(in: 12...18)))
    }
  }

  private func scanAgainAndAgain() async {
    var backoff = Backoff(
      first: min(settings.retry, settings.interval), longest: max(settings.retry, settings.interval))
    while !Task.isCancelled {
      guard election.isHeld, isReady() else {
        try? await Task.sleep(for: .seconds(1))
        continue
      }
      do {
        try await scanOnce(while: { self.election.isHeld })
        note("")
        backoff.reset()
      } catch is CancellationError {
        continue
      } catch is LeaseLoss {
        logger.notice("another replica audits: what was found is not told")
        continue
      } catch {
        note("\(error)")
        try? await Task.sleep(for: backoff.delay())
        continue
      }
      try? await Task.sleep(for: settings.interval)
    }
  }

  /// Logs what goes wrong, once.
  private func note(_ problem: String) {
    let isNew = failure.withLock { failure in
      defer { failure = problem }
      return !problem.isEmpty && !failure.utf8.elementsEqual(problem.utf8)
    }
    if isNew, !Task.isCancelled { logger.warning("audit cannot go on", metadata: ["error": "\(problem)"]) }
  }

  /// Another replica holds the Lease by now.
  private struct LeaseLoss: Error {}

  /// Scans once and tells what was found.
  ///
  /// - Parameter mayWrite: asked before each write; nothing more is written once it says no.
  func scanOnce(while mayWrite: @escaping @Sendable () -> Bool = { true }) async throws {
    let start = ContinuousClock.now
    let (snapshot, constraints) = subject()
    // Requests come first: half of a core is theirs in any case.
    let auditor = ClusterAuditor(client, networks: settings.networks, share: 0.5)
    let report = try await auditor.scan(
      policies: snapshot.policies, constraints: constraints, inventory: snapshot.inventory)
    let duration = ContinuousClock.now - start
    scan.withLock { $0 = Scan(report: report, end: Date(), duration: duration) }
    logger.notice(
      "audit",
      metadata: [
        "objects": "\(report.objectCount)", "refused": "\(report.deniedCount)",
        "findings": "\(report.counts.values.reduce(0, +))", "policySet": "\(report.policySet)",
        "seconds": "\(duration.components.seconds)",
      ])
    for remark in report.remarks { logger.warning("audit: \(remark)") }
    // Each is told whatever becomes of the others.
    var problem: (any Error)?
    for tell in [
      { try await self.writeReports(report, mayWrite) },
      { try await self.writeStatus(report, of: constraints, mayWrite) },
      { try await self.writeEvents(report, mayWrite) },
    ] as [() async throws -> Void] {
      do {
        try await tell()
      } catch let error where error is CancellationError || error is LeaseLoss {
        throw error
      } catch {
        problem = problem ?? error
      }
    }
    if let problem { throw problem }
  }

  // MARK: Telling

  private func writeReports(_ report: AuditReport, _ mayWrite: () -> Bool) async throws {
    let resource: APIResource
    do {
      guard
        let found = try await client.resource(
          group: PolicyReports.group, version: PolicyReports.version, kind: "PolicyReport")
      else { return }
      resource = found
    }
    let wanted = PolicyReports.reports(report, now: Date())
    var options = ListOptions()
    options.labelSelector = "app.kubernetes.io/managed-by=portcullis"
    var existing: [RegoString: Value] = [:]
    for object in try await client.list(resource, options: options).items {
      if case .string(let namespace)? = object["metadata"]?["namespace"],
        object["metadata"]?["name"] == .string(PolicyReports.name)
      {
        existing[namespace] = object
      }
    }
    var writes = IndependentWrites()
    for namespace in existing.keys where wanted[namespace] == nil {
      guard mayWrite() else { throw LeaseLoss() }
      try await writes.attempt {
        do {
          try await client.delete(resource, namespace: namespace, name: PolicyReports.name)
        } catch let error as APIError where error.isNotFound {
          // With its namespace.
        }
      }
    }
    for (namespace, object) in wanted {
      guard mayWrite() else { throw LeaseLoss() }
      try await writes.attempt {
        do {
          try await write(object, over: existing[namespace], resource, namespace)
        } catch let error as APIError
          where error.isConflict || error.isAlreadyExists || error.isNotFound || error.isForbidden
        {
          // The namespace is being deleted, or somebody else wrote: the next scan tells it again.
          logger.debug("a PolicyReport was not written", metadata: ["error": "\(error)"])
        }
      }
    }
    try writes.finish()
  }

  private func write(
    _ report: Value, over old: Value?, _ resource: APIResource, _ namespace: RegoString
  ) async throws {
    guard let old else {
      _ = try await client.create(resource, namespace: namespace, report)
      return
    }
    if PolicyReports.saySame(old, report) { return }
    guard let members = report.object, let version = old["metadata"]?["resourceVersion"],
      let metadata = members["metadata"]?.object
    else { return }
    let next = members.inserting("metadata", .object(metadata.inserting("resourceVersion", version)))
    _ = try await client.replace(resource, namespace: namespace, name: PolicyReports.name, .object(next))
  }

  /// As Gatekeeper's audit does (Gatekeeper documentation, "Audit").
  private func writeStatus(
    _ report: AuditReport, of constraints: [CompiledConstraint], _ mayWrite: () -> Bool
  ) async throws {
    var writes = IndependentWrites()
    for compiled in constraints where !compiled.enforcement(at: .audit).isEmpty {
      let findings = report.findings.filter { $0.policy.utf8.elementsEqual(compiled.name.utf8) }
      let total = report.counts.reduce(0) { sum, entry in
        sum + (entry.key.policy.utf8.elementsEqual(compiled.name.utf8) ? entry.value : 0)
      }
      let violations = findings.prefix(20).map { finding -> Value in
        var members: [(Value, Value)] = [
          ("group", .string(finding.object.kind.group)), ("version", .string(finding.object.kind.version)),
          ("kind", .string(finding.object.kind.kind)), ("name", .string(finding.object.name)),
          ("message", .string(finding.message.cut(toBytes: PolicyReports.maximumMessage))),
          ("enforcementAction", .string(finding.effect.rawValue)),
        ]
        if let namespace = finding.object.namespace { members.append(("namespace", .string(namespace))) }
        return .object(ObjectValue(members))
      }
      let kind = compiled.constraint.kind
      let resource = APIResource(
        group: "constraints.gatekeeper.sh", version: RegoString(ConstraintDefinition.version),
        plural: RegoString(kind.lowercased()), kind: RegoString(kind), isNamespaced: false)
      let status: Value = [
        "auditTimestamp": .string(Date().formatted(.iso8601)), "totalViolations": .int(total),
        "violations": .array(violations),
      ]
      guard mayWrite() else { throw LeaseLoss() }
      try await writes.attempt {
        do {
          _ = try await client.patch(
            resource, name: RegoString(compiled.constraint.name), ["status": status], subresource: "status")
        } catch let error as APIError where error.isNotFound {
          // It has been deleted meanwhile.
        }
      }
    }
    try writes.finish()
  }

  private func writeEvents(_ report: AuditReport, _ mayWrite: () -> Bool) async throws {
    var texts: [ObjectReference: (uid: String, lines: [String])] = [:]
    var order: [ObjectReference] = []
    for finding in report.findings where finding.effect == .deny || finding.effect == .failure {
      if texts[finding.object] == nil {
        if order.count == settings.maximumEvents { continue }
        order.append(finding.object)
      }
      texts[finding.object, default: (finding.uid, [])].lines.append("\(finding.policy): \(finding.message)")
    }
    var writes = IndependentWrites()
    for object in order {
      guard let text = texts[object] else { continue }
      guard mayWrite() else { throw LeaseLoss() }
      let events = EventWriter(client, namespace: object.namespace?.string ?? settings.namespace)
      try await writes.attempt {
        do {
          try await events.write(
            about: object, uid: text.uid, reason: "PolicyViolation",
            message: text.lines.joined(separator: "\n"), isWarning: true)
        } catch let error as APIError where error.isNotFound || error.code == 422 || error.code == 403 {
          // The namespace is being deleted.
          logger.debug("an Event was not written", metadata: ["error": "\(error)"])
        }
      }
    }
    try writes.finish()
  }
}
