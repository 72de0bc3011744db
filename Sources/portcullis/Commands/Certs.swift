import ArgumentParser
import Foundation
import TLS
import WebhookServer

struct Certs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a certificate authority and a server certificate.",
    discussion: """
      Writes tls.crt and tls.key, and ca.crt and ca.key, into a folder; keys for their owner alone to read. An authority that is \
      in the folder signs again, so that whoever trusts it need not be told. Prints the authority's certificate as a \
      ValidatingWebhookConfiguration holds it in caBundle.

      EXAMPLE
        portcullis certs --out certs --name portcullis.portcullis.svc --days 90
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
  }

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write; made where it is not there.", valueName: "folder"))
  var out: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A DNS name or address of the server; the first is its common name too. Repeat for more. (default: \(CertificateFolder.loopbackNames.joined(separator: ", ")))"
    ))
  var name: [String] = []

  @Option(
    name: .shortAndLong,
    help: "How many days the server's certificate is valid; a new authority lives ten times as long.")
  var days = 365

  @Flag(name: .long, help: "Make a new authority even where one is there.")
  var newCa = false

  @Option(name: .shortAndLong, help: "How to print the result.")
  var format = Format.text

  func validate() throws {
    guard (1...3_650).contains(days) else { throw ValidationError("--days must be between 1 and 3650") }
  }

  func run() throws {
    let folder = CertificateFolder(out)
    let issued: CertificateFolder.Issued
    do {
      issued = try folder.issue(
        names: name.isEmpty ? CertificateFolder.loopbackNames : name, days: days, usesNewAuthority: newCa)
    } catch {
      throw CommandFailure("\(error)")
    }
    let bundle = Data(issued.authorityPEM.utf8).base64EncodedString()
    let authority =
      issued.isNewAuthority
      ? "wrote \(folder.authorityCertificate) and \(folder.authorityKey)"
      : "used \(folder.authorityCertificate)"
    Console.error.write(line: "\(authority); wrote \(folder.certificate) and \(folder.key)")
    switch format {
    case .text: Console.output.write(line: bundle)
    case .json:
      let json = OrderedJSON.object([
        ("caBundle", .string(bundle)), ("certificateAuthority", .string(folder.authorityCertificate)),
        ("certificate", .string(folder.certificate)), ("privateKey", .string(folder.key)),
        ("isNewAuthority", .value(.boolean(issued.isNewAuthority))),
      ])
      Console.output.write(line: json.text)
    }
  }
}
