// Arrays, sets, objects and their comprehensions.

extension Parser {
  /// What the first element of a collection turned out to be.
  private enum First {
    case element
    /// The head of a comprehension, whose body has been read with the closing bracket.
    case head
  }

  mutating func parseArray() throws(Failure) {
    let start = mark
    let level = operands.count
    advance()
    if kind == .rightBracket { return try finish(.array([]), from: start) }
    switch try parseFirst(skipLeadingComma(), .rightBracket) {
    case .head: try pushArrayComprehension(from: start)
    case .element:
      try parseElements(.rightBracket)
      try pushArray(above: level, from: start)
    }
  }

  /// A set, an object, or a comprehension of either.
  mutating func parseBraces() throws(Failure) {
    let start = mark
    let level = operands.count
    advance()
    if kind == .rightBrace { return try finish(.object([]), from: start) }
    let mayBeComprehension = skipLeadingComma()
    if case .head = try parseFirst(mayBeComprehension, .rightBrace) {
      return try pushSetComprehension(from: start)
    }
    switch kind {
    case .rightBrace, .comma:
      try parseElements(.rightBrace)
      try pushSet(above: level, from: start)
    case .colon:
      advance()
      if case .head = try parseFirst(mayBeComprehension, .rightBrace) {
        return try pushObjectComprehension(from: start)
      }
      guard kind == .rightBrace || kind == .comma else { throw unexpected("non-terminated object") }
      while try goesOn(.rightBrace) {
        try parseTerm(pairs: false)
        try expect(.colon, #"expected ":""#)
        try parseTerm(pairs: false)
      }
      try pushObject(above: level, from: start)
    default: throw unexpected("non-terminated set")
    }
  }

  /// OPA allows one comma before the first element, but not in a comprehension: false where there is one.
  private mutating func skipLeadingComma() -> Bool {
    guard kind == .comma else { return true }
    advance()
    return false
  }

  /// Reads the first element, or the head of a comprehension with its body.
  ///
  /// `|` after a term without operators begins a comprehension's body; where that stops at a comma the `|` was a union:
  /// `[a | b, c]`.
  private mutating func parseFirst(_ mayBeComprehension: Bool, _ close: Token.Kind) throws(Failure) -> First {
    try enter()
    try parsePrimary()
    if kind == .or, mayBeComprehension {
      let bar = mark
      advance()
      attempts += 1
      let isClosed = try parseBody(until: close, stopsAtComma: true)
      attempts -= 1
      if isClosed {
        leave()
        return .head
      }
      reset(to: bar)
    }
    try parseOperatorsInList()
    leave()
    return .element
  }

  /// Reads the elements of a list after the first, up to the closing bracket.
  private mutating func parseElements(_ close: Token.Kind) throws(Failure) {
    while try goesOn(close) { try parseTerm(pairs: false) }
  }

  /// Whether another element follows a comma; a comma before the closing bracket ends the list too.
  mutating func goesOn(_ close: Token.Kind) throws(Failure) -> Bool {
    if kind == close { return false }
    try expect(.comma, #"expected "," or "\#(close.name)""#)
    return kind != close
  }

  // MARK: Results

  /// Goes past the closing bracket at hand.
  private mutating func finish(_ collection: Term.Kind, from start: Int) throws(Failure) {
    advance()
    try push(collection, from: start)
  }

  @inline(never)
  private mutating func pushArray(above level: Int, from start: Int) throws(Failure) {
    try finish(.array(pop(above: level)), from: start)
  }

  @inline(never)
  private mutating func pushSet(above level: Int, from start: Int) throws(Failure) {
    try finish(.set(pop(above: level)), from: start)
  }

  @inline(never)
  private mutating func pushObject(above level: Int, from start: Int) throws(Failure) {
    let terms = pop(above: level)
    let pairs = stride(from: 0, to: terms.count, by: 2).map { (key: terms[$0], value: terms[$0 + 1]) }
    try finish(.object(pairs), from: start)
  }

  @inline(never)
  private mutating func pushArrayComprehension(from start: Int) throws(Failure) {
    try push(.arrayComprehension(pop(), popBody()), from: start)
  }

  @inline(never)
  private mutating func pushSetComprehension(from start: Int) throws(Failure) {
    try push(.setComprehension(pop(), popBody()), from: start)
  }

  @inline(never)
  private mutating func pushObjectComprehension(from start: Int) throws(Failure) {
    let value = pop()
    try push(.objectComprehension(key: pop(), value: value, popBody()), from: start)
  }
}
