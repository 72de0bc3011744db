/// An error in a Rego program or in its evaluation, with OPA's code.
public struct RegoError: Error, Sendable, Hashable {
  /// OPA's error codes (OPA documentation, "Errors").
  public enum Code: String, Sendable {
    case parse = "rego_parse_error"
    case compile = "rego_compile_error"
    case type = "rego_type_error"
    case unsafeVariable = "rego_unsafe_var_error"
    case recursion = "rego_recursion_error"
    case evaluationType = "eval_type_error"
    case builtin = "eval_builtin_error"
    case conflict = "eval_conflict_error"
    case cancelled = "eval_cancel_error"
    case withMerge = "eval_with_merge_error"
    case internalFailure = "eval_internal_error"
  }

  public var code: Code
  public var message: String
  public var location: Location?

  public init(_ code: Code, _ message: String, at location: Location? = nil) {
    self.code = code
    self.message = message
    self.location = location
  }
}

extension RegoError {
  /// `path:line: code: message`, as OPA's own tools print errors.
  public var withoutColumn: String {
    guard let location else { return "\(code.rawValue): \(message)" }
    let file = location.file.isEmpty ? "" : "\(location.file):"
    return "\(file)\(location.line): \(code.rawValue): \(message)"
  }
}

extension RegoError: CustomStringConvertible {
  /// `path:line:column: code: message`.
  public var description: String {
    guard let location else { return "\(code.rawValue): \(message)" }
    let file = location.file.isEmpty ? "" : "\(location.file):"
    return "\(file)\(location.line):\(location.column): \(code.rawValue): \(message)"
  }
}

/// Every error found in one go.
public struct RegoErrors: Error, Sendable, CustomStringConvertible {
  public var errors: [RegoError]

  public init(_ errors: [RegoError]) { self.errors = errors }

  public var description: String { errors.map(\.description).joined(separator: "\n") }
}
