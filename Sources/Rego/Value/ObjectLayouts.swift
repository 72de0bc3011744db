/// The keys that several objects of a document have in common, in Rego's order, so that they are sorted and kept once.
final class ObjectLayout: Sendable {
  /// The numbers of the keys in the order in which they were read.
  let numbers: [Int32]
  /// For each key in Rego's order, the place at which it was read; empty where that is the same.
  let order: [Int]
  let keys: [Value]
  let index: [UInt32]

  /// Of keys that are in order already.
  convenience init(sortedKeys keys: [Value]) { self.init([], order: [], keys: keys) }

  init(_ numbers: [Int32], order: [Int], keys: [Value]) {
    self.numbers = numbers
    self.order = order
    self.keys = keys
    index = keys.count > ObjectValue.scanLimit ? HashIndex.build(keys) : []
  }
}

/// The layouts met lately in a document.
struct ObjectLayouts {
  private var recent: [ObjectLayout?] = []
  /// Objects with more members than this are taken to be one of a kind.
  private static let memberLimit = 32

  /// The layout of keys that are the last on a stack of numbers; nil where one is there twice.
  @inline(__always)
  mutating func layout(_ numbers: borrowing NumberStack, from start: Int, table: borrowing KeyTable)
    -> ObjectLayout?
  {
    let count = numbers.count - start
    guard count <= ObjectLayouts.memberLimit else {
      return ObjectLayouts.make(numbers, from: start, table: table)
    }
    var hash = UInt64(truncatingIfNeeded: count)
    for position in start..<numbers.count {
      hash = (hash ^ UInt64(truncatingIfNeeded: numbers[position])) &* 0x9e37_79b9_7f4a_7c15
    }
    if recent.isEmpty { recent = [ObjectLayout?](repeating: nil, count: 64) }
    let slot = Int(truncatingIfNeeded: hash >> 58)
    if let layout = recent[slot], layout.numbers.count == count {
      var position = 0
      while position < count, layout.numbers[position] == numbers[start + position] { position += 1 }
      if position == count { return layout }
    }
    let made = ObjectLayouts.make(numbers, from: start, table: table)
    recent[slot] = made
    return made
  }

  @inline(never)
  private static func make(
    _ numbers: borrowing NumberStack, from start: Int, table: borrowing KeyTable
  ) -> ObjectLayout? {
    let count = numbers.count - start
    var read: [Int32] = []
    read.reserveCapacity(count)
    for position in start..<numbers.count { read.append(numbers[position]) }
    let strings = read.map { table.strings[Int($0)] }
    var isOrdered = true
    for position in strings.indices.dropFirst() where strings[position - 1].compare(strings[position]) >= 0 {
      isOrdered = false
      break
    }
    if isOrdered { return ObjectLayout(read, order: [], keys: strings.map(Value.string)) }
    let order = strings.indices.sorted { strings[$0].compare(strings[$1]) < 0 }
    for position in order.indices.dropFirst() where read[order[position - 1]] == read[order[position]] {
      return nil
    }
    return ObjectLayout(read, order: order, keys: order.map { .string(strings[$0]) })
  }
}

/// A stack of small numbers.
struct NumberStack: ~Copyable {
  private var numbers: UnsafeMutablePointer<Int32>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    numbers = .allocate(capacity: capacity)
  }

  deinit { numbers.deallocate() }

  subscript(position: Int) -> Int32 {
    @inline(__always) get { numbers[position] }
    @inline(__always) set { numbers[position] = newValue }
  }

  @inline(__always)
  mutating func push(_ number: Int32) {
    if count == capacity { grow() }
    numbers[count] = number
    count += 1
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Int32>.allocate(capacity: capacity * 2)
    larger.update(from: numbers, count: count)
    numbers.deallocate()
    numbers = larger
    capacity *= 2
  }

  /// Drops the numbers from a position on.
  @inline(__always)
  mutating func removeLast(from start: Int) { count = start }
}
