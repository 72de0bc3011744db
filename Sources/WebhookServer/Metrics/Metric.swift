import Synchronization

/// A number that only grows.
public final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  public init() {}

  public func increment(by amount: Int = 1) { value.wrappingAdd(amount, ordering: .relaxed) }

  public var current: Int { value.load(ordering: .relaxed) }
}

/// A number that goes up and down.
public final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  public init() {}

  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  public var current: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How durations are distributed, in buckets with upper bounds in seconds.
public final class Histogram: Sendable {
  /// Upper bounds, rising; one more bucket takes what is above the last.
  let bounds: [Double]
  private let boundsInNanoseconds: [Int]
  private let buckets: [Counter]
  private let sumOfNanoseconds = Counter()

  public init(bounds: [Double]) {
    self.bounds = bounds
    boundsInNanoseconds = bounds.map { Int($0 * 1e9) }
    buckets = (0...bounds.count).map { _ in Counter() }
  }

  public func observe(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    var index = 0
    while index < boundsInNanoseconds.count && nanoseconds > boundsInNanoseconds[index] { index += 1 }
    buckets[index].increment()
    sumOfNanoseconds.increment(by: nanoseconds)
  }

  /// The counts of the buckets, not cumulated, and the sum in seconds.
  var current: (counts: [Int], sum: Double) {
    (buckets.map(\.current), Double(sumOfNanoseconds.current) / 1e9)
  }
}

/// Counters told apart by labels whose values are not known beforehand, such as names of policies. Their number is bounded:
/// what comes after the last is counted under `other`.
public final class CounterFamily: Sendable {
  let labels: [String]
  private let maximumCount: Int
  private let counters = Mutex<[[String]: Counter]>([:])

  public init(labels: [String], maximumCount: Int = 1_000) {
    self.labels = labels
    self.maximumCount = maximumCount
  }

  /// - Parameter values: one for each label.
  public func increment(_ values: [String], by amount: Int = 1) {
    let counter = counters.withLock { counters in
      if let counter = counters[values] { return counter }
      let key = counters.count < maximumCount ? values : labels.map { _ in "other" }
      let counter = counters[key] ?? Counter()
      counters[key] = counter
      return counter
    }
    counter.increment(by: amount)
  }

  /// Values and counts, in the order of the values.
  var current: [(values: [String], count: Int)] {
    counters.withLock { $0.map { (values: $0.key, count: $0.value.current) } }
      .sorted { $0.values.lexicographicallyPrecedes($1.values) }
  }
}
