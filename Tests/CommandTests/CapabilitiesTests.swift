import Foundation
import Rego
import Testing

/// `portcullis capabilities` lists builtins in the shape of `opa capabilities` (OPA documentation, "Capabilities").
@Suite("capabilities")
struct CapabilitiesTests {
  private func run(_ format: String) async throws -> String {
    let folder = try TemporaryFolder()
    let run = try await CommandRun.run(["capabilities", "--format", format], in: folder.url)
    #expect(run.status == 0 && run.errors.isEmpty)
    return run.output
  }

  @Test("docs/builtins.md is what the declarations make; make reference writes it anew")
  func reference() async throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/builtins.md"), encoding: .utf8)
    let made = try await run("markdown")
    #expect(page.utf8.elementsEqual(made.utf8), "docs/builtins.md is out of date: make reference")
  }

  /// Declarations as OPA's capabilities have them, without names and descriptions.
  static let declarations: [(name: String, declaration: String)] = [
    (
      "plus",
      #"{"args": [{"type": "number"}, {"type": "number"}], "result": {"type": "number"}, "type": "function"}"#
    ),
    (
      "count",
      #"{"args": [{"of": [{"type": "string"}, {"dynamic": {"type": "any"}, "type": "array"}, {"dynamic": {"key": {"type": "any"}, "value": {"type": "any"}}, "type": "object"}, {"of": {"type": "any"}, "type": "set"}], "type": "any"}], "result": {"type": "number"}, "type": "function"}"#
    ),
    (
      "walk",
      #"{"args": [{"type": "any"}], "result": {"static": [{"dynamic": {"type": "any"}, "type": "array"}, {"type": "any"}], "type": "array"}, "type": "function"}"#
    ),
    (
      "json.patch",
      #"{"args": [{"type": "any"}, {"dynamic": {"dynamic": {"key": {"type": "any"}, "value": {"type": "any"}}, "static": [{"key": "op", "value": {"type": "string"}}, {"key": "path", "value": {"type": "any"}}], "type": "object"}, "type": "array"}], "result": {"type": "any"}, "type": "function"}"#
    ),
    ("time.now_ns", #"{"args": [], "result": {"type": "number"}, "type": "function"}"#),
    ("print", #"{"type": "function", "variadic": {"type": "any"}}"#),
  ]

  @Test("each builtin once, with its declaration")
  func json() async throws {
    let document = try JSONReader.value(Array(try await run("json").utf8))
    let builtins = try #require(document["builtins"]?.array)
    let names = builtins.compactMap { $0["name"]?.string }
    #expect(names.count == builtins.count && Set(names).count == names.count)
    #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    for (name, declaration) in Self.declarations {
      let builtin = try #require(builtins.first { $0["name"] == .string(name) })
      let wanted = try JSONReader.value(Array(declaration.utf8))
      #expect(Self.withoutNames(try #require(builtin["decl"])) == wanted, "\(name)")
    }
    func flagged(_ flag: String) -> Set<String> {
      Set(builtins.filter { $0[flag] == true }.compactMap { $0["name"]?.string })
    }
    #expect(flagged("relation") == ["walk"])
    #expect(
      flagged("deprecated") == [
        "all", "any", "cast_array", "cast_boolean", "cast_null", "cast_object", "cast_set", "cast_string",
        "net.cidr_overlap", "re_match", "set_diff",
      ])
    #expect(
      flagged("nondeterministic") == [
        "http.send", "io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw",
        "net.lookup_ip_addr", "opa.runtime", "rand.intn", "time.now_ns", "uuid.rfc4122",
      ])
    #expect(builtins.first { $0["name"] == "plus" }?["infix"] == "+")
    #expect(document["future_keywords"]?.array?.contains("in") == true)
    #expect(document["features"]?.array?.contains("rego_v1") == true)
  }

  private static func withoutNames(_ value: Value) -> Value {
    switch value {
    case .array(let elements): return .array(elements.map(withoutNames))
    case .object(let object):
      let isType = object["type"] != nil
      return .object(
        ObjectValue(
          object.filter { !isType || ($0.0 != "name" && $0.0 != "description") }.map {
            ($0.0, withoutNames($0.1))
          }))
    default: return value
    }
  }

  @Test("the table has signatures and notes")
  func table() async throws {
    let lines = try await run("table").split(separator: "\n")
    #expect(lines.contains { $0.contains("| x: number + y: number → z: number ") })
    #expect(lines.contains { $0.contains("| opa.runtime ") && $0.contains("nondeterministic, restricted") })
  }
}
