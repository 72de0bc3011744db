/// Open-addressing hash tables of positions into an array of keys.
enum HashIndex {
  static func build(_ keys: [Value]) -> [UInt32] {
    var capacity = 16
    while capacity < keys.count * 2 { capacity *= 2 }
    let mask = capacity - 1
    return [UInt32](unsafeUninitializedCapacity: capacity) { table, count in
      table.initialize(repeating: 0)
      count = capacity
      for (position, key) in keys.enumerated() {
        var slot = Int(truncatingIfNeeded: key.hash64) & mask
        while table[slot] != 0 { slot = (slot + 1) & mask }
        table[slot] = UInt32(position + 1)
      }
    }
  }

  static func find(_ key: Value, in keys: [Value], index: [UInt32]) -> Int? {
    find(hash: key.hash64, index) { keys[$0] == key }
  }

  /// The first position of those with this hash that is the wanted one.
  @inline(__always)
  static func find(hash: UInt64, _ index: [UInt32], _ isWanted: (Int) -> Bool) -> Int? {
    index.withUnsafeBufferPointer { index in
      let mask = index.count - 1
      var slot = Int(truncatingIfNeeded: hash) & mask
      while true {
        let entry = index[slot]
        if entry == 0 { return nil }
        let position = Int(entry) - 1
        if isWanted(position) { return position }
        slot = (slot + 1) & mask
      }
    }
  }

  /// Where `key` belongs in an ordered array that does not hold it.
  static func insertionPoint(of key: Value, in keys: [Value]) -> Int {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle].compare(key) < 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
