import Rego

/// What is wrong with a label selector or with the labels that it is asked about.
///
/// A path such as `matchExpressions[2].values[0]` starts at the selector.
public enum SelectorError: Error, Sendable, Hashable {
  /// A value is not of the type that the API asks for.
  case wrongType(path: String, expected: String, found: String)
  /// A LabelSelector has no such field; read without it the selector might select everything.
  case unknownField(path: String)
  /// A requirement lacks its key or its operator.
  case missing(path: String)
  case unknownOperator(path: String, String)
  /// In and NotIn need at least one value.
  case valuesRequired(path: String, LabelSelector.Operator)
  /// Exists and DoesNotExist take no values.
  case valuesForbidden(path: String, LabelSelector.Operator)
  /// A key or value breaks the syntax of labels.
  case invalidLabel(path: String, found: String, problem: String)
}

extension SelectorError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .wrongType(let path, let expected, let found):
      "\(path.isEmpty ? "the selector" : path) must be \(expected), but is \(found)"
    case .unknownField(let path):
      "\(path) is no field of a label selector, which has matchLabels and matchExpressions"
    case .missing(let path):
      "\(path) is missing"
    case .unknownOperator(let path, let found):
      "\(path) must be In, NotIn, Exists or DoesNotExist, but is \"\(found)\""
    case .valuesRequired(let path, let operation):
      "\(path) must hold at least one value, since the operator is \(operation.rawValue)"
    case .valuesForbidden(let path, let operation):
      "\(path) must be empty, since the operator is \(operation.rawValue)"
    case .invalidLabel(let path, let found, let problem):
      "\(path) is \"\(found)\", but \(problem)"
    }
  }
}
