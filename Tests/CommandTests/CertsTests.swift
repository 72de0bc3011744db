import Foundation
import Testing

@Suite("certs")
struct CertsTests {
  @Test("An authority and a certificate, keys for their owner alone")
  func files() async throws {
    let folder = try TemporaryFolder()
    let run = try await CommandRun.run(
      ["certs", "--out", "a/b", "--name", "x.svc", "--name", "10.0.0.1"], in: folder.url)
    #expect(run.status == 0, "\(run.errors)")
    let out = folder.url.appendingPathComponent("a/b")
    let authority = try Data(contentsOf: out.appendingPathComponent("ca.crt"))
    #expect(run.output == authority.base64EncodedString() + "\n")
    for name in ["ca.key", "tls.key"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: out.appendingPathComponent(name).path)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }
    #expect(
      Set(try FileManager.default.contentsOfDirectory(atPath: out.path)) == [
        "ca.crt", "ca.key", "tls.crt", "tls.key",
      ])
  }

  @Test("An authority that is there signs again")
  func sameAuthority() async throws {
    let folder = try TemporaryFolder()
    let first = try await CommandRun.run(["certs", "--out", "."], in: folder.url)
    let certificate = try Data(contentsOf: folder.url.appendingPathComponent("tls.crt"))
    let second = try await CommandRun.run(["certs", "--out", ".", "--format", "json"], in: folder.url)
    #expect(second.output.contains(first.output.trimmingCharacters(in: .newlines)))
    #expect(second.output.contains(#""isNewAuthority": false"#))
    #expect(try Data(contentsOf: folder.url.appendingPathComponent("tls.crt")) != certificate)
    let third = try await CommandRun.run(["certs", "--out", ".", "--new-ca"], in: folder.url)
    #expect(third.status == 0 && third.output != first.output)
  }

  static let failures: [CommandCase] = [
    CommandCase(
      name: "a name that is none", arguments: ["certs", "--out", ".", "--name", "a b"], status: 2, output: "",
      errorsHave: ["\"a b\""]),
    CommandCase(
      name: "an authority without its key", arguments: ["certs", "--out", "."], files: ["ca.crt": "x"],
      status: 2,
      output: "", errorsHave: ["ca.crt: is there without"]),
    CommandCase(
      name: "an authority that is no certificate", arguments: ["certs", "--out", "."],
      files: ["ca.crt": "x", "ca.key": "y"], status: 2, output: "",
      errorsHave: ["the authority's certificate"]),
    CommandCase(
      name: "a folder that cannot be made", arguments: ["certs", "--out", "file/x"], files: ["file": ""],
      status: 2,
      output: "", errorsHave: ["file/x: cannot be made"]),
    CommandCase(
      name: "days out of bounds", arguments: ["certs", "--out", ".", "--days", "0"], status: 2, output: "",
      errorsHave: ["--days"]),
  ]

  @Test("Failures", arguments: failures)
  func failure(_ command: CommandCase) async throws { try await command.check() }
}
