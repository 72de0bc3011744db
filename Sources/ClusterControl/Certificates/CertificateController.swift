import Foundation
import Kubernetes
import KubernetesClient
import Logging
import Rego
import ServiceLifecycle
import Synchronization
import TLS

/// Keeps the certificates of a cluster that has no other who does: in a Secret, renewed before they expire, and trusted by the API
/// server before they are served. Several replicas do so at a time; what one of them changes, the API server lets no other change
/// on the ground of what was there before.
public final class CertificateController: Service {
  /// Where things are.
  public struct Settings: Sendable {
    /// The namespace of the Secret.
    public var namespace: String
    public var secretName = "portcullis-certificates"
    /// The name of the ValidatingWebhookConfiguration.
    public var configurationName = "portcullis"
    /// The names by which the API server calls the webhook: DNS names and addresses.
    public var names: [String]
    /// The ValidatingWebhookConfiguration to make where there is none; nil to wait for one.
    public var configuration: Value?

    /// - Parameter service: the name of the Service before the replicas.
    public init(namespace: String, service: String = "portcullis") {
      self.namespace = namespace
      names = ["\(service).\(namespace).svc", "\(service).\(namespace).svc.cluster.local"]
    }
  }

  private struct Progress: Sendable {
    var served: Certificate?
    var isSettled = false
    /// What went wrong last; empty where nothing did.
    var problem = ""
  }

  private let client: KubernetesClient
  private let settings: Settings
  private let rotation: CertificateRotation
  private let isReady: @Sendable () -> Bool
  private let serve: @Sendable (TLSIdentity) throws -> Void
  private let logger: Logger
  private let now: @Sendable () -> Int64
  private let progress = Mutex(Progress())

  /// - Parameters:
  ///   - isReady: whether this replica can decide reviews, so that the API server may be told to ask.
  ///   - serve: has the server use a certificate from now on.
  ///   - now: seconds since 1970.
  public init(
    _ client: KubernetesClient, _ settings: Settings, logger: Logger,
    isReady: @escaping @Sendable () -> Bool, serve: @escaping @Sendable (TLSIdentity) throws -> Void,
    now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
  ) {
    self.client = client
    self.settings = settings
    rotation = CertificateRotation(names: settings.names)
    self.isReady = isReady
    self.serve = serve
    self.logger = logger
    self.now = now
  }

  /// Whether a certificate is served that the API server accepts, or will once it is told of the webhook; and what is in the way.
  public var readiness: (isReady: Bool, detail: String) {
    progress.withLock { progress in
      if progress.served == nil {
        return (false, progress.problem.isEmpty ? "there is no certificate yet" : progress.problem)
      }
      return (true, progress.problem)
    }
  }

  /// A certificate to listen with until there is one that clients accept.
  ///
  /// - Throws: `TLSError`.
  public static func temporaryIdentity(names: [String]) throws -> TLSIdentity {
    try CertificateAuthority(name: "Portcullis, not yet trusted", validDays: 1).issue(
      names: names, validDays: 1
    )
    .identity
  }

  public func run() async throws {
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { await self.follow() }
      try? await gracefulShutdown()
      tasks.cancelAll()
    }
  }

  private func follow() async {
    var backoff = Backoff(first: .milliseconds(500), longest: .seconds(20))
    // Between looks while something is to come, such as readiness or a webhook configuration: soon at first.
    var patience = Backoff(first: .milliseconds(250), longest: .seconds(5))
    while !Task.isCancelled {
      do {
        let step = try await advance()
        backoff.reset()
        note("")
        if step == .wait {
          let isSettled = progress.withLock { $0.isSettled }
          try await Task.sleep(for: isSettled ? .seconds(10) : patience.delay())
        } else {
          patience.reset()
        }
      } catch let error as APIError where error.isConflict || error.isAlreadyExists {
        // Another replica came first: see what it did.
        try? await Task.sleep(for: .milliseconds(Int64.random(in: 20...200)))
      } catch is CancellationError {
        continue
      } catch {
        note("\(error)")
        try? await Task.sleep(for: backoff.delay())
      }
    }
  }

  /// Logs what goes wrong, once.
  private func note(_ problem: String) {
    let isNew = progress.withLock { progress in
      let isNew = !progress.problem.utf8.elementsEqual(problem.utf8)
      progress.problem = problem
      return isNew
    }
    if isNew, !problem.isEmpty {
      logger.error("the certificates cannot be seen to", metadata: ["error": "\(problem)"])
    }
  }

  // MARK: Steps

  private func read(
    _ resource: APIResource, namespace: String?, _ name: String
  ) async throws -> Value? {
    do {
      return try await client.get(
        resource, namespace: namespace.map { RegoString($0) }, name: RegoString(name))
    } catch let error as APIError where error.isNotFound {
      return nil
    }
  }

  /// Looks at what there is, and does what is next.
  func advance() async throws -> CertificateRotation.Step {
    let secret = try await read(.secrets, namespace: settings.namespace, settings.secretName)
    let configuration = try await read(
      .validatingWebhookConfigurations, namespace: nil, settings.configurationName)
    var state = CertificateRotation.State()
    do {
      state.certificates = try secret.flatMap { try ServingCertificates(secret: $0) }
    } catch {
      logger.error(
        "the Secret holds no usable certificates; new ones take their place",
        metadata: ["secret": "\(settings.secretName)", "error": "\(error)"])
    }
    state.webhooks = configuration.map(Self.webhooks)
    state.canCreate = settings.configuration != nil
    state.served = progress.withLock { $0.served }
    state.isReady = isReady()
    let step = rotation.step(for: state, now: now())
    switch step {
    case .makeAll, .addAuthority, .issueLeaf, .retireAuthorities:
      guard let next = try rotation.applying(step, to: state.certificates, now: now()) else { break }
      try await write(next, to: secret)
      logger.notice("certificates: \(Self.sentence(step))")
    case .serve:
      guard let certificates = state.certificates else { break }
      try serve(try certificates.identity)
      progress.withLock { $0.served = certificates.leaf }
      logger.notice("a new certificate is served")
    case .writeBundle:
      guard let certificates = state.certificates, let configuration else { break }
      try await replace(configuration, trusting: certificates, enforces: isReady())
      logger.notice("the webhook configuration trusts the certificates' authorities")
    case .createConfiguration:
      guard let certificates = state.certificates, let wanted = settings.configuration else { break }
      let object = try Self.trusting(certificates, in: wanted, enforces: true)
      _ = try await client.create(.validatingWebhookConfigurations, object)
      logger.notice("the webhook configuration is made: the API server asks from now on")
    case .wait: break
    }
    let isSettled =
      step == .wait && state.webhooks?.isEmpty == false
      && state.webhooks?.allSatisfy { !$0.bundle.isEmpty && $0.isEnforced } == true
    progress.withLock { $0.isSettled = isSettled }
    return step
  }

  private static func sentence(_ step: CertificateRotation.Step) -> String {
    switch step {
    case .makeAll: "an authority and the server's certificate are made"
    case .addAuthority: "a new authority is made, and trusted beside the old one"
    case .issueLeaf: "the server's certificate is renewed"
    case .retireAuthorities: "the old authority is no longer trusted"
    case .writeBundle, .createConfiguration, .serve, .wait: "\(step)"
    }
  }

  private func write(_ certificates: ServingCertificates, to existing: Value?) async throws {
    let namespace = RegoString(settings.namespace)
    let data = try certificates.secretData
    guard let members = existing?.object else {
      let secret: Value = [
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
        "metadata": [
          "name": .string(settings.secretName), "namespace": .string(namespace),
          "labels": ["app.kubernetes.io/name": "portcullis", "app.kubernetes.io/managed-by": "portcullis"],
        ],
      ]
      _ = try await client.create(.secrets, namespace: namespace, secret)
      return
    }
    // With the version that was read in it: refused where another replica was faster.
    _ = try await client.replace(
      .secrets, namespace: namespace, name: RegoString(settings.secretName),
      .object(members.inserting("data", data)))
  }

  private func replace(
    _ configuration: Value, trusting certificates: ServingCertificates, enforces: Bool
  ) async throws {
    _ = try await client.replace(
      .validatingWebhookConfigurations, name: RegoString(settings.configurationName),
      try Self.trusting(certificates, in: configuration, enforces: enforces))
  }

  // MARK: The webhook configuration

  /// Lists the webhooks whose requests are to be refused where nobody answers, once a replica has been ready: manifests say `Ignore`,
  /// so that an install blocks nobody.
  static let failClosed = "portcullis.dev/fail-closed"

  /// Whether a webhook is one of those that ``failClosed`` lists.
  private static func failsClosed(_ webhook: Value, in configuration: Value) -> Bool {
    let list = configuration["metadata"]?["annotations"]?[failClosed]?.string ?? ""
    guard let name = webhook["name"]?.string else { return false }
    return list.utf8.split(whereSeparator: { $0 == UInt8(ascii: ",") || $0 <= UInt8(ascii: " ") })
      .contains { $0.elementsEqual(name.utf8) }
  }

  static func webhooks(of configuration: Value) -> [CertificateRotation.State.Webhook] {
    (configuration["webhooks"]?.array ?? []).map { webhook in
      let text = webhook["clientConfig"]?["caBundle"]?.string ?? ""
      let pem = Data(base64Encoded: text).map { Array($0) } ?? []
      // What is no certificate convinces nobody: as good as none.
      let bundle = try? Certificate.parse(pem: pem, what: "caBundle")
      return CertificateRotation.State.Webhook(
        bundle: bundle ?? [],
        isEnforced: webhook["failurePolicy"] == "Fail" || !failsClosed(webhook, in: configuration))
    }
  }

  /// A configuration all of whose webhooks trust the authorities.
  ///
  /// - Parameter enforces: whether those that are to fail closed do so.
  static func trusting(
    _ certificates: ServingCertificates, in configuration: Value, enforces: Bool
  ) throws -> Value {
    let bundle = Value.string(Data(try certificates.bundlePEM.utf8).base64EncodedString())
    let webhooks = (configuration["webhooks"]?.array ?? []).map { webhook -> Value in
      guard var members = webhook.object else { return webhook }
      if enforces, failsClosed(webhook, in: configuration) {
        members = members.inserting("failurePolicy", "Fail")
      }
      let client = (members["clientConfig"]?.object ?? ObjectValue()).inserting("caBundle", bundle)
      return .object(members.inserting("clientConfig", .object(client)))
    }
    guard let members = configuration.object else { return configuration }
    return .object(members.inserting("webhooks", .array(webhooks)))
  }
}
