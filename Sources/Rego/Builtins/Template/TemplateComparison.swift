/// The comparisons of templates, for values of the same basic kind.
enum TemplateComparison {
  typealias Failure = TemplateFunction.Failure

  /// What can be compared; signed and unsigned integers compare with each other.
  private enum Basic {
    case bool(Bool)
    case int(Int)
    case float(Double)
    case complex(Double, Double)
    case string(RegoString)

    init?(_ value: TemplateValue) {
      switch value.content {
      case .bool(let value)?: self = .bool(value)
      case .int(let value)?: self = .int(value)
      case .byte(let value)?: self = .int(Int(value))
      case .float(let value)?: self = .float(value)
      case .complex(let real, let imaginary)?: self = .complex(real, imaginary)
      case .string(let value)?, .jsonNumber(let value)?: self = .string(value)
      default: return nil
      }
    }
  }

  static func isEqual(_ left: TemplateValue, toAnyOf others: ArraySlice<TemplateValue>) throws(Failure)
    -> Bool
  {
    if others.isEmpty { throw Failure("missing argument for comparison") }
    for other in others where try isEqual(left, other) { return true }
    return false
  }

  private static func isEqual(_ left: TemplateValue, _ right: TemplateValue) throws(Failure) -> Bool {
    switch (Basic(left), Basic(right)) {
    case (.bool(let left)?, .bool(let right)?): return left == right
    case (.int(let left)?, .int(let right)?): return left == right
    case (.float(let left)?, .float(let right)?): return left == right
    case (.complex(let real, let imaginary)?, .complex(let otherReal, let otherImaginary)?):
      return real == otherReal && imaginary == otherImaginary
    case (.string(let left)?, .string(let right)?): return left == right
    case (nil, nil): return try isEqualComposite(left, right)
    default:
      if left.content != nil, right.content != nil { throw Failure("incompatible types for comparison") }
      return false
    }
  }

  /// Maps and slices compare with nothing but the absence of a value.
  private static func isEqualComposite(_ left: TemplateValue, _ right: TemplateValue) throws(Failure) -> Bool
  {
    guard let left = left.content, let right = right.content else {
      return left.content == nil && right.content == nil
    }
    if left.typeName == right.typeName {
      throw Failure("non-comparable type \(print(right, "%s")): \(right.typeName)")
    }
    throw Failure(
      "non-comparable types \(print(left, "%s")): \(left.typeName), \(right.typeName): \(print(right, "%v"))")
  }

  private static func print(_ value: GoValue, _ format: String) -> String {
    // What is too large to print need not be in the message.
    (try? GoFormat.sprintf(RegoString(format), [value]).string) ?? "..."
  }

  static func isLess(_ left: TemplateValue, _ right: TemplateValue) throws(Failure) -> Bool {
    guard let left = Basic(left), let right = Basic(right) else {
      throw Failure("invalid type for comparison")
    }
    switch (left, right) {
    case (.int(let left), .int(let right)): return left < right
    case (.float(let left), .float(let right)): return left < right
    case (.string(let left), .string(let right)): return left < right
    case (.bool, .bool), (.complex, .complex): throw Failure("invalid type for comparison")
    default: throw Failure("incompatible types for comparison")
    }
  }

  static func isLessOrEqual(_ left: TemplateValue, _ right: TemplateValue) throws(Failure) -> Bool {
    if try isLess(left, right) { return true }
    return try isEqual(left, right)
  }
}
