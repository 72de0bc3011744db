/// The distinct keys of a document, numbered in the order in which they came: keys repeat, and one storage serves all.
struct KeyTable {
  /// What tells keys apart: up to 16 bytes are all there; of longer ones the first eight and a hash.
  private struct Entry {
    let first: UInt64
    let second: UInt64
    let count: Int
  }

  private(set) var strings: [RegoString] = []
  private var entries: [Entry] = []
  /// Open addressing: a key's number plus one, or zero.
  private var slots: [Int32] = []
  private let interner: StringInterner?

  /// Keys made are also those of the interner, where there is one.
  init(interner: StringInterner? = nil) {
    self.interner = interner
  }

  /// The number of the key that is `count` bytes from `start`, which must be well-formed UTF-8.
  @inline(__always)
  mutating func number(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> Int {
    let entry = KeyTable.entry(bytes, from: start, count: count)
    let slot = find(entry, bytes, start, count)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    return insert(entry, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), at: slot)
  }

  /// As `number` for a string that is no key; nil where it is not there yet and so many are that most seem to differ.
  mutating func shared(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> Int? {
    let entry = KeyTable.entry(bytes, from: start, count: count)
    let slot = find(entry, bytes, start, count)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    guard strings.count < 2048 else { return nil }
    return insert(entry, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), at: slot)
  }

  /// The slot of a key, or the free one where it belongs.
  @inline(__always)
  private mutating func find(_ entry: Entry, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int)
    -> Int
  {
    if slots.isEmpty { grow() }
    let mask = slots.count - 1
    var slot = KeyTable.slot(entry, mask)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if entries[number].first == entry.first, entries[number].second == entry.second,
        entries[number].count == entry.count, isSame(number, bytes, start, count)
      {
        return slot
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  /// The key as a string.
  mutating func string(_ bytes: UnsafeRawBufferPointer) -> RegoString {
    let number = number(bytes, from: 0, count: bytes.count)
    return strings[number]
  }

  @inline(__always)
  private static func entry(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> Entry {
    let first = PathShape.prefix(bytes, from: start, count: count)
    if count <= 8 { return Entry(first: first, second: 0, count: count) }
    if count <= 16 {
      return Entry(
        first: first, second: PathShape.prefix(bytes, from: start + 8, count: count - 8), count: count)
    }
    let hash = ByteHash.hash(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
    return Entry(first: first, second: hash, count: count)
  }

  @inline(__always)
  private static func slot(_ entry: Entry, _ mask: Int) -> Int {
    let hash = ByteHash.mix(
      entry.first ^ ByteHash.seed,
      entry.second ^ (UInt64(truncatingIfNeeded: entry.count) &* 0xe703_7ed1_a0b4_28db))
    return Int(truncatingIfNeeded: hash) & mask
  }

  @inline(__always)
  private func isSame(_ number: Int, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Bool {
    count <= 16
      || strings[number].equals(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
  }

  @inline(never)
  private mutating func insert(_ entry: Entry, _ bytes: UnsafeRawBufferPointer, at slot: Int) -> Int {
    let made = RegoString(validUTF8: bytes)
    strings.append(interner?.intern(made) ?? made)
    entries.append(entry)
    slots[slot] = Int32(strings.count)
    if strings.count * 2 > slots.count { grow() }
    return strings.count - 1
  }

  private mutating func grow() {
    let capacity = max(32, slots.count * 4)
    slots = [Int32](repeating: 0, count: capacity)
    for (number, entry) in entries.enumerated() {
      var slot = KeyTable.slot(entry, capacity - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
      slots[slot] = Int32(number + 1)
    }
  }
}
