import Admission
import Logging
import ServiceLifecycle
import WebhookServer

/// A run of the server from start to end.
struct ServeRun {
  /// What the command line says.
  let flags: Configuration
  let configurationPath: String?

  func run() async throws {
    let logger = Logger(label: "portcullis") { StreamLogHandler.standardError(label: $0) }
    let configuration: Configuration
    let service: AdmissionService
    do {
      configuration = try flags.filled(from: configurationPath)
      service = AdmissionService(try configuration.snapshot())
    } catch {
      throw error.failure
    }
    let settings = try ServerSettings(configuration)
    if let remark = try settings.prepareCertificates() { Console.error.write(line: remark) }

    let metrics = ServerMetrics(version: Version.current.number)
    let reloader = Reloader(
      flags: flags, configurationPath: configurationPath, service: service, metrics: metrics, logger: logger)
    let server: WebhookServer
    let addresses: WebhookServer.BoundAddresses
    do {
      server = try WebhookServer(
        configuration: settings.server, service: service, readiness: reloader.readiness, metrics: metrics,
        decisionLog: DecisionLog(), logger: logger)
      addresses = try await server.start()
    } catch let error as TLSError {
      throw CommandFailure("\(error)")
    } catch {
      throw CommandFailure("cannot listen on \(settings.server.listen): \(error)")
    }
    report(service.snapshot, addresses)

    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: reloader, successTerminationBehavior: .ignore),
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
