import CWorkBudget

/// Builtins on objects (OPA documentation, "Object").
enum ObjectBuiltins {
  private typealias Parameter = Builtin.Parameter

  // The order of the types is that of the error messages.
  private static let keys = RegoType.union([.anyObject, .anySet, .anyArray])

  static let all: [Builtin] = [
    Builtin(
      "object.filter", category: "object", "An object with only some of its keys.",
      [Parameter("object", .anyObject, "the object"), Parameter("keys", keys, "the keys to keep")],
      returns: Parameter("filtered", .any, "the members under those keys"),
      .binary { (object, keys) throws(BuiltinError) in
        let kept = try keySet(keys)
        return .object(ObjectValue(try object.object(operand: 1).lazy.filter { kept.contains($0.0) }))
      }),
    Builtin(
      "object.get", category: "object", "What an object holds under a key or path, or a default.",
      [
        Parameter("object", .anyObject, "the object"),
        Parameter("key", .any, "the key, or an array of keys to follow"),
        Parameter("default", .any, "the result where nothing is there"),
      ],
      returns: Parameter("value", .any, "what is there, or the default"), .ternary(get)),
    Builtin(
      "object.keys", category: "object", "The keys of an object.",
      [Parameter("object", .anyObject, "the object")], returns: Parameter("value", .anySet, "the keys"),
      .unary { (object) throws(BuiltinError) in .set(SetValue(sorted: try object.object(operand: 1).keys)) }),
    Builtin(
      "object.remove", category: "object", "An object without some of its keys.",
      [Parameter("object", .anyObject, "the object"), Parameter("keys", keys, "the keys to remove")],
      returns: Parameter("output", .any, "the other members"),
      .binary { (object, keys) throws(BuiltinError) in
        let removed = try keySet(keys)
        return .object(ObjectValue(try object.object(operand: 1).lazy.filter { !removed.contains($0.0) }))
      }),
    Builtin(
      "object.subset", category: "object",
      "Whether a collection is part of another: members within members for objects, a run of elements for arrays.",
      [
        Parameter(
          "super", .union([.anyObject, .anySet, .anyArray]), "the collection that may hold the other"),
        Parameter("sub", .union([.anyObject, .anySet, .anyArray]), "the collection that may be part of it"),
      ],
      returns: Parameter("result", .any, "whether it is"), .binary(subset)),
    Builtin(
      "object.union", category: "object",
      "The members of two objects; objects under one key are united too, of other values the second's counts.",
      [Parameter("a", .anyObject, "the first object"), Parameter("b", .anyObject, "the second object")],
      returns: Parameter("output", .any, "the united object"),
      .binary { (left, right) throws(BuiltinError) in
        .object(union(try left.object(operand: 1), try right.object(operand: 2)))
      }),
    Builtin(
      "object.union_n", category: "object", "The union of all objects of an array, from first to last.",
      [Parameter("objects", .array(of: .anyObject), "the objects")],
      returns: Parameter("output", .any, "the united object"), .unary(unionAll)),
  ]

  private static func keySet(_ keys: Value) throws(BuiltinError) -> SetValue {
    switch keys {
    case .array(let elements): return SetValue(elements)
    case .set(let set): return set
    case .object(let object): return SetValue(sorted: object.keys)
    default: throw .wrongType(2, expected: "object", "set", "array", got: keys)
    }
  }

  private static func get(_ object: Value, _ key: Value, _ fallback: Value) throws(BuiltinError) -> Value? {
    let members = try object.object(operand: 1)
    guard case .array(let path) = key else { return members[key] ?? fallback }
    var value = object
    for step in path {
      guard let next = value.lookup(step) else { return fallback }
      value = next
    }
    return value
  }

  // MARK: Union

  private static func union(_ left: ObjectValue, _ right: ObjectValue) -> ObjectValue {
    if left.isEmpty { return right }
    if right.isEmpty { return left }
    guard work_budget_take(left.count + right.count) else { return left }
    // Both are in order, and so is what comes of merging them.
    var keys: [Value] = []
    var values: [Value] = []
    keys.reserveCapacity(left.count + right.count)
    values.reserveCapacity(left.count + right.count)
    var (i, j) = (0, 0)
    while i < left.count || j < right.count {
      let order = i == left.count ? 1 : j == right.count ? -1 : left.keys[i].compare(right.keys[j])
      if order < 0 {
        keys.append(left.keys[i])
        values.append(left.values[i])
      } else {
        keys.append(right.keys[j])
        if order == 0, case .object(let a) = left.values[i], case .object(let b) = right.values[j] {
          values.append(.object(union(a, b)))
        } else {
          values.append(right.values[j])
        }
      }
      if order <= 0 { i += 1 }
      if order >= 0 { j += 1 }
    }
    return ObjectValue(sortedKeys: keys, values: values)
  }

  private static func unionAll(_ objects: Value) throws(BuiltinError) -> Value? {
    var members: [Value: Value] = [:]
    for element in try objects.array(operand: 1) {
      guard case .object(let object) = element else {
        throw .wrongElement(1, of: objects, expected: "object", got: element)
      }
      for (key, value) in object {
        if case .object(let later) = value, case .object(let earlier)? = members[key] {
          members[key] = .object(union(earlier, later))
        } else {
          members[key] = value
        }
      }
    }
    return .object(ObjectValue(members.lazy.map { ($0.key, $0.value) }))
  }

  // MARK: Subset

  private static func subset(_ whole: Value, _ part: Value) throws(BuiltinError) -> Value? {
    if case .array(let elements) = whole, case .set(let set) = part {
      return .boolean(set.isEmpty ? !elements.isEmpty : set.allSatisfy(Set(elements).contains))
    }
    guard let result = isSubset(part, of: whole) else {
      throw .operand(0, "both arguments object.subset must be of the same type or array and set")
    }
    return .boolean(result)
  }

  /// Nil for values that are not two objects, two sets or two arrays.
  private static func isSubset(_ part: Value, of whole: Value) -> Bool? {
    switch (whole, part) {
    case (.object(let whole), .object(let part)):
      part.allSatisfy { key, value in
        guard work_budget_take(1), let other = whole[key] else { return false }
        return value == other || isSubset(value, of: other) ?? false
      }
    case (.set(let whole), .set(let part)): part.allSatisfy(whole.contains)
    case (.array(let whole), .array(let part)):
      part.isEmpty
        || (part.count <= whole.count
          && (0...whole.count - part.count).contains { whole[$0..<$0 + part.count].elementsEqual(part) })
    default: nil
    }
  }
}
