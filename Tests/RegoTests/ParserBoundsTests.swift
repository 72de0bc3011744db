import Foundation
import Synchronization
import Testing

@testable import Rego

@Suite("Bounds of the parser", .serialized)
struct ParserBoundsTests {
  /// Sources that nest as deeply as a count says: what opens, what stands inside, what closes.
  static let shapes: [(open: String, inside: String, close: String)] = [
    ("[", "", "]"), ("[1,", "1", "]"), ("{", "1", "}"), ("{\"a\":", "1", "}"), ("(", "1", ")"),
    ("[x|x=", "1", "]"), ("[x|", "1", ",2]"), ("{x:y|x=", "1", "}"), ("f(", "1", ")"), ("x[", "1", "]"),
    ("1+(", "1", ")"), ("1==1|1&1+1*(", "1", ")"), ("1 in (", "1", ")"), ("1, 2 in (", "1", ")"),
    ("every x in xs {", "1", "}"), ("$\"{", "1", "}\""), ("1+", "1", ""), ("1 in ", "1", ""),
    ("f(1).", "g(1)", ""), ("[", "", ""), ("{", "", ""), ("[[],", "", ""), ("{[x|", "", ""), ("x.y[", "", ""),
    ("not ", "1", ""), ("some x in [", "", ""), ("$\"{\"", "", ""),
    ("else {", "", ""),
    ("}", "", ""), ("`", "", ""), ("#\n", "", ""), ("\\", "", ""),
  ]

  /// Runs on a thread with a stack of 512 KiB, which an overflow would end the process on.
  private func onSmallStack<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
    let result = Mutex<Result?>(nil)
    let isDone = DispatchSemaphore(value: 0)
    let thread = Thread {
      let value = body()
      result.withLock { $0 = value }
      isDone.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    isDone.wait()
    return result.withLock { $0 } ?? body()
  }

  /// What became of a source as a query, and as a rule's body in either dialect.
  private func outcomes(_ source: String) -> [String] {
    onSmallStack {
      var result: [String] = []
      func run(_ parse: () throws(RegoErrors) -> Void) {
        do throws(RegoErrors) {
          try parse()
          result.append("read")
        } catch {
          result.append(error.errors.first?.message ?? "no error")
        }
      }
      run { () throws(RegoErrors) in _ = try RegoParser.query(source) }
      run { () throws(RegoErrors) in
        _ = try RegoParser.module("package p\np if {\(source)}", file: "", dialect: .v1)
      }
      run { () throws(RegoErrors) in
        _ = try RegoParser.module("package p\np {\(source)}", file: "", dialect: .v0)
      }
      return result
    }
  }

  @Test(
    "what nests 60 deep is read", arguments: shapes.filter { !$0.close.isEmpty || $0.open.hasPrefix("1+") })
  func nested(shape: (open: String, inside: String, close: String)) {
    let source =
      String(repeating: shape.open, count: 60) + shape.inside + String(repeating: shape.close, count: 60)
    #expect(outcomes(source)[0...1] == ["read", "read"])
  }

  @Test("what nests 5,000 deep is refused at once, on a small stack", arguments: shapes)
  func bombs(shape: (open: String, inside: String, close: String)) {
    let source =
      String(repeating: shape.open, count: 5000) + shape.inside
      + String(repeating: shape.close, count: 5000)
    let start = ContinuousClock.now
    let outcomes = outcomes(source)
    #expect(start.duration(to: .now) < .seconds(5))
    #expect(!outcomes.contains("read") || shape.open == "#\n", "\(shape.open)")
    if !shape.close.isEmpty { #expect(outcomes[0] == "max parsing recursion depth exceeded") }
  }

  @Test("a megabyte of brackets is refused at once", arguments: ["[", "[[],"])
  func megabyte(bracket: String) {
    let source = String(repeating: bracket, count: (1 << 20) / bracket.utf8.count)
    let start = ContinuousClock.now
    #expect(outcomes(source)[0] == "max parsing recursion depth exceeded")
    #expect(start.duration(to: .now) < .seconds(10))
  }

  @Test("trees as high as allowed are read and given back on a small stack")
  func high() {
    let sum = String(repeating: "1+", count: Parser.maximumHeight - 3) + "1"
    #expect(outcomes(sum)[0] == "read")
    // Sums within sums: the brackets and the chains would each be within bounds.
    let nested = (0..<20).reduce("1") { source, _ in "(\(source))" + String(repeating: "+1", count: 100) }
    #expect(outcomes(nested)[0] == "max parsing recursion depth exceeded")
    let branches = "package p\np { x }" + String(repeating: " else { x }", count: 10_000)
    let outcome = onSmallStack { () -> String in
      do throws(RegoErrors) {
        _ = try RegoParser.module(branches, file: "", dialect: .v0)
        return "read"
      } catch {
        return error.errors[0].message
      }
    }
    #expect(outcome == "max parsing recursion depth exceeded")
  }

  @Test("sources over 8 MiB are refused")
  func large() {
    let source = "package p\n" + String(repeating: "# comment\n", count: 1 << 20)
    #expect(throws: RegoErrors.self) { try RegoParser.module(source, file: "") }
  }

  @Test("giving up one reading for another takes no more than linear time")
  func ambiguity() {
    // Each bracket is first tried as a comprehension: time would double with each.
    let source = String(repeating: "[a | ", count: 60) + "b" + String(repeating: ", c]", count: 60)
    let start = ContinuousClock.now
    #expect(outcomes(source)[0] == "read")
    #expect(start.duration(to: .now) < .seconds(5))
  }

  @Test("random sources end in a tree or an error")
  func random() {
    let words = [
      "[", "]", "{", "}", "(", ")", ",", ":", ";", ".", "|", "&", "+", "-", "*", "=", ":=", "==", "<", " in ",
      " x ", " y", "f(", "some ", "every ", "not ", " with ", " as ", "\n", "1", "\"s\"", "$\"", "`", "\"",
      "$`",
      " if ", " else ", " contains ", "default ", "import ", "package ", "data.a", "[x|", "{x|", "{x:y|",
      "#c\n",
      "set()", "_", "\\{", "null", "é", "p ", "}\n", "\u{0}",
    ]
    var generator = SplitMix(state: 42)
    for _ in 0..<3000 {
      let count = Int.random(in: 1...40, using: &generator)
      let source = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &generator)] }.joined()
      _ = try? RegoParser.module("package p\np if {" + source, file: "")
      _ = try? RegoParser.module("package p\n" + source, file: "")
      _ = try? RegoParser.query(source)
    }
  }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
