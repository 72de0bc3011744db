import Logging
import NIOCore
import NIOHTTP1
import TLS

/// What all connections of one listening port share.
final class Port: Sendable {
  /// The configuration's waiting times in NIO's unit.
  struct Waits: Sendable {
    var header: TimeAmount
    var body: TimeAmount
    var bodyGrace: TimeAmount
    var minimumBodyRate: Int
    var idle: TimeAmount
    var write: TimeAmount
    var linger: TimeAmount

    init(_ timeouts: ServerConfiguration.Timeouts) {
      header = TimeAmount(timeouts.header)
      body = TimeAmount(timeouts.body)
      bodyGrace = TimeAmount(timeouts.bodyGrace)
      minimumBodyRate = timeouts.minimumBodyRate
      idle = TimeAmount(timeouts.idle)
      write = TimeAmount(timeouts.write)
      linger = TimeAmount(timeouts.linger)
    }
  }

  let routes: Routes
  /// Demands a client certificate of whoever asks for a decision.
  let clientRule: ClientRule?
  let limits: ServerConfiguration.Limits
  let waits: Waits
  let table: ConnectionTable
  let bodyBudget: ByteBudget
  let reviewer: Reviewer
  let pages: HealthPages
  let metrics: ServerMetrics
  let decisionLog: DecisionLog?
  let logger: Logger

  init(
    routes: Routes, clientRule: ClientRule?, configuration: ServerConfiguration, table: ConnectionTable,
    bodyBudget: ByteBudget, reviewer: Reviewer, pages: HealthPages, metrics: ServerMetrics,
    decisionLog: DecisionLog?, logger: Logger
  ) {
    self.routes = routes
    self.clientRule = clientRule
    limits = configuration.limits
    waits = Waits(configuration.timeouts)
    self.table = table
    self.bodyBudget = bodyBudget
    self.reviewer = reviewer
    self.pages = pages
    self.metrics = metrics
    self.decisionLog = decisionLog
    self.logger = logger
  }

  /// A decoder of requests that holds no more than the limits allow.
  func makeDecoder() -> ByteToMessageHandler<HTTPRequestDecoder> {
    var decoderLimits = NIOHTTPDecoderLimitConfiguration()
    decoderLimits.maxHeaderFieldSize = limits.headerBytes
    decoderLimits.maxHeaderListSize = limits.headerBytes
    decoderLimits.maxHeaderFieldCount = limits.headerFields
    return ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoderLimits))
  }
}
