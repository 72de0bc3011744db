import Foundation
import Rego
import Testing

@testable import Admission

@Suite("Example policies")
struct ExamplePolicyTests {
  @Test("the embedded policies are those of Rego-examples")
  func embedded() throws {
    #expect(BuiltinPolicies.sources.count == 2)
    #expect(BuiltinPolicies.optional.count == 4)
    for source in BuiltinPolicies.sources + BuiltinPolicies.optional {
      let name = source.path.split(separator: ":")[1].split(separator: ".")[0]
      let file = try Files.text(Files.root.appending(path: "Rego-examples/\(name)/\(name).rego"))
      #expect(
        source.text.utf8.elementsEqual(file.utf8), "run scripts/embed-policies after editing \(name).rego")
    }
  }

  @Test("every example parses, all but the article's rule as v1 alone")
  func parse() throws {
    let examples = try Files.examples()
    #expect(examples.count == 15)
    for example in examples {
      let isArticle = example.name == "article_rule"
      let policy = try RegoParser.module(
        example.policy.text, file: example.policy.path, dialect: isArticle ? .v0 : .v1)
      _ = try RegoParser.module(example.tests.text, file: example.tests.path, dialect: .v1)
      if !isArticle { #expect(policy.package.path.last?.string == example.name) }
    }
  }

  @Test("the article's rule is there byte for byte")
  func article() throws {
    guard let shared = Files.shared else {
      print("skipped: ../shared is missing")
      return
    }
    let rule = try Files.text(shared.appending(path: "articles/rule.rego"))
    let example = try Files.text(Files.root.appending(path: "Rego-examples/article_rule/article_rule.rego"))
    #expect(Array(rule.utf8) == Array(example.utf8))
  }
}
