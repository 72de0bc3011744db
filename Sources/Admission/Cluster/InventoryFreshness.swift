import Glibc
import Synchronization

/// Whether an inventory is what the cluster is, and since when it may not be. Shared by all inventories that come from one cluster,
/// asked by every decision.
public final class InventoryFreshness: Sendable {
  /// Seconds since 1970 at which a part of the cluster was last heard of; zero while all of it is being followed.
  private let lastHeard = Atomic<Int>(0)

  public init() {}

  /// - Parameter time: seconds since 1970; nil where all is being followed again.
  public func set(lastHeard time: Int?) { lastHeard.store(time ?? 0, ordering: .relaxed) }

  /// For how many seconds the inventory may have been out of date; zero while it is being followed.
  public var staleSeconds: Int {
    let time = lastHeard.load(ordering: .relaxed)
    return time == 0 ? 0 : max(Self.now() - time, 1)
  }

  /// Such as `42s`, for an audit annotation; nil while all is being followed.
  var age: String? {
    let seconds = staleSeconds
    return seconds == 0 ? nil : "\(seconds)s"
  }

  static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec
  }
}
