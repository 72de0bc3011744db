import CAllocations
import Foundation

/// How long each of many runs of the same work took, and what it allocated.
struct Samples {
  /// In nanoseconds, the shortest first.
  let durations: [Int]
  /// Blocks of memory a run took from the allocator on average; nil where that cannot be counted.
  let allocations: Double?

  /// Runs the work `count` times, and before that as often as it takes to warm caches: at most half a second.
  ///
  /// - Parameter body: is given the number of its turn.
  init(count: Int, _ body: (Int) throws -> Void) throws {
    let warmUpEnd = Self.now() + 500_000_000
    for turn in 0..<min(count, 2000) where turn == 0 || Self.now() < warmUpEnd { try body(turn) }

    var durations = [Int](repeating: 0, count: count)
    for turn in 0..<count {
      let start = Self.now()
      try body(turn)
      durations[turn] = Self.now() - start
    }
    durations.sort()
    self.durations = durations

    guard allocations_can_be_counted() else {
      allocations = nil
      return
    }
    // Apart from the times, which counting would lengthen.
    let runs = min(count, 1000)
    allocations_start()
    defer { _ = allocations_stop() }
    for turn in 0..<runs { try body(turn) }
    allocations = Double(allocations_stop()) / Double(runs)
  }

  /// The duration below which or at which so much of the runs stay (nearest rank).
  func percentile(_ percent: Int) -> Int {
    let rank = (durations.count * percent + 99) / 100
    return durations[max(rank, 1) - 1]
  }

  private static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
