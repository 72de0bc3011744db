/// Values waiting to become elements of an array: moved in and out without counting references.
struct ValueStack: ~Copyable {
  private var values: UnsafeMutablePointer<Value>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    values = .allocate(capacity: capacity)
  }

  deinit {
    values.deinitialize(count: count)
    values.deallocate()
  }

  @inline(__always)
  mutating func push(_ value: consuming Value) {
    if count == capacity { grow() }
    (values + count).initialize(to: value)
    count += 1
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Value>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: values, count: count)
    values.deallocate()
    values = larger
    capacity *= 2
  }

  @inline(__always)
  func swapAt(_ left: Int, _ right: Int) {
    if left == right { return }
    let value = (values + left).move()
    (values + left).moveInitialize(from: values + right, count: 1)
    (values + right).initialize(to: value)
  }

  /// Takes the values from a position on off the stack.
  @inline(__always)
  mutating func pop(from start: Int) -> [Value] {
    let taken = count - start
    if taken == 0 { return [] }
    count = start
    // Nulls own nothing, so that they can be overwritten. (An array of uninitialised memory costs more to make than this.)
    var array = [Value](repeating: .null, count: taken)
    array.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { base.moveInitialize(from: values + start, count: taken) }
    }
    return array
  }

  /// Takes the values from a position on off the stack, in the order of their distances from there.
  mutating func pop(from start: Int, order: [Int]) -> [Value] {
    count = start
    let source = values + start
    return [Value](unsafeUninitializedCapacity: order.count) { buffer, initialized in
      if var target = buffer.baseAddress {
        for distance in order {
          target.moveInitialize(from: source + distance, count: 1)
          target += 1
        }
      }
      initialized = order.count
    }
  }

  /// Drops the values from a position on.
  mutating func removeLast(from start: Int) {
    (values + start).deinitialize(count: count - start)
    count = start
  }
}
