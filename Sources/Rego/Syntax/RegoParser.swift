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
    do throws(RegoErrors) {
      return try parseModule(source, file: file, dialect: dialect)
    } catch {
      throw error.quoting([file: source])
    }
  }

  private static func parseModule(
    _ source: String, file: String, dialect: Dialect?
  ) throws(RegoErrors) -> Module {
    var parser = Parser(source, file: file, dialect: dialect ?? .v1)
    if dialect != nil { return try parser.parseModule() }
    do throws(RegoErrors) {
      return try parser.parseModule()
    } catch {
      do throws(RegoErrors) {
        var parser = Parser(source, file: file, dialect: .v0)
        return try parser.parseModule()
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
    var parser = Parser(source, file: file, dialect: dialect)
    do throws(RegoErrors) {
      return try parser.parseWhole { (parser) throws(Parser.Failure) in
        try parser.parseBody(until: .eof)
        return parser.takeBody()
      }
    } catch {
      throw error.quoting([file: source])
    }
  }

  /// Reads a single term, such as `{"a": {1, 2}}`.
  ///
  /// - Throws: the first error, with the code `rego_parse_error`.
  public static func term(_ source: String) throws(RegoErrors) -> Term {
    var parser = Parser(source, file: "", dialect: .v1)
    return try parser.parseWhole { (parser) throws(Parser.Failure) in
      try parser.parseTerm(pairs: true)
      guard parser.kind == .eof else { throw parser.unexpected() }
      return parser.take()
    }
  }
}

extension Parser {
  /// Reads a source that is one thing.
  fileprivate mutating func parseWhole<Result>(
    _ parse: (inout Parser) throws(Failure) -> Result
  ) throws(RegoErrors) -> Result {
    do throws(Failure) {
      if errors.isEmpty { return try parse(&self) }
    } catch {
      recordFailure()
    }
    throw RegoErrors(errors)
  }
}
