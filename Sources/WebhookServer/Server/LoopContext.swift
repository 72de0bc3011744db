import Admission
import NIOCore
import TLS

/// What the connections of one event loop share: buffers, the time, and a tick that looks after their deadlines.
///
/// Requests are many and deadlines seldom pass. One tick for all costs a walk over the loop's connections a few times a
/// second, where a timer of its own would cost each request two changes to a heap.
final class LoopContext {
  let eventLoop: any EventLoop
  let plaintextBuffers = BufferRecycler()
  let ciphertextBuffers = BufferRecycler()
  let responseBuffers = BufferRecycler(maximumCapacity: 64 << 10)
  let inlinePace = InlinePace()
  /// Decides reviews on this event loop.
  let reviews: any ReviewService
  /// The time of the last tick.
  private(set) var now = NIODeadline.now()
  private(set) var isDraining = false
  private var connections: [ObjectIdentifier: HTTPConnectionHandler] = [:]
  private var tick: RepeatedTask?
  private var date: (second: Int, line: [UInt8]) = (-1, [])

  /// Must be made on the event loop.
  init(eventLoop: any EventLoop, reviews: any ReviewService, tickInterval: TimeAmount) {
    self.eventLoop = eventLoop
    self.reviews = reviews
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    tick = eventLoop.scheduleRepeatedTask(initialDelay: tickInterval, delay: tickInterval) { _ in
      bound.value.passTime()
    }
  }

  func add(_ connection: HTTPConnectionHandler) { connections[ObjectIdentifier(connection)] = connection }

  func remove(_ connection: HTTPConnectionHandler) {
    connections.removeValue(forKey: ObjectIdentifier(connection))
  }

  private func passTime() {
    now = .now()
    // Those that close take themselves out meanwhile.
    for connection in Array(connections.values) { connection.passTime(now) }
  }

  /// From now on answers end their connections.
  ///
  /// - Parameter idleGrace: how long connections that ask nothing are kept.
  func beginDraining(idleGrace: TimeAmount) {
    isDraining = true
    now = .now()
    for connection in Array(connections.values) { connection.beginDraining(idleUntil: now + idleGrace) }
  }

  func closeAll() {
    for connection in Array(connections.values) { connection.abort() }
  }

  func stop() {
    tick?.cancel()
    tick = nil
  }

  /// The `Date` field of a response made now (RFC 9110 section 6.6.1), with its line end.
  func dateLine() -> [UInt8] {
    let time = Timestamp.now()
    if time.secondsSince1970 != date.second {
      var line: [UInt8] = []
      line.append("Date: ")
      time.appendHTTPDate(to: &line)
      line.append("\r\n")
      date = (time.secondsSince1970, line)
    }
    return date.line
  }
}
