/// A JSON Schema made ready for validation: drafts 4, 6 and 7, and a mixture of them where a schema names none.
///
/// Schemas refer to one another by position, since references may form circles.
struct JSONSchema: Sendable {
  enum Draft: Int, Sendable {
    case draft4 = 4
    case draft6 = 6
    case draft7 = 7
    /// What knows every keyword, where `$schema` names no draft.
    case hybrid = 99
  }

  /// What a keyword holds that takes a boolean or a schema.
  enum Rest: Sendable {
    case allowed
    case forbidden
    case schema(Int)
  }

  enum Items: Sendable {
    case each(Int)
    case tuple([Int])
  }

  enum Dependency: Sendable {
    case members([RegoString])
    case schema(Int)
  }

  /// One schema, with the keywords that it has.
  struct Node: Sendable {
    /// For `true` and `false` in a schema's place.
    var always: Bool?
    /// For `$ref`, beside which nothing counts.
    var reference: Int?
    var types: [String] = []
    var properties: [(name: RegoString, schema: Int)] = []
    var patternProperties: [(pattern: RegularExpression, schema: Int)] = []
    var additionalProperties = Rest.allowed
    var propertyNames: Int?
    var dependencies: [(name: RegoString, dependency: Dependency)] = []
    var required: [RegoString] = []
    var memberCount = Bounds()
    var items: Items?
    var additionalItems = Rest.allowed
    var contains: Int?
    var itemCount = Bounds()
    var hasUniqueItems = false
    var multipleOf: Number?
    var minimum: Number?
    var exclusiveMinimum: Number?
    var maximum: Number?
    var exclusiveMaximum: Number?
    var length = Bounds()
    var pattern: RegularExpression?
    var format: RegoString?
    var constant: Value?
    var enumeration: [Value] = []
    var oneOf: [Int] = []
    var anyOf: [Int] = []
    var allOf: [Int] = []
    var not: Int?
    var condition: Int?
    var consequence: Int?
    var alternative: Int?
  }

  struct Bounds: Sendable {
    var least: Int?
    var most: Int?
  }

  /// A node that is passed on without a copy of its keywords.
  @dynamicMemberLookup
  final class Shared: Sendable {
    private let node: Node

    init(_ node: Node) {
      self.node = node
    }

    subscript<Keyword>(dynamicMember keyword: KeyPath<Node, Keyword>) -> Keyword { node[keyPath: keyword] }
  }

  let nodes: [Shared]

  /// Why a value is no schema, as gojsonschema words it.
  struct Invalid: Error {
    let message: String

    static func type(expected: String, given: String) -> Invalid {
      Invalid(message: "Invalid type. Expected: \(expected), given: \(given)")
    }
  }

  static let typeNames = ["array", "boolean", "integer", "number", "null", "object", "string"]

  /// Reads a schema, whose first node will be that of the whole.
  init(_ document: Value) throws(Invalid) {
    var compiler = JSONSchemaCompiler(document)
    nodes = try compiler.compile().map(Shared.init)
  }
}
