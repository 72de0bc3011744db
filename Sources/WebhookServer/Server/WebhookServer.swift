import Admission
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import TLS

/// The HTTPS server: reviews on `/validate`, and health and metrics beside it or on a port of their own.
///
/// ``start()`` listens; ``run()`` serves until a graceful shutdown is asked for, and sees to certificates meanwhile.
public final class WebhookServer: Service {
  /// Where the server has come to listen, port 0 replaced by what it got.
  public struct BoundAddresses: Sendable, Hashable {
    public var reviews: ListenAddress
    /// The port of health and metrics, where they have one of their own.
    public var health: ListenAddress?
  }

  private struct Running: Sendable {
    var addresses: BoundAddresses
    var reviewListener: any Channel
    var healthListener: (any Channel)?
    var loops: [NIOLoopBound<LoopContext>]
  }

  private let configuration: ServerConfiguration
  private let metrics: ServerMetrics
  private let decisionLog: DecisionLog?
  private let pages: HealthPages
  private let logger: Logger
  private let group: MultiThreadedEventLoopGroup
  private let reviewer: Reviewer
  private let servesPolicyReviews: Bool
  private let certificates: CertificateStore
  private let connections: ConnectionTable
  private let healthConnections: ConnectionTable
  private let running = Mutex<Running?>(nil)

  /// - Parameters:
  ///   - service: decides reviews.
  ///   - policyService: decides reviews of policies themselves, on `/validate-policies`; there is no such path where nil.
  ///   - readiness: the conditions of `/readyz`, in the order in which it lists them.
  ///   - identity: what to serve with at first where certificates come from elsewhere than files; see ``serve(_:)``.
  ///   - decisionLog: where decisions are logged; nowhere where nil.
  /// - Throws: ``TLSError/unusable(what:reason:)`` where the certificate files are no good.
  public init(
    configuration: ServerConfiguration, service: any ReviewService,
    policyService: (any ReviewService)? = nil, identity: TLSIdentity? = nil, readiness: [ReadinessCheck] = [],
    metrics: ServerMetrics = ServerMetrics(), decisionLog: DecisionLog? = nil, logger: Logger
  ) throws {
    self.configuration = configuration
    self.metrics = metrics
    self.decisionLog = decisionLog
    self.logger = logger
    if let identity {
      certificates = try CertificateStore(
        identity: identity, clientAuthorities: configuration.certificates.clientAuthorities, metrics: metrics,
        logger: logger)
    } else {
      certificates = try CertificateStore(
        files: configuration.certificates, metrics: metrics, logger: logger)
    }
    pages = HealthPages(checks: readiness, metrics: metrics.registry)
    connections = ConnectionTable(maximumCount: configuration.limits.connections)
    healthConnections = ConnectionTable(maximumCount: min(configuration.limits.connections, 256))
    reviewer = Reviewer(
      service: service, policyService: policyService, configuration: configuration.evaluation,
      maximumConcurrent: configuration.limits.concurrentEvaluations)
    servesPolicyReviews = policyService != nil
    group = MultiThreadedEventLoopGroup(
      numberOfThreads: configuration.eventLoopThreads ?? System.coreCount)
    registerMetrics()
  }

  /// Has new connections use another certificate; those that exist go on.
  ///
  /// - Throws: ``TLSError/unusable(what:reason:)`` where it cannot be used; nothing changes then.
  public func serve(_ identity: TLSIdentity) throws { try certificates.replace(with: identity) }

  private func registerMetrics() {
    let registry = metrics.registry
    registry.registerGauge(
      "portcullis_certificate_expiry_days", help: "Days until the server's certificate expires."
    ) { [certificates] in certificates.daysToExpiry }
    registry.registerGauge(
      "portcullis_connections", help: "Open connections, those of the health port aside."
    ) {
      [connections] in Double(connections.count)
    }
    registry.registerCounter(
      "portcullis_decision_log_dropped_total", help: "Decision log lines dropped because nobody read them."
    ) { [decisionLog] in Double(decisionLog?.dropped ?? 0) }
    ProcessMetrics.register(in: registry)
  }

  /// Starts to listen and to serve. A server that could not start is of no more use.
  ///
  /// - Throws: ``ListenError`` where an address cannot be bound.
  @discardableResult
  public func start() async throws -> BoundAddresses {
    if let running = running.withLock({ $0 }) { return running.addresses }
    raiseFileLimit(atLeast: configuration.limits.connections + 512)
    do {
      let started = try await startListening()
      running.withLock { $0 = started }
      return started.addresses
    } catch {
      await reviewer.shutDown()
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private func startListening() async throws -> Running {
    let interval = tickInterval
    var loops: [NIOLoopBound<LoopContext>] = []
    for eventLoop in group.makeIterator() {
      let reviews = reviewer.lane()
      loops.append(
        try await eventLoop.submit {
          NIOLoopBound(
            LoopContext(eventLoop: eventLoop, reviews: reviews, tickInterval: interval), eventLoop: eventLoop)
        }.get())
    }
    let listener = Listener(group: group, loops: loops, configuration: configuration)
    let hasHealthPort = configuration.healthListen != nil
    let budget = ByteBudget(maximum: configuration.limits.bufferedBytes)
    let rule = configuration.certificates.clientAuthorities.map { _ in
      ClientRule(names: configuration.clientNames)
    }
    let reviewPort = makePort(
      Routes(
        servesReviews: true, servesHealth: !hasHealthPort, servesPolicyReviews: servesPolicyReviews), rule,
      connections, budget)
    let reviews = try await listener.listen(at: configuration.listen, reviewPort, certificates)
    var started = Running(
      addresses: BoundAddresses(reviews: configuration.listen.bound(to: reviews)), reviewListener: reviews,
      loops: loops)
    if let healthListen = configuration.healthListen {
      let healthPort = makePort(
        Routes(servesReviews: false, servesHealth: true), nil, healthConnections, budget)
      let health = try await listener.listen(at: healthListen, healthPort, nil)
      started.addresses.health = healthListen.bound(to: health)
      started.healthListener = health
    }
    return started
  }

  /// Serves until graceful shutdown or cancellation, then ends in order: readiness fails, requests are served on for a
  /// while, then connections are drained. Starts first where that has not been done.
  public func run() async throws {
    try await start()
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { await self.watchCertificates() }
      // Ends in both cases; which of them it was makes the difference below.
      try? await gracefulShutdown()
      tasks.cancelAll()
    }
    await shutDown(isHasty: Task.isCancelled)
  }

  private func watchCertificates() async {
    var looks = 0
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      certificates.reloadIfChanged()
      looks += 1
      if looks % 3_600 == 0 { certificates.warnOfExpiry() }
    }
  }

  // MARK: Shutdown

  private func shutDown(isHasty: Bool) async {
    guard let running = running.withLock({ $0 }) else { return }
    logger.info("shutting down", metadata: ["delay": "\(configuration.shutdown.delay)"])
    pages.beginShutdown()
    if !isHasty { try? await Task.sleep(for: configuration.shutdown.delay) }
    try? await running.reviewListener.close()
    let grace = TimeAmount(configuration.shutdown.idleGrace)
    for loop in running.loops { loop.eventLoop.execute { loop.value.beginDraining(idleGrace: grace) } }
    let end = ContinuousClock.now + (isHasty ? .zero : configuration.shutdown.drain)
    while connections.count > 0 && ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(10)) }
    if connections.count > 0 {
      logger.warning("closing connections that did not end", metadata: ["count": "\(connections.count)"])
    }
    try? await running.healthListener?.close()
    for loop in running.loops {
      loop.eventLoop.execute {
        loop.value.closeAll()
        loop.value.stop()
      }
    }
    await reviewer.shutDown(until: end)
    if let decisionLog, await !decisionLog.close(within: .seconds(2)) {
      logger.warning("the decision log's reader did not take the last lines")
    }
    try? await group.shutdownGracefully()
    logger.info("shut down")
  }

  private func makePort(_ routes: Routes, _ rule: ClientRule?, _ table: ConnectionTable, _ budget: ByteBudget)
    -> Port
  {
    Port(
      routes: routes, clientRule: rule, configuration: configuration, table: table, bodyBudget: budget,
      reviewer: reviewer, pages: pages, metrics: metrics, decisionLog: decisionLog, logger: logger)
  }

  /// Often enough that no timeout is missed by much, and at most every 5 ms.
  private var tickInterval: TimeAmount {
    let timeouts = configuration.timeouts
    let shortest = [
      timeouts.header, timeouts.body, timeouts.bodyGrace, timeouts.idle, timeouts.write, timeouts.linger,
    ].min()
    let interval = TimeAmount(shortest ?? .seconds(1)).nanoseconds / 8
    return .nanoseconds(min(max(interval, 5_000_000), 500_000_000))
  }
}
