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
  /// What else is known of the error, such as the types that do not fit: lines that follow the message.
  public var details: [String] = []
  /// The line of the source at the location, and below it a caret; empty where the source is not known.
  public internal(set) var excerpt: [String] = []

  public init(_ code: Code, _ message: String, at location: Location? = nil) {
    self.code = code
    self.message = message
    self.location = location
  }
}

extension RegoError {
  /// The message with its details, each on a line of its own after a tab.
  public var text: String { ([message] + details).joined(separator: "\n\t") }

  /// The error as commands print it: `path:line:column: code: message`, then the source's line with a caret, then the details.
  public var report: String {
    var plain = self
    plain.details = []
    return ([plain.description] + excerpt + details).joined(separator: "\n\t")
  }

  /// `path:line: code: message`, as OPA's own tools print errors.
  public var withoutColumn: String {
    guard let location else { return "\(code.rawValue): \(text)" }
    let file = location.file.isEmpty ? "" : "\(location.file):"
    return "\(file)\(location.line): \(code.rawValue): \(text)"
  }
}

extension RegoError: CustomStringConvertible {
  /// `path:line:column: code: message`.
  public var description: String {
    guard let location else { return "\(code.rawValue): \(text)" }
    let file = location.file.isEmpty ? "" : "\(location.file):"
    return "\(file)\(location.line):\(location.column): \(code.rawValue): \(text)"
  }
}

/// Every error found in one go.
public struct RegoErrors: Error, Sendable, CustomStringConvertible {
  public var errors: [RegoError]

  public init(_ errors: [RegoError]) { self.errors = errors }

  /// The errors in the order of the sources, each once.
  ///
  /// - Parameter limit: how many to keep; where there are more, another error says so, as in OPA.
  init(_ errors: [RegoError], limit: Int?) {
    var seen: Set<RegoError> = []
    let unique = errors.filter { seen.insert($0).inserted }
    let sorted = unique.enumerated().sorted {
      let (a, b) = ($0.element.location, $1.element.location)
      if let a, let b, !a.file.utf8.elementsEqual(b.file.utf8) {
        return a.file.utf8.lexicographicallyPrecedes(b.file.utf8)
      }
      let (x, y) = (a?.offset ?? 0, b?.offset ?? 0)
      return x == y ? $0.offset < $1.offset : x < y
    }.map(\.element)
    self.errors = sorted
    if let limit, sorted.count > limit {
      self.errors = Array(sorted.prefix(limit)) + [RegoError(.compile, "error limit reached")]
    }
  }

  public var description: String { errors.map(\.description).joined(separator: "\n") }
}
