import Rego

/// Null in an object of a type that the API server knows: what its decoder leaves there.
enum NullFields {
  /// Maps of strings, in which a null becomes an empty string.
  private static let stringMaps: Set<RegoString> = [
    "annotations", "labels", "matchLabels", "nodeSelector", "stringData",
  ]

  /// A value without null: a null member of an object is an absent one, a null element of a list is its type's zero value.
  ///
  /// An element's type is taken from its neighbours: the empty string beside strings, otherwise the empty object. So is
  /// `ingress: [null]` the rule that allows everything.
  static func dropped(from value: Value) -> Value {
    if !hasNull(value) { return value }
    switch value {
    case .object(let object): return .object(dropped(from: object))
    case .array(let elements): return .array(dropped(from: elements))
    default: return value
    }
  }

  private static func hasNull(_ value: Value) -> Bool {
    switch value {
    case .null: return true
    case .object(let object):
      for member in object.values where hasNull(member) { return true }
      return false
    case .array(let elements):
      for element in elements where hasNull(element) { return true }
      return false
    default: return false
    }
  }

  private static func dropped(from object: ObjectValue) -> ObjectValue {
    var builder = ObjectBuilder(reservingCapacity: object.count)
    for (key, value) in object {
      if case .null = value { continue }
      if case .string(let name) = key, stringMaps.contains(name), case .object(let map) = value {
        builder.append(key, .object(ObjectValue(map.map { ($0, $1 == .null ? "" : $1) })))
      } else {
        builder.append(key, dropped(from: value))
      }
    }
    return builder.build()
  }

  private static func dropped(from elements: [Value]) -> [Value] {
    let zero: Value = elements.contains { if case .string = $0 { true } else { false } } ? "" : [:]
    return elements.map { $0 == .null ? zero : dropped(from: $0) }
  }
}
