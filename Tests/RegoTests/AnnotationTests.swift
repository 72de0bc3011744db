import Testing

@testable import Rego

private func annotations(_ source: String) throws(RegoErrors) -> [Annotations] {
  try RegoParser.module(source, file: "f.rego", dialect: .v1).annotations
}

@Suite("Metadata annotations")
struct AnnotationTests {
  @Test("a block belongs to the package or rule after it, with the scope it names or the usual one")
  func scopes() throws {
    let found = try annotations(
      """
      # METADATA
      # title: one
      package a

      # METADATA
      # scope: document
      # title: two

      # a comment between
      p if { x }

      # METADATA
      # title: three
      # entrypoint: true
      q := 1

      q := 2
      #METADATA
      # title: four
      default r := 1
      """)
    #expect(found.map(\.scope) == ["package", "document", "document", "rule"])
    #expect(found.map(\.rule) == [nil, 0, 1, 3])
    #expect(found.map { $0.value["title"]?.string } == ["one", "two", "three", "four"])
    #expect(found.map { $0.value["scope"]?.string } == ["package", "document", "document", "rule"])
    #expect(found.map(\.location.line) == [1, 5, 12, 18])
  }

  @Test("fields have the forms that rego.metadata.rule() answers")
  func fields() throws {
    let found = try annotations(
      """
      package a

      # METADATA
      # title: Title
      # description: |
      #   Two
      #   lines
      # organizations:
      # - One
      # authors:
      # - John Doe
      # - Jane Doe <jane@example.com>
      # - name: Bob
      #   email: bob@example.com
      # related_resources:
      # - https://example.com
      # - ref: https://example.org
      #   description: more
      # schemas:
      # - input: schema.request
      # - data.x["y"]: {type: object}
      # custom:
      #   nested: {a: [1, null]}
      # other: left out
      p := 1
      """)
    let expected: Value = [
      "scope": "rule", "title": "Title", "description": "Two\nlines\n", "organizations": ["One"],
      "authors": [
        ["name": "John Doe"], ["name": "Jane Doe", "email": "jane@example.com"],
        ["name": "Bob", "email": "bob@example.com"],
      ],
      "related_resources": [
        ["ref": "https://example.com"], ["ref": "https://example.org", "description": "more"],
      ],
      "schemas": [
        ["path": ["input"], "schema": ["schema", "request"]],
        ["path": ["data", "x", "y"], "definition": ["type": "object"]],
      ],
      "custom": ["nested": ["a": [1, .null]]],
    ]
    #expect(found.first?.value == expected)
  }

  @Test(
    "errors",
    arguments: [
      ("# METADATA\n\npackage a", "1:1: rego_parse_error: expected METADATA block, found whitespace"),
      (
        "# METADATA\n# title: a\n# x: [\npackage a",
        "rego_parse_error: yaml: "
      ),
      ("# METADATA\n# - a\npackage a", "1:1: rego_parse_error: METADATA block must be a YAML mapping"),
      (
        "# METADATA\n# scope: rule\npackage a",
        "1:1: rego_parse_error: annotation scope 'rule' must be applied to rule (have package)"
      ),
      (
        "package a\n# METADATA\n# scope: package\np := 1",
        "2:1: rego_parse_error: annotation scope 'package' must be applied to package (have rule)"
      ),
      ("# METADATA\n# scope: x\npackage a", "1:1: rego_parse_error: invalid annotation scope 'x'"),
      (
        "package a\n# METADATA\n# title: x\nimport data.x",
        "2:1: rego_parse_error: invalid annotation scope 'import'"
      ),
      (
        "package a\n# METADATA\n# scope: rule\n# entrypoint: true\np := 1",
        "2:1: rego_parse_error: annotation entrypoint applied to non-document or package scope 'rule'"
      ),
      ("# METADATA\n# title: [a]\npackage a", "1:1: rego_parse_error: title must be a string"),
      ("# METADATA\n# custom: a\npackage a", "1:1: rego_parse_error: custom must be a mapping"),
      ("# METADATA\n# authors: a\npackage a", "1:1: rego_parse_error: authors must be a list"),
      ("# METADATA\n# entrypoint: 1\npackage a", "1:1: rego_parse_error: entrypoint must be true or false"),
      (
        "# METADATA\n# related_resources: [{}]\npackage a",
        "1:1: rego_parse_error: invalid related-resource definition: 'ref' value required in object"
      ),
    ])
  func errors(source: String, expected: String) {
    do throws(RegoErrors) {
      _ = try annotations(source)
      Issue.record("no error")
    } catch {
      #expect(error.description.contains(expected), "\(error)")
    }
  }
}
