/// A stack of equal elements in one piece of memory, from which frames take what they need.
struct Arena<Element> {
  private let base: UnsafeMutablePointer<Element>
  private let capacity: Int
  private var top = 0

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  /// Frees the memory; every frame must have been given back.
  func free() { base.deallocate() }

  /// Room for `count` elements, each set to `initial`. Deeper than the stack holds, it is memory of its own.
  mutating func take(_ count: Int, initial: Element) -> UnsafeMutablePointer<Element> {
    let memory: UnsafeMutablePointer<Element>
    if top + count <= capacity {
      memory = base + top
      top += count
    } else {
      memory = .allocate(capacity: max(count, 1))
    }
    memory.initialize(repeating: initial, count: count)
    return memory
  }

  /// Gives back what ``take(_:initial:)`` gave last.
  mutating func give(_ memory: UnsafeMutablePointer<Element>, _ count: Int) {
    memory.deinitialize(count: count)
    if memory >= base, memory < base + capacity {
      top -= count
    } else if memory != base + capacity {
      memory.deallocate()
    }
  }
}
