import Testing

/// `portcullis eval` answers in the shapes of `opa eval` (OPA documentation, "CLI").
@Suite("eval")
struct EvalTests {
  static let policy = """
    package example

    import rego.v1

    deny contains msg if {
      some name in input.names
      print("looking at", name)
      name != "ok"
      msg := concat(" ", ["not", name])
    }

    double(x) := x * 2

    limit := data.limits.max
    """

  static let results: [CommandCase] = [
    CommandCase(
      name: "a value with its text and place", arguments: ["eval", "x := 1; x == 1"],
      output: """
        {
          "result": [
            {
              "expressions": [
                {
                  "value": true,
                  "text": "x := 1",
                  "location": {
                    "row": 1,
                    "col": 1
                  }
                },
                {
                  "value": true,
                  "text": "x == 1",
                  "location": {
                    "row": 1,
                    "col": 9
                  }
                }
              ],
              "bindings": {
                "x": 1
              }
            }
          ]
        }

        """),
    CommandCase(
      name: "a false value is a result", arguments: ["eval", "1 == 2"],
      outputHas: [#""value": false"#, #""text": "1 == 2""#]),
    CommandCase(
      name: "what network policies mean, by the inventory among the data",
      arguments: [
        "eval", "-f", "raw", "-d", "i.json", "-i", "review.json",
        #"[netpol.can_connect("1.1.1.1", "a/p", 80, "TCP"), count(netpol.changes(input.request).removed)]"#,
      ],
      files: [
        "i.json":
          #"{"inventory": {"namespace": {"a": {"v1": {"Pod": {"p": {"metadata": {"name": "p"}, "spec": {"containers": []}}}}}}}}"#,
        "review.json":
          #"{"request": {"operation": "CREATE", "namespace": "a", "name": "n", "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"}, "object": {"metadata": {"name": "n", "namespace": "a"}, "spec": {"podSelector": {}}}}}"#,
      ],
      output: "[false,1]\n"),
    CommandCase(name: "undefined is an empty object", arguments: ["eval", "input.x"], output: "{}\n"),
    CommandCase(
      name: "every way in which it holds", arguments: ["eval", "-f", "bindings", "x = [7, 8][_]"],
      output: """
        {
          "x": 7
        }
        {
          "x": 8
        }

        """),
    CommandCase(
      name: "HTML is escaped as Go's encoder does", arguments: ["eval", #""<&>""#],
      outputHas: [#""value": "\u003c\u0026\u003e""#]),
    CommandCase(
      name: "raw strings are bare", arguments: ["eval", "-f", "raw", #""a b"; [1, "c"]"#],
      output: "a b [1,\"c\"]\n"),
    CommandCase(
      name: "pretty prints one value as it is", arguments: ["eval", "-f", "pretty", "{\"a\": [1]}"],
      output: "{\n  \"a\": [\n    1\n  ]\n}\n"),
    CommandCase(
      name: "pretty prints variables as a table", arguments: ["eval", "-f", "pretty", "x = [7, 8][i]"],
      output: """
        +---+---+
        | i | x |
        +---+---+
        | 0 | 7 |
        | 1 | 8 |
        +---+---+

        """),
    CommandCase(
      name: "pretty says undefined", arguments: ["eval", "-f", "pretty", "input.x"], output: "undefined\n"),
    CommandCase(
      name: "values are lists", arguments: ["eval", "-f", "values", "1; 2"], output: "[\n  1,\n  2\n]\n"),
    CommandCase(name: "discard prints nothing", arguments: ["eval", "-f", "discard", "1"], output: ""),
    CommandCase(
      name: "numbers are exact", arguments: ["eval", "-f", "raw", "-I", "input"],
      input: "[12345678901234567890, 0.1]", output: "[12345678901234567890,0.1]\n"),
    CommandCase(
      name: "modules, data and input",
      arguments: [
        "eval", "-d", "p.rego", "-d", "data", "-i", "input.yaml", "-f", "raw",
        "data.example.deny; data.example.limit",
      ],
      files: [
        "p.rego": policy, "data/limits/a.json": #"{"max": 3}"#, "data/limits/b.yml": "min: 1",
        "data/notes.txt": "no data", "input.yaml": "names: [ok, bad]",
      ],
      output: "[\"not bad\"] 3\n", errorsHave: ["looking at ok\nlooking at bad\n"]),
    CommandCase(
      name: "data of folders lies under their path", arguments: ["eval", "-d", "data", "-f", "raw", "data"],
      files: [
        "data/a.json": #"{"top": true}"#, "data/x/y/b.yaml": "k: [1, 2]", "data/x/c.json": #"{"z": {}}"#,
      ],
      output: #"{"top":true,"x":{"y":{"k":[1,2]},"z":{}}}"# + "\n"),
    CommandCase(
      name: "a prefix places data", arguments: ["eval", "-d", "a.b:d.json", "-f", "raw", "data.a.b"],
      files: ["d.json": "[1]"], output: "[1]\n"),
    CommandCase(
      name: "the query names rules of its package",
      arguments: ["eval", "-d", "p.rego", "--package", "example", "-f", "raw", "double(4)"],
      files: ["p.rego": policy], output: "8\n"),
    CommandCase(
      name: "the query imports",
      arguments: ["eval", "-d", "p.rego", "--import", "data.example as e", "-f", "raw", "e.double(4)"],
      files: ["p.rego": policy], output: "8\n"),
    CommandCase(
      name: "the query comes from standard input", arguments: ["eval", "--stdin", "-f", "raw"],
      input: "1 + 1\n",
      output: "2\n"),
    CommandCase(
      name: "v0 loads without being asked for",
      arguments: ["eval", "-d", "v0.rego", "-f", "raw", "data.old.deny"],
      files: ["v0.rego": "package old\ndeny[msg] { msg := \"hi\" }\n"], output: "[\"hi\"]\n"),
    CommandCase(
      name: "--v0-compatible pins v0",
      arguments: ["eval", "--v0-compatible", "-d", "v0.rego", "-f", "raw", "data.old.if"],
      files: ["v0.rego": "package old\nif { true }\n"], output: "true\n"),
    CommandCase(
      name: "--fail on undefined", arguments: ["eval", "--fail", "input.x"], status: 1, output: "{}\n"),
    CommandCase(name: "--fail on defined", arguments: ["eval", "--fail", "-f", "raw", "1"], output: "1\n"),
    CommandCase(
      name: "--fail-defined on defined", arguments: ["eval", "--fail-defined", "-f", "raw", "1"], status: 1,
      output: "1\n"),
    CommandCase(
      name: "--fail-defined on undefined", arguments: ["eval", "--fail-defined", "input.x"], output: "{}\n"),
    CommandCase(
      name: "the functions that know Kubernetes",
      arguments: ["eval", "-f", "raw", #"k8s.selector_matches({"matchLabels": {"a": "b"}}, {"a": "b"})"#],
      output: "true\n"),
    CommandCase(
      name: "a builtin's error is undefined", arguments: ["eval", #"to_number("x")"#], output: "{}\n"),
  ]

  @Test("Results", arguments: results)
  func result(_ command: CommandCase) async throws { try await command.check() }

  static let errors: [CommandCase] = [
    CommandCase(
      name: "an error with code, message and place", arguments: ["eval", "-d", "bad.rego", "data.bad"],
      files: ["bad.rego": "package bad\n\np if {\n  x > 1\n}\n"], status: 2,
      output: """
        {
          "errors": [
            {
              "message": "bad.rego:4: rego_unsafe_var_error: var x is unsafe",
              "code": "rego_unsafe_var_error",
              "location": {
                "file": "bad.rego",
                "row": 4,
                "col": 3
              }
            }
          ]
        }

        """),
    CommandCase(
      name: "an error in the query has no file", arguments: ["eval", "x"], status: 2,
      outputHas: [#""message": "1: rego_unsafe_var_error: var x is unsafe""#, #""file": """#]),
    CommandCase(
      name: "errors as text go to standard error", arguments: ["eval", "-f", "pretty", "x; y"], status: 2,
      output: "",
      errorsHave: [
        "2 errors occurred:\n1:1: rego_unsafe_var_error: var x is unsafe\n\tx; y\n\t^\n1:4: rego_unsafe_var_error: var y is unsafe\n\tx; y\n\t   ^\n"
      ]),
    CommandCase(
      name: "strict mode",
      arguments: ["eval", "--strict", "-d", "p.rego", "-f", "raw", "data.p"],
      files: ["p.rego": "package p\nimport data.q\nr if {\n  x := 1\n}\n"], status: 2,
      errorsHave: ["p.rego:4:3: rego_compile_error: assigned var x unused\n\t  x := 1\n\t  ^"]),
    CommandCase(
      name: "types that do not fit", arguments: ["eval", "-d", "p.rego", "-f", "raw", "data.p"],
      files: ["p.rego": "package p\nq := 1\nr if q == \"a\"\n"], status: 2,
      errorsHave: [
        "1 error occurred: p.rego:3:6: rego_type_error: match error\n\tr if q == \"a\"\n\t     ^\n\tleft  : number\n\tright : string\n"
      ]),
    CommandCase(
      name: "several modules that do not parse", arguments: ["eval", "-d", ".", "-f", "raw", "1"],
      files: ["a.rego": "package a\np if {", "b.rego": "package b\nq := )\n"], status: 2,
      errorsHave: ["a.rego:2:7: rego_parse_error", "b.rego:2:6: rego_parse_error"]),
    CommandCase(
      name: "a strict builtin error", arguments: ["eval", "--strict-builtin-errors", #"to_number("x")"#],
      status: 2,
      outputHas: ["eval_builtin_error", "1: eval_builtin_error: to_number: "]),
    CommandCase(
      name: "--v1-compatible refuses v0",
      arguments: ["eval", "--v1-compatible", "-d", "v0.rego", "-f", "raw", "1"],
      files: ["v0.rego": "package old\ndeny[msg] { msg := \"hi\" }\n"], status: 2,
      errorsHave: ["v0.rego:2:1: rego_parse_error"]),
    CommandCase(
      name: "a rule where there is data",
      arguments: ["eval", "-d", "p.rego", "-d", "d.json", "-f", "raw", "1"],
      files: ["p.rego": "package a\nb := 1\n", "d.json": #"{"a": {"b": 2}}"#], status: 2,
      errorsHave: ["p.rego:2:1: rego_compile_error: conflicting rule for data path a/b found"]),
    CommandCase(
      name: "data files that disagree",
      arguments: ["eval", "-d", "a.json", "-d", "b.json", "-f", "raw", "1"],
      files: ["a.json": #"{"a": 1}"#, "b.json": #"{"a": 2}"#], status: 2, errorsHave: ["b.json: merge error"]),
    CommandCase(
      name: "data that is no object", arguments: ["eval", "-d", "a.json", "-f", "raw", "1"],
      files: ["a.json": "[1]"], status: 2, errorsHave: ["a.json: the root of the data must be an object"]),
    CommandCase(
      name: "a file that is not there", arguments: ["eval", "-d", "none.rego", "1"], status: 2,
      outputHas: [#""message": "none.rego: cannot be read: no such file or directory""#]),
    CommandCase(
      name: "truncated JSON", arguments: ["eval", "-i", "i.json", "1"], files: ["i.json": "{\n  \"a\": [1,"],
      status: 2,
      outputHas: [#""message": "i.json:2:11: unexpected end of JSON input""#, #""row": 2"#]),
    CommandCase(
      name: "YAML with a tab", arguments: ["eval", "-f", "raw", "-i", "i.yaml", "1"],
      files: ["i.yaml": "a:\n\tb: 1\n"], status: 2, errorsHave: ["i.yaml:2:1: ", "tab"]),
    CommandCase(
      name: "YAML with a key twice", arguments: ["eval", "-f", "raw", "-i", "i.yaml", "1"],
      files: ["i.yaml": "a: 1\nb: 2\na: 3\n"], status: 2, errorsHave: ["i.yaml:3:1: ", "a"]),
    CommandCase(
      name: "input of two documents", arguments: ["eval", "-f", "raw", "-i", "i.yaml", "1"],
      files: ["i.yaml": "a: 1\n---\na: 3\n"], status: 2,
      errorsHave: ["i.yaml:3:1: unexpected second document"]),
    CommandCase(
      name: "a policy that runs out of time",
      arguments: [
        "eval", "--timeout", "0.2", "-f", "raw",
        "count([1 | numbers.range(1, 100000)[_] > numbers.range(1, 100000)[_]])",
      ],
      status: 2, errorsHave: ["eval_cancel_error"]),
  ]

  @Test("Errors", arguments: errors)
  func error(_ command: CommandCase) async throws { try await command.check() }

  @Test("A billion laughs stay few")
  func billionLaughs() async throws {
    var text = "a0: &a0 [lol]\n"
    for level in 1...40 {
      text +=
        "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    let folder = try TemporaryFolder(["i.yaml": text])
    let run = try await CommandRun.run(["eval", "-f", "raw", "-i", "i.yaml", "1"], in: folder.url)
    #expect(run.status == 2)
    #expect(run.errors.contains("i.yaml:") && run.errors.contains("alias"), "\(run.errors)")
  }

  @Test(
    "Text that is not UTF-8 is refused with its place",
    arguments: [
      ("p.rego", ["eval", "-f", "raw", "-d", "p.rego", "1"]),
      ("i.json", ["eval", "-f", "raw", "-i", "i.json", "1"]),
    ])
  func invalidUTF8(_ file: String, _ arguments: [String]) async throws {
    let folder = try TemporaryFolder()
    let text = file == "p.rego" ? "package p\n\na := \"" : "\n\n[    \""
    try folder.write(Array(text.utf8) + [0xff, 0x22, 0x0a], to: file)
    let run = try await CommandRun.run(arguments, in: folder.url)
    #expect(run.status == 2)
    #expect(run.errors.contains("\(file):3:7: invalid UTF-8"), "\(run.errors)")
  }
}
