import Rego
import Testing

/// Policies that would take for ever, or all memory: what they cost is bounded by the evaluation's limits.
@Suite("Evaluation budgets")
struct EvaluationBudgetTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var module: String
    /// Whether the evaluation is cancelled; else it is done in time.
    var isCancelled = true

    var testDescription: String { name }
  }

  /// Rules `NAME0`, `NAME1`, ... of which each is made of the one before.
  private static func chain(_ name: String, _ count: Int, _ first: String, _ next: (String) -> String)
    -> String
  {
    (1..<count).reduce("\(name)0 := \(first)\n") { $0 + "\(name)\($1) := \(next("\(name)\($1 - 1)"))\n" }
  }

  /// Little memory, but 2^40 numbers for who goes through them one by one.
  private static let array = chain("a", 40, "[1, 1]") { "[\($0), \($0)]" }
  private static let sameArray = chain("b", 40, "[1, 1]") { "[\($0), \($0)]" }
  private static let object = chain("o", 40, "{\"x\": 1}") { "{\"x\": \($0), \"y\": \($0)}" }
  private static let sameObject = chain("q", 40, "{\"x\": 1}") { "{\"x\": \($0), \"y\": \($0)}" }
  private static let string = chain("s", 12, "\"aaaaaaaaaaaaaaaa\"") {
    "concat(\"\", [\($0), \($0), \($0), \($0)])"
  }

  static let cases: [Case] = [
    Case(name: "equality", module: array + sameArray + "x := a39 == b39"),
    Case(name: "unification", module: array + sameArray + "x if a39 = b39"),
    Case(name: "order", module: array + sameArray + "x := a39 < b39"),
    Case(name: "a set's element", module: array + sameArray + "x := {a39, b39}"),
    Case(name: "an object's key", module: array + sameArray + "x := {a39: 1}[b39]"),
    Case(name: "sorting", module: array + sameArray + "x := sort([a39, b39])"),
    Case(name: "functions with equal arguments", module: array + sameArray + "f(v) if v == b39\nx := f(a39)"),
    Case(name: "objects' equality", module: object + sameObject + "x := o39 == q39"),
    Case(name: "object.union", module: object + sameObject + "x := object.union(o39, q39)"),
    Case(name: "object.subset", module: object + sameObject + "x := object.subset(o39, q39)"),
    Case(name: "json.marshal", module: array + "x := json.marshal(a39)"),
    Case(name: "yaml.marshal", module: array + "x := yaml.marshal(a39)"),
    Case(name: "sprintf", module: array + "x := sprintf(\"%v\", [a39])"),
    Case(name: "string interpolation", module: array + "x := $\"{a39}\""),
    Case(name: "a template", module: array + "x := strings.render_template(\"{{.a}}\", {\"a\": a39})"),
    Case(
      name: "a schema",
      module: array + "x := json.match_schema(a39, {\"type\": \"array\", \"items\": {\"$ref\": \"#\"}})"),
    Case(name: "walk", module: array + "x := count([1 | walk(a39, _)])"),
    Case(name: "arrays that double", module: chain("c", 40, "[1, 2, 3, 4]") { "array.concat(\($0), \($0))" }),
    Case(
      name: "sets that double",
      module: chain("c", 40, "{1}") { "{[x, y] | some x in \($0); some y in [1, 2]}" }),
    Case(name: "strings that grow", module: string + "x := s11"),
    Case(
      name: "strings that grow by replacing",
      module: "a := \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n"
        + chain("c", 8, "a") { "replace(\($0), \"a\", a)" }),
    Case(
      name: "strings that grow by encoding",
      module: chain("c", 40, "\"aaaaaaaaaaaaaaaa\"") { "hex.encode(\($0))" }),
    Case(
      name: "many large strings",
      module: string + (0..<60).map { "c\($0) := concat(\"\", [s10, \"\($0)\"])\n" }.joined()),
    Case(name: "strings cut to pieces", module: string + "x := split(s10, \"\")"),
    Case(name: "loops in loops", module: "r := numbers.range(1, 1000)\nx := count([1 | r[_]; r[_]; r[_]])"),
    Case(
      name: "exponential rules",
      module:
        "r := [0, 1, 2, 3]\nf(a) := count([1 | g(a + r[_])])\ng(a) := count([1 | h(a + r[_])])\nh(a) := count([1 | r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]; r[_]])\nx := f(1)"
    ),
    Case(name: "numbers.range", module: "x := numbers.range(0, 1e12)"),
    Case(name: "net.cidr_expand", module: "x := net.cidr_expand(\"::/0\")"),
    Case(
      name: "a regex made to backtrack",
      module: "x := regex.match(`^(a+)+$`, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\")",
      isCancelled: false),
    Case(
      name: "a deep value", module: chain("d", 700, "[1]") { "[\($0)]" } + "x := d699 == [d698]",
      isCancelled: false),
  ]

  @Test("Bounded", arguments: cases)
  func bounded(_ element: Case) throws {
    let module = try RegoParser.module("package p\n\n\(element.module)", file: "p.rego")
    let program = try RegoCompiler().compile([module], queries: [try RegoParser.query("data.p")])
    let start = ContinuousClock.now
    let deadline = start + .milliseconds(500)
    let evaluation = Evaluation(
      program, input: nil, context: BuiltinContext(nowNanoseconds: 0, deadline: deadline),
      limits: EvaluationLimits(deadline: deadline, memory: 64 << 20))
    let code: RegoError.Code?
    do throws(RegoError) {
      _ = try evaluation.results()
      code = nil
    } catch {
      code = error.code
    }
    #expect(code == (element.isCancelled ? .cancelled : nil))
    // Much more than it takes: a debug build, on a machine that does other things too.
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("an evaluation that was cancelled leaves the next untouched")
  func next() throws {
    let module = try RegoParser.module(
      "package p\n\n\(Self.array + Self.sameArray)x := a39 == b39\ny := a5 == b5", file: "")
    let program = try RegoCompiler().compile([module])
    for _ in 0..<3 {
      let deadline = ContinuousClock.now + .milliseconds(50)
      let first = Evaluation(
        program, input: nil, context: BuiltinContext(nowNanoseconds: 0, deadline: deadline),
        limits: EvaluationLimits(deadline: deadline))
      let error = #expect(throws: RegoError.self) { try first.value(at: ["p", "x"]) }
      #expect(error?.code == .cancelled)
      let second = Evaluation(program, input: nil, context: BuiltinContext(nowNanoseconds: 0))
      #expect(try second.value(at: ["p", "y"]) == true)
    }
    #expect(Value.array([1, [2]]) == [1, [2]])
  }
}
