/// Holds equal parts of many documents once: the pods of one workload differ in little but their names.
///
/// For building what stays, such as an inventory; the pool itself need not outlive the building.
public struct ValuePool {
  private let interner: StringInterner
  private var strings: Set<RegoString> = []
  private var composites: Set<Value> = []
  private var keyLists: Set<Value> = []

  /// - Parameter interner: where keys go. Other strings are shared with it where it knows them, but it is not burdened with
  ///   those that it does not, since it keeps all it has seen.
  public init(interner: StringInterner) {
    self.interner = interner
  }

  /// The equal of a value that shares what it can with those that came before.
  public mutating func pooled(_ value: Value) -> Value {
    switch value {
    case .null, .boolean, .number: return value
    case .string(let string):
      return .string(interner.known(string) ?? strings.insert(string).memberAfterInsert)
    case .array(let elements):
      if elements.isEmpty { return .array([]) }
      return unique(.array(elements.map { pooled($0) }))
    case .object(let object): return unique(.object(pooled(object)))
    case .set(let set): return unique(.set(SetValue(sorted: set.elements.map { pooled($0) })))
    }
  }

  /// As ``pooled(_:)`` for an object that is like no other; its keys and what it holds are shared all the same.
  public mutating func pooled(_ object: ObjectValue) -> ObjectValue {
    if object.isEmpty { return ObjectValue() }
    return ObjectValue(sortedKeys: keys(object.keys), values: object.values.map { pooled($0) })
  }

  /// Equal lists of keys share their storage.
  private mutating func keys(_ keys: [Value]) -> [Value] {
    if let known = keyLists.firstIndex(of: .array(keys)), case .array(let known) = keyLists[known] {
      return known
    }
    let interned = keys.map { key in
      if case .string(let string) = key { Value.string(interner.intern(string)) } else { pooled(key) }
    }
    keyLists.insert(.array(interned))
    return interned
  }

  private mutating func unique(_ value: Value) -> Value {
    composites.insert(value).memberAfterInsert
  }
}
