/// Reads one source by recursive descent.
///
/// What has been read lies on stacks here and not in the frames of the recursion, which keeps those small: a source nested as
/// deeply as allowed is read on a stack of 512 KiB, in debug builds too.
///
/// Where the grammar is ambiguous (a brace after `if`, `|` in a collection) one reading is tried first and the other from the
/// same place; terms in brackets are remembered while that goes on, so that nesting does not multiply the work.
struct Parser {
  /// A syntax error that ``Parser/error`` holds.
  struct Failure: Error {}

  /// How many brackets and bodies may be open at once.
  static let maximumDepth = 200
  /// How high a tree may grow: also by chains of operators or of `else`, which nest without a bracket. Others walk trees by recursion.
  static let maximumHeight = 500
  /// Sources beyond this many bytes are refused: a policy of that size is a mistake.
  static let maximumSize = 8 << 20
  /// How many errors a source is searched for.
  static let maximumErrors = 10

  let file: String
  let dialect: Dialect
  private(set) var lexer: Lexer
  /// The tokens of the statement at hand, as far as they have been read.
  private var tokens: [Token] = []
  /// The place of the token at hand among `tokens`, to which ``Parser/reset(to:)`` returns.
  private(set) var mark = 0
  /// The token at hand.
  private(set) var token: Token
  /// Its kind, where a word that is no keyword here is an identifier.
  private(set) var kind: Token.Kind
  /// Where the token before this one ends.
  private(set) var previousEnd = 0

  /// The words beyond those of v0 that are keywords here.
  var keywords: Set<Token.Kind>
  /// Whether rules must be written as v1 demands.
  var requiresV1: Bool

  /// Terms that are not part of a larger one yet, and so on.
  var operands: [Operand] = []
  var operators: [Token] = []
  var expressions: [Tall<Expression>] = []
  var bodies: [Tall<Body>] = []
  var modifiers: [Tall<WithModifier>] = []
  /// The height of what was taken from the stacks for what is pushed next.
  var heightBelow = 0
  /// Terms in brackets that an attempt has read, by where they start, and where they end.
  var remembered: [Int: (operand: Operand, mark: Int)] = [:]
  /// How many attempts that may be given up are under way.
  var attempts = 0

  /// The error behind the ``Failure`` that is under way.
  var error: RegoError?
  private(set) var errors: [RegoError] = []
  /// How many bodies begin without and with `if`.
  var rulesOfV0 = 0
  var rulesOfV1 = 0
  /// How many brackets and bodies are open.
  var depth = 0
  private var wildcards = 0

  init(_ source: String, file: String, dialect: Dialect) {
    self.file = file
    self.dialect = dialect
    keywords = dialect == .v1 ? [.in, .every, .contains, .if] : []
    requiresV1 = dialect == .v1
    let isTooLarge = source.utf8.count > Parser.maximumSize
    lexer = Lexer(isTooLarge ? [] : Array(source.utf8))
    token = lexer.next()
    kind = token.kind
    tokens.append(token)
    refresh()
    if isTooLarge { record("source is larger than \(Parser.maximumSize >> 20) MiB", at: location()) }
  }
}

// MARK: Tokens

extension Parser {
  private func resolve(_ kind: Token.Kind) -> Token.Kind {
    kind.isFutureKeyword && !keywords.contains(kind) ? .identifier : kind
  }

  /// Goes on to the next token.
  mutating func advance() {
    guard kind != .eof else { return }
    previousEnd = Int(token.end)
    mark += 1
    if mark == tokens.count { tokens.append(lexer.next()) }
    refresh()
  }

  /// Reads the token at hand again after keywords were added.
  mutating func refresh() {
    token = tokens[mark]
    kind = resolve(token.kind)
  }

  mutating func reset(to mark: Int) {
    self.mark = mark
    previousEnd = mark > 0 ? Int(tokens[mark - 1].end) : 0
    refresh()
  }

  /// The token some places ahead.
  mutating func peek(_ distance: Int = 1) -> Token {
    while mark + distance >= tokens.count {
      if let last = tokens.last, last.kind == .eof { return last }
      tokens.append(lexer.next())
    }
    var token = tokens[mark + distance]
    token.kind = resolve(token.kind)
    return token
  }

  /// Forgets what has been read before the token at hand. Earlier marks are invalid from here on.
  mutating func startStatement() {
    tokens.removeFirst(mark)
    mark = 0
    remembered.removeAll(keepingCapacity: true)
    unwind(to: Level())
  }

  /// Goes on where the next statement seems to begin: at the next word that starts a line.
  mutating func skipToStatement() {
    repeat {
      advance()
      // What is passed is not returned to.
      if mark > 1000 { startStatement() }
    } while kind != .eof && !(kind.isWord && token.column == 1)
  }

  /// Where the token at a mark begins in the source.
  func offset(at mark: Int) -> Int { Int(tokens[mark].start) }

  /// Goes past a token of a kind, or fails.
  mutating func expect(_ wanted: Token.Kind, _ note: @autoclosure () -> String) throws(Failure) {
    guard kind == wanted else { throw unexpected(note()) }
    advance()
  }

  /// The text of the token at hand.
  var text: String { String(decoding: bytes(without: 0, 0), as: UTF8.self) }

  /// The bytes of the token at hand, without as many at either end.
  func bytes(without first: Int, _ last: Int) -> ArraySlice<UInt8> {
    lexer.bytes[Int(token.start) + first..<Int(token.end) - last]
  }

  /// Whether the token at hand is a keyword that stands for itself because a reference goes on after it: `not.a`, `if["b"]`.
  var isKeywordHead: Bool {
    mutating get {
      guard kind.isKeyword else { return false }
      let next = peek()
      return (next.kind == .dot || next.kind == .leftBracket) && !next.followsSpace
    }
  }

  /// Whether the token at hand is a keyword and means it.
  mutating func isAt(keyword: Token.Kind) -> Bool { kind == keyword && !isKeywordHead }

  /// A name that no other wildcard of the source has.
  mutating func nextWildcard() -> String {
    defer { wildcards += 1 }
    return "$\(wildcards)"
  }
}

// MARK: Locations

extension Parser {
  /// The place of the token at hand.
  func location() -> Location { location(of: token) }

  func location(of token: Token) -> Location {
    location(from: token, to: Int(token.end))
  }

  /// The place of what begins at a mark and ends with the last token passed.
  @inline(never)
  func location(from mark: Int) -> Location { location(from: mark, to: previousEnd) }

  func location(from mark: Int, to end: Int) -> Location {
    let start = tokens[mark]
    return location(from: start, to: max(end, Int(start.start)))
  }

  private func location(from start: Token, to end: Int) -> Location {
    Location(
      file: file, line: Int(start.line), column: Int(start.column), offset: Int(start.start),
      length: end - Int(start.start))
  }
}

// MARK: Errors

extension Parser {
  /// The error that the token at hand is not what the grammar has here.
  @inline(never)
  mutating func unexpected(_ note: String = "") -> Failure {
    if kind == .illegal { return fail(lexer.problems[token.start] ?? "illegal token", at: location()) }
    let sort = kind.isKeyword ? "keyword" : "token"
    let suffix = note.isEmpty ? "" : ": \(note)"
    return fail("unexpected \(kind.name) \(sort)\(suffix)\(hint)", at: location())
  }

  /// What to import where v0 meets a word that would be a keyword in v1.
  private var hint: String {
    guard kind == .identifier else { return "" }
    switch token.kind {
    case .in: return " (hint: `import future.keywords.in` for `some x in xs` expressions)"
    case .every: return " (hint: `import future.keywords.every` for `every x in xs { ... }` expressions)"
    case .if: return " (hint: `import future.keywords.if` for `p if { ... }` rules)"
    case .contains: return " (hint: `import future.keywords.contains` for `p contains x` rules)"
    default: return ""
    }
  }

  @inline(never)
  mutating func fail(_ message: String, at location: Location) -> Failure {
    error = RegoError(.parse, message, at: location)
    return Failure()
  }

  /// Notes an error that does not keep the parser from going on.
  @inline(never)
  mutating func record(_ message: String, at location: Location) {
    if !hasTooManyErrors { errors.append(RegoError(.parse, message, at: location)) }
  }

  /// Notes the error behind a ``Failure``.
  mutating func recordFailure() {
    if let error { errors.append(error) }
    error = nil
  }

  /// Whether most rules are written as only v0 allows.
  var seemsV0: Bool { rulesOfV0 > rulesOfV1 }

  var hasTooManyErrors: Bool { errors.count >= Parser.maximumErrors }
}

// MARK: Bounds

extension Parser {
  /// Goes into brackets or a body; `leave` goes out again. A failure need not.
  mutating func enter() throws(Failure) {
    guard depth < Parser.maximumDepth else { throw tooDeep() }
    depth += 1
  }

  mutating func leave() { depth -= 1 }

  @inline(never)
  mutating func tooDeep() -> Failure { fail("max parsing recursion depth exceeded", at: location()) }
}
