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

  /// The same error in an object that stands under `prefix`.
  func under(_ prefix: String) -> FieldError {
    switch self {
    case .missing(let path): .missing(path: "\(prefix).\(path)")
    case .wrongType(let path, let expected, let found):
      .wrongType(path: "\(prefix).\(path)", expected: expected, found: found)
    }
  }
}

/// Reads typed members of an object. A null member counts as an absent one, as the API server takes it.
struct FieldReader {
  let object: ObjectValue
  /// Where the object stands, with a dot after it; empty at the top.
  let prefix: String

  init(_ object: ObjectValue, prefix: String = "") {
    self.object = object
    self.prefix = prefix
  }

  /// The member; nil where absent or null.
  @inline(__always)
  func value(_ name: RegoString) -> Value? {
    switch object[name] {
    case nil, .null?: nil
    case .some(let value): value
    }
  }

  func string(_ name: RegoString) throws(FieldError) -> RegoString? {
    guard let value = value(name) else { return nil }
    guard case .string(let string) = value else { throw wrongType(name, "a string", value) }
    return string
  }

  func boolean(_ name: RegoString) throws(FieldError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .boolean(let boolean) = value else { throw wrongType(name, "a boolean", value) }
    return boolean
  }

  func object(_ name: RegoString) throws(FieldError) -> ObjectValue? {
    guard let value = value(name) else { return nil }
    guard case .object(let object) = value else { throw wrongType(name, "an object", value) }
    return object
  }

  func array(_ name: RegoString) throws(FieldError) -> [Value]? {
    guard let value = value(name) else { return nil }
    guard case .array(let array) = value else { throw wrongType(name, "an array", value) }
    return array
  }

  func strings(_ name: RegoString) throws(FieldError) -> [RegoString]? {
    guard let elements = try array(name) else { return nil }
    var strings: [RegoString] = []
    strings.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      guard case .string(let string) = element else {
        throw .wrongType(
          path: "\(prefix)\(name)[\(index)]", expected: "a string", found: element.typeNameWithArticle)
      }
      strings.append(string)
    }
    return strings
  }

  /// A map of strings, such as labels and annotations.
  func stringMap(_ name: RegoString) throws(FieldError) -> ObjectValue? {
    guard let map = try object(name) else { return nil }
    for (key, value) in map {
      guard case .string = key, case .string = value else {
        throw .wrongType(
          path: "\(prefix)\(name).\(key.string ?? "?")", expected: "a string",
          found: value.typeNameWithArticle)
      }
    }
    return map
  }

  /// A reader of a member that is an object.
  func reader(_ name: RegoString) throws(FieldError) -> FieldReader? {
    guard let object = try object(name) else { return nil }
    return FieldReader(object, prefix: "\(prefix)\(name).")
  }

  private func wrongType(_ name: RegoString, _ expected: String, _ found: Value) -> FieldError {
    .wrongType(path: "\(prefix)\(name)", expected: expected, found: found.typeNameWithArticle)
  }
}

extension Value {
  /// The type's name as a sentence has it: `an object`, `null`.
  var typeNameWithArticle: String {
    switch self {
    case .null: "null"
    case .array, .object: "an \(typeName)"
    default: "a \(typeName)"
    }
  }
}
