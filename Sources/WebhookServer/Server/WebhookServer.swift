import Admission
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

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
  private let certificates: CertificateStore
  private let connections: ConnectionTable
  private let healthConnections: ConnectionTable
  private let running = Mutex<Running?>(nil)

  /// - Parameters:
  ///   - service: decides reviews.
  ///   - readiness: the conditions of `/readyz`, in the order in which it lists them.
  ///   - decisionLog: where decisions are logged; nowhere where nil.
  /// - Throws: ``TLSError/unusable(what:reason:)`` where the certificate files are no good.
  public init(
    configuration: ServerConfiguration, service: any ReviewService, readiness: [ReadinessCheck] = [],
    metrics: ServerMetrics = ServerMetrics(), decisionLog: DecisionLog? = nil, logger: Logger
  ) throws {
    self.configuration = configuration
    self.metrics = metrics
    self.decisionLog = decisionLog
    self.logger = logger
    certificates = try CertificateStore(files: configuration.certificates, metrics: metrics, logger: logger)
    pages = HealthPages(checks: readiness, metrics: metrics.registry)
    connections = ConnectionTable(maximumCount: configuration.limits.connections)
    healthConnections = ConnectionTable(maximumCount: min(configuration.limits.connections, 256))
    reviewer = Reviewer(
      service: service, configuration: configuration.evaluation,
      maximumConcurrent: configuration.limits.concurrentEvaluations)
    group = MultiThreadedEventLoopGroup(
      numberOfThreads: configuration.eventLoopThreads ?? System.coreCount)
    registerMetrics()
  }

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
  }

  /// Starts to listen and to serve.
  ///
  /// - Throws: what the system says where an address cannot be bound.
  @discardableResult
  public func start() async throws -> BoundAddresses {
    if let running = running.withLock({ $0 }) { return running.addresses }
    raiseFileLimit(atLeast: configuration.limits.connections + 512)
    var loops: [NIOLoopBound<LoopContext>] = []
    for eventLoop in group.makeIterator() {
      let interval = tickInterval
      loops.append(
        try await eventLoop.submit {
          NIOLoopBound(LoopContext(eventLoop: eventLoop, tickInterval: interval), eventLoop: eventLoop)
        }.get())
    }
    let separateHealth = configuration.healthListen != nil
    let budget = ByteBudget(maximum: configuration.limits.bufferedBytes)
    let rule = configuration.certificates.clientAuthorities.map { _ in
      ClientRule(names: configuration.clientNames)
    }
    let reviewPort = makePort(
      Routes(servesReviews: true, servesHealth: !separateHealth), rule, connections, budget)
    let reviewListener = try await listen(configuration.listen, reviewPort, loops, certificates)
    var addresses = BoundAddresses(reviews: boundAddress(reviewListener, configuration.listen), health: nil)
    var healthListener: (any Channel)?
    if let healthListen = configuration.healthListen {
      let healthPort = makePort(
        Routes(servesReviews: false, servesHealth: true), nil, healthConnections, budget)
      do {
        let listener = try await listen(healthListen, healthPort, loops, nil)
        addresses.health = boundAddress(listener, healthListen)
        healthListener = listener
      } catch {
        try? await reviewListener.close()
        throw error
      }
    }
    let started = Running(
      addresses: addresses, reviewListener: reviewListener, healthListener: healthListener, loops: loops)
    running.withLock { $0 = started }
    return addresses
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
    await reviewer.shutDown()
    if let decisionLog, await !decisionLog.close(within: .seconds(2)) {
      logger.warning("the decision log's reader did not take the last lines")
    }
    try? await group.shutdownGracefully()
    logger.info("shut down")
  }

  // MARK: Listening

  private func makePort(_ routes: Routes, _ rule: ClientRule?, _ table: ConnectionTable, _ budget: ByteBudget)
    -> Port
  {
    Port(
      routes: routes, clientRule: rule, configuration: configuration, table: table, bodyBudget: budget,
      reviewer: reviewer, pages: pages, metrics: metrics, decisionLog: decisionLog, logger: logger)
  }

  /// - Parameter certificates: what to speak TLS with; plain HTTP where nil.
  private func listen(
    _ address: ListenAddress, _ port: Port, _ loops: [NIOLoopBound<LoopContext>],
    _ certificates: CertificateStore?
  ) async throws -> any Channel {
    let metrics = metrics
    var options = TLSHandler.Options()
    options.handshakeTimeout = TimeAmount(configuration.timeouts.handshake)
    options.closeTimeout = TimeAmount(configuration.timeouts.write)
    options.plainTextAnswer = plainTextAnswer
    let tlsOptions = options
    let loopsByIdentity = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
    return try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Int32(clamping: configuration.limits.backlog))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let loop = loopsByIdentity[ObjectIdentifier(channel.eventLoop)]?.value else {
            throw ConnectionRefused()
          }
          let id: ConnectionTable.ID
          switch port.table.admit(channel) {
          case .admitted(let admitted):
            id = admitted
          case .admittedInsteadOf(let evicted, let admitted):
            metrics.connectionsEvicted.increment()
            // Twice: whoever is pushed out is not waited for.
            evicted.close(promise: nil)
            evicted.close(promise: nil)
            id = admitted
          case .refused:
            metrics.connectionsRefused.increment()
            throw ConnectionRefused()
          }
          let handler = HTTPConnectionHandler(port: port, loop: loop, connectionID: id)
          do {
            let pipeline = channel.pipeline.syncOperations
            if let certificates {
              try pipeline.addHandler(
                TLSHandler(
                  context: certificates.context, role: .server, options: tlsOptions,
                  plaintextBuffers: loop.plaintextBuffers, ciphertextBuffers: loop.ciphertextBuffers))
            }
            try pipeline.addHandler(port.makeDecoder())
            try pipeline.addHandler(handler)
          } catch {
            port.table.remove(id, isProven: false)
            throw error
          }
        }
      }
      .bind(host: address.host.isEmpty ? "::" : address.host, port: address.port).get()
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

private struct ConnectionRefused: Error {}

private func boundAddress(_ listener: any Channel, _ asked: ListenAddress) -> ListenAddress {
  ListenAddress(host: asked.host, port: listener.localAddress?.port ?? asked.port)
}

/// What a client that speaks plain HTTP to the TLS port gets to read.
private let plainTextAnswer: String = {
  let body = "{\"error\":\"this is a TLS port: use https\"}\n"
  return
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
    + "Connection: close\r\n\r\n\(body)"
}()
