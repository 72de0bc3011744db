/// The fields of a `# METADATA` block, in the form in which `rego.metadata.rule()` answers them (OPA documentation,
/// "Annotations"): authors and related resources as objects, schemas with their paths; empty fields and fields that OPA does
/// not know are left out.
struct AnnotationFields {
  private let block: Value
  private var fields: [(Value, Value)] = []

  private init(_ block: Value) { self.block = block }

  /// The normalised block, with its scope. The error is a sentence without a place.
  static func normalized(_ block: Value, scope: String) throws(Problem) -> Value {
    var result = AnnotationFields(block)
    result.add("scope", .string(scope))
    result.add("title", try result.text("title"))
    result.add("description", try result.text("description"))
    if try isEntrypoint(block) { result.add("entrypoint", true) }
    result.add("organizations", try result.list("organizations", item: organization))
    result.add("authors", try result.list("authors", item: author))
    result.add("related_resources", try result.list("related_resources", item: relatedResource))
    result.add("schemas", try result.list("schemas", item: schema))
    for name in ["custom", "compile"] {
      guard let mapping = block[name], mapping != .null else { continue }
      guard let object = mapping.object else { throw Problem(text: "\(name) must be a mapping") }
      if !object.isEmpty { result.add(name, mapping) }
    }
    return .object(ObjectValue(result.fields))
  }

  /// The scope that the block names.
  static func scope(_ block: Value) throws(Problem) -> String? {
    try AnnotationFields(block).text("scope")?.string
  }

  /// Whether the block marks an entrypoint.
  static func isEntrypoint(_ block: Value) throws(Problem) -> Bool {
    guard let field = block["entrypoint"], field != .null else { return false }
    guard let flag = field.boolean else { throw Problem(text: "entrypoint must be true or false") }
    return flag
  }

  struct Problem: Error {
    var text: String
  }

  private mutating func add(_ name: String, _ value: Value?) {
    if let value { fields.append((.string(name), value)) }
  }

  private func text(_ name: String) throws(Problem) -> Value? {
    switch block[name] {
    case nil, .null: return nil
    case .string(let text): return text.utf8Count == 0 ? nil : .string(text)
    case .number(let number): return .string("\(number)")
    default: throw Problem(text: "\(name) must be a string")
    }
  }

  private func list(
    _ name: String, item: (Value) throws(Problem) -> Value
  ) throws(Problem) -> Value? {
    guard let list = block[name], list != .null else { return nil }
    guard let items = list.array else { throw Problem(text: "\(name) must be a list") }
    var result: [Value] = []
    for value in items { result.append(try item(value)) }
    return result.isEmpty ? nil : .array(result)
  }

  // MARK: Items

  private static func organization(_ item: Value) throws(Problem) -> Value {
    guard item.string != nil else { throw Problem(text: "organizations must be strings") }
    return item
  }

  /// An author as a mapping of name and email, or as a text `Name <email>`.
  private static func author(_ item: Value) throws(Problem) -> Value {
    var name: String
    var email = ""
    switch item {
    case .string(let text):
      var words = text.string.split(whereSeparator: \.isWhitespace)
      if words.isEmpty { throw Problem(text: "invalid author definition: author is an empty string") }
      if let last = words.last, last.hasPrefix("<"), last.hasSuffix(">"), last.utf8.count > 1 {
        email = String(last.dropFirst().dropLast())
        words.removeLast()
      }
      name = words.joined(separator: " ")
    case .object:
      name = trimmed(item["name"])
      email = trimmed(item["email"])
      if name.isEmpty, email.isEmpty {
        throw Problem(text: "invalid author definition: 'name' and/or 'email' values required in object")
      }
    default: throw Problem(text: "invalid author definition: invalid value type, must be string or map")
    }
    return object([("name", name), ("email", email)])
  }

  /// A resource as a mapping of ref and description, or as its URL alone.
  private static func relatedResource(_ item: Value) throws(Problem) -> Value {
    switch item {
    case .string(let url):
      if url.utf8Count == 0 {
        throw Problem(text: "invalid related-resource definition: ref URL may not be empty string")
      }
      return object([("ref", url.string)])
    case .object:
      let url = trimmed(item["ref"])
      if url.isEmpty {
        throw Problem(text: "invalid related-resource definition: 'ref' value required in object")
      }
      return object([("ref", url), ("description", trimmed(item["description"]))])
    default:
      throw Problem(text: "invalid related-resource definition: invalid value type, must be string or map")
    }
  }

  /// `path: schema.name` or `path: {definition}`, with references as lists of their parts.
  private static func schema(_ item: Value) throws(Problem) -> Value {
    guard let (key, value) = item.object?.first(where: { _ in true }), let name = key.string,
      let path = parts(of: name)
    else { throw Problem(text: "invalid document reference") }
    var fields: [(Value, Value)] = [("path", .array(path))]
    switch value {
    case .string(let written):
      guard let schema = parts(of: written.string), schema.first == "schema" else {
        throw Problem(text: "invalid schema reference")
      }
      fields.append(("schema", .array(schema)))
    case .object: fields.append(("definition", value))
    default: throw Problem(text: "invalid schema declaration for path \"\(name)\"")
    }
    return .object(ObjectValue(fields))
  }

  /// The parts of a reference that consists of names: `data.a["b"]`.
  private static func parts(of reference: String) -> [Value]? {
    guard let term = try? RegoParser.term(reference) else { return nil }
    switch term.kind {
    case .variable(let name): return [.string(name)]
    case .reference(let head, let operands):
      guard case .variable(let name) = head.kind else { return nil }
      var parts: [Value] = [.string(name)]
      for operand in operands {
        guard case .string(let part) = operand.kind else { return nil }
        parts.append(.string(part))
      }
      return parts
    default: return nil
    }
  }

  private static func trimmed(_ value: Value?) -> String {
    guard let text = value?.string else { return "" }
    let isBlank: (Character) -> Bool = { $0.isWhitespace }
    let end = text.lastIndex { !isBlank($0) }.map(text.index(after:)) ?? text.startIndex
    return String(text[..<end].drop(while: isBlank))
  }

  private static func object(_ fields: [(String, String)]) -> Value {
    .object(ObjectValue(fields.filter { !$0.1.isEmpty }.map { (.string($0.0), .string($0.1)) }))
  }
}
