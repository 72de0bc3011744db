/// Reads Rego's source text into its syntax tree.
public enum RegoParser {
  /// Reads a file.
  ///
  /// - Parameter dialect: nil reads v1, and where that fails v0. If both fail the errors are those of v1, unless most of the
  ///   rules are written as only v0 allows.
  /// - Throws: every error found, with the code `rego_parse_error`.
  public static func module(
    _ source: String, file: String, dialect: Dialect? = nil
  ) throws(RegoErrors) -> Module {
    if let dialect { return try Parser(source, file: file, dialect: dialect).parseModule() }
    let parser = Parser(source, file: file, dialect: .v1)
    do throws(RegoErrors) {
      return try parser.parseModule()
    } catch {
      do throws(RegoErrors) {
        return try Parser(source, file: file, dialect: .v0).parseModule()
      } catch let errorsOfV0 {
        throw parser.seemsV0 ? errorsOfV0 : error
      }
    }
  }

  /// Reads a query: expressions with `;` or newlines between them.
  ///
  /// - Throws: the first error, with the code `rego_parse_error`.
  public static func query(
    _ source: String, file: String = "", dialect: Dialect = .v1
  ) throws(RegoErrors) -> Body {
    try Parser(source, file: file, dialect: dialect).parseWhole { (parser) throws(Parser.Failure) in
      guard let body = try parser.parseBody(until: .eof) else { throw parser.unexpected() }
      return body
    }
  }

  /// Reads a single term, such as `{"a": {1, 2}}`.
  ///
  /// - Throws: the first error, with the code `rego_parse_error`.
  public static func term(_ source: String) throws(RegoErrors) -> Term {
    try Parser(source, file: "", dialect: .v1).parseWhole { (parser) throws(Parser.Failure) in
      let term = try parser.parseTerm(pairs: true)
      guard parser.token.kind == .eof else { throw parser.unexpected() }
      return term
    }
  }
}

extension Parser {
  /// Reads a source that is one thing.
  fileprivate func parseWhole<Result>(
    _ parse: (Parser) throws(Failure) -> Result
  ) throws(RegoErrors) -> Result {
    do throws(Failure) {
      if errors.isEmpty { return try parse(self) }
    } catch {
      recordFailure()
    }
    throw RegoErrors(errors)
  }
}
