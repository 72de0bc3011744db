import Foundation
import Testing

@Suite("portcullis fmt")
struct FmtTests {
  private static let messy = "package p\nx  =  1\n"
  private static let tidy = "package p\n\nx := 1\n"

  static let cases: [CommandCase] = [
    CommandCase(name: "standard input without a path", arguments: ["fmt"], input: messy, output: tidy),
    CommandCase(name: "standard input by name", arguments: ["fmt", "-"], input: messy, output: tidy),
    CommandCase(
      name: "several paths, one after the other", arguments: ["fmt", "b.rego", "a"],
      files: ["a/c.rego": messy, "a/d.txt": "no", "b.rego": tidy], output: tidy + tidy),
    CommandCase(
      name: "--check names what is not formatted", arguments: ["fmt", "--check", "a", "b.rego"],
      files: ["a/c.rego": messy, "a/e/d.rego": messy, "b.rego": tidy], status: 1,
      output: "a/c.rego\na/e/d.rego\n"),
    CommandCase(
      name: "--check where all is formatted", arguments: ["fmt", "--check", "b.rego"],
      files: ["b.rego": tidy],
      output: ""),
    CommandCase(
      name: "--list names them and is content", arguments: ["fmt", "-l", "."],
      files: ["b.rego": messy], output: "./b.rego\n"),
    CommandCase(
      name: "--list --fail", arguments: ["fmt", "--list", "--fail", "b.rego"], files: ["b.rego": messy],
      status: 1, output: "b.rego\n"),
    CommandCase(
      name: "--diff", arguments: ["fmt", "--diff", "b.rego"],
      files: ["b.rego": "# 1\n# 2\n# 3\n# 4\npackage p\n\nx = 1\ny := 2\nz := 3\nv := 4\nw := 5"],
      status: 1,
      output: """
        --- b.rego
        +++ b.rego
        @@ -4,8 +4,8 @@
         # 4
         package p
         
        -x = 1
        +x := 1
         y := 2
         z := 3
         v := 4
        -w := 5
        \\ No newline at end of file
        +w := 5

        """),
    CommandCase(
      name: "--diff where nothing differs", arguments: ["fmt", "-d", "b.rego"], files: ["b.rego": tidy],
      output: ""),
    CommandCase(
      name: "an error names its place, and the other files are formatted",
      arguments: ["fmt", "a.rego", "b.rego", "none.rego"],
      files: ["a.rego": "package p\n\nx := := 1", "b.rego": messy], status: 2, output: tidy,
      errorsHave: ["a.rego:3:6: rego_parse_error: ", "none.rego: cannot be read"]),
    CommandCase(
      name: "v0 for both dialects", arguments: ["fmt", "--v0-v1"], input: "package p\ndeny[x] { x := 1 }",
      output: "package p\n\nimport rego.v1\n\ndeny contains x if x := 1\n"),
    CommandCase(
      name: "v0 is refused where only v1 is read", arguments: ["fmt", "--v1-compatible"],
      input: "package p\ndeny[x] { x := 1 }", status: 2, output: "", errorsHave: ["<stdin>:2:1: "]),
    CommandCase(
      name: "standard input cannot be written to", arguments: ["fmt", "--write"], status: 2, output: "",
      errorsHave: ["--write needs paths"]),
    CommandCase(
      name: "to write and only to show", arguments: ["fmt", "--write", "--check", "a.rego"], status: 2,
      output: "", errorsHave: ["give one of them"]),
  ]

  @Test("Run", arguments: cases)
  func run(_ command: CommandCase) async throws { try await command.check() }

  @Test("--write replaces files, keeps their permissions and follows links")
  func write() async throws {
    let folder = try TemporaryFolder(["real/a.rego": Self.messy, "policies/b.rego": Self.tidy])
    let manager = FileManager.default
    let file = folder.url.appendingPathComponent("real/a.rego").path
    let link = folder.url.appendingPathComponent("policies/a.rego").path
    try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
    try manager.createSymbolicLink(atPath: link, withDestinationPath: "../real/a.rego")
    let run = try await CommandRun.run(["fmt", "--write", "policies"], in: folder.url)
    #expect(run.status == 0 && run.output.isEmpty && run.errors.isEmpty, "\(run.errors)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == Self.tidy)
    #expect(try manager.destinationOfSymbolicLink(atPath: link) == "../real/a.rego")
    #expect(try manager.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o640)
    #expect(
      try manager.contentsOfDirectory(atPath: folder.url.appendingPathComponent("real").path) == ["a.rego"])
  }

  @Test("the examples are formatted, but for the article's rule, which is as the article prints it")
  func examples() async throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let run = try await CommandRun.run(["fmt", "--check", "Rego-examples"], in: root)
    #expect(run.output == "Rego-examples/article_rule/article_rule.rego\n", "\(run.errors)")
  }
}
