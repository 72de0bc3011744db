import Synchronization

/// Bytes that all connections may hold together.
final class ByteBudget: Sendable {
  private let used = Atomic<Int>(0)
  private let maximum: Int

  init(maximum: Int) { self.maximum = maximum }

  /// Takes bytes out of the budget, or none where there are not as many left.
  func reserve(_ count: Int) -> Bool {
    if used.wrappingAdd(count, ordering: .relaxed).newValue <= maximum { return true }
    used.wrappingSubtract(count, ordering: .relaxed)
    return false
  }

  func release(_ count: Int) { used.wrappingSubtract(count, ordering: .relaxed) }
}
