import Testing

@testable import Rego

/// What a query over one module evaluates to, as Rego text; nil where it is undefined.
private func evaluate(
  _ source: String, query: String = "data.test.p", input: Value? = nil, data: Value = .object(ObjectValue()),
  limits: EvaluationLimits = EvaluationLimits(), strict: Bool = true
) throws -> String? {
  let module = try RegoParser.module("package test\n" + source, file: "test.rego", dialect: .v1)
  let program = try RegoCompiler().compile([module], queries: [try RegoParser.query(query)])
  let evaluation = Evaluation(
    program, input: input, data: data, context: BuiltinContext(nowNanoseconds: 0), limits: limits,
    strictBuiltinErrors: strict)
  return try evaluation.results().first?.expressions.first?.value.description
}

private func errors(_ body: () throws -> Void) -> [RegoError] {
  do {
    try body()
    return []
  } catch let errors as RegoErrors {
    return errors.errors
  } catch let error as RegoError {
    return [error]
  } catch {
    return []
  }
}

@Suite struct EvaluationTests {
  @Test(
    "rules evaluate to what the language defines",
    arguments: [
      // Order of evaluation is found, not written.
      ("p := x if { x = y; y = 1 }", "1"),
      ("p := [a, b] if { [a, [b, 2]] = [1, [3, 2]] }", "[1, 3]"),
      ("p := [x, y] if { [x, y] = [y, 7] }", "[7, 7]"),
      ("p := v if { {\"a\": v, \"b\": 1} = {\"a\": 5, \"b\": 1} }", "5"),
      // Undefined is neither null nor an error, and `not` of it holds.
      ("p if not data.nothing.here", "true"),
      ("p := data.nothing", nil),
      ("q := false\np if not q", "true"),
      ("p := null", "null"),
      // Comprehensions close over what is around them, and keep to themselves what is not.
      ("p := [x | some x in [3, 1, 2]]", "[3, 1, 2]"),
      ("p := {x | some x in [3, 1, 2, 1]}", "{1, 2, 3}"),
      ("p := {k: v | some k, v in [\"a\", \"b\"]}", "{0: \"a\", 1: \"b\"}"),
      ("p := [[x, y] | some x in [1, 2]; y := [z | z := x]]", "[[1, [1]], [2, [2]]]"),
      ("p := [x | x := 1] if { x := 2; x == 2 }", "[1]"),
      // every
      ("p if every x in [] { x == 1 }", "true"),
      ("p if every x in [1, 1] { x == 1 }", "true"),
      ("p if every x in [1, 2] { x == 1 }", nil),
      ("p if every x in 7 { x == 1 }", nil),
      ("p if every k, v in {\"a\": [1]} { k == \"a\"; some e in v; e == 1 }", "true"),
      // Partial documents and general heads.
      ("p contains x if some x in [2, 1, 2]", "{1, 2}"),
      ("p[x] := y if some x, y in {\"a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 2}"),
      (
        "p[x][y] contains x if { some x in [\"a\"]; some y in [\"b\", \"c\"] }",
        "{\"a\": {\"b\": {\"a\"}, \"c\": {\"a\"}}}"
      ),
      ("p.q.r := 1\np.s[x] := 2 if some x in [\"t\"]", "{\"q\": {\"r\": 1}, \"s\": {\"t\": 2}}"),
      // else, default, functions.
      ("p := 1 if false else := 2 if false else := 3", "3"),
      ("default p := 4\np := 5 if false", "4"),
      ("f(x) := y if { y := [x, x] }\np := f(f(1))", "[[1, 1], [1, 1]]"),
      ("f(1) := \"one\"\nf(2) := \"two\"\np := [f(1), f(2)]", "[\"one\", \"two\"]"),
      ("f([x, 1]) := x\np := f([9, 1])", "9"),
      ("f([x, 1]) := x\np := f([9, 2])", nil),
      ("default f(_) := 0\nf(x) := 1 if x == 5\np := [f(5), f(6)]", "[1, 0]"),
      // with, and loops that go on under it.
      ("q := input.a\np := v if v := q with input.a as 3", "3"),
      ("q := data.a.b\np := [v, [x | x := data.a.b]] if v := q with data.a.b as 3", "[3, []]"),
      ("q contains x if some x in input\np := {x | q[x] with input as [1, 2, 3]; x != 2}", "{1, 3}"),
      ("r := 1\nq := r\np := [v, q] if v := q with r as 2", "[2, 1]"),
      ("f(x) := x\nq := f(1)\np := v if v := q with f as 8", "8"),
      ("f(x) := x\ng(x) := [f(x)]\np := v if v := f(1) with f as g", "[1]"),
      // References that iterate, over base and virtual documents at once.
      ("a.x := 1\na.y := 2\np := {k: v | v := data.test.a[k]}", "{\"x\": 1, \"y\": 2}"),
      ("p := {[i, x] | x := [5, 6][i]}", "{[0, 5], [1, 6]}"),
      ("p := \"é\" == \"e\\u0301\"", "false"),
      ("p := {1, 1.0, 1e0}", "{1}"),
    ] as [(String, String?)])
  func rules(_ source: String, _ expected: String?) throws {
    #expect(try evaluate(source) == expected)
  }

  @Test(
    "programs that cannot be right are refused, with code and place",
    arguments: [
      ("p if x == 1", "test.rego:2:6: rego_unsafe_var_error: var x is unsafe"),
      ("p if not data.a[_]", "test.rego:2:17: rego_unsafe_var_error: var _ is unsafe"),
      ("p := x", "test.rego:2:6: rego_unsafe_var_error: var x is unsafe"),
      (
        "p if q\nq if p",
        "test.rego:2:1: rego_recursion_error: rule data.test.p is recursive: data.test.p -> data.test.q -> data.test.p"
      ),
      ("p if nothing(1)", "test.rego:2:6: rego_type_error: undefined function nothing"),
      (
        "f(x) := x\np if f(1, 2, 3)",
        "test.rego:3:6: rego_type_error: function data.test.f has arity 1, got 3 arguments"
      ),
      ("p := 1\np contains 2", "test.rego:2:1: rego_type_error: conflicting rules data.test.p found"),
      (
        "default p := 1\ndefault p := 2",
        "test.rego:2:1: rego_type_error: multiple default rules data.test.p found at test.rego:2, test.rego:3"
      ),
      ("p if { x := 1; x := 2 }", "test.rego:2:16: rego_compile_error: var x assigned above"),
      ("p if { y := x; x := 2; y }", "test.rego:2:16: rego_compile_error: var x referenced above"),
    ])
  func refusals(_ source: String, _ expected: String) {
    let found = errors { _ = try evaluate(source) }
    #expect(found.map(\.description).contains(expected), "\(found)")
  }

  @Test("every error of a module is reported at once")
  func severalErrors() {
    let found = errors { _ = try evaluate("p if x\nq if y\nr if nothing(1)") }
    #expect(found.count == 3)
  }

  @Test(
    "evaluation fails with OPA's codes",
    arguments: [
      ("p := 1\np := 2", RegoError.Code.conflict),
      ("p := x if some x in [1, 2]", .conflict),
      ("p[x] := y if { some x in [1]; some y in [1, 2] }", .conflict),
      ("p := {\"a\": x | some x in [1, 2]}", .conflict),
      ("f(_) := x if some x in [1, 2]\np := f(1)", .conflict),
    ])
  func failures(_ source: String, _ code: RegoError.Code) {
    #expect(errors { _ = try evaluate(source) }.map(\.code) == [code])
  }

  @Test("a budget ends an evaluation that would not end soon, in steps or in time")
  func budget() {
    let loop =
      "p := [1 | some a in n; some b in n; some c in n; some d in n; some e in n; false]\nn := [0,1,2,3,4,5,6,7,8,9]\n"
    let deep =
      loop
      + "q := [1 | some a in n; p[a]; some b in n; some c in n; some d in n; some e in n; some f in n; false]"
    #expect(
      errors { _ = try evaluate(deep, limits: EvaluationLimits(steps: 10_000)) }.map(\.code) == [.cancelled])
    let start = ContinuousClock.now
    let found = errors {
      _ = try evaluate(
        "p := [1 | some a in n; some b in n; some c in n; some d in n; some e in n; some f in n; some g in n; some h in n; some i in n; false]\nn := [0,1,2,3,4,5,6,7,8,9]",
        limits: EvaluationLimits(deadline: .now + .milliseconds(50)))
    }
    #expect(found.map(\.code) == [.cancelled])
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test("a long chain of rules ends with an error, not with the thread's stack")
  func depth() {
    let chain = (0..<3000).map { "r\($0) := r\($0 + 1)" }.joined(separator: "\n") + "\nr3000 := 1\np := r0"
    #expect(errors { _ = try evaluate(chain) }.map(\.code) == [.cancelled])
  }

  @Test("print shows every value its operands have, and undefined ones as such")
  func prints() throws {
    let module = try RegoParser.module(
      "package test\np if print(\"a\", input.x, [1])", file: "test.rego", dialect: .v1)
    let program = try RegoCompiler().compile([module])
    var lines: [String] = []
    let evaluation = Evaluation(program, input: [:], context: BuiltinContext(nowNanoseconds: 0)) { line, _ in
      lines.append(line)
    }
    #expect(try evaluation.value(at: ["test", "p"]) == true)
    #expect(lines == ["a <undefined> [1]"])
  }

  @Test("the compiler knows what a program can read of the input")
  func inputShape() throws {
    let module = try RegoParser.module(
      """
      package test
      p if { input.request.kind.kind == "Pod"; not input.request.object.spec.ingress }
      q contains c.image if some c in input.request.object.spec.containers
      r := o.metadata.labels if o := input.request.object
      """, file: "test.rego", dialect: .v1)
    let paths = try RegoCompiler().compile([module]).inputPaths
    let texts = Set(
      paths.map { path in
        path.steps.map { step in if case .key(let key) = step { key.string } else { "*" } }.joined(
          separator: ".")
          + (path.isShallow ? "?" : "")
      })
    #expect(texts.contains("request.kind.kind?"))
    #expect(texts.contains("request.object.spec.ingress?"))
    #expect(texts.contains("request.object.spec.containers.*.image"))
    #expect(texts.contains("request.object.metadata.labels"))
    #expect(!texts.contains("request.object"))
  }

  @Test("what only other requests need is not part of a request's shape")
  func guardedShape() throws {
    let module = try RegoParser.module(
      """
      package test
      p if { input.operation == "UPDATE"; input.object.spec == input.oldObject.spec }
      q if { input.kind in {"Pod", "Job"}; input.object.status.phase == "Running" }
      """, file: "test.rego", dialect: .v1)
    let program = try RegoCompiler().compile([module])
    func text(_ kind: String, _ operation: String) -> String {
      program.inputShape(
        of: [program.entrypoint(["test", "p"]), program.entrypoint(["test", "q"])],
        given: [.input(["kind"]): .string(kind), .input(["operation"]): .string(operation)]
      ).description
    }
    #expect(text("Pod", "UPDATE") == program.inputShape.description)
    #expect(!text("Pod", "CREATE").contains("spec"))
    #expect(text("Pod", "CREATE").contains("phase"))
    #expect(!text("Service", "UPDATE").contains("phase"))
    #expect(text("Service", "UPDATE").contains("oldObject"))
  }

  @Test("a rule that is asked about another input needs what that input would need")
  func guardedShapeUnderWith() throws {
    let module = try RegoParser.module(
      """
      package test
      p if { input.operation == "UPDATE"; input.oldObject.spec }
      q if p with input.operation as "UPDATE"
      """, file: "test.rego", dialect: .v1)
    let program = try RegoCompiler().compile([module])
    let shape = program.inputShape(
      of: [program.entrypoint(["test", "q"])], given: [.input(["operation"]): "CREATE"])
    #expect(shape.description.contains("oldObject"))
  }

  @Test("a rule that is asked for only where a parameter says so adds to the shape only then")
  func shapeOfReachableRules() throws {
    let module = try RegoParser.module(
      """
      package test
      deny contains input.name if not exempt
      exempt if { data.parameters.test.allow == true; selects_all }
      selects_all if count(input.spec.selector) == 0
      other if input.never.asked
      """, file: "test.rego", dialect: .v1)
    let program = try RegoCompiler().compile([module])
    func text(_ allow: Bool) -> String {
      program.inputShape(
        of: [program.entrypoint(["test", "deny"])],
        given: [.data(["parameters", "test", "allow"]): .boolean(allow)]
      ).description
    }
    #expect(text(true) == "{name: all, spec: {selector: all}}")
    #expect(text(false) == "{name: all}")
  }

  @Test(
    "of many definitions that test one place of the input those run that can hold",
    arguments: ["Pod", "Job", "Other", "Service"])
  func ruleIndex(kind: String) throws {
    let kinds = ["Pod", "Job", "Service", "Secret", "Node"]
    let indexed = kinds.map { "p contains \"\($0)\" if input.kind == \"\($0)\"" }.joined(separator: "\n")
    let module = try RegoParser.module(
      """
      package test
      \(indexed)
      p contains "any of two" if input.kind in {"Pod", "Service"}
      p contains "always"
      p contains "not a pod" if input.kind != "Pod"
      p contains "never" if { input.kind == "Pod"; input.kind == "Job" }
      mocked := x if x := p with input.kind as "Job"
      """, file: "test.rego", dialect: .v1)
    let program = try RegoCompiler().compile([module])
    let evaluation = Evaluation(
      program, input: ["kind": .string(kind)], context: BuiltinContext(nowNanoseconds: 0))
    var expected: Set<Value> = ["always"]
    if kinds.contains(kind) { expected.insert(.string(kind)) }
    if ["Pod", "Service"].contains(kind) { expected.insert("any of two") }
    if kind != "Pod" { expected.insert("not a pod") }
    #expect(try evaluation.value(at: ["test", "p"]) == .set(SetValue(expected)))
    #expect(try evaluation.value(at: ["test", "mocked"]) == .set(SetValue(["Job", "always", "not a pod"])))
  }
}
