/// Validation by JSON Schema (OPA documentation, "JSON Schema").
enum SchemaBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let document = RegoType.union([.string, .anyObject])
  private static let problem = RegoType.object(
    known: ["desc": .string, "error": .string, "field": .string, "type": .string], rest: nil)

  static let all: [Builtin] = [
    Builtin(
      "json.match_schema", category: "json",
      "Whether a document satisfies a JSON Schema, and what is wrong where not.",
      [
        Parameter("document", document, "the document, or its JSON text"),
        Parameter("schema", document, "the schema, or its JSON text"),
      ],
      returns: Parameter(
        "output", .array(leading: [.boolean, .array(of: problem)], rest: nil),
        "whether it does, and the problems"),
      acceptsAnyOperands: true, .contextual(match)),
    Builtin(
      "json.verify_schema", category: "json", "Whether a value is a JSON Schema.",
      [Parameter("schema", document, "the schema, or its JSON text")],
      returns: Parameter(
        "output", .array(leading: [.boolean, .union([.null, .string])], rest: nil),
        "whether it is, and why not"),
      acceptsAnyOperands: true,
      .unary { (schema) throws(BuiltinError) in
        do {
          _ = try JSONSchema(try read(schema))
          return [true, .null]
        } catch let error as JSONSchema.Invalid {
          return [false, .string("jsonschema: \(error.message)")]
        } catch {
          return [false, .string("jsonschema: \(error)")]
        }
      }),
  ]

  private static func match(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let schema: JSONSchema
    let document: Value
    do {
      document = try read(operands[0])
      schema = try JSONSchema(try read(operands[1]))
    } catch {
      throw .failed(error.message)
    }
    var validator = JSONSchemaValidator(schema, context: context)
    let problems = try validator.problems(of: document)
    return [
      .boolean(problems.isEmpty),
      .array(
        problems.map { problem in
          [
            "error": .string("\(problem.field): \(problem.description)"), "type": .string(problem.type),
            "field": .string(problem.field), "desc": .string(problem.description),
          ]
        }),
    ]
  }

  /// The JSON of an operand: that of its text, or of the value itself.
  private static func read(_ operand: Value) throws(JSONSchema.Invalid) -> Value {
    let text: RegoString
    switch operand {
    case .string(let string): text = string
    case .object, .array: text = RegoString(JSONWriter().string(operand))
    default: throw JSONSchema.Invalid(message: "wrong type, expected string or object")
    }
    do {
      return try JSONReader.value(text)
    } catch {
      throw JSONSchema.Invalid(message: "invalid JSON string")
    }
  }
}
