/// A lexical element of Rego, by its place in the source.
struct Token {
  enum Kind: UInt8 {
    /// Bytes that are no token; the lexer keeps what is wrong with them.
    case illegal
    case eof
    case identifier

    // Keywords of both dialects.
    case package, `import`, `as`, `default`, `else`, not, some, with, null, `true`, `false`
    // Keywords of v1, which v0 imports one by one from `future.keywords`.
    case `in`, every, contains, `if`

    case number, string, rawString
    /// Text of a template up to the `{` of an expression, and up to the closing quote.
    case templatePart, templateEnd, rawTemplatePart, rawTemplateEnd

    case leftBracket, rightBracket, leftBrace, rightBrace, leftParenthesis, rightParenthesis
    case comma, colon, semicolon, dot
    case plus, minus, times, divide, remainder, and, or
    case unify, assign, equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
  }

  var kind: Kind
  /// Whether anything but the previous token touches this one on its left: blanks, a comment or an end of line.
  var followsSpace = false
  /// Whether an end of line stands between the previous token and this one.
  var followsNewline = false
  var start: Int32
  var end: Int32
  var line: Int32
  var column: Int32
}

extension Token.Kind {
  /// Whether the token is spelled like an identifier.
  var isWord: Bool { rawValue >= Token.Kind.identifier.rawValue && rawValue <= Token.Kind.if.rawValue }

  /// Whether v0 knows the word as a keyword only after an import.
  var isFutureKeyword: Bool { rawValue >= Token.Kind.in.rawValue && rawValue <= Token.Kind.if.rawValue }

  var isKeyword: Bool { isWord && self != .identifier }

  /// The name in error messages, which is OPA's.
  var name: String {
    switch self {
    case .illegal: "illegal"
    case .eof: "eof"
    case .identifier: "identifier"
    case .package: "package"
    case .import: "import"
    case .as: "as"
    case .default: "default"
    case .else: "else"
    case .not: "not"
    case .some: "some"
    case .with: "with"
    case .null: "null"
    case .true: "true"
    case .false: "false"
    case .in: "in"
    case .every: "every"
    case .contains: "contains"
    case .if: "if"
    case .number: "number"
    case .string, .rawString: "string"
    case .templatePart, .rawTemplatePart: "template-string-part"
    case .templateEnd, .rawTemplateEnd: "template-string-end"
    case .leftBracket: "["
    case .rightBracket: "]"
    case .leftBrace: "{"
    case .rightBrace: "}"
    case .leftParenthesis: "("
    case .rightParenthesis: ")"
    case .comma: ","
    case .colon: ":"
    case .semicolon: ";"
    case .dot: "."
    default: operatorName ?? "unknown"
    }
  }

  /// The builtin that an operator stands for.
  var operatorName: String? {
    switch self {
    case .plus: "plus"
    case .minus: "minus"
    case .times: "mul"
    case .divide: "div"
    case .remainder: "rem"
    case .and: "and"
    case .or: "or"
    case .unify: "eq"
    case .assign: "assign"
    case .equal: "equal"
    case .notEqual: "neq"
    case .less: "lt"
    case .lessOrEqual: "lte"
    case .greater: "gt"
    case .greaterOrEqual: "gte"
    default: nil
    }
  }

  /// How tightly an operator between terms binds, from 1; 0 for what is none. All of them group to the left.
  var precedence: Int {
    switch self {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: 1
    case .or: 2
    case .and: 3
    case .plus, .minus: 4
    case .times, .divide, .remainder: 5
    default: 0
    }
  }

  /// The keyword that a word is, or `identifier`.
  static func word(_ bytes: ArraySlice<UInt8>) -> Token.Kind {
    guard bytes.count >= 2, bytes.count <= 8 else { return .identifier }
    for (name, kind) in keywords where name.count == bytes.count && name.elementsEqual(bytes) { return kind }
    return .identifier
  }

  private static let keywords: [(name: [UInt8], kind: Token.Kind)] = (identifier.rawValue + 1...`if`.rawValue)
    .compactMap { raw in Token.Kind(rawValue: raw).map { (Array($0.name.utf8), $0) } }
}
