import Admission
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import TLS

@testable import WebhookServer

/// Decides as the test says; echoes the body's length in `uid` where it says nothing.
struct FakeService: ReviewService {
  var respond: @Sendable (UnsafeRawBufferPointer, ContinuousClock.Instant, Bool) -> ReviewAnswer

  init(_ respond: @escaping @Sendable (UnsafeRawBufferPointer, ContinuousClock.Instant, Bool) -> ReviewAnswer)
  {
    self.respond = respond
  }

  /// Allows everything.
  init() {
    self.init { body, _, _ in .decided(Decision(), response: Array("{\"bytes\":\(body.count)}".utf8)) }
  }

  /// Answers reviews of policies with what tells it from the other, and only where the answer may take its time.
  static let ofPolicies = FakeService { body, _, isFinal in
    .decided(Decision(), response: Array("{\"policies\":\(body.count),\"final\":\(isFinal)}".utf8))
  }

  func answer(_ body: UnsafeRawBufferPointer, deadline: ContinuousClock.Instant, isFinal: Bool)
    -> ReviewAnswer
  {
    respond(body, deadline, isFinal)
  }
}

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "portcullis-test-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ text: String, to name: String) throws {
    try text.write(toFile: file(name), atomically: true, encoding: .utf8)
  }
}

/// An authority that all tests trust.
enum TestAuthority {
  static let shared = must { try CertificateAuthority(name: "Test CA", validDays: 2) }
  static let pem = must { try shared.export().certificatePEM }
  static let clientContext = must { try TLSContext.client(authorities: Array(pem.utf8)) }
  static let server = must { try shared.issue(names: ["localhost", "127.0.0.1"], validDays: 1) }

  /// Without these no test can run.
  private static func must<Value>(_ make: () throws -> Value) -> Value {
    do { return try make() } catch { fatalError("\(error)") }
  }
}

/// A server on a free port of the loopback interface, with long timeouts and no shutdown delay.
final class TestServer: Sendable {
  let server: WebhookServer
  let addresses: WebhookServer.BoundAddresses
  let folder: TemporaryFolder
  let metrics: ServerMetrics
  private let group: ServiceGroup
  private let task: Task<Void, any Error>

  init(
    service: FakeService = FakeService(), readiness: [ReadinessCheck] = [], decisionLog: DecisionLog? = nil,
    policyService: FakeService = .ofPolicies,
    identity: CertificateAuthority.Issued = TestAuthority.server, clientCA: Bool = false,
    _ change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws {
    folder = TemporaryFolder()
    metrics = ServerMetrics(version: "test")
    try folder.write(identity.certificatePEM, to: "tls.crt")
    try folder.write(identity.privateKeyPEM, to: "tls.key")
    try folder.write(TestAuthority.pem, to: "ca.crt")
    var configuration = ServerConfiguration(
      listen: ListenAddress(host: "127.0.0.1", port: 0),
      certificates: CertificateFiles(
        certificateChain: folder.file("tls.crt"), privateKey: folder.file("tls.key"),
        clientAuthorities: clientCA ? folder.file("ca.crt") : nil))
    configuration.eventLoopThreads = 2
    configuration.evaluation.threads = 2
    configuration.shutdown.delay = .zero
    configuration.shutdown.idleGrace = .milliseconds(50)
    configuration.shutdown.drain = .seconds(30)
    // A busy machine must not make a test fail that is about something else.
    for timeout: WritableKeyPath<ServerConfiguration.Timeouts, Duration> in [
      \.handshake, \.header, \.body, \.bodyGrace, \.write,
    ] {
      configuration.timeouts[keyPath: timeout] = .seconds(60)
    }
    change(&configuration)
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    server = try WebhookServer(
      configuration: configuration, service: service, policyService: policyService,
      readiness: readiness, metrics: metrics,
      decisionLog: decisionLog, logger: logger)
    addresses = try await server.start()
    group = ServiceGroup(
      configuration: .init(
        services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)],
        logger: logger))
    task = Task { [group] in try await group.run() }
  }

  func beginShutdown() async { await group.triggerGracefulShutdown() }

  func ended() async throws { try await task.value }

  func stop() async throws {
    await beginShutdown()
    try await ended()
  }

  func connect(tls context: TLSContext? = TestAuthority.clientContext) async throws -> TestClient {
    try await TestClient.connect(to: addresses.reviews, tls: context)
  }

  /// The value of a metric, by the whole name with its labels.
  func metric(_ name: String) -> Double? {
    for line in String(decoding: metrics.registry.render(), as: UTF8.self).split(separator: "\n")
    where line.hasPrefix(name + " ") {
      return Double(line.dropFirst(name.count + 1))
    }
    return nil
  }
}

/// Runs the body against a server and stops it in any case.
func withServer(
  service: FakeService = FakeService(), readiness: [ReadinessCheck] = [], decisionLog: DecisionLog? = nil,
  identity: CertificateAuthority.Issued = TestAuthority.server, clientCA: Bool = false,
  _ body: (TestServer) async throws -> Void
) async throws {
  try await withServer(
    service: service, readiness: readiness, decisionLog: decisionLog, identity: identity, clientCA: clientCA,
    configure: { _ in }, body)
}

/// Runs the body against a server that is configured as the closure says.
func withServer(
  service: FakeService = FakeService(), readiness: [ReadinessCheck] = [], decisionLog: DecisionLog? = nil,
  identity: CertificateAuthority.Issued = TestAuthority.server, clientCA: Bool = false,
  configure: (inout ServerConfiguration) -> Void, _ body: (TestServer) async throws -> Void
) async throws {
  let server = try await TestServer(
    service: service, readiness: readiness, decisionLog: decisionLog, identity: identity, clientCA: clientCA,
    configure)
  do {
    try await body(server)
  } catch {
    try? await server.stop()
    throw error
  }
  try await server.stop()
}

/// Waits until the condition holds, and fails where it does not in time.
func eventually(
  within limit: Duration = .seconds(30), _ what: String, _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < end else { throw TestFailure("did not happen in time: \(what)") }
    try await Task.sleep(for: .milliseconds(2))
  }
}

struct TestFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
