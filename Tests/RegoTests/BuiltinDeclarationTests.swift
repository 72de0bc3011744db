import Rego
import Testing

@Suite struct BuiltinDeclarationTests {
  @Test("every builtin says what it does, and what its operands and result are")
  func summaries() {
    for builtin in Array(BuiltinRegistry.standard.builtins.values) + LanguageBuiltins.all {
      #expect(builtin.summary.hasSuffix("."), "\(builtin.name)")
      #expect(!builtin.category.isEmpty)
      for parameter in builtin.parameters { #expect(!parameter.summary.isEmpty, "\(builtin.name)") }
      if !builtin.isVariadic { #expect(!builtin.result.summary.isEmpty, "\(builtin.name)") }
      #expect(Set(builtin.parameters.map(\.name)).count == builtin.parameters.count, "\(builtin.name)")
    }
  }
}
