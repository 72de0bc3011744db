import NIOCore
import Synchronization

/// Keeps count of a port's connections. Over the cap those that have not yet completed a review go first, oldest first:
/// whoever opens connections by the thousand cannot push out the API server.
final class ConnectionTable: Sendable {
  /// A connection's place in the table.
  typealias ID = UInt64

  enum Admission {
    case admitted(ID)
    /// Room was made by closing this one.
    case admittedInsteadOf(any Channel, ID)
    case refused
  }

  private struct State {
    var count = 0
    var nextID: ID = 1
    var unproven: [ID: any Channel] = [:]
    /// The unproven in order of arrival; some of them have gone or proven themselves since.
    var arrivals = CircularBuffer<ID>()
  }

  private let state = Mutex(State())
  private let maximumCount: Int

  init(maximumCount: Int) { self.maximumCount = maximumCount }

  var count: Int { state.withLock { $0.count } }

  func admit(_ channel: any Channel) -> Admission {
    state.withLock { state in
      var evicted: (any Channel)?
      if state.count >= maximumCount {
        while evicted == nil, let oldest = state.arrivals.popFirst() {
          evicted = state.unproven.removeValue(forKey: oldest)
        }
        if evicted == nil { return .refused }
        state.count -= 1
      }
      let id = state.nextID
      state.nextID += 1
      state.count += 1
      state.unproven[id] = channel
      state.arrivals.append(id)
      if state.arrivals.count > 2 * state.unproven.count + 64 {
        let unproven = state.unproven
        state.arrivals.removeAll { unproven[$0] == nil }
      }
      return evicted.map { .admittedInsteadOf($0, id) } ?? .admitted(id)
    }
  }

  /// Says that a connection has completed a review.
  ///
  /// - Returns: false where it has been closed to make room meanwhile.
  func prove(_ id: ID) -> Bool {
    state.withLock { $0.unproven.removeValue(forKey: id) != nil }
  }

  /// Says that a connection is gone.
  ///
  /// - Parameter isProven: what ``prove(_:)`` said, false where it was never called.
  func remove(_ id: ID, isProven: Bool) {
    state.withLock { state in
      // One that was evicted has been taken out of the count already.
      if isProven || state.unproven.removeValue(forKey: id) != nil { state.count -= 1 }
    }
  }
}
