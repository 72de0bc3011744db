/// Where a value stands that someone else keeps alive: the input, the data, a program's constants, a document computed before, or
/// a cell of the frame.
///
/// The evaluator passes values around as their places, so that following a reference or comparing counts no references. A place is
/// good for as long as the code that was generated looks at it: whatever holds it is set before the slot that points to it,
/// on every way through the code, and replaced only on a way that sets that slot anew.
typealias Place = UnsafePointer<Value>

// What stands at a place is looked at through unmanaged references: who else looks at it counts references that another
// thread may count too, and two cores that count the same ones wait for each other longer than the look-up takes.

extension UnsafePointer<Value> {
  /// Where the reference `self[key]` leads; nil where it is undefined.
  @inline(__always)
  func lookup(_ key: Place) -> Place? {
    if let object { return object._withUnsafeGuaranteedRef { $0.place(of: key) } }
    return lookupInOther(key)
  }

  @inline(never)
  private func lookupInOther(_ key: Place) -> Place? {
    if let array = ArrayInPlace(self) { return array.place(of: key) }
    if let set { return set._withUnsafeGuaranteedRef { $0.contains(at: key) } ? key : nil }
    return nil
  }

  /// Whether the values are equal.
  @inline(__always)
  func equals(_ other: Place) -> Bool {
    if self == other { return true }
    if let string, let other = other.string { return string.equals(other) }
    return equalsOther(other)
  }

  @inline(never)
  private func equalsOther(_ other: Place) -> Bool {
    switch (pointee, other.pointee) {
    case (.number(.int(let a)), .number(.int(let b))): a == b
    case (.boolean(let a), .boolean(let b)): a == b
    default: pointee == other.pointee
    }
  }

  /// Whether the value is among the elements or values of a collection.
  func isMember(of collection: Place) -> Bool {
    if let array = ArrayInPlace(collection) { return array.contains(at: self) }
    if let set = collection.set { return set._withUnsafeGuaranteedRef { $0.contains(at: self) } }
    if let object = collection.object {
      return object._withUnsafeGuaranteedRef { $0.values.contains(at: self) }
    }
    return false
  }

  @inline(__always)
  var isTruthy: Bool { if case .boolean(false) = pointee { false } else { true } }

  /// The object here, where there is one.
  @inline(__always)
  var object: Unmanaged<ObjectValue.Storage>? {
    if case .object(let object) = pointee { Unmanaged.passUnretained(object.storage) } else { nil }
  }

  /// The set here, where there is one.
  @inline(__always)
  var set: Unmanaged<SetValue.Storage>? {
    if case .set(let set) = pointee { Unmanaged.passUnretained(set.storage) } else { nil }
  }

  /// The string here, where there is one.
  @inline(__always)
  var string: Unmanaged<RegoString.Storage>? {
    if case .string(let string) = pointee { Unmanaged.passUnretained(string.storage) } else { nil }
  }

  /// The number that values equal to the one here have, too.
  @inline(__always)
  fileprivate var hash64: UInt64 {
    if let string { string._withUnsafeGuaranteedRef { $0.hash } } else { pointee.hash64 }
  }
}

extension Unmanaged<RegoString.Storage> {
  /// Whether the strings have the same bytes.
  @inline(__always)
  func equals(_ other: Unmanaged<RegoString.Storage>) -> Bool {
    if toOpaque() == other.toOpaque() { return true }
    if _withUnsafeGuaranteedRef({ $0.hash }) != other._withUnsafeGuaranteedRef({ $0.hash }) { return false }
    return hasSameBytes(as: other)
  }

  @inline(never)
  private func hasSameBytes(as other: Unmanaged<RegoString.Storage>) -> Bool {
    _withUnsafeGuaranteedRef { left in
      other._withUnsafeGuaranteedRef { right in RegoString(storage: left) == RegoString(storage: right) }
    }
  }
}

extension [Value] {
  /// Where the first element stands. Arrays hold their elements in one piece of memory that stays where it is until the last
  /// owner of the array lets it go.
  @inline(__always)
  var base: Place? { withUnsafeBufferPointer { $0.baseAddress } }

  fileprivate func contains(at wanted: Place) -> Bool {
    ArrayInPlace(count: count, elements: base).contains(at: wanted)
  }
}

extension ArrayInPlace {
  fileprivate func place(of key: Place) -> Place? {
    guard case .number(.int(let index)) = key.pointee, index >= 0, index < count else { return nil }
    return elements.map { $0 + index }
  }

  fileprivate func contains(at wanted: Place) -> Bool {
    guard let elements else { return false }
    for position in 0..<count where (elements + position).equals(wanted) { return true }
    return false
  }
}

extension SetValue.Storage {
  fileprivate func contains(at wanted: Place) -> Bool {
    if index.isEmpty { return elements.contains(at: wanted) }
    guard let base = elements.base else { return false }
    return HashIndex.find(hash: wanted.hash64, index, { (base + $0).equals(wanted) }) != nil
  }
}

extension ObjectValue.Storage {
  /// Where the value under a key stands.
  @inline(__always)
  func place(of key: Place) -> Place? {
    if let wanted = key.string { return place(of: wanted) }
    return slowPlace(of: key)
  }

  /// Where the value under a string key stands.
  @inline(__always)
  func place(of wanted: Unmanaged<RegoString.Storage>) -> Place? {
    guard index.isEmpty else { return indexedPlace(of: wanted) }
    guard let keys = keys.base else { return nil }
    for position in 0..<count {
      if let candidate = (keys + position).string, candidate.equals(wanted) {
        return values.base.map { $0 + position }
      }
    }
    return nil
  }

  @inline(never)
  private func indexedPlace(of wanted: Unmanaged<RegoString.Storage>) -> Place? {
    guard let base = keys.base else { return nil }
    let found = HashIndex.find(hash: wanted._withUnsafeGuaranteedRef { $0.hash }, index) {
      (base + $0).string?.equals(wanted) == true
    }
    return found.flatMap { position in values.base.map { $0 + position } }
  }

  @inline(never)
  private func slowPlace(of key: Place) -> Place? {
    if index.isEmpty {
      guard let keys = keys.base else { return nil }
      for position in 0..<count where (keys + position).equals(key) {
        return values.base.map { $0 + position }
      }
      return nil
    }
    guard let base = keys.base,
      let position = HashIndex.find(hash: key.pointee.hash64, index, { (base + $0).equals(key) })
    else { return nil }
    return values.base.map { $0 + position }
  }

  @inline(__always)
  private var count: Int { keys.count }
}
