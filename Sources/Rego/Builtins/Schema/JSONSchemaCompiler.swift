/// Turns a schema's JSON into nodes, checking the keywords.
struct JSONSchemaCompiler {
  typealias Invalid = JSONSchema.Invalid

  private let root: Value
  private var nodes: [JSONSchema.Node] = []
  /// The nodes of what references name, so that each is made once.
  private var referenced: [RegoString: Int] = [:]
  /// The schemas that have an identifier.
  private var identified: [RegoString: Value] = [:]
  private var depth = 0
  private static let depthLimit = 500

  init(_ root: Value) {
    self.root = root
  }

  mutating func compile() throws(Invalid) -> [JSONSchema.Node] {
    collectIdentifiers(root, depth: 0)
    _ = try node(root, draft: try draft(of: root))
    return nodes
  }

  private func draft(of schema: Value) throws(Invalid) -> JSONSchema.Draft {
    guard let name = schema["$schema"] else { return .hybrid }
    guard case .string(let url) = name else { throw .type(expected: "string", given: "$schema") }
    for (text, draft) in [
      ("draft-04", JSONSchema.Draft.draft4), ("draft-06", .draft6), ("draft-07", .draft7),
    ]
    where RegoString(url.string.filter { $0 != "#" }) == RegoString("http://json-schema.org/\(text)/schema") {
      return draft
    }
    return .hybrid
  }

  private mutating func collectIdentifiers(_ value: Value, depth: Int) {
    guard depth < JSONSchemaCompiler.depthLimit else { return }
    switch value {
    case .object(let members):
      for name in ["$id", "id"] {
        if case .string(let identifier)? = members[name], identified[identifier] == nil {
          identified[identifier] = value
        }
      }
      for member in members.values { collectIdentifiers(member, depth: depth + 1) }
    case .array(let elements):
      for element in elements { collectIdentifiers(element, depth: depth + 1) }
    default: break
    }
  }

  /// Makes the node of a schema, returning its position.
  private mutating func node(_ schema: Value, draft: JSONSchema.Draft) throws(Invalid) -> Int {
    let position = nodes.count
    nodes.append(JSONSchema.Node())
    try fill(position, schema, draft: draft)
    return position
  }

  private mutating func fill(_ position: Int, _ schema: Value, draft: JSONSchema.Draft) throws(Invalid) {
    depth += 1
    defer { depth -= 1 }
    if depth > JSONSchemaCompiler.depthLimit {
      throw Invalid(message: "schemas nested more than \(JSONSchemaCompiler.depthLimit) deep")
    }
    if case .boolean(let always) = schema, draft != .draft4 {
      nodes[position].always = always
      return
    }
    guard case .object(let members) = schema else {
      throw Invalid(message: "Expected: schema, given: Invalid JSON")
    }
    let keywords = JSONSchemaKeywords(members)
    var node = JSONSchema.Node()
    _ = try keywords.string(draft == .draft4 ? "id" : "$id")
    try definitions(keywords, draft: draft)
    _ = try keywords.string("title")
    _ = try keywords.string("description")
    if let reference = try keywords.string("$ref") {
      nodes[position].reference = try target(of: reference, draft: draft)
      return
    }
    node.types = try keywords.types()
    try object(keywords, into: &node, draft: draft)
    try array(keywords, into: &node, draft: draft)
    try keywords.number(into: &node, draft: draft)
    try keywords.string(into: &node)
    try keywords.counts(into: &node)
    try keywords.values(into: &node, draft: draft)
    try combinations(keywords, into: &node, draft: draft)
    nodes[position] = node
  }

  private mutating func definitions(_ keywords: JSONSchemaKeywords, draft: JSONSchema.Draft) throws(Invalid) {
    guard let definitions = keywords.members["definitions"] else { return }
    guard case .object(let schemas) = definitions else {
      throw .type(expected: "array of schemas", given: "definitions")
    }
    for schema in schemas.values {
      switch schema {
      case .boolean, .object: _ = try node(schema, draft: draft)
      default: throw .type(expected: "array of schemas", given: "definitions")
      }
    }
  }

  // MARK: References

  private mutating func target(of reference: RegoString, draft: JSONSchema.Draft) throws(Invalid) -> Int {
    if let known = referenced[reference] { return known }
    let position = nodes.count
    nodes.append(JSONSchema.Node())
    referenced[reference] = position
    let schema = try find(reference)
    switch schema {
    case .boolean, .object: try fill(position, schema, draft: draft)
    default: throw Invalid(message: "schema must be of type object")
    }
    return position
  }

  /// What a reference names within the document; what lies elsewhere is never fetched.
  private func find(_ reference: RegoString) throws(Invalid) -> Value {
    if let named = identified[reference] { return named }
    let parts = reference.string.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let base = RegoString(String(parts[0]))
    let fragment = parts.count > 1 ? String(parts[1]) : ""
    var value = root
    if base.utf8Count > 0 {
      let candidates = [base, RegoString("\(base)#")]
      guard let named = candidates.lazy.compactMap({ identified[$0] }).first else {
        throw Invalid(message: "remote reference loading disabled: \(reference)")
      }
      value = named
    }
    if fragment.isEmpty { return value }
    let pointer = fragment.removingPercentEncoding ?? fragment
    guard pointer.utf8.first == UInt8(ascii: "/"), let steps = JSONBuiltins.steps(.string(pointer)) else {
      if let named = identified[RegoString("#\(pointer)")] { return named }
      throw Invalid(message: "Object has no key '\(pointer)'")
    }
    for step in steps {
      var next = value.lookup(step)
      if case .array(let elements) = value, let index = step.string.flatMap({ Int($0) }),
        elements.indices.contains(index)
      {
        next = elements[index]
      }
      guard let next else { throw Invalid(message: "Object has no key '\(step.messageText)'") }
      value = next
    }
    return value
  }

  // MARK: Keywords that hold schemas

  private mutating func object(
    _ keywords: JSONSchemaKeywords, into node: inout JSONSchema.Node, draft: JSONSchema.Draft
  ) throws(Invalid) {
    if let properties = keywords.members["properties"] {
      guard case .object(let schemas) = properties else {
        throw Invalid(message: "properties must be of type object")
      }
      for (name, schema) in schemas {
        if case .string(let name) = name {
          node.properties.append((name, try self.node(schema, draft: draft)))
        }
      }
    }
    node.additionalProperties = try rest(keywords, "additionalProperties", draft: draft)
    if let patterns = keywords.members["patternProperties"] {
      guard case .object(let schemas) = patterns else {
        throw .type(expected: "schema", given: "patternProperties")
      }
      for (pattern, schema) in schemas {
        guard case .string(let text) = pattern, let expression = try? RegexBuiltins.expression(text) else {
          throw Invalid(message: "Invalid regex pattern '\(pattern.messageText)'")
        }
        node.patternProperties.append((expression, try self.node(schema, draft: draft)))
      }
    }
    if draft != .draft4, let names = keywords.members["propertyNames"] {
      guard names.isSchema else { throw .type(expected: "schema", given: "patternProperties") }
      node.propertyNames = try self.node(names, draft: draft)
    }
    guard let dependencies = keywords.members["dependencies"] else { return }
    guard case .object(let members) = dependencies else {
      throw Invalid(message: "dependencies must be of type object")
    }
    for (name, value) in members {
      guard case .string(let name) = name else { continue }
      switch value {
      case .array(let elements):
        var names: [RegoString] = []
        for element in elements {
          guard case .string(let name) = element else {
            throw Invalid(message: "dependency must be of type schema or array of strings")
          }
          names.append(name)
        }
        node.dependencies.append((name, .members(names)))
      case .boolean, .object: node.dependencies.append((name, .schema(try self.node(value, draft: draft))))
      default: throw Invalid(message: "dependency must be of type schema or array of strings")
      }
    }
  }

  private mutating func array(
    _ keywords: JSONSchemaKeywords, into node: inout JSONSchema.Node, draft: JSONSchema.Draft
  ) throws(Invalid) {
    switch keywords.members["items"] {
    case nil: break
    case .array(let schemas):
      var positions: [Int] = []
      for schema in schemas {
        guard schema.isSchema else { throw .type(expected: "schema/array of schemas", given: "items") }
        positions.append(try self.node(schema, draft: draft))
      }
      node.items = .tuple(positions)
    case .some(let schema):
      guard schema.isSchema else { throw .type(expected: "schema/array of schemas", given: "items") }
      node.items = .each(try self.node(schema, draft: draft))
    }
    node.additionalItems = try rest(keywords, "additionalItems", draft: draft)
    if draft != .draft4, let contains = keywords.members["contains"] {
      node.contains = try self.node(contains, draft: draft)
    }
  }

  private mutating func rest(
    _ keywords: JSONSchemaKeywords, _ name: String, draft: JSONSchema.Draft
  ) throws(Invalid) -> JSONSchema.Rest {
    switch keywords.members[name] {
    case nil, .boolean(true): return .allowed
    case .boolean(false): return .forbidden
    case .some(let schema):
      guard case .object = schema else { throw .type(expected: "boolean/schema", given: name) }
      return .schema(try node(schema, draft: draft))
    }
  }

  private mutating func combinations(
    _ keywords: JSONSchemaKeywords, into node: inout JSONSchema.Node, draft: JSONSchema.Draft
  ) throws(Invalid) {
    node.oneOf = try list(keywords, "oneOf", draft: draft)
    node.anyOf = try list(keywords, "anyOf", draft: draft)
    node.allOf = try list(keywords, "allOf", draft: draft)
    node.not = try single(keywords, "not", draft: draft)
    guard draft.rawValue >= JSONSchema.Draft.draft7.rawValue else { return }
    node.condition = try single(keywords, "if", draft: draft)
    node.consequence = try single(keywords, "then", draft: draft)
    node.alternative = try single(keywords, "else", draft: draft)
  }

  private mutating func list(
    _ keywords: JSONSchemaKeywords, _ name: String, draft: JSONSchema.Draft
  ) throws(Invalid) -> [Int] {
    var positions: [Int] = []
    for schema in try keywords.array(name) { positions.append(try node(schema, draft: draft)) }
    return positions
  }

  private mutating func single(
    _ keywords: JSONSchemaKeywords, _ name: String, draft: JSONSchema.Draft
  ) throws(Invalid) -> Int? {
    guard let schema = keywords.members[name] else { return nil }
    guard schema.isSchema else { throw Invalid(message: "\(name) must be of an object") }
    return try node(schema, draft: draft)
  }
}

extension Value {
  /// Whether the value can stand where a schema is expected.
  fileprivate var isSchema: Bool {
    switch self {
    case .boolean, .object: true
    default: false
    }
  }
}
