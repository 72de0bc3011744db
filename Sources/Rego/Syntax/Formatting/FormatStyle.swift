/// Which of the language's spellings a module is written in.
package struct FormatStyle: Sendable {
  /// Whether bodies follow `if`, and one-line bodies need no braces.
  package var usesIf: Bool
  /// Whether partial sets are written with `contains`.
  package var usesContains: Bool
  /// How heads give their values; nil as they were written.
  package var assignment: String?
  /// Imports that are left out, by their path.
  package var dropsImport: @Sendable ([RegoString]) -> Bool
  /// Imports that are written first, such as `rego.v1`.
  package var addedImports: [String]
  /// Whether `p["a"]` may be written as `p.a` in a head.
  package var usesReferenceHeads: Bool

  package init(
    usesIf: Bool, usesContains: Bool, assignment: String? = nil, addedImports: [String] = [],
    usesReferenceHeads: Bool = false, dropsImport: @escaping @Sendable ([RegoString]) -> Bool = { _ in false }
  ) {
    self.usesIf = usesIf
    self.usesContains = usesContains
    self.assignment = assignment
    self.addedImports = addedImports
    self.usesReferenceHeads = usesReferenceHeads
    self.dropsImport = dropsImport
  }

  /// The style that a module keeps or is asked to get.
  init(_ module: Module, _ compatibility: RegoFormatter.Compatibility) {
    let imported = module.imports.map(\.path)
    let hasV1 = imported.contains(["rego", "v1"])
    func hasKeyword(_ name: RegoString) -> Bool {
      imported.contains(["future", "keywords"]) || imported.contains(["future", "keywords", name])
    }
    let isV1 = module.dialect == .v1 || hasV1 || compatibility != .asWritten
    usesIf = isV1 || hasKeyword("if")
    usesContains = isV1 || hasKeyword("contains")
    assignment = isV1 ? ":=" : nil
    addedImports = compatibility == .both ? ["rego.v1"] : []
    switch compatibility {
    // `rego.v1` says all that the imports of keywords say.
    case .asWritten: dropsImport = { hasV1 && $0.first == "future" }
    case .both, .v1: dropsImport = { $0.first == "future" || $0 == ["rego", "v1"] }
    }
    usesReferenceHeads = module.hasReferenceHeads
  }
}

extension Module {
  /// Whether some head is more than a name with one operand: then readers know references in heads, as `opa fmt` has it.
  var hasReferenceHeads: Bool {
    rules.contains { $0.head.reference.count > 2 || $0.head.reference.count == 2 && $0.head.key != nil }
  }
}
