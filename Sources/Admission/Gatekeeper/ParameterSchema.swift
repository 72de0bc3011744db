import Rego

/// The schema of a template's parameters: an OpenAPI v3 schema as CustomResourceDefinitions have them (Kubernetes documentation,
/// "Custom Resources", "Validation").
struct ParameterSchema: Sendable {
  private let openAPI: Value
  /// The same in the words of JSON Schema.
  private let schema: Value

  /// - Throws: ``GatekeeperError/template(_:)`` where it is no schema.
  init(_ openAPI: Value) throws(GatekeeperError) {
    self.openAPI = openAPI
    schema = Self.jsonSchema(openAPI)
    do throws(GatekeeperError) {
      _ = try problems(in: .object(ObjectValue()))
    } catch {
      throw .template("spec.crd.spec.validation.openAPIV3Schema: \(error)")
    }
  }

  /// - Throws: ``GatekeeperError/schema(_:)`` where parameters are not those of the schema.
  func check(_ parameters: Value) throws(GatekeeperError) {
    let problems = try problems(in: parameters)
    if !problems.isEmpty { throw .schema(problems.joined(separator: "; ")) }
  }

  /// Parameters with what the schema says of those that are not given, as the API server fills them in (Kubernetes documentation,
  /// "Custom Resources", "Defaulting").
  func completed(_ parameters: Value) -> Value { Self.completed(parameters, by: openAPI) }

  private static func completed(_ value: Value, by schema: Value) -> Value {
    switch value {
    case .object(var object):
      let properties = schema["properties"]?.object ?? ObjectValue()
      for (key, property) in properties {
        guard let standard = property["default"], standard != .null else { continue }
        let isMissing = object[key].map { $0 == .null && property["nullable"] != true } ?? true
        if isMissing { object = object.inserting(key, standard) }
      }
      let others = schema["additionalProperties"]
      return .object(
        ObjectValue(
          object.map { key, member in
            let inner = properties[key] ?? others
            return (key, inner.map { completed(member, by: $0) } ?? member)
          }))
    case .array(let elements):
      guard let items = schema["items"] else { return value }
      return .array(elements.map { completed($0, by: items) })
    default: return value
    }
  }

  private static let validation: Program? = {
    guard let query = try? RegoParser.query("json.match_schema(input.document, input.schema)") else {
      return nil
    }
    return try? RegoCompiler().compile([], queries: [query])
  }()

  private func problems(in document: Value) throws(GatekeeperError) -> [String] {
    guard let program = Self.validation else { return [] }
    let input = ["document": document, "schema": schema] as Value
    let evaluation = Evaluation(
      program, input: input, context: BuiltinContext(nowNanoseconds: 0),
      limits: EvaluationLimits(deadline: .now + .seconds(2)), strictBuiltinErrors: true)
    do throws(RegoError) {
      let result = try evaluation.results().first?.expressions.first?.value.array ?? []
      return (result.last?.array ?? []).map { problem in
        "parameters.\(problem["field"]?.string ?? ""): \(problem["desc"]?.string ?? "is not valid")"
      }
    } catch {
      throw .schema(error.message)
    }
  }

  /// What OpenAPI v3 says in words of its own, in those of JSON Schema.
  private static func jsonSchema(_ openAPI: Value) -> Value {
    guard let object = openAPI.object else { return openAPI }
    var members: [(Value, Value)] = []
    for (key, value) in object {
      switch key.string {
      // Formats and defaults are no conditions.
      case "format", "default", "example", "nullable": continue
      case "properties":
        let properties = value.object?.map { ($0, jsonSchema($1)) } ?? []
        members.append((key, .object(ObjectValue(properties))))
      case "items", "additionalProperties", "not": members.append((key, jsonSchema(value)))
      case "allOf", "anyOf", "oneOf": members.append((key, .array((value.array ?? []).map(jsonSchema))))
      case let name? where name.utf8.starts(with: "x-kubernetes-".utf8): continue
      default: members.append((key, value))
      }
    }
    var schema = ObjectValue(members)
    if object["x-kubernetes-int-or-string"] == true {
      schema = schema.inserting("type", ["integer", "string"])
    }
    if object["nullable"] == true, let type = schema["type"] {
      schema = schema.inserting("type", .array((type.array ?? [type]) + ["null"]))
    }
    return .object(schema)
  }
}
