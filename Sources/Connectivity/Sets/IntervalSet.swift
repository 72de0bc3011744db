/// A set of unsigned integers, kept as the fewest closed intervals in ascending order.
///
/// All operations take time in the number of intervals, whatever the number of members.
public struct IntervalSet<Bound: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable, Hashable {
  /// A closed interval.
  public struct Interval: Sendable, Hashable {
    public var lower: Bound
    public var upper: Bound

    public init(_ lower: Bound, _ upper: Bound) {
      self.lower = lower
      self.upper = upper
    }
  }

  /// Ascending, and with a gap between each two.
  public private(set) var intervals: [Interval]

  /// The empty set.
  public init() { intervals = [] }

  /// The integers of an interval; none where its upper end is below its lower one.
  public init(_ lower: Bound, _ upper: Bound) {
    intervals = lower <= upper ? [Interval(lower, upper)] : []
  }

  /// The union of intervals in any order, which may overlap.
  public init(_ parts: some Sequence<Interval>) {
    intervals = []
    for part in parts.sorted(by: { $0.lower < $1.lower }) where part.lower <= part.upper { append(part) }
  }

  public var isEmpty: Bool { intervals.isEmpty }

  public func contains(_ member: Bound) -> Bool { contains(Interval(member, member)) }

  /// Whether every member of an interval is one of the set.
  public func contains(_ interval: Interval) -> Bool {
    var low = 0
    var high = intervals.count
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].lower <= interval.lower { low = middle + 1 } else { high = middle }
    }
    return low > 0 && interval.upper <= intervals[low - 1].upper
  }

  /// Adds an interval that does not start before the last one's start.
  private mutating func append(_ next: Interval) {
    if let last = intervals.last, next.lower <= last.upper || next.lower - 1 == last.upper {
      if next.upper > last.upper { intervals[intervals.count - 1].upper = next.upper }
    } else {
      intervals.append(next)
    }
  }

  public func union(_ other: Self) -> Self {
    if isEmpty { return other }
    if other.isEmpty { return self }
    var result = Self()
    result.intervals.reserveCapacity(intervals.count + other.intervals.count)
    var (left, right) = (0, 0)
    while left < intervals.count || right < other.intervals.count {
      if right == other.intervals.count
        || left < intervals.count && intervals[left].lower <= other.intervals[right].lower
      {
        result.append(intervals[left])
        left += 1
      } else {
        result.append(other.intervals[right])
        right += 1
      }
    }
    return result
  }

  public func intersection(_ other: Self) -> Self {
    var result = Self()
    var (left, right) = (0, 0)
    while left < intervals.count && right < other.intervals.count {
      let (a, b) = (intervals[left], other.intervals[right])
      let lower = max(a.lower, b.lower)
      let upper = min(a.upper, b.upper)
      if lower <= upper { result.append(Interval(lower, upper)) }
      if a.upper <= b.upper { left += 1 }
      if b.upper <= a.upper { right += 1 }
    }
    return result
  }

  public func subtracting(_ other: Self) -> Self {
    if isEmpty || other.isEmpty { return self }
    var result = Self()
    var right = 0
    for interval in intervals {
      var lower = interval.lower
      var isUsedUp = false
      while right < other.intervals.count && other.intervals[right].upper < lower { right += 1 }
      var position = right
      while position < other.intervals.count && other.intervals[position].lower <= interval.upper {
        let hole = other.intervals[position]
        if hole.lower > lower { result.append(Interval(lower, hole.lower - 1)) }
        if hole.upper >= interval.upper {
          isUsedUp = true
          break
        }
        lower = hole.upper + 1
        position += 1
      }
      if !isUsedUp { result.append(Interval(lower, interval.upper)) }
    }
    return result
  }

  public func isSubset(of other: Self) -> Bool {
    intervals.allSatisfy(other.contains)
  }

  public func isDisjoint(with other: Self) -> Bool {
    var (left, right) = (0, 0)
    while left < intervals.count && right < other.intervals.count {
      if intervals[left].upper < other.intervals[right].lower {
        left += 1
      } else if other.intervals[right].upper < intervals[left].lower {
        right += 1
      } else {
        return false
      }
    }
    return true
  }
}
