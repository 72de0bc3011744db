import Testing

@testable import Rego

/// What instrumented programs tell of their evaluation.
@Suite struct TraceTests {
  /// Events as `OPERATION DEPTH TEXT`, with the values of failing expressions, the text being that of the source.
  private static func trace(
    _ source: String, query: String = "data.test.p", input: Value? = nil, withValues: Bool = false
  ) throws -> [String] {
    let text = "package test\n" + source
    let module = try RegoParser.module(text, file: "test.rego", dialect: .v1)
    var options = RegoCompiler.Options()
    options.isInstrumented = true
    let program = try RegoCompiler(options).compile([module], queries: [try RegoParser.query(query)])
    let evaluation = Evaluation(program, input: input, context: BuiltinContext(nowNanoseconds: 0))
    func part(_ location: Location) -> String {
      let bytes = (location.file.isEmpty ? query : text).utf8.dropFirst(location.offset)
      return String(decoding: bytes.prefix(location.length), as: UTF8.self)
    }
    var lines: [String] = []
    evaluation.trace(withValues: withValues) { event in
      var words = ["\(event.operation) \(event.depth)"]
      switch event.subject {
      case .query: words.append("query")
      case .rule(let path): words.append(path.map(\.string).joined(separator: "."))
      case .expression, .every: words.append(part(event.location))
      }
      if let note = event.note { words.append("\(note)") }
      for mention in event.mentions {
        words.append("\(mention.location.column)=\(mention.value.map { "\($0)" } ?? "undefined")")
      }
      lines.append(words.joined(separator: " "))
    }
    _ = try evaluation.results()
    return lines
  }

  @Test("an expression that holds, and one that fails, with what was before it asked again")
  func failure() throws {
    #expect(
      try Self.trace("p if {\n x := 1\n x == 2\n}") == [
        "enter 1 query", "evaluate 1 data.test.p", "enter 2 test.p", "evaluate 2 x := 1",
        "evaluate 2 x == 2", "fail 2 x == 2", "redo 2 x := 1", "fail 1 data.test.p",
      ])
  }

  @Test("an expression with several ways to hold fails only where none of them does")
  func ways() throws {
    #expect(
      try Self.trace("p contains x if {\n some x in [1, 2]\n x > 1\n}") == [
        "enter 1 query", "evaluate 1 data.test.p", "enter 2 test.p", "evaluate 2 some x in [1, 2]",
        "evaluate 2 x > 1", "fail 2 x > 1", "redo 2 some x in [1, 2]", "evaluate 2 x > 1", "exit 2 test.p",
        "redo 2 test.p", "redo 2 x > 1", "redo 2 some x in [1, 2]", "exit 1 query", "redo 1 query",
        "redo 1 data.test.p",
      ])
  }

  @Test("notes")
  func notes() throws {
    let lines = try Self.trace("p if {\n x := 1\n trace(sprintf(\"x is %d\", [x]))\n}")
    #expect(lines.contains { $0.hasPrefix("note 2 ") && $0.hasSuffix("\"x is 1\"") })
  }

  @Test(
    "what a failing expression mentions, with values",
    arguments: [
      ("p if {\n x := 1\n y := 2\n x == y + 3\n}", "fail 2 x == y + 3 2=1 7=2"),
      ("q := 7\np if q == 8", "fail 2 q == 8 6=7"),
      ("q if input.x\np if q", "fail 2 q 6=undefined"),
      ("p if input.a.b == 2", "fail 2 input.a.b == 2 6=1"),
      ("p if q with input as {\"a\": 5}\nq := input.a > 5", "fail 2 q with input as {\"a\": 5} 6=false"),
      ("p if not q\nq := {\"k\": 1}", #"fail 2 not q 10={"k": 1}"#),
      ("f(x) := x + 1\np if {\n y := 3\n f(y) == 5\n}", "fail 2 f(y) == 5 4=3"),
      ("p if {\n x := [3]\n every e in x { e > 4 }\n}", "fail 2 e > 4 17=3"),
    ])
  func values(source: String, line: String) throws {
    let lines = try Self.trace(source, input: ["a": ["b": 1]], withValues: true)
    #expect(lines.contains(line), "\(lines)")
  }
}
