import Foundation
import Synchronization
import Testing

@testable import Rego

/// Modules that are long in one way or another: whatever they come to, neither the stack nor the time is exceeded.
@Suite("Long modules", .serialized)
struct LongModuleTests {
  /// Rules or statements of which each mentions the one before.
  private static func chain(_ count: Int, _ line: (Int) -> String) -> String {
    (1..<count).reduce(into: "") { $0 += line($1) + "\n" }
  }

  static let sources: [(name: String, text: @Sendable (Int) -> String)] = [
    ("rules", { "deny contains 1 if r\($0 - 1)\nr0 := 1\n" + chain($0) { "r\($0) if r\($0 - 1)" } }),
    ("negations", { "deny contains 1 if r\($0 - 1)\nr0 := 1\n" + chain($0) { "r\($0) if not r\($0 - 1)" } }),
    ("values", { "deny contains r\($0 - 1)\nr0 := 1\n" + chain($0) { "r\($0) := [r\($0 - 1)]" } }),
    (
      "functions",
      { "deny contains f\($0 - 1)(1)\nf0(x) := x\n" + chain($0) { "f\($0)(x) := f\($0 - 1)(x)" } }
    ),
    (
      "comprehensions",
      { "deny contains r\($0 - 1)\nr0 := [1]\n" + chain($0) { "r\($0) := [x | some x in r\($0 - 1)]" } }
    ),
    ("recursion", { "deny contains r\($0 - 1)\nr0 := r\($0 - 1)\n" + chain($0) { "r\($0) if r\($0 - 1)" } }),
    ("members", { "deny contains 1 if {\nx0 := input\n" + chain($0) { "x\($0) := x\($0 - 1).a" } + "}" }),
    (
      "nested arrays",
      { "deny contains 1 if {\nx0 := input\n" + chain($0) { "x\($0) := [x\($0 - 1)]" } + "}" }
    ),
    ("a reference", { "deny contains 1 if input" + String(repeating: ".a", count: $0) }),
    ("a reference with variables", { "deny contains 1 if input" + String(repeating: "[_]", count: $0) }),
    (
      "a replaced path", { "deny contains 1 if input.a with input\(String(repeating: ".a", count: $0)) as 1" }
    ),
    ("a rule's path", { "deny\(String(repeating: ".a", count: $0)) := 1" }),
    (
      "fields",
      { "deny contains 1 if false\n" + chain($0) { "deny contains 1 if input.object.f\($0) == \($0)" } }
    ),
  ]

  @Test("are compiled and evaluated, or refused", arguments: sources.map(\.name))
  func long(_ name: String) throws {
    let text = try #require(Self.sources.first { $0.name == name }?.text)
    for count in [300, 2_000] {
      let source = "package p\nimport rego.v1\n" + text(count)
      let compiled = onStack(kilobytes: 512) {
        Result { try RegoCompiler().compile([try RegoParser.module(source, file: "p.rego")]) }
      }
      guard let program = try? compiled.get() else { continue }
      // A debug build's evaluator takes more than 512 KiB for the 256 rules that may call each other.
      _ = onStack(kilobytes: 4_096) {
        let evaluation = Evaluation(
          program, input: ["a": 1], data: .object(ObjectValue()), context: BuiltinContext(nowNanoseconds: 0),
          limits: EvaluationLimits(), strictBuiltinErrors: false)
        return Result { try evaluation.value(of: program.entrypoint(["p", "deny"]))?.json ?? "undefined" }
      }
    }
  }

  @Test("a document's path has at most 200 parts")
  func longPaths() throws {
    for source in [
      "package p\nq\(String(repeating: ".a", count: 200)) := 1",
      "package p\(String(repeating: ".a", count: 200))\nq := 1",
    ] {
      #expect(throws: RegoErrors.self) {
        try RegoCompiler().compile([try RegoParser.module(source, file: "p.rego")])
      }
    }
    _ = try RegoCompiler().compile([
      try RegoParser.module("package p\nq\(String(repeating: ".a", count: 190)) := 1", file: "p.rego")
    ])
  }

  @Test("values that rules nest without end are refused; long chains that do not nest them are not")
  func nesting() throws {
    func compile(_ text: String) throws {
      _ = try RegoCompiler().compile([
        try RegoParser.module("package p\nimport rego.v1\nr0 contains input.x\n" + text, file: "p.rego")
      ])
    }
    try compile(Self.chain(1_200) { "r\($0) contains x if some x in r\($0 - 1)" })
    try compile(Self.chain(1_200) { "r\($0) := r\($0 - 1)" })
    #expect(throws: RegoErrors.self) { try compile(Self.chain(1_200) { "r\($0) := [r\($0 - 1)]" }) }
    #expect(throws: RegoErrors.self) {
      try compile("q if {\nx0 := input\n" + Self.chain(1_200) { "x\($0) := {x\($0 - 1)}" } + "}")
    }
  }

  /// Runs on a thread with a stack of that size, which an overflow would end the process on.
  private func onStack<Result: Sendable>(kilobytes: Int, _ body: @escaping @Sendable () -> Result) -> Result {
    let result = Mutex<Result?>(nil)
    let isDone = DispatchSemaphore(value: 0)
    let thread = Thread {
      let value = body()
      result.withLock { $0 = value }
      isDone.signal()
    }
    thread.stackSize = kilobytes << 10
    thread.start()
    isDone.wait()
    return result.withLock { $0 } ?? body()
  }
}
