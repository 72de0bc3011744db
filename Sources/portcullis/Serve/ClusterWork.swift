import Admission
import ClusterControl
import Foundation
import Kubernetes
import Logging
import Rego
import ServiceLifecycle
import Synchronization
import TLS
import WebhookServer

/// The server, which is made after what hands it certificates.
final class RunningServer: Sendable {
  private let server = Mutex<WebhookServer?>(nil)

  func set(_ server: WebhookServer) { self.server.withLock { $0 = server } }

  /// - Throws: `TLSError` where it cannot be used.
  func serve(_ identity: TLSIdentity) throws { try server.withLock { $0 }?.serve(identity) }
}

/// What the server does in a cluster besides answering: follows policies, sees to certificates, and scans what exists.
final class ClusterWork: Sendable {
  /// Policies of files and of the cluster, together.
  let assembly: PolicyAssembly
  /// To be told of the server once there is one.
  let server: RunningServer
  private let policies: PolicyFollower
  private let certificates: CertificateController?
  private let certificateNames: [String]
  private let audit: AuditController?

  init(
    _ cluster: ClusterConnection, _ configuration: Configuration, base: PolicyAssembly.Base,
    service: AdmissionService, metrics: ServerMetrics, logger: Logger
  ) throws {
    let namespace = configuration.namespace ?? cluster.client.configuration.namespace ?? "portcullis"
    let assembly = PolicyAssembly(base, service: service)
    self.assembly = assembly
    // Whoever looks at a cluster from elsewhere only looks: one that is installed there writes what it finds.
    let isInstalled = configuration.kubeconfig == nil || configuration.manageCertificates == true
    let policies = PolicyFollower(
      cluster.client, assembly: assembly, namespace: namespace, writes: isInstalled, logger: logger,
      completed: { cluster.follower.noteAllPolicies() }
    ) { _ in metrics.policiesQuarantined.set(Double(service.snapshot.policies.quarantined.count)) }
    self.policies = policies
    let isReady: @Sendable () -> Bool = { cluster.follower.isSynced && policies.readiness.isReady }

    var settings = CertificateController.Settings(
      namespace: namespace, service: configuration.serviceName ?? "portcullis")
    settings.configurationName = configuration.webhookConfiguration ?? settings.configurationName
    settings.configuration = try configuration.webhookManifest.map {
      try Self.manifest($0, named: settings.configurationName)
    }
    certificateNames = settings.names
    let server = RunningServer()
    self.server = server
    certificates =
      configuration.manageCertificates == true
      ? CertificateController(
        cluster.client, settings, logger: logger, isReady: isReady, serve: { try server.serve($0) }) : nil

    let interval = configuration.auditInterval ?? (isInstalled ? .seconds(600) : .zero)
    var auditSettings = AuditController.Settings(namespace: namespace, identity: Self.identity)
    auditSettings.interval = interval
    auditSettings.networks = configuration.enforcingNetworks ?? auditSettings.networks
    let audit =
      interval > .zero
      ? AuditController(cluster.client, auditSettings, logger: logger, isReady: isReady) {
        (service.snapshot, assembly.cluster.constraints)
      } : nil
    self.audit = audit
    if let audit { AuditMetrics.register(audit, in: metrics.registry) }
  }

  /// The ValidatingWebhookConfiguration of a file.
  ///
  /// - Throws: `CommandFailure` where there is none of the name.
  private static func manifest(_ path: String, named name: String) throws -> Value {
    let found = ManifestReader().read([path])
    if !found.errors.isEmpty { throw CommandFailure(found.errors.map(\.description)) }
    let manifest = found.manifests.first {
      $0.kind.kind == "ValidatingWebhookConfiguration" && $0.reference.name == RegoString(name)
    }
    guard let manifest else {
      throw CommandFailure("\(path): holds no ValidatingWebhookConfiguration called \(name)")
    }
    return manifest.object
  }

  /// Which replica this is: the pod's name, and what tells one start of it from the next.
  private static var identity: String {
    let name = ProcessInfo.processInfo.environment["HOSTNAME"] ?? ProcessInfo.processInfo.hostName
    return "\(name)_\(UUID().uuidString.prefix(8).lowercased())"
  }

  var services: [any Service] {
    [policies] + (certificates.map { [$0] } ?? []) + (audit.map { [$0] } ?? [])
  }

  /// What to listen with until the cluster has a certificate; nil where certificates are files.
  func temporaryIdentity() throws -> TLSIdentity? {
    certificates == nil ? nil : try CertificateController.temporaryIdentity(names: certificateNames)
  }

  /// What `/readyz` says of it.
  var readiness: [ReadinessCheck] {
    func check(
      _ name: String, _ readiness: @escaping @Sendable () -> (isReady: Bool, detail: String)
    ) -> ReadinessCheck {
      ReadinessCheck(name) {
        let (isReady, detail) = readiness()
        return isReady ? .ready(detail) : .notReady(detail)
      }
    }
    let policies = policies
    var checks = [check("cluster-policies") { policies.readiness }]
    if let certificates { checks.append(check("certificates") { certificates.readiness }) }
    return checks
  }
}
