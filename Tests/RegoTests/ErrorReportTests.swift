import Rego
import Testing

@Suite struct ErrorReportTests {
  static func report(_ source: String) -> String {
    do throws(RegoErrors) {
      let module = try RegoParser.module(source, file: "t.rego", dialect: .v1)
      var options = RegoCompiler.Options()
      options.sources = ["t.rego": source]
      _ = try RegoCompiler(options).compile([module])
      return ""
    } catch {
      return error.errors.map(\.report).joined(separator: "\n")
    }
  }

  @Test("an error is followed by the source's line, a caret and what else is known")
  func typeError() {
    #expect(
      Self.report("package t\np if {\n\t\"é\" == 1\n}\n") == """
        t.rego:3:2: rego_type_error: match error
        \t\t"é" == 1
        \t\t^
        \tleft  : string
        \tright : number
        """)
  }

  @Test("several errors are reported, those of the parser too")
  func parseErrors() {
    let report = Self.report("package t\np := \nq := 1 +\n\nr := 1\ns := ]\n")
    #expect(report.contains("t.rego:6:6: rego_parse_error: "))
    #expect(report.contains("\n\ts := ]\n\t     ^"))
    #expect(report.split(separator: "\n").filter { $0.hasPrefix("t.rego:") }.count >= 2)
  }

  @Test("the caret stands below the place in bytes, whatever is before it")
  func wideCharacters() {
    #expect(
      Self.report("package t\np if { \"日本é\" == \"a\"; 1 == \"b\" }").contains(
        "\n\tp if { \"日本é\" == \"a\"; 1 == \"b\" }\n\t" + String(repeating: " ", count: 21) + "^\n"))
  }

  @Test("what has no name is named as in the source")
  func unnamed() {
    #expect(
      Self.report("package t\nf(x) := x\np := count(f([1])).a\n") == """
        t.rego:3:6: rego_type_error: undefined ref: count(f([1])).a
        \tp := count(f([1])).a
        \t     ^
        \tcount(f([1])).a
        \t^^^^^^^^^^^^^
        \thave: number
        """)
  }

  @Test("a long line is cut around the place, and control characters are not shown as they are")
  func longLine() {
    let padding = String(repeating: "é", count: 10_000)
    let report = Self.report(
      "package t\np if { \"\(padding)\" == \"a\"; 1 == \"b\"; \"\(padding)\" == \"c\" }")
    let lines = report.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[1].utf8.count < 200)
    let caret = lines[2].count - 1
    #expect(Array(lines[1])[caret] == "1")
    #expect(!Self.report("package t\np := # \u{1b}[31m\n]").contains("\u{1b}"))
  }
}
