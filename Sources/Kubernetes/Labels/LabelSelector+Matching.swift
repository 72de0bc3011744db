import Rego

extension LabelSelector {
  /// Whether a selector, as it stands in an object, matches labels; the same as reading and asking it, with nothing built and
  /// nothing held: a review asks it of one policy after another.
  ///
  /// - Returns: nil where something about the selector or the labels is not as it must be, which reading them will say.
  static func matches(_ selector: UnsafePointer<Value>, _ labels: UnsafePointer<Value>) -> Bool? {
    guard let selector = ObjectInPlace(selector), let labels = ObjectInPlace(labels),
      areStrings(labels.keys, labels.count), areStrings(labels.values, labels.count)
    else { return nil }
    guard let names = selector.keys, let members = selector.values else { return true }
    var isMatch = true
    for position in 0..<selector.count {
      guard let name = StringInPlace(names + position) else { return nil }
      let member = members + position
      if name == matchLabels {
        guard let holds = equalitiesHold(member, labels) else { return nil }
        isMatch = isMatch && holds
      } else if name == matchExpressions {
        guard let holds = expressionsHold(member, labels) else { return nil }
        isMatch = isMatch && holds
      } else {
        return nil
      }
    }
    return isMatch
  }

  private static func areStrings(_ first: UnsafePointer<Value>?, _ count: Int) -> Bool {
    guard let first else { return true }
    for position in 0..<count where StringInPlace(first + position) == nil { return false }
    return true
  }

  private static func isNull(_ place: UnsafePointer<Value>) -> Bool {
    if case .null = place.pointee { true } else { false }
  }

  private static func equalitiesHold(_ member: UnsafePointer<Value>, _ labels: ObjectInPlace) -> Bool? {
    if isNull(member) { return true }
    guard let equalities = ObjectInPlace(member) else { return nil }
    guard let keys = equalities.keys, let values = equalities.values else { return true }
    var hold = true
    for position in 0..<equalities.count {
      guard let key = StringInPlace(keys + position), let value = StringInPlace(values + position),
        key.isUTF8(LabelSyntax.isKey), value.isUTF8(LabelSyntax.isValue)
      else { return nil }
      if hold { hold = labels[keys + position].flatMap(StringInPlace.init) == value }
    }
    return hold
  }

  private static func expressionsHold(_ member: UnsafePointer<Value>, _ labels: ObjectInPlace) -> Bool? {
    if isNull(member) { return true }
    guard let expressions = ArrayInPlace(member) else { return nil }
    guard let elements = expressions.elements else { return true }
    var hold = true
    for position in 0..<expressions.count {
      guard let expression = ObjectInPlace(elements + position), let holds = holds(expression, labels) else {
        return nil
      }
      hold = hold && holds
    }
    return hold
  }

  private static func holds(_ expression: ObjectInPlace, _ labels: ObjectInPlace) -> Bool? {
    var key: UnsafePointer<Value>?
    var name: StringInPlace?
    var values: ArrayInPlace?
    guard let fields = expression.keys, let members = expression.values else { return nil }
    for position in 0..<expression.count {
      guard let field = StringInPlace(fields + position) else { return nil }
      let member = members + position
      if field == self.key {
        key = member
      } else if field == operatorName {
        name = StringInPlace(member)
      } else if field == self.values {
        values = ArrayInPlace(member)
        if values == nil, !isNull(member) { return nil }
      } else {
        return nil
      }
    }
    guard let key, let keyText = StringInPlace(key), keyText.isUTF8(LabelSyntax.isKey), let name,
      let operation = operators.first(where: { name == $0.name })?.operation
    else { return nil }
    let label = labels[key]
    let text = label.flatMap(StringInPlace.init)
    var isAmong = false
    var isEmpty = true
    if let values, let elements = values.elements {
      isEmpty = values.count == 0
      for position in 0..<values.count {
        guard let value = StringInPlace(elements + position), value.isUTF8(LabelSyntax.isValue) else {
          return nil
        }
        if value == text { isAmong = true }
      }
    }
    switch operation {
    case .in: return isEmpty ? nil : isAmong
    case .notIn: return isEmpty ? nil : !isAmong
    case .exists: return isEmpty ? label != nil : nil
    case .doesNotExist: return isEmpty ? label == nil : nil
    }
  }
}
