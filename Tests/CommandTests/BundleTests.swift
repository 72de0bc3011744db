import Foundation
import Testing

/// Bundles load by their convention, and hostile ones are refused (OPA documentation, "Bundles").
@Suite("bundles")
struct BundleTests {
  /// Packs files as `tar` does; a path may lead anywhere.
  private static func archive(_ entries: [(path: String, content: [UInt8])], type: Character = "0") -> [UInt8]
  {
    var archive: [UInt8] = []
    for (path, content) in entries {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at offset: Int) {
        header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
      }
      put(path, at: 0)
      put("0000644\0", at: 100)
      put(String(content.count, radix: 8), at: 124)
      put("        ", at: 148)
      put(String(type), at: 156)
      put("ustar\u{0}00", at: 257)
      let sum = header.reduce(0) { $0 + Int($1) }
      put(String(sum, radix: 8) + "\0 ", at: 148)
      archive += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }
    return archive + [UInt8](repeating: 0, count: 1024)
  }

  /// What `gzip` makes of bytes.
  private static func compressed(_ bytes: [UInt8]) async throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try folder.write(bytes, to: "a")
    let gzip = URL(fileURLWithPath: "/usr/bin/env")
    let run = try await CommandRun.run(["gzip", "-1", "a"], in: folder.url, program: gzip)
    #expect(run.status == 0)
    return [UInt8](try Data(contentsOf: folder.url.appendingPathComponent("a.gz")))
  }

  private static func eval(_ bundle: [UInt8], _ query: String) async throws -> CommandRun {
    let folder = try TemporaryFolder()
    try folder.write(bundle, to: "b.tar.gz")
    return try await CommandRun.run(["eval", "-b", "b.tar.gz", "-f", "raw", query], in: folder.url)
  }

  @Test("an archive holds modules and data below its paths, with or without a slash at the beginning")
  func archive() async throws {
    let bundle = try await Self.compressed(
      Self.archive([
        ("/.manifest", Array(#"{"roots": ["a", "p"], "revision": "1"}"#.utf8)),
        ("/a/data.json", Array(#"{"x": 1}"#.utf8)), ("a/b/data.yaml", Array("z: 2".utf8)),
        ("./p/p.rego", Array("package p\n\nq := data.a.x + data.a.b.z".utf8)),
        ("/a/ignored.json", Array("{".utf8)), ("/policy.wasm", [0]),
      ]))
    let run = try await Self.eval(bundle, "data.p.q")
    #expect(run.output == "3\n", "\(run.errors)")
  }

  @Test(
    "archives that lead elsewhere, are broken or too large are refused",
    arguments: [
      ("../data.json", "0", "b.tar.gz: holds ../data.json: a path with .. is refused"),
      ("a/../../data.json", "0", "a path with .. is refused"),
      ("data.json", "2", "links are refused"), ("data.json", "3", "neither a file nor a folder"),
    ] as [(String, Character, String)])
  func hostile(_ path: String, _ type: Character, _ message: String) async throws {
    let run = try await Self.eval(
      try await Self.compressed(Self.archive([(path, Array("{}".utf8))], type: type)), "1")
    #expect(run.status == 2)
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  @Test("archives that end too early are refused")
  func truncated() async throws {
    let whole = try await Self.compressed(Self.archive([("data.json", Array("{\"a\": 1}".utf8))]))
    let short = try await Self.eval(Array(whole.prefix(whole.count / 2)), "data")
    #expect(short.status == 2)
    #expect(short.errors.contains("gzip data ends too early"), "\(short.errors)")
    let cut = try await Self.eval(
      try await Self.compressed(
        Array(Self.archive([("data.json", [UInt8](repeating: 32, count: 2000))]).prefix(1024))),
      "data")
    #expect(cut.status == 2)
    #expect(cut.errors.contains("invalid tar archive: it ends too early"), "\(cut.errors)")
    let noise = try await Self.eval([0x1f, 0x8b, 1, 2, 3, 4, 5], "data")
    #expect(noise.errors.contains("invalid gzip data"), "\(noise.errors)")
  }

  @Test("a small archive of something very large is refused")
  func bomb() async throws {
    let bundle = try await Self.compressed([UInt8](repeating: 0x20, count: 257 << 20))
    #expect(bundle.count < 4 << 20)
    let run = try await Self.eval(bundle, "data")
    #expect(run.status == 2)
    #expect(run.errors.contains("b.tar.gz: is larger than 256 MiB decompressed"), "\(run.errors)")
  }

  static let folders: [CommandCase] = [
    CommandCase(
      name: "data outside of the roots", arguments: ["eval", "-b", "b", "-f", "raw", "1"],
      files: ["b/.manifest": #"{"roots": ["a/b"]}"#, "b/data.json": #"{"a": {"b": 1, "c": 2}}"#], status: 2,
      errorsHave: ["b/data.json: manifest roots [a/b] do not permit data at path '/a/c'"]),
    CommandCase(
      name: "a package outside of the roots", arguments: ["eval", "-b", "b", "-f", "raw", "1"],
      files: ["b/.manifest": #"{"roots": ["a"]}"#, "b/p.rego": "package p"], status: 2,
      errorsHave: ["b/p.rego:1:1: manifest roots [a] do not permit 'package p'"]),
    CommandCase(
      name: "roots that overlap", arguments: ["eval", "-b", "a", "-b", "b", "-f", "raw", "1"],
      files: ["a/data.json": "{}", "b/data.json": "{}"], status: 2,
      errorsHave: ["b: its roots overlap those of the bundle a"]),
    CommandCase(
      name: "modules in the dialect of the manifest",
      arguments: ["eval", "-b", "b", "-f", "raw", "data.p.q"],
      files: ["b/.manifest": #"{"rego_version": 0}"#, "b/p.rego": "package p\n\nq = x { x := 5 }"],
      output: "5\n"),
  ]

  @Test("Folders", arguments: folders)
  func folder(_ command: CommandCase) async throws { try await command.check() }
}
