import Rego

/// The members of an object while it is normalised.
///
/// Whoever reaches into a member says what type the API gives it, and gets a ``FieldError`` where it has another: the API server
/// refuses to decode such an object.
struct Fields {
  private var keys: [Value]
  private var values: [Value]

  init(_ object: ObjectValue = ObjectValue()) {
    keys = object.keys
    values = object.values
  }

  var object: ObjectValue { ObjectValue(zip(keys, values)) }

  subscript(name: RegoString) -> Value? {
    get {
      for (position, key) in keys.enumerated() {
        if case .string(let candidate) = key, candidate == name { return values[position] }
      }
      return nil
    }
    set {
      let position = keys.firstIndex {
        if case .string(let candidate) = $0 { candidate == name } else { false }
      }
      switch (position, newValue) {
      case (let position?, let value?): values[position] = value
      case (let position?, nil):
        keys.remove(at: position)
        values.remove(at: position)
      case (nil, let value?):
        keys.append(.string(name))
        values.append(value)
      case (nil, nil): break
      }
    }
  }

  mutating func setDefault(_ name: RegoString, _ value: Value) {
    if self[name] == nil { self[name] = value }
  }

  /// Drops the fields of those names that are empty or zero, as fields are whose type the API declares with `omitempty`.
  mutating func dropEmpty(_ names: RegoString...) {
    for name in names {
      switch self[name] {
      case .array([])?, .boolean(false)?, .number(.int(0))?: self[name] = nil
      case .object(let object)? where object.isEmpty: self[name] = nil
      case .string(let string)? where string.utf8Count == 0: self[name] = nil
      default: break
      }
    }
  }

  /// Changes a member that is an object, where there is one.
  mutating func change(
    _ name: RegoString, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    guard let value = self[name] else { return }
    self[name] = .object(try Fields.changed(value, path: name.string, body))
  }

  /// Changes a member that is an object, an empty one where there is none.
  mutating func changeOrMake(
    _ name: RegoString, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    self[name] = .object(try Fields.changed(self[name] ?? [:], path: name.string, body))
  }

  /// Changes each object of a member that is a list of objects, where there is one.
  mutating func changeEach(
    _ name: RegoString, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) {
    guard let value = self[name] else { return }
    guard case .array(var elements) = value else {
      throw .wrongType(path: name.string, expected: "an array", found: value.typeNameWithArticle)
    }
    for (index, element) in elements.enumerated() {
      elements[index] = .object(try Fields.changed(element, path: "\(name)[\(index)]", body))
    }
    self[name] = .array(elements)
  }

  private static func changed(
    _ value: Value, path: @autoclosure () -> String, _ body: (inout Fields) throws(FieldError) -> Void
  ) throws(FieldError) -> ObjectValue {
    guard case .object(let object) = value else {
      throw .wrongType(path: path(), expected: "an object", found: value.typeNameWithArticle)
    }
    var fields = Fields(object)
    do throws(FieldError) {
      try body(&fields)
    } catch {
      throw error.under(path())
    }
    return fields.object
  }
}
