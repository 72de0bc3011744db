import Rego

/// Writes modules of v1 as v0 says the same: no `if`, sets as `p[x]`, and imports of the keywords without which it cannot be said.
public enum V0Printer {
  /// - Throws: the errors of a source that is not v1.
  public static func text(of source: String) throws(RegoErrors) -> String {
    let module = try RegoParser.module(source, file: "", dialect: .v1)
    let words = Set(source.utf8.split { !isWordByte($0) }.map { String(Substring($0)) })
    // `p.q[x] { ... }` is an object in v0 as well: a set below a name can only be written with `contains`.
    let usesContains = module.rules.contains { $0.head.key != nil && $0.head.reference.count > 1 }
    var imports = ["in", "every"].filter(words.contains)
    if usesContains { imports.append("contains") }
    let style = FormatStyle(
      usesIf: false, usesContains: usesContains, assignment: "=",
      addedImports: imports.map { "future.keywords.\($0)" }, usesReferenceHeads: true,
      dropsImport: { $0.first == "future" || $0 == ["rego", "v1"] })
    return RegoFormatter.write(module, of: source, style: style)
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    let letter = byte | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
      || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}
