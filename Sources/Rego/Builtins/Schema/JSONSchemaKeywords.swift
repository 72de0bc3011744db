import Foundation

/// The keywords of one schema that hold plain values.
struct JSONSchemaKeywords {
  typealias Invalid = JSONSchema.Invalid

  let members: ObjectValue

  init(_ members: ObjectValue) {
    self.members = members
  }

  func string(_ name: String) throws(Invalid) -> RegoString? {
    guard let value = members[name] else { return nil }
    guard case .string(let string) = value else { throw .type(expected: "string", given: name) }
    return string
  }

  func array(_ name: String) throws(Invalid) -> [Value] {
    guard let value = members[name] else { return [] }
    guard case .array(let elements) = value else { throw Invalid(message: "\(name) must be of an array") }
    return elements
  }

  func types() throws(Invalid) -> [String] {
    var types: [String] = []
    func add(_ name: String) throws(Invalid) {
      guard JSONSchema.typeNames.contains(where: { RegoString($0) == RegoString(name) }) else {
        throw Invalid(
          message:
            "has a primitive type that is NOT VALID -- given: /\(name)/ Expected valid values are:[\(JSONSchema.typeNames.joined(separator: " "))]"
        )
      }
      if types.contains(name) { throw Invalid(message: "\(name) type is duplicated") }
      types.append(name)
    }
    switch members["type"] {
    case nil: break
    case .string(let name): try add(name.string)
    case .array(let names):
      for name in names {
        guard case .string(let name) = name else {
          throw .type(expected: "type", given: "string/array of strings")
        }
        try add(name.string)
      }
    default: throw .type(expected: "type", given: "string/array of strings")
    }
    return types
  }

  // MARK: Numbers

  func number(into node: inout JSONSchema.Node, draft: JSONSchema.Draft) throws(Invalid) {
    if let value = members["multipleOf"] {
      guard case .number(let number) = value else { throw .type(expected: "number", given: "multipleOf") }
      guard number > .int(0) else { throw Invalid(message: "multipleOf must be strictly greater than 0") }
      node.multipleOf = number
    }
    node.minimum = try bound("minimum")
    node.exclusiveMinimum = try exclusive("exclusiveMinimum", "minimum", &node.minimum, draft: draft)
    node.maximum = try bound("maximum")
    node.exclusiveMaximum = try exclusive("exclusiveMaximum", "maximum", &node.maximum, draft: draft)
  }

  private func bound(_ name: String) throws(Invalid) -> Number? {
    guard let value = members[name] else { return nil }
    guard case .number(let number) = value else { throw Invalid(message: "\(name) must be of a number") }
    return number
  }

  /// A number of its own, or in draft 4 whether the other bound is excluded.
  private func exclusive(
    _ name: String, _ other: String, _ bound: inout Number?, draft: JSONSchema.Draft
  ) throws(Invalid) -> Number? {
    switch members[name] {
    case nil: return nil
    case .number(let number) where draft != .draft4: return number
    case .boolean(let excludes) where draft == .draft4 || draft == .hybrid:
      guard let limit = bound else { throw Invalid(message: "\(name) cannot be used without \(other)") }
      guard excludes else { return nil }
      bound = nil
      return limit
    default:
      let expected = draft == .draft4 ? "boolean" : draft == .hybrid ? "boolean/number" : "number"
      throw .type(expected: expected, given: name)
    }
  }

  // MARK: Counts

  func string(into node: inout JSONSchema.Node) throws(Invalid) {
    node.length = try bounds("minLength", "maxLength")
    if let pattern = try string("pattern") {
      guard let expression = try? RegexBuiltins.expression(pattern) else {
        throw Invalid(message: "pattern must be a valid regex")
      }
      node.pattern = expression
    }
    node.format = try string("format")
  }

  func counts(into node: inout JSONSchema.Node) throws(Invalid) {
    node.memberCount = try bounds("minProperties", "maxProperties")
    node.itemCount = try bounds("minItems", "maxItems", isChecked: false)
    for value in try array("required") {
      guard case .string(let name) = value else { throw .type(expected: "string", given: "required") }
      if node.required.contains(name) { throw Invalid(message: "required items must be unique") }
      node.required.append(name)
    }
    if let unique = members["uniqueItems"] {
      guard case .boolean(let flag) = unique else {
        throw Invalid(message: "uniqueItems must be of a boolean")
      }
      node.hasUniqueItems = flag
    }
  }

  private func bounds(_ least: String, _ most: String, isChecked: Bool = true) throws(Invalid)
    -> JSONSchema.Bounds
  {
    let bounds = JSONSchema.Bounds(least: try count(least), most: try count(most))
    if isChecked, let from = bounds.least, let to = bounds.most, from > to {
      throw Invalid(message: "\(least) cannot be greater than \(most)")
    }
    return bounds
  }

  private func count(_ name: String) throws(Invalid) -> Int? {
    guard let value = members[name] else { return nil }
    guard let count = value.int else { throw Invalid(message: "\(name) must be of an integer") }
    if count < 0 { throw Invalid(message: "\(name) must be greater than or equal to 0") }
    return count
  }

  // MARK: Values

  func values(into node: inout JSONSchema.Node, draft: JSONSchema.Draft) throws(Invalid) {
    if draft != .draft4 { node.constant = members["const"] }
    node.enumeration = try array("enum")
    if Set(node.enumeration).count < node.enumeration.count {
      throw Invalid(message: "enum items must be unique")
    }
  }
}
