// Files: package, imports and the sequence of rules.

extension Parser {
  /// What of a file has been read.
  struct Draft {
    var package: Package?
    var imports: [Import] = []
    var rules: [Rule] = []
    /// Where each statement begins, for the annotations before it.
    var statements: [AnnotationParser.Statement] = []
  }

  mutating func parseModule() throws(RegoErrors) -> Module {
    var draft = Draft()
    let start = location()
    while kind != .eof, !hasTooManyErrors {
      startStatement()
      do throws(Failure) {
        try parseStatement(&draft)
      } catch {
        recordFailure()
        skipToStatement()
      }
    }
    if draft.statements.isEmpty, errors.isEmpty { record("empty module", at: Location(file: file)) }
    let comments = lexer.comments.map { comment in
      let text = lexer.bytes[comment.start + 1..<comment.end]
      return Comment(
        text: String(decoding: text, as: UTF8.self),
        location: Location(
          file: file, line: comment.line, column: comment.column, offset: comment.start,
          length: comment.end - comment.start))
    }
    var annotations: [Annotations] = []
    if errors.isEmpty {
      do throws(RegoErrors) {
        annotations = try AnnotationParser.annotations(in: comments, before: draft.statements)
      } catch {
        throw error
      }
    }
    var place = start
    place.length = max(0, previousEnd - place.offset)
    guard errors.isEmpty, let package = draft.package else { throw RegoErrors(errors) }
    return Module(
      dialect: dialect, package: package, imports: draft.imports, rules: draft.rules, comments: comments,
      annotations: annotations, location: place)
  }

  private mutating func parseStatement(_ draft: inout Draft) throws(Failure) {
    let start = location()
    let isFirst = draft.statements.isEmpty
    if isAt(keyword: .package) {
      let package = try parsePackage()
      if !isFirst { record("unexpected package", at: package.location) }
      if draft.package == nil { draft.package = package }
      draft.statements.append(.init(line: start.line, subject: .package))
      return
    }
    if isFirst { record("package expected", at: start) }
    if isAt(keyword: .import) {
      draft.statements.append(.init(line: start.line, subject: .other("import")))
      draft.imports.append(try parseImport())
      return
    }
    draft.statements.append(.init(line: start.line, subject: .rule(draft.rules.count)))
    draft.rules.append(contentsOf: try parseRules())
  }

  /// `package a.b["c"]`.
  private mutating func parsePackage() throws(Failure) -> Package {
    let start = mark
    advance()
    guard kind.isWord else { throw unexpected() }
    let path = try parsePath()
    return Package(path: path, location: location(from: start))
  }

  /// A name and what follows it as `.name` or `["name"]`, all of which may be keywords.
  private mutating func parsePath() throws(Failure) -> [RegoString] {
    var path = [RegoString(text)]
    advance()
    while kind == .dot || kind == .leftBracket, !token.followsSpace {
      try parseReferenceOperand()
      let operand = take()
      guard case .string(let name) = operand.kind else {
        throw fail("unexpected \(operand.kind.typeName) token: expecting string", at: operand.location)
      }
      path.append(name)
    }
    return path
  }

  /// `import data.a.b as c`.
  private mutating func parseImport() throws(Failure) -> Import {
    let start = mark
    advance()
    guard kind.isWord else { throw unexpected() }
    let first = mark
    let path = try parsePath()
    let place = location(from: first)
    let root = path[0].string
    guard ["data", "future", "input", "rego"].contains(where: { $0.utf8.elementsEqual(root.utf8) }) else {
      throw fail(
        "unexpected import path, must begin with one of: {data, future, input, rego}, got: \(root)"
          + " (hint: if this is unexpected, try updating OPA)", at: place)
    }
    var alias: String?
    if kind == .as {
      advance()
      guard kind == .identifier || kind == .contains else { throw unexpected("expected var") }
      alias = text
      advance()
    }
    switch root {
    case "future": try importKeywords(path, isAliased: alias != nil, at: place)
    case "rego": try importV1(path, isAliased: alias != nil, at: place)
    default:
      if alias == nil, let last = path.last, isReserved(last) {
        throw fail("unexpected import path, must not end with a keyword, got: \(last)", at: place)
      }
    }
    return Import(path: path, alias: alias, location: location(from: start))
  }

  /// Whether a name is a keyword of the dialect, imported or not.
  private mutating func isReserved(_ name: RegoString) -> Bool {
    let kind = Token.Kind.word(Array(name.utf8)[...])
    return kind.isKeyword && (dialect == .v1 || !kind.isFutureKeyword)
  }

  /// `import future.keywords` and `import future.keywords.in`.
  private mutating func importKeywords(_ path: [RegoString], isAliased: Bool, at place: Location)
    throws(Failure)
  {
    guard path.count > 1, path[1] == "keywords" else {
      throw fail("invalid import, must be `future.keywords`", at: place)
    }
    if isAliased { throw fail("`future` imports cannot be aliased", at: place) }
    guard path.count > 2 else {
      addKeywords([.in, .every, .contains, .if])
      return
    }
    let kind = Token.Kind.word(Array(path[2].utf8)[...])
    guard path.count == 3, kind.isFutureKeyword else {
      throw fail("unexpected keyword, must be one of [contains every if in]", at: place)
    }
    // `every` needs `in`.
    addKeywords(kind == .every ? [.every, .in] : [kind])
  }

  /// `import rego.v1`: v0 that is written as v1 demands.
  private mutating func importV1(_ path: [RegoString], isAliased: Bool, at place: Location) throws(Failure) {
    guard path == ["rego", "v1"] else {
      let written = path.map(\.string).joined(separator: ".")
      throw fail("invalid import `\(written)`, must be `rego.v1`", at: place)
    }
    if dialect == .v1 { return }
    if isAliased { throw fail("`rego` imports cannot be aliased", at: place) }
    requiresV1 = true
    addKeywords([.in, .every, .contains, .if])
  }

  private mutating func addKeywords(_ more: Set<Token.Kind>) {
    keywords.formUnion(more)
    refresh()
  }
}
