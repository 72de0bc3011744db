/// Reads one source by recursive descent.
///
/// Where the grammar is ambiguous (a brace after `if`, `|` in a collection) one reading is tried first and the other from the
/// same place; terms in brackets are remembered while that goes on, so that nesting does not multiply the work.
final class Parser {
  /// A syntax error that ``Parser/error`` holds. It carries nothing, to keep the frames of a deep recursion small.
  struct Failure: Error {}

  /// How deeply terms and bodies may nest and how long a chain of operators or of `else` may grow: both become the depth of a
  /// tree that others walk by recursion.
  static let maximumDepth = 200
  /// Sources beyond this are refused: a policy of that size is a mistake.
  static let maximumSize = 8 << 20
  /// How many errors a source is searched for.
  static let maximumErrors = 10

  let file: String
  let dialect: Dialect
  private(set) var lexer: Lexer
  /// The tokens of the statement at hand, as far as they have been read.
  private var tokens: [Token] = []
  private var index = 0
  /// The token at hand, where a word that is no keyword here is an identifier.
  private(set) var token: Token
  /// Where the token before this one ends.
  private(set) var previousEnd = 0

  /// The words beyond those of v0 that are keywords here.
  var keywords: Set<Token.Kind>
  /// Whether rules must be written as v1 demands.
  var requiresV1: Bool

  /// The error behind the ``Failure`` that is under way.
  var error: RegoError?
  private(set) var errors: [RegoError] = []
  /// How many bodies begin without and with `if`.
  var rulesOfV0 = 0
  var rulesOfV1 = 0
  private var depth = 0
  private var wildcards = 0
  /// How many attempts that may be given up are under way.
  private var attempts = 0
  private var remembered: [Int32: (term: Term, index: Int)] = [:]

  init(_ source: String, file: String, dialect: Dialect) {
    self.file = file
    self.dialect = dialect
    keywords = dialect == .v1 ? [.in, .every, .contains, .if] : []
    requiresV1 = dialect == .v1
    var bytes = Array(source.utf8)
    let isTooLarge = bytes.count > Parser.maximumSize
    if isTooLarge { bytes = [] }
    lexer = Lexer(bytes)
    token = lexer.next()
    tokens.append(token)
    token = resolve(token)
    if isTooLarge { record("source is larger than \(Parser.maximumSize >> 20) MiB", at: location()) }
  }
}

// MARK: Tokens

extension Parser {
  private func resolve(_ token: Token) -> Token {
    guard token.kind.isFutureKeyword, !keywords.contains(token.kind) else { return token }
    var token = token
    token.kind = .identifier
    return token
  }

  /// Goes on to the next token.
  func advance() {
    guard token.kind != .eof else { return }
    previousEnd = Int(token.end)
    index += 1
    if index == tokens.count { tokens.append(lexer.next()) }
    token = resolve(tokens[index])
  }

  /// Reads the token at hand again after keywords were added.
  func refresh() {
    token = resolve(tokens[index])
  }

  /// The token after the one at hand.
  func peek(_ distance: Int = 1) -> Token {
    while index + distance >= tokens.count {
      if let last = tokens.last, last.kind == .eof { return last }
      tokens.append(lexer.next())
    }
    return resolve(tokens[index + distance])
  }

  /// Where to return to by ``reset(to:)``.
  var mark: Int { index }

  func reset(to mark: Int) {
    index = mark
    token = resolve(tokens[mark])
    previousEnd = mark > 0 ? Int(tokens[mark - 1].end) : 0
  }

  /// Forgets the tokens before the one at hand. Earlier marks are invalid from here on.
  func startStatement() {
    tokens.removeFirst(index)
    index = 0
    remembered.removeAll(keepingCapacity: true)
  }

  /// Goes on where the next statement seems to begin: at the next word that starts a line.
  func skipToStatement() {
    repeat { advance() } while token.kind != .eof && !(token.kind.isWord && token.column == 1)
  }

  /// Goes past a token of a kind, or fails.
  func expect(_ kind: Token.Kind, _ note: @autoclosure () -> String) throws(Failure) {
    guard token.kind == kind else { throw unexpected(note()) }
    advance()
  }

  /// The text of a token.
  func text(of token: Token) -> String {
    String(decoding: lexer.bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  /// The bytes of a token without as many at each end.
  func bytes(of token: Token, without quotes: (Int, Int)) -> ArraySlice<UInt8> {
    lexer.bytes[Int(token.start) + quotes.0..<Int(token.end) - quotes.1]
  }

  /// Whether the token at hand is a keyword that stands for itself because a reference goes on after it: `not.a`, `if["b"]`.
  var isKeywordHead: Bool {
    guard token.kind.isKeyword else { return false }
    let next = peek()
    return (next.kind == .dot || next.kind == .leftBracket) && !next.followsSpace
  }

  /// A name that no other wildcard of the source has.
  func nextWildcard() -> String {
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

  /// The place of what begins with a token and ends with the last one passed.
  func location(from start: Token) -> Location {
    location(from: start, to: max(previousEnd, Int(start.start)))
  }

  func location(from start: Token, to end: Int) -> Location {
    Location(
      file: file, line: Int(start.line), column: Int(start.column), offset: Int(start.start),
      length: end - Int(start.start))
  }
}

// MARK: Errors

extension Parser {
  /// The error that the token at hand is not what the grammar has here.
  @inline(never)
  func unexpected(_ note: String = "") -> Failure {
    if token.kind == .illegal { return fail(lexer.problems[token.start] ?? "illegal token", at: location()) }
    let sort = token.kind.isKeyword ? "keyword" : "token"
    let suffix = note.isEmpty ? "" : ": \(note)"
    return fail("unexpected \(token.kind.name) \(sort)\(suffix)\(hint)", at: location())
  }

  /// What to import where v0 meets a word that would be a keyword in v1.
  private var hint: String {
    guard !requiresV1, token.kind == .identifier else { return "" }
    switch tokens[index].kind {
    case .in: return " (hint: `import future.keywords.in` for `some x in xs` expressions)"
    case .every: return " (hint: `import future.keywords.every` for `every x in xs { ... }` expressions)"
    case .if: return " (hint: `import future.keywords.if` for `p if { ... }` rules)"
    case .contains: return " (hint: `import future.keywords.contains` for `p contains x` rules)"
    default: return ""
    }
  }

  @inline(never)
  func fail(_ message: String, at location: Location) -> Failure {
    error = RegoError(.parse, message, at: location)
    return Failure()
  }

  /// Notes an error that does not keep the parser from going on.
  @inline(never)
  func record(_ message: String, at location: Location) {
    errors.append(RegoError(.parse, message, at: location))
  }

  /// Notes the error behind a ``Failure``.
  func recordFailure() {
    if let error { errors.append(error) }
    error = nil
  }

  /// Whether most rules are written as only v0 allows.
  var seemsV0: Bool { rulesOfV0 > rulesOfV1 }

  var hasTooManyErrors: Bool { errors.count >= Parser.maximumErrors }
}

// MARK: Bounds

extension Parser {
  /// Goes one level deeper; `leave` undoes it.
  func enter(_ levels: Int = 1) throws(Failure) {
    guard depth + levels <= Parser.maximumDepth else { throw tooDeep() }
    depth += levels
  }

  func leave(_ levels: Int = 1) { depth -= levels }

  /// Fails where a chain that nests to the left or right has become too long.
  func checkChain(_ length: Int) throws(Failure) {
    guard depth + length <= Parser.maximumDepth else { throw tooDeep() }
  }

  private func tooDeep() -> Failure { fail("max parsing recursion depth exceeded", at: location()) }

  /// Runs what may be given up; terms in brackets are remembered meanwhile.
  func attempt<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    attempts += 1
    defer { attempts -= 1 }
    return try body()
  }

  /// The term that an attempt has read from the token at hand; goes past it.
  func recall() -> Term? {
    guard !remembered.isEmpty, let known = remembered[token.start] else { return nil }
    reset(to: known.index)
    return known.term
  }

  func remember(_ term: Term, from start: Token) {
    if attempts > 0 { remembered[start.start] = (term, index) }
  }
}
