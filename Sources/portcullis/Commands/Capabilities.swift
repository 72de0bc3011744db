import ArgumentParser
import Connectivity
import Rego

struct Capabilities: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the builtins, with what they take and give.",
    discussion: """
      The JSON is shaped as that of `opa capabilities --current`, so that OPA's tools can check policies against it.

      EXAMPLES
        portcullis capabilities --format table
        portcullis capabilities >capabilities.json
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case json
    case table
    case markdown
  }

  @Option(name: .shortAndLong, help: "How to list them.")
  var format = Format.json

  func run() {
    let registry = BuiltinRegistry.policies
    let reference = BuiltinReference(Array(registry.builtins.values) + LanguageBuiltins.all)
    switch format {
    case .json: Console.output.write(line: Self.json(reference.builtins).text)
    case .table: Console.output.write(reference.table.text)
    case .markdown: Console.output.write(reference.markdown)
    }
  }

  private static func json(_ builtins: [Builtin]) -> OrderedJSON {
    .object([
      ("builtins", .array(builtins.map { .value($0.capability) })),
      // Both dialects are read, so that what v0 imports is known too.
      ("future_keywords", .array(["contains", "every", "if", "in"].map(OrderedJSON.string))),
      (
        "features",
        .array(
          [
            "keywords_in_refs", "rego_v1", "rego_v1_import", "rule_head_ref_string_prefixes",
            "rule_head_refs", "template_strings",
          ].map(OrderedJSON.string))
      ),
    ])
  }
}
