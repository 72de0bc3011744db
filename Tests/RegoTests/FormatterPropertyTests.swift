import ConformanceSuite
import Foundation
import Testing

@testable import Rego

private let missing: Testing.Comment = "the shared suites are not beside the checkout; set PORTCULLIS_SHARED"

@Suite("What formatting leaves as it is")
struct FormatterPropertyTests {
  @Test(
    "every module of OPA's suite",
    .enabled(if: SharedSuites.path("conformance/rego") != nil, missing))
  func complianceSuite() throws {
    let folder = try #require(SharedSuites.path("conformance/rego"))
    let sources = try SuiteSource.complianceSuite(folder)
    #expect(sources.count > 1000)
    try check(sources)
  }

  @Test(
    "every module of Gatekeeper's library",
    .enabled(if: SharedSuites.path("conformance/gatekeeper-library") != nil, missing))
  func gatekeeperLibrary() throws {
    let folder = try #require(SharedSuites.path("conformance/gatekeeper-library"))
    let sources = try SuiteSource.gatekeeperLibrary(folder)
    #expect(sources.count > 50)
    try check(sources)
  }

  @Test("every example")
  func examples() throws {
    let sources = try SuiteSource.modules(below: Self.examples)
    #expect(sources.count > 10)
    try check(sources)
  }

  static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Rego-examples")

  /// Each module as it is, with a comment at the end of each line, with one above each line, and with lines broken wherever they can be.
  private func check(_ sources: [SuiteSource]) throws {
    let variants = sources.map(check).reduce(0, +)
    // A comment above a line may break an annotation there.
    #expect(variants > sources.count * 39 / 10)
  }

  /// How many variants of a module could be checked.
  private func check(_ source: SuiteSource) -> Int {
    var count = 0
    let variants = [
      source, Self.commented(source, above: false), Self.commented(source, above: true), Self.broken(source),
    ]
    for variant in variants {
      do {
        guard let module = try? RegoParser.module(variant.text, file: "") else {
          #expect(variant.name != source.name, "\(source.name) does not parse")
          continue
        }
        count += 1
        let once = try RegoFormatter().format(variant.text, file: "")
        let formatted = try RegoParser.module(once, file: "")
        #expect(formatted.dialect == module.dialect, "\(variant.name)")
        #expect(Meaning(formatted).difference(from: Meaning(module)) == nil, "\(variant.name)\n\(once)")
        #expect(Meaning.words(formatted) == Meaning.words(module), "\(variant.name)\n\(once)")
        let twice = try RegoFormatter().format(once, file: "")
        #expect(once.utf8.elementsEqual(twice.utf8), "\(variant.name)\n\(once)\n\(twice)")
      } catch {
        Issue.record("\(variant.name): \(error)\n\(variant.text)")
      }
    }
    return count
  }

  /// The source with an end of line, and here and there a comment, after each bracket, comma and operator.
  static func broken(_ source: SuiteSource) -> SuiteSource {
    var lexer = Lexer(Array(source.text.utf8))
    var result: [UInt8] = []
    var written = 0
    var count = 0
    var depth = 0
    while true {
      let token = lexer.next()
      let end = Int(token.end)
      result += lexer.bytes[written..<end]
      written = end
      if token.kind == .eof { break }
      let opens = lexer.bytes[Int(token.start)] == UInt8(ascii: "$")
      switch token.kind {
      case .templatePart, .rawTemplatePart: if opens { depth += 1 }
      case .templateEnd, .rawTemplateEnd: if !opens { depth -= 1 }
      case .leftBracket, .leftBrace, .leftParenthesis, .comma, .colon, .plus, .minus, .times, .divide,
        .remainder,
        .and, .or, .unify, .assign, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
        guard depth == 0 else { break }
        count += 1
        let comments = ["", " # behind \(count)", "\n# above \(count)", "\n\n# apart \(count)\n"]
        result += "\(comments[count % 4])\n".utf8
      default: break
      }
    }
    return SuiteSource(name: "\(source.name), broken", text: String(decoding: result, as: UTF8.self))
  }

  /// The source with a comment behind or above each line that ends between two tokens and has none.
  static func commented(_ source: SuiteSource, above: Bool) -> SuiteSource {
    var lexer = Lexer(Array(source.text.utf8))
    var result: [UInt8] = []
    var written = 0
    var count = 0
    var depth = 0
    while true {
      let before = lexer.comments.count
      let token = lexer.next()
      let start = Int(token.start)
      let hasComment = lexer.comments.count > before
      if token.followsNewline, !hasComment, depth == 0, written > 0 {
        let gap = lexer.bytes[written..<start]
        count += 1
        let comment = Array("# comment \(count)".utf8)
        let newline = (above ? gap.lastIndex : gap.firstIndex)(UInt8(ascii: "\n")) ?? gap.endIndex
        if above {
          result += gap[...newline] + comment + [UInt8(ascii: "\n")] + gap[(newline + 1)...]
        } else {
          result += gap[..<newline] + [UInt8(ascii: " ")] + comment + gap[newline...]
        }
      } else {
        result += lexer.bytes[written..<start]
      }
      if token.kind == .eof { break }
      let opens = lexer.bytes[start] == UInt8(ascii: "$")
      switch token.kind {
      case .templatePart, .rawTemplatePart: if opens { depth += 1 }
      case .templateEnd, .rawTemplateEnd: if !opens { depth -= 1 }
      default: break
      }
      result += lexer.bytes[start..<Int(token.end)]
      written = Int(token.end)
    }
    let name = "\(source.name), comments \(above ? "above" : "behind") lines"
    return SuiteSource(name: name, text: String(decoding: result, as: UTF8.self))
  }
}

/// What a module says, without where and how: `p := true` and `p if true` are one, and so are chained bodies and rules.
struct Meaning {
  private let parts: [String]

  init(_ module: Module) {
    var parts = ["package \(module.package.path)"]
    // Imports of keywords go where the import of v1 makes them superfluous.
    let imports = module.imports.filter { $0.path.first != "future" || module.dialect == .v0 }
    parts += imports.map { "import \($0.path) \($0.alias ?? "")" }.sorted()
    parts += module.rules.map { Self.describe($0, module) }
    parts += module.annotations.map { "annotation \($0.rule ?? -1) \($0.scope) \($0.value.json)" }
    self.parts = parts
  }

  private static func describe(_ rule: Rule, _ module: Module) -> String {
    var text = rule.isDefault ? "default " : ""
    text += rule.head.reference.map(\.description).joined(separator: ".")
    if let arguments = rule.head.arguments { text += "\(arguments)" }
    if let key = rule.head.key {
      text += " contains \(key)"
    } else {
      text += " := \(rule.head.value?.description ?? "true")"
    }
    let body = rule.body.description
    if !body.utf8.elementsEqual("true".utf8), !body.isEmpty { text += " if \(body)" }
    text += rule.elseBranch.map { " else \(describe($0, module))" }.joined()
    return withoutNames(text)
  }

  /// The text without the numbers of wildcards.
  private static func withoutNames(_ text: String) -> String {
    var result: [UInt8] = []
    var isWildcard = false
    for byte in text.utf8 {
      isWildcard = byte == UInt8(ascii: "$") || isWildcard && Lexer.isDigit(byte)
      if !isWildcard || byte == UInt8(ascii: "$") { result.append(byte) }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The first part in which another module differs.
  func difference(from other: Meaning) -> String? {
    if parts.count != other.parts.count { return "\(parts.count) parts, not \(other.parts.count)" }
    return zip(parts, other.parts).first { !$0.utf8.elementsEqual($1.utf8) }.map { "\($0), not \($1)" }
  }

  /// The words of all comments.
  static func words(_ module: Module) -> [[UInt8]] {
    module.comments.flatMap { comment in
      Array(comment.text.utf8).split { $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "#") }.map { Array($0) }
    }.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
