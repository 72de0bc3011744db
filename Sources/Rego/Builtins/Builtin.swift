/// A builtin function, declared once: the compiler's arity and type checks, the evaluator's operand checks, `capabilities` and
/// the reference page all read this declaration.
public struct Builtin: Sendable {
  /// A named and typed operand or result.
  public struct Parameter: Sendable {
    public let name: String
    public let type: RegoType
    public let summary: String

    public init(_ name: String, _ type: RegoType, _ summary: String = "") {
      self.name = name
      self.type = type
      self.summary = summary
    }
  }

  /// What computes the result. Nil means undefined. Operands have the declared types at their top level.
  public enum Implementation: Sendable {
    case nullary(@Sendable (BuiltinContext) throws(BuiltinError) -> Value?)
    case unary(@Sendable (Value) throws(BuiltinError) -> Value?)
    case binary(@Sendable (Value, Value) throws(BuiltinError) -> Value?)
    /// As `binary`, of operands that stay where they stand, good during the call: for what is called so often that counting
    /// references to them would be most of it.
    case binaryInPlace(
      @Sendable (UnsafePointer<Value>, UnsafePointer<Value>) throws(BuiltinError) -> Value?)
    case ternary(@Sendable (Value, Value, Value) throws(BuiltinError) -> Value?)
    /// Any number of operands.
    case variadic(@Sendable ([Value]) throws(BuiltinError) -> Value?)
    /// As `variadic`, for those that need the evaluation around them.
    case contextual(@Sendable (BuiltinContext, [Value]) throws(BuiltinError) -> Value?)
  }

  /// The name with its dots, such as `json.unmarshal`; operators have names too (`plus`).
  public let name: String
  /// The operator's sign where it is one, such as `+`.
  public let infix: String?
  public let summary: String
  public let parameters: [Parameter]
  public let result: Parameter
  /// The group of the reference page.
  public let category: String
  /// Whether equal operands can give different results (`time.now_ns`, `rand.intn`).
  public let isNondeterministic: Bool
  /// What to write instead of a builtin that is deprecated; nil for others.
  public private(set) var replacement: String?
  /// Whether it reaches beyond the documents of an evaluation or works with secrets: policies on a server may use it only where the
  /// server's owner says so.
  public private(set) var isRestricted = false
  /// Whether it takes any number of operands like its one parameter, and gives nothing.
  public private(set) var isVariadic = false
  /// Whether the implementation itself answers for operands of other types than the declared ones, with a result or an error of
  /// its own; the engine then does not check them.
  public let acceptsAnyOperands: Bool
  public let implementation: Implementation

  public init(
    _ name: String, infix: String? = nil, category: String, _ summary: String, _ parameters: [Parameter],
    returns result: Parameter, nondeterministic: Bool = false, acceptsAnyOperands: Bool = false,
    _ implementation: Implementation
  ) {
    self.name = name
    self.infix = infix
    self.category = category
    self.summary = summary
    self.parameters = parameters
    self.result = result
    isNondeterministic = nondeterministic
    self.acceptsAnyOperands = acceptsAnyOperands
    self.implementation = implementation
  }
}

/// Why a builtin has no result although its operands are defined.
///
/// The evaluator puts `NAME: ` before the message. Unless errors are strict it makes the call undefined and collects the error.
public enum BuiltinError: Error, Sendable {
  /// `eval_type_error`: an operand, counted from 1, is not what the builtin takes: `operand 1 must be string but got number`; 0 for
  /// several that do not go together.
  case operand(Int, String)
  /// `eval_builtin_error`: the builtin failed on operands of the right types.
  case failed(String)
  /// The evaluation's budget ran out: ends the evaluation, whether errors are strict or not.
  case cancelled

  /// `operand N must be EXPECTED but got GOT`, or `must be one of {A, B}` for several.
  public static func wrongType(_ position: Int, expected: String..., got: Value) -> BuiltinError {
    let kinds = expected.count == 1 ? expected[0] : "one of {\(expected.joined(separator: ", "))}"
    return .operand(position, "must be \(kinds) but got \(got.typeName)")
  }
}

extension Builtin {
  /// Whether there is a better way now: an error in strict mode.
  public var isDeprecated: Bool { replacement != nil }

  /// The same builtin, deprecated in favour of something else.
  func deprecated(use replacement: String) -> Builtin {
    var copy = self
    copy.replacement = replacement
    return copy
  }

  /// The same builtin, for policies on a server only where its owner says so.
  func restricted() -> Builtin {
    var copy = self
    copy.isRestricted = true
    return copy
  }

  /// The same builtin, for any number of operands and without a result.
  func variadic() -> Builtin {
    var copy = self
    copy.isVariadic = true
    return copy
  }

  /// Builtins whose result is an array of the values that the call has one after another.
  static let relations: Set<String> = ["walk"]
}
