import Rego

/// The builtins as people read of them: a table, or the reference page in docs/.
struct BuiltinReference {
  /// In the order of their names.
  let builtins: [Builtin]

  init(_ builtins: [Builtin]) {
    self.builtins = builtins.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  // MARK: Table

  var table: TextTable {
    TextTable(
      header: ["BUILTIN", "CATEGORY", "SIGNATURE", "NOTES"],
      rows: builtins.map { builtin in
        [builtin.name, builtin.category, builtin.signature, Self.notes(on: builtin).joined(separator: ", ")]
      })
  }

  private static func notes(on builtin: Builtin) -> [String] {
    var notes: [String] = []
    if builtin.isDeprecated { notes.append("deprecated") }
    if builtin.isNondeterministic { notes.append("nondeterministic") }
    if builtin.isRestricted { notes.append("restricted") }
    return notes
  }

  // MARK: Page

  /// The heading of a category; one that is not listed goes by its own name.
  private static let headings: [(category: String, heading: String)] = [
    ("comparison", "Comparison"), ("numbers", "Numbers"), ("bits", "Bits"), ("aggregates", "Aggregates"),
    ("array", "Arrays"), ("sets", "Sets"), ("object", "Objects"), ("json", "JSON documents"),
    ("strings", "Strings"), ("regex", "Regular expressions"), ("glob", "Globs"), ("types", "Types"),
    ("conversions", "Conversions"), ("units", "Units"), ("encoding", "Encoding"), ("time", "Time"),
    ("crypto", "Cryptography"), ("tokens", "JSON Web Tokens"), ("tokensign", "Signing JSON Web Tokens"),
    ("net", "Networks"), ("graph", "Graphs"), ("semver", "Semantic versions"), ("uuid", "UUIDs"),
    ("rego", "Rego"), ("kubernetes", "Kubernetes"), ("netpol", "Network policies"),
    ("opa", "OPA"), ("http", "HTTP"), ("providers.aws", "AWS"), ("tracing", "Tracing"),
  ]

  /// The page in Markdown. What only the compiler calls is left out.
  var markdown: String {
    let shown = builtins.filter { $0.infix != nil || !$0.name.utf8.starts(with: "internal.".utf8) }
    let groups = Dictionary(grouping: shown, by: \.category)
    var headings = Self.headings
    for category in groups.keys.sorted() where !headings.contains(where: { $0.category == category }) {
      headings.append((category, category))
    }
    var text = """
      # Builtins

      Made of the declarations in the source by `portcullis capabilities --format markdown`; not to be edited by hand.

      Each is given with the types that it takes and gives, as errors name them. A call whose operands are of other types is an error of the compiler where it \
      can tell, else an error of the builtin, which makes the expression undefined. *Nondeterministic* builtins can give different results for the same \
      operands in two evaluations. *Deprecated* ones are errors under `--strict`. *Restricted* ones are refused by `serve`, `review` and `check` unless \
      [`allowedBuiltins`](configuration.md#what-it-judges-by) names them.

      """
    for (category, heading) in headings {
      guard let members = groups[category] else { continue }
      text += "\n## \(heading)\n"
      for builtin in members { text += "\n" + Self.entry(builtin) }
    }
    return text
  }

  private static func entry(_ builtin: Builtin) -> String {
    var text = "### `\(builtin.infix ?? builtin.name)`\n\n`\(builtin.signature)`\n\n\(builtin.summary)"
    if let replacement = builtin.replacement { text += " *Deprecated: use `\(replacement)`.*" }
    if builtin.isNondeterministic { text += " *Nondeterministic.*" }
    if builtin.isRestricted { text += " *Restricted.*" }
    text += "\n\n"
    for parameter in builtin.parameters + [builtin.result] where !parameter.summary.isEmpty {
      text += "- `\(parameter.name)`: \(parameter.summary)\n"
    }
    return text
  }
}
