import Foundation
import Rego
import Testing

/// `portcullis test` reports in the shapes of `opa test` (OPA documentation, "Policy Testing").
@Suite("test")
struct TestTests {
  static let policy = """
    package p

    allow if input.x > 3

    sum(a, b) := a + b
    """

  static let tests = """
    package p_test

    import data.p

    test_ok if p.allow with input as {"x": 5}

    test_sum if {
      x := 1
      y := 2
      p.sum(x, y) == x + y
    }
    """

  static let files = ["p.rego": policy, "p_test.rego": tests]

  static func failing(_ test: String) -> [String: String] {
    ["p.rego": policy, "p_test.rego": "package p_test\n\nimport data.p\n\n" + test]
  }

  static let cases = """
    test_sums[note] if {
      some note, c in {
        "one": {"a": 1, "want": 2},
        "two": {"a": 2, "want": 5},
      }
      p.sum(c.a, c.a) == c.want
    }
    """

  static let cases2 = """
    test_groups[c.group][c.name] if {
      some c in [{"group": "g", "name": "a", "v": true}, {"group": "g", "name": "b", "v": false}]
      c.v
    }
    """

  static let runs: [CommandCase] = [
    CommandCase(name: "all pass", arguments: ["test", "."], files: files, output: "PASS: 2/2\n"),
    CommandCase(
      name: "each test, on request", arguments: ["test", ".", "-v"], files: files,
      outputHas: [
        "./p_test.rego:\ndata.p_test.test_ok: PASS (", "\ndata.p_test.test_sum: PASS (",
        "\n\(String(repeating: "-", count: 80))\nPASS: 2/2\n",
      ]),
    CommandCase(
      name: "what fails, with values", arguments: ["test", "."],
      files: failing("test_bad if {\n\tx := 2\n\ty := {\"k\": 3}\n\tp.sum(x, y.k) == x\n}"), status: 1,
      outputHas: [
        "FAILURES\n--------", "data.p_test.test_bad: FAIL (",
        """
          ./p_test.rego:8:
            p.sum(x, y.k) == x
                  |  |
                  |  3
                  2

        """, "SUMMARY\n--------", "--------\nFAIL: 1/1\n",
      ]),
    CommandCase(
      name: "an undefined rule under a modifier", arguments: ["test", "."],
      files: failing("test_bad if p.allow with input as {\"x\": 1}"), status: 1,
      outputHas: ["    p.allow with input as {\"x\": 1}\n    |\n    undefined\n"]),
    CommandCase(
      name: "an expression of several lines", arguments: ["test", "."],
      files: failing("test_bad if {\n\tx := 1\n\tx in [\n\t\t2,\n\t\t3,\n\t]\n}"), status: 1,
      outputHas: ["    x in [\n    \t\t2,\n    \t\t3,\n    \t]\n\n    Where:\n\n    x: 1\n"]),
    CommandCase(
      name: "an expression within every", arguments: ["test", "."],
      files: failing("test_bad if {\n\tevery x in [1, 2] {\n\t\tx < 2\n\t}\n}"), status: 1,
      outputHas: ["  ./p_test.rego:7:\n    x < 2\n    |\n    2\n"]),
    CommandCase(
      name: "cases", arguments: ["test", "."], files: failing(cases), status: 1,
      outputHas: [
        "data.p_test.test_sums: FAIL (", "\n  two: FAIL\n",
        "p.sum(c.a, c.a) == c.want\n            |            |\n            |            5\n            2\n",
        "PASS: 1/2\nFAIL: 1/2\n",
      ], lacks: ["one: "]),
    CommandCase(
      name: "cases of cases", arguments: ["test", ".", "-v"], files: failing(cases2), status: 1,
      outputHas: ["\n  g: FAIL\n    a: PASS\n    b: FAIL\n", "PASS: 1/2\nFAIL: 1/2\n"]),
    CommandCase(
      name: "tests to come are skipped", arguments: ["test", "."], files: failing("todo_test_later if false"),
      outputHas: ["data.p_test.todo_test_later: SKIPPED\n", "SKIPPED: 1/1\n"]),
    CommandCase(
      name: "a test that cannot be evaluated", arguments: ["test", "."],
      files: failing("test_two := x if some x in [1, 2]"), status: 1,
      outputHas: [
        "data.p_test.test_two: ERROR (",
        "  ./p_test.rego:5: eval_conflict_error: complete rules must not produce multiple outputs\n",
        "ERROR: 1/1\n",
      ]),
    CommandCase(
      name: "a test that takes too long", arguments: ["test", ".", "--timeout", "100ms"],
      files: failing(
        "test_long if count([1 | numbers.range(1, 100000)[_] > numbers.range(1, 100000)[_]]) > 1"), status: 1,
      outputHas: ["eval_cancel_error", "ERROR: 1/1\n"]),
    CommandCase(
      name: "several tests of one name", arguments: ["test", ".", "-v"],
      files: failing("test_a if true\n\ntest_a if false"), status: 1,
      outputHas: ["data.p_test.test_a: PASS", "data.p_test.test_a#01: FAIL", "PASS: 1/2\nFAIL: 1/2\n"]),
    CommandCase(
      name: "a value that is not true", arguments: ["test", "."], files: failing("test_number := 1"),
      status: 1,
      outputHas: ["FAIL: 1/1\n"]),
    CommandCase(
      name: "some of the tests", arguments: ["test", ".", "--run", "p_test.test_(ok|none)$"], files: files,
      output: "PASS: 1/1\n"),
    CommandCase(
      name: "what is printed", arguments: ["test", ".", "-v"],
      files: failing("test_print if print(\"here\", 1)"),
      outputHas: ["test_print: PASS (", "\n\n  here 1\n\n"]),
    CommandCase(
      name: "data below the names of its folders", arguments: ["test", "."],
      files: [
        "a/b/data.json": #"{"c": 1}"#, "a/x.yaml": "d: 2",
        "t_test.rego":
          "package t\n\ntest_data if data.a == {\"b\": {\"c\": 1}, \"d\": 2}",
      ], output: "PASS: 1/1\n"),
    CommandCase(
      name: "bundles", arguments: ["test", "-b", "one", "two"],
      files: [
        "one/.manifest": #"{"roots": ["one"]}"#, "one/one/data.json": #"{"v": 1}"#,
        "one/one/other.json": "not looked at", "two/.manifest": #"{"roots": ["two"]}"#,
        "two/two.rego": "package two\n\ntest_v if data.one.v == 1",
      ], output: "PASS: 1/1\n"),
    CommandCase(
      name: "failures as JSON", arguments: ["test", ".", "--format", "json"],
      files: failing("test_bad if 1 == 2\n\ntodo_test_x if true"), status: 1,
      outputHas: [
        #""package": "data.p_test""#, #""name": "test_bad""#, #""fail": true"#, #""duration": "#,
        #""text": "1 == 2""#, #""name": "todo_test_x""#, #""skip": true"#,
      ]),
    CommandCase(
      name: "failures as JUnit's XML", arguments: ["test", ".", "--format", "junit"],
      files: failing(cases + "\n\ntest_text if \"<&\\u0001\" == \"\""), status: 1,
      outputHas: [
        #"<testsuites name="portcullis" tests="3" failures="2" errors="0" skipped="0" time=""#,
        #"<testcase classname="data.p_test" name="test_sums/one" file="./p_test.rego" line="5" time=""#,
        #"<failure message="./p_test.rego:10">p.sum(c.a, c.a) == c.want&#10;"#,
        #"&quot;&lt;&amp;\u0001&quot; == &quot;&quot;"#,
      ]),
    CommandCase(
      name: "coverage", arguments: ["test", ".", "--coverage"],
      files: failing("test_sum if p.sum(1, 2) == 3"),
      output: """
        {
          "files": {
            "./p.rego": {
              "covered": [
                {
                  "start": {
                    "row": 5
                  },
                  "end": {
                    "row": 5
                  }
                }
              ],
              "not_covered": [
                {
                  "start": {
                    "row": 3
                  },
                  "end": {
                    "row": 3
                  }
                }
              ],
              "covered_lines": 1,
              "not_covered_lines": 1,
              "coverage": 50
            },
            "./p_test.rego": {
              "covered": [
                {
                  "start": {
                    "row": 5
                  },
                  "end": {
                    "row": 5
                  }
                }
              ],
              "covered_lines": 1,
              "coverage": 100
            }
          },
          "covered_lines": 2,
          "not_covered_lines": 1,
          "coverage": 66.66666666666667
        }

        """),
    CommandCase(
      name: "too little coverage", arguments: ["test", ".", "--threshold", "70", "--verbose"],
      files: failing("test_sum if p.sum(1, 2) == 3"), status: 1,
      errorsHave: [
        "Code coverage threshold not met: got 66.67 instead of 70.00\nLines not covered:\n\t./p.rego:3\n"
      ]),
    CommandCase(
      name: "a policy that does not compile", arguments: ["test", "."], files: failing("test_a if x > 1"),
      status: 2, errorsHave: ["./p_test.rego:5:11: rego_unsafe_var_error: var x is unsafe"]),
    CommandCase(
      name: "a policy that does not parse", arguments: ["test", "."], files: failing("test_a if {"),
      status: 2,
      errorsHave: ["./p_test.rego:", "rego_parse_error"]),
    CommandCase(
      name: "an expression that is none", arguments: ["test", ".", "--run", "("], files: files, status: 2,
      errorsHave: ["--run: error parsing regexp: missing closing )"]),
  ]

  @Test("Runs", arguments: runs)
  func run(_ command: CommandCase) async throws { try await command.check() }

  @Test("The tests of the examples reach every line of them")
  func examples() async throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let run = try await CommandRun.run(
      ["test", "Rego-examples", "--coverage", "--threshold", "100"], in: root)
    #expect(run.status == 0, "\(run.errors)")
    let report = try JSONReader.value(run.output)
    #expect(report["coverage"] == 100)
    #expect(report["not_covered_lines"] == 0)
    #expect((report["covered_lines"]?.int ?? 0) > 500)
  }
}
