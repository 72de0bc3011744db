import Testing

@testable import Rego

/// The places of a tree's nodes, checked one by one against the source.
private struct Places {
  let source: String

  /// The text at a place, and whether line and column agree with the offset.
  func text(_ location: Location) -> String {
    let bytes = Array(source.utf8)
    let before = bytes[..<location.offset]
    #expect(location.line == before.count { $0 == UInt8(ascii: "\n") } + 1)
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    #expect(location.column == location.offset - lineStart + 1)
    #expect(location.file == "f.rego")
    return String(decoding: bytes[location.offset..<location.offset + location.length], as: UTF8.self)
  }
}

@Suite("Places in the source")
struct ParserLocationTests {
  @Test("cover the text of each node")
  func nodes() throws {
    let source = """
      # METADATA
      # title: é
      package a.b

      import data.lib as l # ü

      p := y if {
        "é" == input.a[x].b ; y := (1 + f(x)) * 2
        some z in [1] with input as {"a":
          2}
      } else := 3 if not q

      q if { a } { b }
      """
    let here = Places(source: source)
    let tree = try RegoParser.module(source, file: "f.rego", dialect: .v1)
    #expect(here.text(tree.package.location) == "package a.b")
    #expect(tree.imports.map { here.text($0.location) } == ["import data.lib as l"])
    #expect(tree.comments.map { here.text($0.location) } == ["# METADATA", "# title: é", "# ü"])
    #expect(here.text(tree.annotations[0].location) == "# METADATA\n# title: é")
    let rule = tree.rules[0]
    #expect(here.text(rule.location).hasPrefix("p := y if {"))
    #expect(here.text(rule.location).hasSuffix("else := 3 if not q"))
    #expect(here.text(rule.head.location) == "p := y")
    #expect(here.text(rule.body.location).hasPrefix("\"é\" == "))
    #expect(here.text(rule.body.location).hasSuffix("2}"))
    let expressions = rule.body.expressions
    #expect(here.text(expressions[0].location) == "\"é\" == input.a[x].b")
    #expect(here.text(expressions[1].location) == "y := (1 + f(x)) * 2")
    #expect(here.text(expressions[2].location) == "some z in [1] with input as {\"a\":\n    2}")
    #expect(here.text(expressions[2].withModifiers[0].location) == "with input as {\"a\":\n    2}")
    guard case .call(let callee, let arguments) = expressions[0].kind,
      case .reference(let head, let operands) = arguments[1].kind
    else {
      Issue.record("no call of a reference")
      return
    }
    #expect(here.text(callee.location) == "==")
    #expect(here.text(arguments[1].location) == "input.a[x].b")
    #expect(here.text(head.location) == "input")
    #expect(operands.map { here.text($0.location) } == ["a", "x", "b"])
    guard case .call(_, let assigned) = expressions[1].kind, case .call(_, let factors) = assigned[1].kind,
      case .call(_, let summands) = factors[0].kind
    else {
      Issue.record("no product of a sum")
      return
    }
    #expect(here.text(assigned[1].location) == "(1 + f(x)) * 2")
    #expect(here.text(factors[0].location) == "1 + f(x)")
    #expect(here.text(summands[1].location) == "f(x)")
    let branch = rule.elseBranch[0]
    #expect(here.text(branch.location) == "else := 3 if not q")
    #expect(here.text(branch.head.location) == "else := 3")
    #expect(here.text(branch.body.location) == "not q")
    #expect(here.text(tree.rules[1].location) == "q if { a }")
    #expect(here.text(tree.rules[2].location) == "{ b }")
    #expect(here.text(tree.location).hasPrefix("package a.b"))
    #expect(here.text(tree.location).hasSuffix("{ b }"))
  }

  @Test("a byte-order mark at the beginning takes no column")
  func mark() throws {
    let module = try RegoParser.module("\u{feff}package a", file: "", dialect: .v1)
    #expect(module.package.location == Location(line: 1, column: 1, offset: 3, length: 9))
  }
}
