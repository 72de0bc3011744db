// Fields of values, and calls of functions.
extension TemplateExecution {
  mutating func evaluateFields(
    _ node: TemplateNode, dot: TemplateValue, arguments: TemplateNode.Command?, last: TemplateValue?
  ) throws(BuiltinError) -> TemplateValue {
    current = node
    var value: TemplateValue
    let names: [RegoString]
    switch node.kind {
    case .field(let fields): (value, names) = (dot, fields)
    case .variable(let name, let fields):
      guard let variable = variables.last(where: { $0.name == name }) else {
        throw failure("undefined variable: \(name.string)")
      }
      (value, names) = (variable.value, fields)
    case .chain(let receiver, let fields):
      if case .null = receiver.kind { throw failure("indirection through explicit nil in \(node)") }
      current = receiver
      (value, names) = (try evaluateOperand(receiver, dot: dot), fields)
    default: return .none
    }
    let argumentCount = (arguments?.operands.count ?? 1) - 1 + (last == nil ? 0 : 1)
    for (position, name) in names.enumerated() {
      // Only the last one can be a method with arguments.
      let count = position == names.count - 1 ? argumentCount : 0
      value = try field(name, of: value, argumentCount: count, at: node)
    }
    return value
  }

  private mutating func field(
    _ name: RegoString, of receiver: TemplateValue, argumentCount: Int, at node: TemplateNode
  ) throws(BuiltinError) -> TemplateValue {
    guard let content = receiver.content else {
      if case .element = receiver { throw failure("nil pointer evaluating interface {}.\(name.string)") }
      throw failure("nil data; no entry for key \(GoQuote.quote(name))")
    }
    if case .jsonNumber(let text) = content, let method = NumberMethod(rawValue: name.string) {
      if argumentCount > 0 {
        throw failure("wrong number of args for \(name.string): want 0 got \(argumentCount)")
      }
      do {
        return try method.call(text)
      } catch {
        current = node
        throw failure("error calling \(name.string): \(error.message)")
      }
    }
    guard case .map(let object) = content else {
      throw failure("can't evaluate field \(name.string) in type \(receiver.typeName)")
    }
    if argumentCount > 0 { throw failure("\(name.string) is not a method but has arguments") }
    guard let value = object[name] else { throw failure("map has no entry for key \(GoQuote.quote(name))") }
    return .element(GoValue(json: value))
  }

  /// What the numbers of a JSON document can do in Go.
  private enum NumberMethod: String {
    case text = "String"
    case float = "Float64"
    case int = "Int64"

    func call(_ text: RegoString) throws(TemplateFunction.Failure) -> TemplateValue {
      let quoted = GoQuote.quote(text)
      switch self {
      case .text: return .string(text)
      case .int:
        if let value = Int(text.string) { return .plain(.int(value)) }
        let isInteger = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
        let reason = isInteger ? "value out of range" : "invalid syntax"
        throw TemplateFunction.Failure("strconv.ParseInt: parsing \(quoted): \(reason)")
      case .float:
        if let value = Double(text.string), value.isFinite { return .plain(.float(value)) }
        throw TemplateFunction.Failure("strconv.ParseFloat: parsing \(quoted): value out of range")
      }
    }
  }
}

extension TemplateExecution {
  mutating func call(
    _ name: String, _ arguments: ArraySlice<TemplateNode>, last: TemplateValue?, dot: TemplateValue,
    at node: TemplateNode
  ) throws(BuiltinError) -> TemplateValue {
    guard let function = TemplateFunction(rawValue: name) else {
      throw failure("\(GoQuote.quote(name)) is not a defined function")
    }
    let signature = function.signature
    let count = arguments.count + (last == nil ? 0 : 1)
    if signature.variadic == nil, count != signature.fixed.count {
      throw failure("wrong number of args for \(name): want \(signature.fixed.count) got \(count)")
    } else if count < signature.fixed.count {
      throw failure(
        "wrong number of args for \(name): want at least \(signature.fixed.count) got \(arguments.count)")
    }
    var values: [TemplateValue] = []
    for (position, argument) in arguments.enumerated() {
      let value = try evaluateArgument(argument, as: signature.type(at: position), dot: dot)
      // They need not evaluate what cannot change the result.
      if function == .and && !value.isTrue || function == .or && value.isTrue { return value }
      values.append(value)
    }
    if let last { values.append(try validate(last, as: signature.type(at: arguments.count))) }
    if function == .and || function == .or { return values.last ?? .none }
    do {
      return try function.call(values, callee: arguments.first?.description ?? "", context)
    } catch {
      switch error {
      case .cancelled: throw .cancelled
      case .failed(let message), .operand(_, let message):
        current = node
        throw failure("error calling \(name): \(message)")
      }
    }
  }

  private mutating func evaluateArgument(
    _ node: TemplateNode, as type: TemplateFunction.ParameterType, dot: TemplateValue
  ) throws(BuiltinError) -> TemplateValue {
    current = node
    switch (node.kind, type) {
    case (.null, .string): throw failure("cannot assign nil to string")
    case (.null, .value): return .none
    case (.null, .any): return .element(.null)
    case (.bool, .string), (.number, .string): throw failure("expected string; found \(node)")
    default: return try validate(evaluateOperand(node, dot: dot), as: type)
    }
  }

  private func validate(_ value: TemplateValue, as type: TemplateFunction.ParameterType) throws(BuiltinError)
    -> TemplateValue
  {
    switch (type, value) {
    case (.value, _): return value
    case (.any, .none): return .element(.null)
    case (.any, _): return value
    case (.string, .none): throw failure("invalid value; expected string")
    case (.string, _):
      guard case .string? = value.content else {
        let typeName = value.content?.typeName ?? value.typeName
        throw failure("wrong type for value; expected string; got \(typeName)")
      }
      return value
    }
  }
}
