import Synchronization

/// A shape as the reader follows it: by addresses, since shapes are shared by all threads and counting references to them would
/// cost more than reading.
struct ShapeTable {
  /// What is needed of a value.
  struct Need {
    enum Kind: UInt8 {
      case none
      case unlessString
      case shallow
      case all
      case parts
    }

    let kind: Kind
    let table: UnsafePointer<ShapeTable>?

    init(_ shape: PathShape) {
      switch shape {
      case .none: (kind, table) = (.none, nil)
      case .unlessString: (kind, table) = (.unlessString, nil)
      case .shallow: (kind, table) = (.shallow, nil)
      case .all: (kind, table) = (.all, nil)
      case .parts(let node): (kind, table) = (.parts, node.table)
      }
    }
  }

  struct Member {
    /// The first eight bytes of the key, as ``PathShape/prefix(_:from:count:)`` reads them.
    let prefix: UInt64
    /// Of the key, in bytes.
    let count: Int
    let need: Need
  }

  let members: UnsafeMutablePointer<Member>
  let count: Int
  /// The keys of `members`.
  let keys: UnsafeMutablePointer<Value>
  let others: Need
  let elements: Need
  /// Open addressing over `members` by prefix and length, where they are many: a position plus one, or zero.
  private let slots: UnsafeMutablePointer<UInt16>
  private let slotCount: Int
  /// Layouts of the objects that were read, by which members they have: few, since objects of one kind look alike.
  private let layouts: UnsafeMutablePointer<Atomic<UnsafeRawPointer?>>
  private static let layoutCount = 32

  init(_ nodeMembers: [PathShape.Node.Member], others: PathShape, elements: PathShape) {
    count = nodeMembers.count
    members = .allocate(capacity: max(count, 1))
    keys = .allocate(capacity: max(count, 1))
    for (position, member) in nodeMembers.enumerated() {
      let prefix = member.key.withUTF8 {
        PathShape.prefix(UnsafeRawBufferPointer($0), from: 0, count: $0.count)
      }
      (members + position).initialize(
        to: Member(prefix: prefix, count: member.key.utf8Count, need: Need(member.shape)))
      (keys + position).initialize(to: .string(member.key))
    }
    self.others = Need(others)
    self.elements = Need(elements)
    var slotCount = 0
    if count > 8, count < Int(UInt16.max) {
      slotCount = 32
      while slotCount < count * 2 { slotCount *= 2 }
    }
    self.slotCount = slotCount
    slots = .allocate(capacity: max(slotCount, 1))
    slots.initialize(repeating: 0, count: max(slotCount, 1))
    layouts = .allocate(capacity: ShapeTable.layoutCount)
    for position in 0..<ShapeTable.layoutCount { (layouts + position).initialize(to: Atomic(nil)) }
    if slotCount > 0 {
      for position in 0..<count {
        var slot = ShapeTable.slot(members[position].prefix, members[position].count, slotCount)
        while slots[slot] != 0 { slot = (slot + 1) & (slotCount - 1) }
        slots[slot] = UInt16(position + 1)
      }
    }
  }

  func free() {
    for position in 0..<ShapeTable.layoutCount {
      if let layout = layouts[position].load(ordering: .acquiring) {
        Unmanaged<MemberLayout>.fromOpaque(layout).release()
      }
    }
    layouts.deinitialize(count: ShapeTable.layoutCount)
    layouts.deallocate()
    keys.deinitialize(count: count)
    keys.deallocate()
    members.deallocate()
    slots.deallocate()
  }

  @inline(__always)
  private static func slot(_ prefix: UInt64, _ count: Int, _ capacity: Int) -> Int {
    let hash = (prefix ^ UInt64(truncatingIfNeeded: count)) &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: hash >> 32) & (capacity - 1)
  }

  /// The position among ``members`` of the key that is `count` bytes from `start`; nil where it is none of them.
  @inline(__always)
  func position(ofKey bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> Int? {
    let prefix = PathShape.prefix(bytes, from: start, count: count)
    if slotCount == 0 {
      for position in 0..<self.count where matches(position, prefix, bytes, start, count) { return position }
      return nil
    }
    var slot = ShapeTable.slot(prefix, count, slotCount)
    while slots[slot] != 0 {
      let position = Int(slots[slot]) - 1
      if matches(position, prefix, bytes, start, count) { return position }
      slot = (slot + 1) & (slotCount - 1)
    }
    return nil
  }

  @inline(__always)
  private func matches(
    _ position: Int, _ prefix: UInt64, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int
  ) -> Bool {
    guard members[position].prefix == prefix, members[position].count == count else { return false }
    return count <= 8 || hasSameBytes(position, bytes, start, count)
  }

  private func hasSameBytes(_ position: Int, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int)
    -> Bool
  {
    guard case .string(let key) = keys[position] else { return false }
    return key.equals(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
  }

  // MARK: Layouts

  /// The layout of objects that have just the members whose bits are set.
  ///
  /// Each is made once, as far as there is room; what is there is never replaced, so that finding one is reading a pointer.
  func layout(of bits: UInt64) -> ObjectLayout {
    var slot = Int(truncatingIfNeeded: (bits &* 0x9e37_79b9_7f4a_7c15) >> 40) & (ShapeTable.layoutCount - 1)
    for _ in 0..<ShapeTable.layoutCount {
      guard let known = layouts[slot].load(ordering: .acquiring) else { break }
      let entry = Unmanaged<MemberLayout>.fromOpaque(known)
      if entry._withUnsafeGuaranteedRef({ $0.bits }) == bits {
        return entry._withUnsafeGuaranteedRef { $0.layout }
      }
      slot = (slot + 1) & (ShapeTable.layoutCount - 1)
    }
    return newLayout(of: bits, at: slot)
  }

  @inline(never)
  private func newLayout(of bits: UInt64, at slot: Int) -> ObjectLayout {
    let present = (0..<count).filter { bits & (1 << UInt64($0)) != 0 }.map { keys[$0] }
    let layout = ObjectLayout(sortedKeys: present)
    let entry = Unmanaged.passRetained(MemberLayout(bits: bits, layout: layout))
    let (isAdded, _) = layouts[slot].compareExchange(
      expected: nil, desired: UnsafeRawPointer(entry.toOpaque()), ordering: .acquiringAndReleasing)
    if !isAdded { entry.release() }
    return layout
  }
}

/// The layout of the objects with some of a shape's members.
private final class MemberLayout {
  let bits: UInt64
  let layout: ObjectLayout

  init(bits: UInt64, layout: ObjectLayout) {
    self.bits = bits
    self.layout = layout
  }
}
