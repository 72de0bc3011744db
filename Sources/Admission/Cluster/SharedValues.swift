import Rego

/// Lets objects that come one after the other share their equal parts, and forgets what has not been met for long: for what lives
/// as long as the process and sees ever new values.
struct SharedValues {
  private var young = Generation()
  private var old = Generation()
  private let interner: StringInterner
  /// How many parts make a generation.
  private let capacity: Int

  private struct Generation {
    var strings: Set<RegoString> = []
    var composites: Set<Value> = []

    var count: Int { strings.count + composites.count }
  }

  /// - Parameter interner: whose strings are taken where it has them; none is added to it.
  init(interner: StringInterner, capacity: Int = 400_000) {
    self.interner = interner
    self.capacity = capacity
  }

  /// The equal of a value that shares what it can with those before.
  mutating func shared(_ value: Value) -> Value {
    switch value {
    case .null, .boolean, .number: return value
    case .string(let string): return .string(shared(string))
    case .array(let elements):
      if elements.isEmpty { return .array([]) }
      return unique(.array(elements.map { shared($0) }))
    case .object(let object):
      if object.isEmpty { return .object(ObjectValue()) }
      return unique(.object(shared(object)))
    case .set: return value
    }
  }

  /// As ``shared(_:)-(Value)`` for an object that is like no other; what it holds is shared all the same.
  mutating func shared(_ object: ObjectValue) -> ObjectValue {
    ObjectValue(sortedKeys: keys(object.keys), values: object.values.map { shared($0) })
  }

  mutating func shared(_ string: RegoString) -> RegoString {
    if let known = interner.known(string) { return known }
    if let index = young.strings.firstIndex(of: string) { return young.strings[index] }
    let kept = old.strings.firstIndex(of: string).map { old.strings[$0] } ?? string
    young.strings.insert(kept)
    age()
    return kept
  }

  private mutating func keys(_ keys: [Value]) -> [Value] {
    if case .array(let shared) = shared(.array(keys)) { return shared }
    return keys
  }

  private mutating func unique(_ value: Value) -> Value {
    if let index = young.composites.firstIndex(of: value) { return young.composites[index] }
    let kept = old.composites.firstIndex(of: value).map { old.composites[$0] } ?? value
    young.composites.insert(kept)
    age()
    return kept
  }

  private mutating func age() {
    guard young.count > capacity else { return }
    old = young
    young = Generation()
  }
}
