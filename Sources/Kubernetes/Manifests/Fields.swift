import Rego

/// The members of an object while it is normalised.
///
/// Whoever reaches into a member says what type the API gives it, and gets a ``FieldError`` where it has another: the API server
/// refuses to decode such an object. Names and defaults come as tables, made once: a cluster has many objects.
struct Fields {
  private let original: ObjectValue
  private var keys: [Value]
  private var values: [Value]
  private(set) var isChanged = false

  init(_ object: ObjectValue = ObjectValue()) {
    original = object
    keys = object.keys
    values = object.values
  }

  var object: ObjectValue { isChanged ? ObjectValue(sortedKeys: keys, values: values) : original }
  var count: Int { keys.count }

  subscript(name: RegoString) -> Value? {
    get {
      guard let position = position(of: name) else { return nil }
      return values[position]
    }
    set {
      switch (position(of: name), newValue) {
      case (nil, nil): return
      case (let position?, let value?): values[position] = value
      case (let position?, nil):
        keys.remove(at: position)
        values.remove(at: position)
      case (nil, let value?):
        let key = Value.string(name)
        let position = keys.firstIndex { $0 > key } ?? keys.count
        keys.insert(key, at: position)
        values.insert(value, at: position)
      }
      isChanged = true
    }
  }

  private func position(of name: RegoString) -> Int? {
    for position in keys.indices {
      if case .string(let candidate) = keys[position], candidate == name { return position }
    }
    return nil
  }

  mutating func setDefault(_ name: RegoString, _ value: @autoclosure () -> Value) {
    if position(of: name) == nil { self[name] = value() }
  }

  mutating func setDefaults(_ defaults: [(RegoString, Value)]) {
    for (name, value) in defaults { setDefault(name, value) }
  }

  /// Drops the fields of those names that are empty or zero, as fields are whose type the API declares with `omitempty`.
  mutating func dropEmpty(_ names: [RegoString]) {
    for position in keys.indices.reversed() where Fields.isEmpty(values[position]) {
      guard case .string(let name) = keys[position], names.contains(name) else { continue }
      keys.remove(at: position)
      values.remove(at: position)
      isChanged = true
    }
  }

  private static func isEmpty(_ value: Value) -> Bool {
    switch value {
    case .boolean(false), .number(.int(0)): true
    case .array(let elements): elements.isEmpty
    case .object(let object): object.isEmpty
    case .string(let string): string.utf8Count == 0
    default: false
    }
  }

  /// Changes a member that is an object, where there is one.
  mutating func change(
    _ name: RegoString, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    guard let position = position(of: name) else { return }
    if let changed = try Fields.changed(values[position], path: name.string, body) {
      values[position] = .object(changed)
      isChanged = true
    }
  }

  /// Changes a member that is an object, an empty one where there is none.
  mutating func changeOrMake(
    _ name: RegoString, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    setDefault(name, .object(ObjectValue()))
    try change(name, body)
  }

  /// Changes each object of a member that is a list of objects, where there is one.
  mutating func changeEach(
    _ name: RegoString, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    guard let position = position(of: name) else { return }
    guard case .array(var elements) = values[position] else {
      throw .wrongType(path: name.string, expected: "an array", found: values[position].typeNameWithArticle)
    }
    var areChanged = false
    for index in elements.indices {
      if let changed = try Fields.changed(elements[index], path: "\(name)[\(index)]", body) {
        elements[index] = .object(changed)
        areChanged = true
      }
    }
    guard areChanged else { return }
    values[position] = .array(elements)
    isChanged = true
  }

  /// The changed object; nil where nothing was changed.
  private static func changed(
    _ value: Value, path: @autoclosure () -> String, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) -> ObjectValue? {
    guard case .object(let object) = value else {
      throw .wrongType(path: path(), expected: "an object", found: value.typeNameWithArticle)
    }
    var fields = Fields(object)
    do throws(FieldError) {
      try body(&fields)
    } catch {
      throw error.under(path())
    }
    return fields.isChanged ? fields.object : nil
  }
}
