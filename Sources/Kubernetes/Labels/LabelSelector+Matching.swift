import Rego

extension LabelSelector {
  /// Whether a selector, as it stands in an object, matches labels; the same as reading and asking it, with nothing built.
  ///
  /// - Returns: nil where something about the selector or the labels is not as it must be, which reading them will say.
  static func matches(_ selector: ObjectValue, _ labels: ObjectValue) -> Bool? {
    for position in 0..<labels.count {
      guard case .string = labels.keys[position], case .string = labels.values[position] else { return nil }
    }
    var isMatch = true
    for position in 0..<selector.count {
      guard case .string(let name) = selector.keys[position] else { return nil }
      switch selector.values[position] {
      case .null where name == matchLabels || name == matchExpressions: break
      case .object(let equalities) where name == matchLabels:
        guard let holds = hold(equalities, labels) else { return nil }
        isMatch = isMatch && holds
      case .array(let expressions) where name == matchExpressions:
        for expression in expressions {
          guard case .object(let expression) = expression, let holds = holds(expression, labels) else {
            return nil
          }
          isMatch = isMatch && holds
        }
      default: return nil
      }
    }
    return isMatch
  }

  private static func hold(_ equalities: ObjectValue, _ labels: ObjectValue) -> Bool? {
    var hold = true
    for position in 0..<equalities.count {
      guard case .string(let key) = equalities.keys[position],
        case .string(let value) = equalities.values[position], LabelSyntax.problem(inKey: key) == nil,
        LabelSyntax.problem(inValue: value) == nil
      else { return nil }
      if hold {
        if case .string(let label)? = labels[key], label == value { continue }
        hold = false
      }
    }
    return hold
  }

  private static func holds(_ expression: ObjectValue, _ labels: ObjectValue) -> Bool? {
    var key: RegoString?
    var name: RegoString?
    var values: [Value] = []
    for position in 0..<expression.count {
      guard case .string(let field) = expression.keys[position] else { return nil }
      switch expression.values[position] {
      case .string(let string) where field == self.key: key = string
      case .string(let string) where field == operatorName: name = string
      case .array(let elements) where field == self.values: values = elements
      case .null where field == self.values: break
      default: return nil
      }
    }
    guard let key, let name, LabelSyntax.problem(inKey: key) == nil,
      let operation = operators.first(where: { $0.name == name })?.operation
    else { return nil }
    let label = labels[key]
    var isAmong = false
    for value in values {
      guard case .string(let string) = value, LabelSyntax.problem(inValue: string) == nil else { return nil }
      if case .string(let label)? = label, label == string { isAmong = true }
    }
    switch operation {
    case .in: return values.isEmpty ? nil : isAmong
    case .notIn: return values.isEmpty ? nil : !isAmong
    case .exists: return values.isEmpty ? label != nil : nil
    case .doesNotExist: return values.isEmpty ? label == nil : nil
    }
  }
}
