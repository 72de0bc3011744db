import CWorkBudget

/// An immutable object of Rego: distinct keys of any type, in Rego's order, each with a value.
public struct ObjectValue: Sendable {
  final class Storage: Sendable {
    let keys: [Value]
    let values: [Value]
    /// Open addressing over `keys` by hash, made for objects too large to scan; an entry is a position plus one.
    let index: [UInt32]

    init(sortedKeys keys: [Value], values: [Value]) {
      self.keys = keys
      self.values = values
      index = keys.count > ObjectValue.scanLimit ? HashIndex.build(keys) : []
    }

    /// Keys with the index that was made for them.
    init(sortedKeys keys: [Value], index: [UInt32], values: [Value]) {
      self.keys = keys
      self.values = values
      self.index = index
    }

    init(_ layout: ObjectLayout, values: [Value]) {
      keys = layout.keys
      self.values = values
      index = layout.index
    }
  }

  /// Up to this many keys a scan beats a hash look-up.
  static let scanLimit = 8
  static let emptyStorage = Storage(sortedKeys: [], values: [])

  let storage: Storage

  init(_ storage: Storage) { self.storage = storage }

  /// The empty object.
  public init() { storage = ObjectValue.emptyStorage }

  /// Makes an object of pairs in any order; of pairs with equal keys the last counts.
  public init(_ pairs: some Sequence<(Value, Value)>) {
    var builder = ObjectBuilder()
    for (key, value) in pairs { builder.append(key, value) }
    self = builder.build()
  }

  /// Makes an object of keys that are in order and distinct, and their values.
  package init(sortedKeys keys: [Value], values: [Value]) {
    storage = keys.isEmpty ? ObjectValue.emptyStorage : Storage(sortedKeys: keys, values: values)
  }

  /// Makes an object of keys that others have too, and its values in the order of these.
  init(_ layout: ObjectLayout, values: [Value]) {
    storage = layout.keys.isEmpty ? ObjectValue.emptyStorage : Storage(layout, values: values)
  }

  /// Whether this is the same object in memory as another, and not only an equal one.
  public func isIdentical(to other: ObjectValue) -> Bool { storage === other.storage }

  public var count: Int { storage.keys.count }
  public var isEmpty: Bool { storage.keys.isEmpty }
  /// The keys, in Rego's order.
  public var keys: [Value] { storage.keys }
  /// The values, in the order of their keys.
  public var values: [Value] { storage.values }

  /// The value under a key.
  @inline(__always)
  public subscript(key: Value) -> Value? {
    if case .string(let key) = key { return self[key] }
    guard let position = position(of: key) else { return nil }
    return storage.values[position]
  }

  /// The value under a string key.
  public subscript(key: String) -> Value? { self[RegoString(key)] }
  /// The value under a string key.
  @inline(__always)
  public subscript(key: RegoString) -> Value? {
    storage.place(of: Unmanaged.passUnretained(key.storage)).map { $0.pointee }
  }

  /// The place of a key among ``keys``.
  @inline(__always)
  func position(of key: Value) -> Int? {
    if case .string(let key) = key {
      guard let place = storage.place(of: Unmanaged.passUnretained(key.storage)),
        let base = storage.values.base
      else { return nil }
      return place - base
    }
    let storage = storage
    if storage.index.isEmpty { return storage.keys.firstIndex(of: key) }
    return HashIndex.find(key, in: storage.keys, index: storage.index)
  }

  /// The object with one more pair, or another value under a key it has.
  public func inserting(_ key: Value, _ value: Value) -> ObjectValue {
    if let position = position(of: key) {
      var values = storage.values
      values[position] = value
      return ObjectValue(sortedKeys: storage.keys, values: values)
    }
    let position = HashIndex.insertionPoint(of: key, in: storage.keys)
    var keys = storage.keys
    var values = storage.values
    keys.insert(key, at: position)
    values.insert(value, at: position)
    return ObjectValue(sortedKeys: keys, values: values)
  }

  /// The object without a key.
  public func removing(_ key: Value) -> ObjectValue {
    guard let position = position(of: key) else { return self }
    var keys = storage.keys
    var values = storage.values
    keys.remove(at: position)
    values.remove(at: position)
    return ObjectValue(sortedKeys: keys, values: values)
  }

  /// The object with other values under some keys, and without those whose value is nil. However many there are, the object is
  /// copied once; its keys not at all where none is added or taken out.
  public func replacing(_ changes: [Value: Value?]) -> ObjectValue {
    var values = storage.values
    var added: [(Value, Value)] = []
    var removed: Set<Int> = []
    for (key, value) in changes {
      switch (position(of: key), value) {
      case (let position?, let value?): values[position] = value
      case (let position?, nil): removed.insert(position)
      case (nil, let value?): added.append((key, value))
      case (nil, nil): break
      }
    }
    if added.isEmpty, removed.isEmpty {
      return ObjectValue(Storage(sortedKeys: storage.keys, index: storage.index, values: values))
    }
    added.sort { $0.0.compare($1.0) < 0 }
    var mergedKeys: [Value] = []
    var mergedValues: [Value] = []
    mergedKeys.reserveCapacity(values.count + added.count - removed.count)
    mergedValues.reserveCapacity(values.count + added.count - removed.count)
    var next = 0
    for position in storage.keys.indices where !removed.contains(position) {
      let key = storage.keys[position]
      while next < added.count, added[next].0.compare(key) < 0 {
        mergedKeys.append(added[next].0)
        mergedValues.append(added[next].1)
        next += 1
      }
      mergedKeys.append(key)
      mergedValues.append(values[position])
    }
    for (key, value) in added[next...] {
      mergedKeys.append(key)
      mergedValues.append(value)
    }
    return ObjectValue(sortedKeys: mergedKeys, values: mergedValues)
  }

  func compare(_ other: ObjectValue) -> Int {
    if storage === other.storage { return 0 }
    guard work_budget_take(count + 1) else { return 0 }
    for position in 0..<Swift.min(count, other.count) {
      let keyOrder = storage.keys[position].compare(other.storage.keys[position])
      if keyOrder != 0 { return keyOrder }
      let valueOrder = storage.values[position].compare(other.storage.values[position])
      if valueOrder != 0 { return valueOrder }
    }
    return count - other.count
  }
}

extension ObjectValue: Equatable {
  public static func == (left: ObjectValue, right: ObjectValue) -> Bool {
    left.storage === right.storage
      || work_budget_take(left.count + 1)
        && (left.storage.keys == right.storage.keys && left.storage.values == right.storage.values)
  }
}

extension ObjectValue: Sequence {
  /// Iterates over pairs in the order of the keys.
  public func makeIterator() -> Zip2Sequence<[Value], [Value]>.Iterator {
    zip(storage.keys, storage.values).makeIterator()
  }
}

/// Collects the pairs of an object.
public struct ObjectBuilder {
  private var keys: [Value] = []
  private var values: [Value] = []

  public init() {}

  public init(reservingCapacity capacity: Int) {
    keys.reserveCapacity(capacity)
    values.reserveCapacity(capacity)
  }

  public var count: Int { keys.count }

  /// Adds a pair; of pairs with equal keys the last counts.
  public mutating func append(_ key: Value, _ value: Value) {
    keys.append(key)
    values.append(value)
  }

  public mutating func append(_ key: String, _ value: Value) {
    append(.string(RegoString(key)), value)
  }

  /// The object of the pairs so far. Pairs added in Rego's order cost no sorting.
  public mutating func build() -> ObjectValue {
    var ordered = true
    for position in keys.indices.dropFirst() where keys[position - 1].compare(keys[position]) >= 0 {
      ordered = false
      break
    }
    defer {
      keys = []
      values = []
    }
    if ordered { return ObjectValue(sortedKeys: keys, values: values) }
    // Sorting positions, with the position breaking ties, is stable: of equal keys the last added comes last.
    let order = keys.indices.sorted {
      let comparison = keys[$0].compare(keys[$1])
      return comparison == 0 ? $0 < $1 : comparison < 0
    }
    var sortedKeys: [Value] = []
    var sortedValues: [Value] = []
    sortedKeys.reserveCapacity(keys.count)
    sortedValues.reserveCapacity(keys.count)
    for position in order {
      if let last = sortedKeys.last, last == keys[position] {
        sortedValues[sortedValues.count - 1] = values[position]
      } else {
        sortedKeys.append(keys[position])
        sortedValues.append(values[position])
      }
    }
    return ObjectValue(sortedKeys: sortedKeys, values: sortedValues)
  }
}
