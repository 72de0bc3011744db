import Rego

extension LabelSelector {
  static let matchLabels: RegoString = "matchLabels"
  static let matchExpressions: RegoString = "matchExpressions"
  static let key: RegoString = "key"
  static let operatorName: RegoString = "operator"
  static let values: RegoString = "values"
  static let operators = Operator.allCases.map { (name: RegoString($0.rawValue), operation: $0) }

  /// Reads a selector as it stands in an object. Null members count as absent; null itself is no selector.
  ///
  /// - Throws: ``SelectorError`` for whatever the API server would not take: a selector that is not understood is never
  ///   taken for one that matches nothing, or everything.
  public init(_ value: Value) throws(SelectorError) {
    guard case .object(let selector) = value else {
      throw .wrongType(path: "", expected: "an object", found: value.typeNameWithArticle)
    }
    var requirements: [Requirement] = []
    for (key, member) in selector {
      guard case .string(let name) = key, name == Self.matchLabels || name == Self.matchExpressions else {
        throw .unknownField(path: key.string ?? "?")
      }
      if case .null = member { continue }
      // In Rego's order matchExpressions comes first, but it is the cheap equalities that should be asked first.
      if name == Self.matchExpressions {
        requirements.append(contentsOf: try Self.expressions(member))
      } else {
        requirements.insert(contentsOf: try Self.equalities(member), at: 0)
      }
    }
    self.init(requirements: requirements)
  }

  /// Reads a selector that may be absent or null, which gives nil.
  public static func ifPresent(_ value: Value?) throws(SelectorError) -> LabelSelector? {
    switch value {
    case nil, .null?: nil
    case .some(let value): try LabelSelector(value)
    }
  }

  /// Reads a bare map of labels that must all be there, as a Service and a ReplicationController hold one.
  ///
  /// - Throws: ``SelectorError`` where it is not a map of strings with the syntax of labels.
  public static func equality(_ value: Value) throws(SelectorError) -> LabelSelector {
    LabelSelector(requirements: try equalities(value, path: "selector"))
  }

  // Paths are needed where something is wrong only, and selectors are read while a request waits: none is built before.

  private static func equalities(
    _ value: Value, path: @autoclosure () -> String = "matchLabels"
  ) throws(SelectorError) -> [Requirement] {
    guard case .object(let labels) = value else {
      throw .wrongType(path: path(), expected: "an object", found: value.typeNameWithArticle)
    }
    var requirements: [Requirement] = []
    requirements.reserveCapacity(labels.count)
    for (key, value) in labels {
      guard case .string(let key) = key else { throw .unknownField(path: path()) }
      guard case .string(let value) = value else {
        throw .wrongType(path: "\(path()).\(key)", expected: "a string", found: value.typeNameWithArticle)
      }
      try check(key: key, path: path())
      try check(value: value, path: "\(path()).\(key)")
      requirements.append(Requirement(key: key, operation: .in, values: [value]))
    }
    return requirements
  }

  private static func expressions(_ value: Value) throws(SelectorError) -> [Requirement] {
    guard case .array(let entries) = value else {
      throw .wrongType(path: "matchExpressions", expected: "an array", found: value.typeNameWithArticle)
    }
    var requirements: [Requirement] = []
    requirements.reserveCapacity(entries.count)
    for (index, entry) in entries.enumerated() {
      requirements.append(try expression(entry, path: "matchExpressions[\(index)]"))
    }
    return requirements
  }

  private static func expression(_ value: Value, path: @autoclosure () -> String) throws(SelectorError)
    -> Requirement
  {
    guard case .object(let entry) = value else {
      throw .wrongType(path: path(), expected: "an object", found: value.typeNameWithArticle)
    }
    for name in entry.keys
    where name != .string(key) && name != .string(operatorName) && name != .string(values) {
      throw .unknownField(path: "\(path()).\(name.string ?? "?")")
    }
    let key = try string(entry[Self.key], path: "\(path()).key")
    try check(key: key, path: "\(path()).key")
    let name = try string(entry[operatorName], path: "\(path()).operator")
    guard let operation = operators.first(where: { $0.name == name })?.operation else {
      throw .unknownOperator(path: "\(path()).operator", name.string)
    }
    let values = try strings(entry[values], path: "\(path()).values")
    switch operation {
    case .in, .notIn:
      if values.isEmpty { throw .valuesRequired(path: "\(path()).values", operation) }
    case .exists, .doesNotExist:
      if !values.isEmpty { throw .valuesForbidden(path: "\(path()).values", operation) }
    }
    return Requirement(key: key, operation: operation, values: values)
  }

  private static func string(_ value: Value?, path: @autoclosure () -> String) throws(SelectorError)
    -> RegoString
  {
    switch value {
    case .string(let string)?: return string
    case nil, .null?: throw .missing(path: path())
    case .some(let other):
      throw .wrongType(path: path(), expected: "a string", found: other.typeNameWithArticle)
    }
  }

  private static func strings(_ value: Value?, path: @autoclosure () -> String) throws(SelectorError)
    -> [RegoString]
  {
    switch value {
    case nil, .null?: return []
    case .array(let elements)?:
      var strings: [RegoString] = []
      strings.reserveCapacity(elements.count)
      for (index, element) in elements.enumerated() {
        guard case .string(let string) = element else {
          throw .wrongType(
            path: "\(path())[\(index)]", expected: "a string", found: element.typeNameWithArticle)
        }
        try check(value: string, path: "\(path())[\(index)]")
        strings.append(string)
      }
      return strings
    case .some(let other):
      throw .wrongType(path: path(), expected: "an array", found: other.typeNameWithArticle)
    }
  }

  private static func check(key: RegoString, path: @autoclosure () -> String) throws(SelectorError) {
    if let problem = LabelSyntax.problem(inKey: key) {
      throw .invalidLabel(path: path(), found: key.string, problem: "a label key \(problem)")
    }
  }

  private static func check(value: RegoString, path: @autoclosure () -> String) throws(SelectorError) {
    if let problem = LabelSyntax.problem(inValue: value) {
      throw .invalidLabel(path: path(), found: value.string, problem: "a label value \(problem)")
    }
  }
}
