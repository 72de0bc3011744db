import Rego

/// A field of an object is missing or not of the type that the API reference gives it.
public enum FieldError: Error, Sendable, Hashable {
  case missing(path: String)
  case wrongType(path: String, expected: String, found: String)
}

extension FieldError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let path): "\(path) is missing"
    case .wrongType(let path, let expected, let found): "\(path) must be \(expected), but is \(found)"
    }
  }

  /// The same error in an object that stands under `prefix`; an error without a path is about the object itself.
  func under(_ prefix: String) -> FieldError {
    switch self {
    case .missing(let path): .missing(path: path.isEmpty ? prefix : "\(prefix).\(path)")
    case .wrongType(let path, let expected, let found):
      .wrongType(path: path.isEmpty ? prefix : "\(prefix).\(path)", expected: expected, found: found)
    }
  }
}

/// Reads typed members of an object. A null member counts as an absent one, as the API server takes it.
///
/// Paths of errors start at the object; whoever reaches into a member puts its name before them, so that none is built where
/// nothing is wrong.
package struct FieldReader {
  package let object: ObjectValue

  @inline(__always)
  package init(_ object: ObjectValue) { self.object = object }

  /// The member; nil where absent or null.
  @inline(__always)
  package func value(_ name: RegoString) -> Value? {
    switch object[name] {
    case nil, .null?: nil
    case .some(let value): value
    }
  }

  package func string(_ name: RegoString) throws(FieldError) -> RegoString? {
    guard let value = value(name) else { return nil }
    guard case .string(let string) = value else { throw wrongType(name, "a string", value) }
    return string
  }

  /// A string that is there and not empty; the API takes an empty name for none.
  package func nonEmpty(_ name: RegoString) throws(FieldError) -> RegoString? {
    guard let string = try string(name), string.utf8Count > 0 else { return nil }
    return string
  }

  package func boolean(_ name: RegoString) throws(FieldError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .boolean(let boolean) = value else { throw wrongType(name, "a boolean", value) }
    return boolean
  }

  package func object(_ name: RegoString) throws(FieldError) -> ObjectValue? {
    guard let value = value(name) else { return nil }
    guard case .object(let object) = value else { throw wrongType(name, "an object", value) }
    return object
  }

  package func array(_ name: RegoString) throws(FieldError) -> [Value]? {
    guard let value = value(name) else { return nil }
    guard case .array(let array) = value else { throw wrongType(name, "an array", value) }
    return array
  }

  package func strings(_ name: RegoString) throws(FieldError) -> [RegoString]? {
    guard let elements = try array(name) else { return nil }
    var strings: [RegoString] = []
    strings.reserveCapacity(elements.count)
    for element in elements {
      guard case .string(let string) = element else {
        throw .wrongType(
          path: "\(name)[\(strings.count)]", expected: "a string", found: element.typeNameWithArticle)
      }
      strings.append(string)
    }
    return strings
  }

  /// A map of strings, such as labels and annotations.
  package func stringMap(_ name: RegoString) throws(FieldError) -> ObjectValue? {
    guard let map = try object(name) else { return nil }
    for position in 0..<map.count {
      guard case .string = map.keys[position], case .string = map.values[position] else {
        throw .wrongType(
          path: "\(name).\(map.keys[position].string ?? "?")", expected: "a string",
          found: map.values[position].typeNameWithArticle)
      }
    }
    return map
  }

  /// What a body reads of a member that is an object; nil where there is none.
  package func within<Result>(
    _ name: RegoString, _ body: (FieldReader) throws(FieldError) -> Result
  ) throws(FieldError) -> Result? {
    guard let object = try object(name) else { return nil }
    do throws(FieldError) {
      return try body(FieldReader(object))
    } catch {
      throw error.under(name.string)
    }
  }

  /// As ``within(_:_:)``, through several members; nil where one of them is missing.
  package func within<Result>(
    path: some RandomAccessCollection<RegoString>, _ body: (FieldReader) throws(FieldError) -> Result
  ) throws(FieldError) -> Result? {
    guard let name = path.first else { return try body(self) }
    let rest = path.dropFirst()
    return try within(name) { (member) throws(FieldError) -> Result? in
      try member.within(path: rest, body)
    } ?? nil
  }

  private func wrongType(_ name: RegoString, _ expected: String, _ found: Value) -> FieldError {
    .wrongType(path: name.string, expected: expected, found: found.typeNameWithArticle)
  }
}

extension Value {
  /// The type's name as a sentence has it: `an object`, `null`.
  package var typeNameWithArticle: String {
    switch self {
    case .null: "null"
    case .array, .object: "an \(typeName)"
    default: "a \(typeName)"
    }
  }
}
