import Admission
import Foundation
import WebhookServer

/// The server's part of a configuration.
struct ServerSettings {
  let server: ServerConfiguration
  let certificates: CertificateFolder

  /// - Throws: `CommandFailure` with everything that is out of bounds.
  init(_ configuration: Configuration) throws {
    var problems: [String] = []
    func address(_ text: String, _ option: String) -> ListenAddress {
      if let address = ListenAddress(text) { return address }
      problems.append("\(option) must be HOST:PORT, such as 127.0.0.1:8443, but is \"\(text)\"")
      return ListenAddress(host: "", port: 0)
    }
    let listen = address(configuration.listen ?? Serve.Defaults.listen, "--listen")
    let healthListen = configuration.healthListen.map { address($0, "--health-listen") }
    certificates = CertificateFolder(
      certificate: configuration.tlsCert ?? Serve.Defaults.certificate,
      key: configuration.tlsKey ?? Serve.Defaults.key)
    if configuration.clientNames?.isEmpty == false, configuration.clientCA == nil {
      problems.append("--client-name says nothing without --client-ca, which is who to believe the name")
    }

    var server = ServerConfiguration(
      listen: listen,
      certificates: CertificateFiles(
        certificateChain: certificates.certificate, privateKey: certificates.key,
        clientAuthorities: configuration.clientCA))
    server.healthListen = healthListen
    server.clientNames = configuration.clientNames ?? []
    func positive<Bound: Comparable & AdditiveArithmetic>(
      _ bound: Bound?, _ option: String, _ place: inout Bound
    ) {
      guard let bound else { return }
      if bound <= .zero { problems.append("\(option) must be more than 0") }
      place = bound
    }
    positive(configuration.maxBodySize, "--max-body-size", &server.limits.bodyBytes)
    positive(configuration.maxHeaderSize, "--max-header-size", &server.limits.headerBytes)
    positive(configuration.maxConnections, "--max-connections", &server.limits.connections)
    positive(
      configuration.maxConcurrentEvaluations, "--max-concurrent-evaluations",
      &server.limits.concurrentEvaluations)
    positive(configuration.headerTimeout, "--header-timeout", &server.timeouts.header)
    positive(configuration.bodyTimeout, "--body-timeout", &server.timeouts.body)
    positive(configuration.idleTimeout, "--idle-timeout", &server.timeouts.idle)
    positive(configuration.writeTimeout, "--write-timeout", &server.timeouts.write)
    positive(configuration.evaluationBudget, "--evaluation-budget", &server.evaluation.budget)
    server.evaluation.margin = configuration.evaluationMargin ?? server.evaluation.margin
    server.shutdown.delay = configuration.shutdownDelay ?? server.shutdown.delay
    server.shutdown.drain = configuration.shutdownDrain ?? server.shutdown.drain
    // A body that may be large must fit among those that are held.
    server.limits.bufferedBytes = max(server.limits.bufferedBytes, server.limits.bodyBytes)
    self.server = server
    if !problems.isEmpty { throw CommandFailure(problems) }
  }

  /// Makes certificates for development where there are none and nobody but this machine can connect.
  ///
  /// - Returns: what to tell about it; nil where nothing was made.
  /// - Throws: `CommandFailure` where one is missing and none may be made.
  func prepareCertificates() throws -> String? {
    let files = FileManager.default
    let missing = [certificates.certificate, certificates.key].filter { !files.fileExists(atPath: $0) }
    if missing.isEmpty { return nil }
    guard server.listen.isLoopback, missing.count == 2 else {
      let reason =
        server.listen.isLoopback
        ? "the other file is there, so none is made" : "one is made only where --listen is a loopback address"
      throw CommandFailure(missing.map { "\($0): there is no such file: \(reason)" })
    }
    do {
      let names = CertificateFolder.loopbackNames
      let host = server.listen.host
      _ = try certificates.issue(names: names.contains(host) ? names : names + [host], days: 365)
    } catch {
      throw CommandFailure("\(error)")
    }
    return
      "made a certificate for development: \(certificates.certificate), which \(certificates.authorityCertificate) vouches for"
  }
}
