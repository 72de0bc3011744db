// Builtins as OPA's capabilities describe them (OPA documentation, "Capabilities").

extension Builtin {
  /// The declaration as a member of `builtins` in the JSON of `opa capabilities`.
  public var capability: Value {
    var members: [(Value, Value)] = [
      ("name", .string(name)), ("description", .string(summary)), ("categories", [.string(category)]),
    ]
    if isVariadic {
      members.append(("decl", ["type": "function", "variadic": parameters[0].type.capability]))
    } else {
      let operands = Value.array(parameters.map(\.capability))
      members.append(("decl", ["type": "function", "args": operands, "result": result.capability]))
    }
    if let infix { members.append(("infix", .string(infix))) }
    if Builtin.relations.contains(name) { members.append(("relation", true)) }
    if isDeprecated { members.append(("deprecated", true)) }
    if isNondeterministic { members.append(("nondeterministic", true)) }
    return .object(ObjectValue(members))
  }

  /// `name(a: number, b: string) → result: boolean`, with operators in their place: `x: number + y: number`.
  public var signature: String {
    let operands = parameters.map { "\($0.name): \($0.type)" }
    if isVariadic { return "\(name)(\(operands.joined(separator: ", "))...)" }
    let result = "\(result.name): \(result.type)"
    guard let infix, let last = operands.last, operands.count > 1 else {
      return "\(name)(\(operands.joined(separator: ", "))) → \(result)"
    }
    return "\(operands.dropLast().joined(separator: ", ")) \(infix) \(last) → \(result)"
  }
}

extension Builtin.Parameter {
  fileprivate var capability: Value {
    var members = type.capabilityMembers
    members.append(("name", .string(name)))
    if !summary.isEmpty { members.append(("description", .string(summary))) }
    return .object(ObjectValue(members))
  }
}

extension RegoType: CustomStringConvertible {
  /// The type as errors write it, such as `array[string]` or `any<null, number>`.
  public var description: String { StaticType(self).description }
}

extension RegoType {
  /// The type as OPA's capabilities write it.
  fileprivate var capabilityMembers: [(Value, Value)] { StaticType(self).capabilityMembers }
  fileprivate var capability: Value { StaticType(self).capability }
}

extension StaticType {
  fileprivate var capability: Value { .object(ObjectValue(capabilityMembers)) }

  fileprivate var capabilityMembers: [(Value, Value)] {
    switch self {
    case .unknown: return [("type", "any")]
    case .null: return [("type", "null")]
    case .boolean: return [("type", "boolean")]
    case .number: return [("type", "number")]
    case .string: return [("type", "string")]
    case .array(let leading, let rest):
      var members: [(Value, Value)] = [("type", "array")]
      if !leading.isEmpty { members.append(("static", .array(leading.map(\.capability)))) }
      if let rest { members.append(("dynamic", rest.capability)) }
      return members
    case .object(let known, let rest):
      var members: [(Value, Value)] = [("type", "object")]
      if !known.isEmpty {
        members.append(
          ("static", .array(known.map { ["key": $0.key, "value": $0.type.capability] })))
      }
      if let rest {
        members.append(("dynamic", ["key": rest.key.capability, "value": rest.value.capability]))
      }
      return members
    case .set(let element): return [("type", "set"), ("of", element.capability)]
    case .union(let types):
      return types.isEmpty ? [("type", "any")] : [("type", "any"), ("of", .array(types.map(\.capability)))]
    case .function(let function):
      return [
        ("type", "function"), ("args", .array(function.parameters.map(\.capability))),
        ("result", function.result.capability),
      ]
    }
  }
}
