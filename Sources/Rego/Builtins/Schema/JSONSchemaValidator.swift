/// Validates a JSON document against a schema, with gojsonschema's errors and their order.
struct JSONSchemaValidator {
  struct Problem {
    /// The kind of error.
    let type: String
    /// The place in the document: names and indices joined by points, or `(root)`.
    let field: String
    let description: String
  }

  /// Problems so far, and how well the document fits, by which the nearest of several alternatives is chosen.
  private struct Outcome {
    var problems: [Problem] = []
    var score = 0
    var isValid: Bool { problems.isEmpty }

    mutating func merge(_ other: Outcome) {
      problems += other.problems
      score += other.score
    }
  }

  private let schema: JSONSchema
  private let context: BuiltinContext
  private var steps = 0
  private var depth = 0
  private static let depthLimit = 500

  init(_ schema: JSONSchema, context: BuiltinContext) {
    self.schema = schema
    self.context = context
  }

  mutating func problems(of document: Value) throws(BuiltinError) -> [Problem] {
    var outcome = Outcome()
    try validate(document, 0, at: [], &outcome)
    return outcome.problems
  }

  private func report(
    _ type: String, _ description: String, at path: [String], _ outcome: inout Outcome
  ) {
    outcome.problems.append(
      Problem(type: type, field: JSONSchemaValidator.field(path), description: description))
    outcome.score -= 2
  }

  private static func field(_ path: [String]) -> String {
    path.isEmpty ? "(root)" : path.joined(separator: ".")
  }

  private mutating func outcome(_ value: Value, _ position: Int, at path: [String]) throws(BuiltinError)
    -> Outcome
  {
    var outcome = Outcome()
    try validate(value, position, at: path, &outcome)
    return outcome
  }

  private mutating func validate(
    _ value: Value, _ start: Int, at path: [String], _ outcome: inout Outcome
  ) throws(BuiltinError) {
    steps += 1
    if steps & 1023 == 0 { try context.checkDeadline() }
    depth += 1
    defer { depth -= 1 }
    var position = start
    var references = 0
    while let reference = schema.nodes[position].reference {
      position = reference
      references += 1
      if references > schema.nodes.count { break }
    }
    guard depth <= JSONSchemaValidator.depthLimit, references <= schema.nodes.count else {
      throw .failed("the schema refers to itself without end, or the document is nested too deep")
    }
    let node = schema.nodes[position]
    if let always = node.always {
      if !always { report("false", "False always fails validation", at: path, &outcome) }
      return
    }
    if !node.types.isEmpty, !JSONSchemaValidator.has(node.types, value) {
      let expected = node.types.count == 1 ? node.types[0] : "[\(node.types.joined(separator: ","))]"
      report(
        "invalid_type", "Invalid type. Expected: \(expected), given: \(JSONSchemaValidator.typeName(value))",
        at: path,
        &outcome)
      return
    }
    try validateCombinations(value, node, at: path, &outcome)
    switch value {
    case .number(let number): validate(number, node, at: path, &outcome)
    case .array(let elements): try validate(elements, node, at: path, &outcome)
    case .object(let members): try validate(members, node, at: path, &outcome)
    default: break
    }
    validateCommon(value, node, at: path, &outcome)
    if case .string(let string) = value { validate(string, node, at: path, &outcome) }
    if case .object(let members) = value {
      for (name, property) in node.properties {
        guard let member = members[name] else { continue }
        try validate(member, property, at: path + [name.string], &outcome)
      }
    }
    outcome.score += 1
  }

  private static func typeName(_ value: Value) -> String {
    if case .number(let number) = value, number.isInteger { "integer" } else { value.typeName }
  }

  private static func has(_ types: [String], _ value: Value) -> Bool {
    types.contains(value.typeName) || types.contains(typeName(value))
  }

  // MARK: Combinations

  private mutating func validateCombinations(
    _ value: Value, _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) throws(BuiltinError) {
    if !node.anyOf.isEmpty {
      var best: Outcome?
      var isValid = false
      for alternative in node.anyOf where !isValid {
        let result = try self.outcome(value, alternative, at: path)
        isValid = result.isValid
        if !isValid, best.map({ result.score > $0.score }) ?? true { best = result }
      }
      if !isValid {
        report("number_any_of", "Must validate at least one schema (anyOf)", at: path, &outcome)
        if let best { outcome.merge(best) }
      }
    }
    if !node.oneOf.isEmpty {
      var best: Outcome?
      var valid = 0
      for alternative in node.oneOf {
        let result = try self.outcome(value, alternative, at: path)
        if result.isValid {
          valid += 1
        } else if valid == 0, best.map({ result.score > $0.score }) ?? true {
          best = result
        }
      }
      if valid != 1 {
        report("number_one_of", "Must validate one and only one schema (oneOf)", at: path, &outcome)
        if valid == 0, let best { outcome.merge(best) }
      }
    }
    var failed = false
    for part in node.allOf {
      let result = try self.outcome(value, part, at: path)
      failed = failed || !result.isValid
      outcome.merge(result)
    }
    if failed { report("number_all_of", "Must validate all the schemas (allOf)", at: path, &outcome) }
    if let not = node.not, try self.outcome(value, not, at: path).isValid {
      report("number_not", "Must not validate the schema (not)", at: path, &outcome)
    }
    if case .object(let members) = value { try validateDependencies(members, node, at: path, &outcome) }
    if let condition = node.condition {
      let holds = try self.outcome(value, condition, at: path).isValid
      if let branch = holds ? node.consequence : node.alternative {
        let result = try self.outcome(value, branch, at: path)
        if !result.isValid {
          if holds {
            report("condition_then", "Must validate \"then\" as \"if\" was valid", at: path, &outcome)
          } else {
            report("condition_else", "Must validate \"else\" as \"if\" was not valid", at: path, &outcome)
          }
          outcome.merge(result)
        }
      }
    }
    outcome.score += 1
  }

  private mutating func validateDependencies(
    _ members: ObjectValue, _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) throws(BuiltinError) {
    for (name, dependency) in node.dependencies where members[name] != nil {
      switch dependency {
      case .members(let names):
        for name in names where members[name] == nil {
          report("missing_dependency", "Has a dependency on \(name)", at: path, &outcome)
        }
      case .schema(let position):
        try validate(.object(members), position, at: path, &outcome)
      }
    }
  }

  private func validateCommon(
    _ value: Value, _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) {
    let field = JSONSchemaValidator.field(path)
    if let constant = node.constant, constant != value {
      report("const", "\(field) does not match: \(JSONWriter().string(constant))", at: path, &outcome)
    }
    if !node.enumeration.isEmpty, !node.enumeration.contains(value) {
      let allowed = node.enumeration.map { JSONWriter().string($0) }.joined(separator: ", ")
      report("enum", "\(field) must be one of the following: \(allowed)", at: path, &outcome)
    }
    if let format = node.format, case .string(let text) = value, !JSONSchemaFormat.matches(text, format) {
      report("format", "Does not match format '\(format)'", at: path, &outcome)
    }
    outcome.score += 1
  }

  // MARK: Arrays and objects

  private mutating func validate(
    _ elements: [Value], _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) throws(BuiltinError) {
    var schemas: [Int] = []
    switch node.items {
    case .each(let position): schemas = [Int](repeating: position, count: elements.count)
    case .tuple(let positions) where !positions.isEmpty:
      schemas = Array(positions.prefix(elements.count))
      if positions.count < elements.count {
        switch node.additionalItems {
        case .allowed: break
        case .forbidden:
          report("array_no_additional_items", "No additional items allowed on array", at: path, &outcome)
        case .schema(let position):
          schemas += [Int](repeating: position, count: elements.count - positions.count)
        }
      }
    case .tuple, nil: break
    }
    for (index, schema) in schemas.enumerated() {
      outcome.merge(try self.outcome(elements[index], schema, at: path + [String(index)]))
    }
    if let least = node.itemCount.least, elements.count < least {
      report("array_min_items", "Array must have at least \(least) items", at: path, &outcome)
    }
    if let most = node.itemCount.most, elements.count > most {
      report("array_max_items", "Array must have at most \(most) items", at: path, &outcome)
    }
    if node.hasUniqueItems {
      var seen: [Value: Int] = [:]
      for (index, element) in elements.enumerated() {
        if let earlier = seen[element] {
          report("unique", "array items[\(earlier),\(index)] must be unique", at: path, &outcome)
        }
        seen[element] = index
      }
    }
    if let contains = node.contains { try validateContains(contains, elements, at: path, &outcome) }
    outcome.score += 1
  }

  private mutating func validateContains(
    _ schema: Int, _ elements: [Value], at path: [String], _ outcome: inout Outcome
  ) throws(BuiltinError) {
    var best: Outcome?
    for (index, element) in elements.enumerated() {
      let result = try self.outcome(element, schema, at: path + [String(index)])
      if result.isValid { return }
      if best.map({ result.score > $0.score }) ?? true { best = result }
    }
    report("contains", "At least one of the items must match", at: path, &outcome)
    if let best { outcome.merge(best) }
  }

  private mutating func validate(
    _ members: ObjectValue, _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) throws(BuiltinError) {
    if let least = node.memberCount.least, members.count < least {
      report("array_min_properties", "Must have at least \(least) properties", at: path, &outcome)
    }
    if let most = node.memberCount.most, members.count > most {
      report("array_max_properties", "Must have at most \(most) properties", at: path, &outcome)
    }
    for name in node.required {
      if members[name] != nil {
        outcome.score += 1
      } else {
        report("required", "\(name) is required", at: path, &outcome)
      }
    }
    for (key, member) in members {
      guard case .string(let name) = key else { continue }
      var isDescribed = node.properties.contains { $0.name == name }
      var matchesPattern = false
      for (pattern, schema) in node.patternProperties where pattern.matches(name) {
        matchesPattern = true
        outcome.merge(try self.outcome(member, schema, at: path + [name.string]))
      }
      if matchesPattern {
        isDescribed = true
        outcome.score += 1
      }
      if isDescribed { continue }
      switch node.additionalProperties {
      case .allowed: break
      case .forbidden:
        report(
          "additional_property_not_allowed", "Additional property \(name) is not allowed", at: path, &outcome)
      case .schema(let position): outcome.merge(try self.outcome(member, position, at: path + [name.string]))
      }
    }
    if let names = node.propertyNames {
      for key in members.keys {
        let result = try self.outcome(key, names, at: path)
        if !result.isValid {
          report(
            "invalid_property_name", "Property name of \"\(key.messageText)\" does not match", at: path,
            &outcome)
          outcome.merge(result)
        }
      }
    }
    outcome.score += 1
  }

  // MARK: Strings and numbers

  private func validate(
    _ string: RegoString, _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) {
    let length = string.withUTF8 { $0.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) } }
    if let least = node.length.least, length < least {
      report("string_gte", "String length must be greater than or equal to \(least)", at: path, &outcome)
    }
    if let most = node.length.most, length > most {
      report("string_lte", "String length must be less than or equal to \(most)", at: path, &outcome)
    }
    if let pattern = node.pattern, !pattern.matches(string) {
      report("pattern", "Does not match pattern '\(pattern.pattern)'", at: path, &outcome)
    }
    outcome.score += 1
  }

  private func validate(
    _ number: Number, _ node: JSONSchema.Shared, at path: [String], _ outcome: inout Outcome
  ) {
    if let factor = node.multipleOf, !number.isMultiple(of: factor) {
      report("multiple_of", "Must be a multiple of \(factor)", at: path, &outcome)
    }
    if let maximum = node.maximum, number > maximum {
      report("number_lte", "Must be less than or equal to \(maximum)", at: path, &outcome)
    }
    if let maximum = node.exclusiveMaximum, number >= maximum {
      report("number_lt", "Must be less than \(maximum)", at: path, &outcome)
    }
    if let minimum = node.minimum, number < minimum {
      report("number_gte", "Must be greater than or equal to \(minimum)", at: path, &outcome)
    }
    if let minimum = node.exclusiveMinimum, number <= minimum {
      report("number_gt", "Must be greater than \(minimum)", at: path, &outcome)
    }
    outcome.score += 1
  }
}
