/// Writes modules in the canonical format, that of `opa fmt`: tabs, one blank line between rules, sorted imports, and lines
/// broken where the source breaks them. Every comment is kept.
///
/// Formatting what has been formatted changes nothing, and neither changes what a module means.
public struct RegoFormatter: Sendable {
  /// Which dialects what is written can be read in.
  public enum Compatibility: Sendable {
    /// The dialect that the source is in, and its imports.
    case asWritten
    /// v0 and v1 alike: by `import rego.v1`.
    case both
    /// v1, without the imports that only v0 needs.
    case v1
  }

  /// The dialect to read sources in; nil reads v1, and where that fails v0.
  public var dialect: Dialect?
  public var compatibility: Compatibility

  public init(dialect: Dialect? = nil, compatibility: Compatibility = .asWritten) {
    self.dialect = dialect
    self.compatibility = compatibility
  }

  /// The source in the canonical format.
  ///
  /// - Throws: the errors of the source with the code `rego_parse_error`; or, where it cannot be said in the dialects asked for, those
  ///   that what was written has in them.
  public func format(_ source: String, file: String) throws(RegoErrors) -> String {
    let module = try RegoParser.module(source, file: file, dialect: dialect)
    let text = RegoFormatter.write(module, of: source, style: FormatStyle(module, compatibility))
    do throws(RegoErrors) {
      switch compatibility {
      case .asWritten:
        let written = try RegoParser.module(text, file: file, dialect: module.dialect == .v1 ? .v1 : dialect)
        // Without what made it v0, such as `{ true }`, the module is v1 from here on.
        if written.dialect != module.dialect { return try format(text, file: file) }
      case .both: _ = try RegoParser.module(text, file: file, dialect: .v0)
      case .v1: _ = try RegoParser.module(text, file: file, dialect: .v1)
      }
    } catch {
      throw RegoErrors(
        error.errors.map { RegoError(.parse, "cannot be formatted: \($0.message)", at: $0.location) })
    }
    return text
  }

  /// Writes a module that was read from a source.
  package static func write(_ module: Module, of source: String, style: FormatStyle) -> String {
    var printer = ModulePrinter(module, FormattedSource(source, comments: module.comments), style)
    printer.writeModule()
    return String(decoding: printer.output, as: UTF8.self)
  }
}
