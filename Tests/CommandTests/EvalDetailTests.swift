import Testing

/// What `portcullis eval` tells beside results, in the shapes of `opa eval` (OPA documentation, "CLI").
@Suite("eval: explanations, times, coverage")
struct EvalDetailTests {
  static let policy = """
    package p

    deny contains x if {
      some x in [1, 2]
      trace(sprintf("x is %d", [x]))
      x > 1
    }
    """

  static let commands: [CommandCase] = [
    CommandCase(
      name: "notes, with what led to them",
      arguments: ["eval", "-d", "p.rego", "--explain", "notes", "-f", "pretty", "data.p.deny"],
      files: ["p.rego": policy],
      output: """
        query:1      Enter data.p.deny = _
        p.rego:3     | Enter data.p.deny
        p.rego:5     | | Note "x is 1"
        p.rego:5     | | Note "x is 2"
        [
          2
        ]

        """),
    CommandCase(
      name: "failures",
      arguments: ["eval", "-d", "p.rego", "--explain", "fails", "-f", "pretty", "data.p.deny"],
      files: ["p.rego": policy],
      output: """
        query:1      Enter data.p.deny = _
        p.rego:3     | Enter data.p.deny
        p.rego:6     | | Fail x > 1
        [
          2
        ]

        """),
    CommandCase(
      name: "every step",
      arguments: ["eval", "-d", "p.rego", "--explain", "full", "-f", "pretty", "data.p.deny"],
      files: ["p.rego": policy],
      output: """
        query:1      Enter data.p.deny = _
        query:1      | Eval data.p.deny = _
        p.rego:3     | Enter data.p.deny
        p.rego:4     | | Eval some x in [1, 2]
        p.rego:5     | | Eval trace(sprintf("x is %d", [x]))
        p.rego:5     | | Note "x is 1"
        p.rego:6     | | Eval x > 1
        p.rego:6     | | Fail x > 1
        p.rego:5     | | Redo trace(sprintf("x is %d", [x]))
        p.rego:4     | | Redo some x in [1, 2]
        p.rego:5     | | Eval trace(sprintf("x is %d", [x]))
        p.rego:5     | | Note "x is 2"
        p.rego:6     | | Eval x > 1
        p.rego:3     | | Exit data.p.deny
        p.rego:3     | Redo data.p.deny
        p.rego:6     | | Redo x > 1
        p.rego:5     | | Redo trace(sprintf("x is %d", [x]))
        p.rego:4     | | Redo some x in [1, 2]
        query:1      | Exit data.p.deny = _
        query:1      Redo data.p.deny = _
        query:1      | Redo data.p.deny = _
        [
          2
        ]

        """),
    CommandCase(
      name: "an explanation as JSON",
      arguments: ["eval", "-d", "p.rego", "--explain", "notes", "data.p.deny"],
      files: ["p.rego": policy],
      outputHas: [#""explanation": ["#, #""Op": "Note""#, #""Message": "x is 2""#, #""result": ["#]),
    CommandCase(
      name: "times", arguments: ["eval", "--metrics", "1 + 1"],
      outputHas: [
        #""metrics": {"#, #""timer_rego_query_parse_ns": "#, #""timer_rego_query_compile_ns": "#,
        #""timer_rego_query_eval_ns": "#, #""timer_rego_load_files_ns": "#, #""value": 2"#,
      ]),
    CommandCase(
      name: "times of modules", arguments: ["eval", "-d", "p.rego", "--metrics", "data.p.deny"],
      files: ["p.rego": policy], outputHas: [#""timer_rego_module_parse_ns": "#]),
    CommandCase(
      name: "times in a table", arguments: ["eval", "--metrics", "-f", "pretty", "1 + 1"],
      outputHas: ["2\n+--", "| METRIC ", "| timer_rego_query_eval_ns "]),
    CommandCase(
      name: "coverage", arguments: ["eval", "-d", "p.rego", "--coverage", "data.p.deny"],
      files: ["p.rego": policy],
      outputHas: [#""coverage": {"#, #""covered_lines": 4"#, #""not_covered_lines": 0"#, #""coverage": 100"#]),
    CommandCase(
      name: "what takes long", arguments: ["eval", "-d", "p.rego", "--profile", "data.p.deny"],
      files: ["p.rego": policy], outputHas: [#""profile": ["#, #""num_eval": 2"#, #""num_redo": 1"#]),
    CommandCase(
      name: "discarded results", arguments: ["eval", "--metrics", "-f", "discard", "1"],
      outputHas: [#""result": "discarded""#, #""metrics": {"#]),
    CommandCase(
      name: "the way to an error",
      arguments: ["eval", "-d", "p.rego", "--explain", "notes", "-f", "pretty", "data.p.two"],
      files: ["p.rego": "package p\n\ntwo := x if {\n  some x in [1, 2]\n  trace(\"here\")\n}"], status: 2,
      outputHas: ["| | Note \"here\""], errorsHave: ["eval_conflict_error"]),
  ]

  @Test("Details", arguments: commands)
  func details(_ command: CommandCase) async throws { try await command.check() }
}
