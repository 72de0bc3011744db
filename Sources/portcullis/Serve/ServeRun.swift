import Admission
import Logging
import Rego
import ServiceLifecycle
import TLS
import UnixSignals
import WebhookServer

/// A run of the server from start to end.
struct ServeRun {
  /// What the command line says.
  let flags: Configuration
  let configurationPath: String?

  func run() async throws {
    let logger = Logger(label: "portcullis") { StreamLogHandler.standardError(label: $0) }
    // From the start: one that comes early does not end the program.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    let configuration: Configuration
    let service: AdmissionService
    let cluster: ClusterConnection?
    let base: PolicyAssembly.Base?
    do {
      configuration = try flags.filled(from: configurationPath)
      let target = try configuration.cluster()
      let interner = StringInterner()
      let snapshot = try configuration.snapshot(followsCluster: target != nil, interner: interner)
      service = AdmissionService(snapshot)
      base = target.map { _ in
        PolicyAssembly.Base(
          policies: snapshot.policies,
          compiler: configuration.compiler(hasInventory: true, interner: interner),
          overrides: configuration.overrides)
      }
      cluster = target.map {
        ClusterConnection(
          to: $0, kinds: configuration.inventoryKinds.flatMap(FollowedKinds.init), service: service,
          interner: interner, logger: logger)
      }
    } catch {
      throw error.failure
    }
    let settings = try ServerSettings(configuration)
    if configuration.manageCertificates == true {
      if cluster == nil {
        throw CommandFailure("--manage-certificates needs a cluster: --in-cluster or --kubeconfig")
      }
    } else if let remark = try settings.prepareCertificates() {
      Console.error.write(line: remark)
    }

    let metrics = ServerMetrics(version: Version.current.number)
    let work = try cluster.flatMap { cluster in
      try base.map {
        try ClusterWork(
          cluster, configuration, base: $0, service: service, metrics: metrics, logger: logger)
      }
    }
    let reloader = Reloader(
      flags: flags, configurationPath: configurationPath, service: service, cluster: cluster,
      assembly: work?.assembly, metrics: metrics, logger: logger, signals: hangups)
    cluster?.register(in: metrics.registry)
    let server: WebhookServer
    let addresses: WebhookServer.BoundAddresses
    do {
      server = try WebhookServer(
        configuration: settings.server, service: service, policyService: work?.assembly.reviews,
        identity: try work?.temporaryIdentity(), readiness: reloader.readiness + (work?.readiness ?? []),
        metrics: metrics, decisionLog: DecisionLog(), logger: logger)
      work?.server.set(server)
      addresses = try await server.start()
    } catch let error as TLSError {
      throw CommandFailure("\(error)")
    } catch {
      throw CommandFailure("cannot listen on \(settings.server.listen): \(error)")
    }

    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        // They end in the reverse order: the cluster is followed until the last review is answered.
        services: (cluster.map { [.init(service: $0, successTerminationBehavior: .ignore)] } ?? [])
          + (work?.services ?? []).map { .init(service: $0, successTerminationBehavior: .ignore) } + [
            .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: reloader, successTerminationBehavior: .ignore),
            // By then the group has trapped the signals that end it: whoever reads this may send one at once.
            .init(
              service: Announcement { report(service.snapshot, addresses) },
              successTerminationBehavior: .ignore),
          ],
        // Whoever sits before a terminal does not want to wait.
        gracefulShutdownSignals: [.sigterm], cancellationSignals: [.sigint], logger: logger))
    do {
      try await group.run()
    } catch is CancellationError {
    }
  }

  private func report(_ snapshot: AdmissionSnapshot, _ addresses: WebhookServer.BoundAddresses) {
    var served = [(purpose: "reviews", address: "https://\(addresses.reviews)/validate")]
    let health = addresses.health.map { "http://\($0)" } ?? "https://\(addresses.reviews)"
    served.append((purpose: "health", address: "\(health)/readyz"))
    served.append((purpose: "metrics", address: "\(health)/metrics"))
    for line in StartupReport(snapshot, addresses: served).lines { Console.error.write(line: line) }
  }
}

/// Tells something once all services of a group are being run.
private struct Announcement: Service {
  let tell: @Sendable () -> Void

  func run() async throws { tell() }
}
