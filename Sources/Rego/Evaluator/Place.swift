/// Where a value stands that someone else keeps alive: the input, the data, a program's constants, a document computed before, or
/// a cell of the frame.
///
/// The evaluator passes values around as their places, so that following a reference or comparing counts no references. A place is
/// good for as long as the code that was generated looks at it: whatever holds it is set before the slot that points to it,
/// on every way through the code, and replaced only on a way that sets that slot anew.
typealias Place = UnsafePointer<Value>

extension UnsafePointer<Value> {
  /// Where the reference `self[key]` leads; nil where it is undefined.
  @inline(__always)
  func lookup(_ key: Place) -> Place? {
    switch pointee {
    case .object(let object): object.place(of: key)
    case .array(let elements): elements.place(of: key)
    case .set(let set): set.contains(at: key) ? key : nil
    default: nil
    }
  }

  /// Whether the values are equal.
  @inline(__always)
  func equals(_ other: Place) -> Bool {
    if self == other { return true }
    switch (pointee, other.pointee) {
    case (.string(let a), .string(let b)): return a == b
    case (.number(.int(let a)), .number(.int(let b))): return a == b
    case (.boolean(let a), .boolean(let b)): return a == b
    default: return equalsComposite(other)
    }
  }

  @inline(never)
  private func equalsComposite(_ other: Place) -> Bool { pointee == other.pointee }

  /// Whether the value is among the elements or values of a collection.
  func isMember(of collection: Place) -> Bool {
    switch collection.pointee {
    case .array(let elements): elements.contains(at: self)
    case .set(let set): set.contains(at: self)
    case .object(let object): object.storage.values.contains(at: self)
    default: false
    }
  }

  @inline(__always)
  var isTruthy: Bool { if case .boolean(false) = pointee { false } else { true } }
}

extension [Value] {
  /// Where the first element stands. Arrays hold their elements in one piece of memory that stays where it is until the last
  /// owner of the array lets it go.
  @inline(__always)
  var base: Place? { withUnsafeBufferPointer { $0.baseAddress } }

  @inline(__always)
  fileprivate func place(of key: Place) -> Place? {
    guard case .number(.int(let index)) = key.pointee, index >= 0, index < count else { return nil }
    return base.map { $0 + index }
  }

  fileprivate func contains(at wanted: Place) -> Bool {
    withUnsafeBufferPointer { elements in
      guard let base = elements.baseAddress else { return false }
      for position in 0..<elements.count where (base + position).equals(wanted) { return true }
      return false
    }
  }
}

extension SetValue {
  fileprivate func contains(at wanted: Place) -> Bool {
    if storage.index.isEmpty { return storage.elements.contains(at: wanted) }
    return HashIndex.find(wanted.pointee, in: storage.elements, index: storage.index) != nil
  }
}

extension ObjectValue {
  /// Where the value under a key stands.
  @inline(__always)
  func place(of key: Place) -> Place? {
    guard storage.index.isEmpty, case .string(let wanted) = key.pointee else { return slowPlace(of: key) }
    return storage.place(of: wanted)
  }

  @inline(never)
  private func slowPlace(of key: Place) -> Place? {
    guard let position = position(of: key.pointee) else { return nil }
    return storage.values.base.map { $0 + position }
  }
}

extension ObjectValue.Storage {
  /// Where the value under a string key stands, in an object small enough to scan.
  fileprivate func place(of wanted: RegoString) -> Place? {
    keys.withUnsafeBufferPointer { keys in
      for position in 0..<keys.count {
        if case .string(let candidate) = keys[position], candidate == wanted {
          return values.base.map { $0 + position }
        }
      }
      return nil
    }
  }
}
