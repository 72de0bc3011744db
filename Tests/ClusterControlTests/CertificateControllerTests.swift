import FakeAPIServer
import Foundation
import KubernetesClient
import Logging
import Rego
import Synchronization
import TLS
import Testing

@testable import ClusterControl

extension FakeCluster.Resource {
  static let secrets = Self("v1", "secrets", "Secret")
  static let webhooks = Self(
    "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
    isNamespaced: false)
}

/// A client of a server on loopback.
func client(of server: FakeServer) throws -> KubernetesClient {
  // Where many tests run at a time on few cores, a test may wait long for its turn.
  var limits = KubernetesClient.Limits()
  limits.requestTimeout = .seconds(600)
  return KubernetesClient(
    ClientConfiguration(server: try #require(ServerAddress(url: "http://127.0.0.1:\(server.port)"))),
    limits: limits)
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite struct CertificateControllerTests {
  static let configuration: Value = [
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
    "metadata": ["name": "portcullis"],
    "webhooks": [
      ["name": "a", "clientConfig": ["service": ["name": "portcullis"]]],
      ["name": "b", "clientConfig": ["service": ["name": "portcullis"]]],
    ],
  ]

  /// What a replica serves.
  final class Served: Sendable {
    let identities = Mutex<[TLSIdentity]>([])
    let isReady = Mutex(false)
  }

  static func controller(
    _ server: FakeServer, _ served: Served, creating: Value? = nil, now: Int64 = 1_800_000_000
  ) throws -> CertificateController {
    var settings = CertificateController.Settings(namespace: "portcullis")
    settings.configuration = creating
    return CertificateController(
      try client(of: server), settings, logger: silent, isReady: { served.isReady.withLock { $0 } },
      serve: { identity in served.identities.withLock { $0.append(identity) } }, now: { now })
  }

  /// Lets a replica do what there is to do.
  static func settle(_ controller: CertificateController) async throws {
    for _ in 0..<20 where try await controller.advance() == .wait { return }
    Issue.record("it does not come to rest")
  }

  static func bundles(_ cluster: FakeCluster) -> [String?] {
    (cluster.object(.webhooks, name: "portcullis")?["webhooks"]?.array ?? []).map {
      $0["clientConfig"]?["caBundle"]?.string
    }
  }

  @Test(
    "the first replica makes the certificates, all serve them, and one that is ready puts the webhook to use")
  func install() async throws {
    let cluster = FakeCluster([.secrets, .webhooks])
    cluster.put(.webhooks, Self.configuration)
    let server = try await cluster.start()
    let (one, two) = (Served(), Served())
    let (first, second) = (try Self.controller(server, one), try Self.controller(server, two))
    #expect(!first.readiness.isReady)
    try await Self.settle(first)
    try await Self.settle(second)
    #expect(first.readiness.isReady && second.readiness.isReady)
    let served = [one, two].map { $0.identities.withLock { $0.map(\.certificateChain) } }
    #expect(served[0].count == 1 && served[0] == served[1])
    #expect(Self.bundles(cluster) == [nil, nil])
    two.isReady.withLock { $0 = true }
    try await Self.settle(second)
    let secret = try #require(
      cluster.object(.secrets, namespace: "portcullis", name: "portcullis-certificates"))
    #expect(Self.bundles(cluster) == [secret["data"]?["ca.crt"]?.string, secret["data"]?["ca.crt"]?.string])
    #expect(
      cluster.object(.webhooks, name: "portcullis")?["webhooks"]?.array?[1]["clientConfig"]?["service"] != nil
    )
    await server.stop()
  }

  @Test("where there is no webhook configuration a ready replica makes it, with the bundle in it")
  func creation() async throws {
    let cluster = FakeCluster([.secrets, .webhooks])
    let server = try await cluster.start()
    let served = Served()
    let controller = try Self.controller(server, served, creating: Self.configuration)
    try await Self.settle(controller)
    #expect(cluster.object(.webhooks, name: "portcullis") == nil)
    served.isReady.withLock { $0 = true }
    try await Self.settle(controller)
    #expect(Self.bundles(cluster).count == 2 && Self.bundles(cluster).allSatisfy { $0?.isEmpty == false })
    await server.stop()
  }

  @Test(
    "webhooks that are to fail closed do so once a ready replica serves, and again where a manifest undoes it"
  )
  func failClosed() async throws {
    let cluster = FakeCluster([.secrets, .webhooks])
    func apply() throws {
      var object = try #require(Self.configuration.object).inserting(
        "metadata", ["name": "portcullis", "annotations": ["portcullis.dev/fail-closed": "b, c"]])
      let webhooks = (Self.configuration["webhooks"]?.array ?? []).map {
        Value.object(($0.object ?? ObjectValue()).inserting("failurePolicy", "Ignore"))
      }
      object = object.inserting("webhooks", .array(webhooks))
      cluster.put(.webhooks, .object(object))
    }
    func policies() -> [String?] {
      (cluster.object(.webhooks, name: "portcullis")?["webhooks"]?.array ?? []).map {
        $0["failurePolicy"]?.string
      }
    }
    try apply()
    let server = try await cluster.start()
    let served = Served()
    let controller = try Self.controller(server, served)
    try await Self.settle(controller)
    #expect(policies() == ["Ignore", "Ignore"])
    served.isReady.withLock { $0 = true }
    try await Self.settle(controller)
    #expect(policies() == ["Ignore", "Fail"])
    try apply()
    try await Self.settle(controller)
    #expect(policies() == ["Ignore", "Fail"])
    await server.stop()
  }

  @Test("a replica that was slower than another takes what the other made")
  func race() async throws {
    let cluster = FakeCluster([.secrets, .webhooks])
    cluster.put(.webhooks, Self.configuration)
    let server = try await cluster.start()
    let (one, two) = (Served(), Served())
    let controllers = [try Self.controller(server, one), try Self.controller(server, two)]
    // Both read before either writes.
    let reads = Mutex(0)
    cluster.intercept { request in
      guard request.method == "GET", request.path.contains("secrets") else { return nil }
      let count = reads.withLock {
        $0 += 1
        return $0
      }
      if count == 1 {
        for _ in 0..<200 where reads.withLock({ $0 < 2 }) { try? await Task.sleep(for: .milliseconds(10)) }
      }
      return nil
    }
    await withTaskGroup(of: Void.self) { tasks in
      for controller in controllers {
        tasks.addTask {
          for _ in 0..<20 {
            do { if try await controller.advance() == .wait { return } } catch let error as APIError {
              #expect(error.isConflict || error.isAlreadyExists)
            } catch { Issue.record(error) }
          }
        }
      }
    }
    let served = [one, two].map { $0.identities.withLock { $0.map(\.certificateChain) } }
    #expect(served[0].count == 1 && served[0] == served[1])
    await server.stop()
  }

  @Test("a Secret that was spoiled is replaced, and trusted before it is served")
  func spoiled() async throws {
    let cluster = FakeCluster([.secrets, .webhooks])
    cluster.put(.webhooks, Self.configuration)
    let server = try await cluster.start()
    let served = Served()
    served.isReady.withLock { $0 = true }
    let controller = try Self.controller(server, served)
    try await Self.settle(controller)
    let before = Self.bundles(cluster)
    let spoiled = try #require(
      cluster.object(.secrets, namespace: "portcullis", name: "portcullis-certificates"))
    cluster.put(.secrets, .object(try #require(spoiled.object).inserting("data", ["ca.crt": "bm9uZQ=="])))
    var steps: [CertificateRotation.Step] = []
    repeat { steps.append(try await controller.advance()) } while steps.last != .wait && steps.count < 20
    #expect(steps == [.makeAll, .writeBundle, .serve, .wait])
    #expect(Self.bundles(cluster) != before)
    await server.stop()
  }

  @Test("what is forbidden is said")
  func forbidden() async throws {
    let cluster = FakeCluster([.secrets, .webhooks])
    cluster.forbid(["secrets"])
    let server = try await cluster.start()
    let controller = try Self.controller(server, Served())
    await #expect(throws: APIError.self) { try await controller.advance() }
    await server.stop()
  }
}
