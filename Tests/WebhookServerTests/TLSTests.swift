import Foundation
import Logging
import TLS
import Testing

@testable import WebhookServer

@Suite("TLS")
struct TLSTests {
  @Test(
    "plain HTTP on the TLS port is told so in plain HTTP", arguments: ["GET", "POST", "DELETE", "OPTIONS"])
  func refusesPlainText(method: String) async throws {
    try await withServer { server in
      let client = try await server.connect(tls: nil)
      let response = try await client.exchange("\(method) /validate HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(response.status == 400)
      #expect(response.body == "{\"error\":\"this is a TLS port: use https\"}\n")
      try await client.ended()
      #expect(try await server.connect().exchange(review()).status == 200)
    }
  }

  @Test("bytes that are no handshake end the connection and nothing else")
  func refusesGarbage() async throws {
    try await withServer { server in
      for garbage: [UInt8] in [[0x16, 3, 1, 0, 4, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7], [0xFF]] {
        let client = try await server.connect(tls: nil)
        try await client.send(garbage)
        if garbage.count > 1 { try await client.ended() } else { await client.close() }
      }
      #expect(try await server.connect().exchange(review()).status == 200)
    }
  }

  @Test("a handshake that does not end in time is ended")
  func timesOutHandshakes() async throws {
    try await withServer(configure: { $0.timeouts.handshake = .milliseconds(100) }) { server in
      let client = try await server.connect(tls: nil)
      try await client.send([0x16, 3, 1])
      try await client.ended()
    }
  }

  @Test("the client role refuses a server of another authority, or another name")
  func verifiesServers() async throws {
    try await withServer { server in
      let other = try CertificateAuthority(name: "Another CA", validDays: 1)
      let stranger = try TLSContext.client(authorities: Array(try other.export().certificatePEM.utf8))
      let suspicious = try await server.connect(tls: stranger)
      try await suspicious.ended()
      #expect(suspicious.errors.contains { $0.contains("not trusted") }, "\(suspicious.errors)")

      for (name, isTrusted) in [
        ("localhost", true), ("127.0.0.1", true), ("example.com", false), ("10.0.0.1", false),
      ] {
        let client = try await TestClient.connect(
          to: server.addresses.reviews, tls: TestAuthority.clientContext, serverName: name)
        if isTrusted {
          #expect(try await client.exchange(review()).status == 200)
        } else {
          try await client.ended()
          #expect(client.errors.contains { $0.contains("not trusted") })
        }
      }
    }
  }

  struct ClientCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var makeIdentity: @Sendable () throws -> TLSIdentity?
    var names: [String] = []
    var status: Int
    var sentence = ""
  }

  static let clientCases: [ClientCase] = [
    ClientCase(testDescription: "none", makeIdentity: { nil }, status: 403, sentence: "required"),
    ClientCase(
      testDescription: "any verified one",
      makeIdentity: { try TestAuthority.shared.issue(names: ["x"], usage: .client, validDays: 1).identity },
      status: 200),
    ClientCase(
      testDescription: "the right common name",
      makeIdentity: {
        try TestAuthority.shared.issue(names: ["system:apiserver"], usage: .client, validDays: 1).identity
      }, names: ["other", "system:apiserver"], status: 200),
    ClientCase(
      testDescription: "the right DNS name",
      makeIdentity: {
        try TestAuthority.shared.issue(names: ["a.example", "api.example"], usage: .client, validDays: 1)
          .identity
      }, names: ["api.example"], status: 200),
    ClientCase(
      testDescription: "another name",
      makeIdentity: {
        try TestAuthority.shared.issue(names: ["mallory"], usage: .client, validDays: 1).identity
      },
      names: ["system:apiserver"], status: 403, sentence: "name"),
    ClientCase(
      testDescription: "a name that differs in case",
      makeIdentity: {
        try TestAuthority.shared.issue(names: ["System:apiserver"], usage: .client, validDays: 1).identity
      },
      names: ["system:apiserver"], status: 403, sentence: "name"),
    ClientCase(
      testDescription: "an expired one",
      makeIdentity: { try TestAuthority.shared.issue(names: ["x"], usage: .client, validDays: -1).identity },
      status: 403, sentence: "expired"),
    ClientCase(
      testDescription: "a server's",
      makeIdentity: { try TestAuthority.shared.issue(names: ["x"], usage: .server, validDays: 1).identity },
      status: 403, sentence: "verify"),
    ClientCase(
      testDescription: "another authority's",
      makeIdentity: {
        try CertificateAuthority(name: "Another CA", validDays: 1).issue(
          names: ["x"], usage: .client, validDays: 1
        )
        .identity
      }, status: 403, sentence: "verify"),
  ]

  @Test("a client certificate is demanded where decisions are made, and only there", arguments: clientCases)
  func demandsClientCertificates(_ client: ClientCase) async throws {
    try await withServer(
      clientCA: true,
      configure: {
        $0.clientNames = client.names
      }
    ) { server in
      let context = try TLSContext.client(
        authorities: Array(TestAuthority.pem.utf8), identity: try client.makeIdentity())
      let connection = try await server.connect(tls: context)
      #expect(try await connection.exchange(get("/healthz")).status == 200)
      let response = try await connection.exchange(review())
      #expect(response.status == client.status)
      #expect(client.sentence.isEmpty || response.body.contains(client.sentence))
      #expect(try await connection.exchange(get("/readyz")).status == 200)
    }
  }

  @Test("TLS 1.2 is spoken, 1.1 and HTTP/2 alone are not")
  func negotiates() async throws {
    try await withServer { server in
      let ca = server.folder.file("ca.crt")
      let url = "https://127.0.0.1:\(server.addresses.reviews.port)/healthz"
      let old = try await curl("--cacert", ca, "--tls-max", "1.2", "-w", "%{http_version}", url)
      #expect(old == "ok\n1.1")
      let tooOld = try await curl("--cacert", ca, "--tls-max", "1.1", url)
      #expect(tooOld == nil)
      let address = server.addresses.reviews.description
      for (offered, isServed) in [("http/1.1", true), ("h2,http/1.1", true), ("h2", false)] {
        #expect(
          (run("openssl", ["s_client", "-connect", address, "-alpn", offered]) == 0) == isServed, "\(offered)"
        )
      }
    }
  }

  @Test("a changed certificate is taken over while connections live on; a bad one changes nothing")
  func reloadsCertificates() async throws {
    try await withServer { server in
      let old = try await server.connect()
      #expect(try await old.exchange(review()).status == 200)
      let otherCA = try CertificateAuthority(name: "New CA", validDays: 1)
      let newContext = try TLSContext.client(authorities: Array(try otherCA.export().certificatePEM.utf8))

      try server.folder.write("not a certificate", to: "tls.crt")
      try await eventually("the bad file is noticed") {
        server.metric("portcullis_certificate_reload_failures_total") == 1
      }
      #expect(try await server.connect().exchange(review()).status == 200)

      let issued = try otherCA.issue(names: ["localhost"], validDays: 1)
      try server.folder.write(issued.privateKeyPEM, to: "tls.key")
      try server.folder.write(issued.certificatePEM, to: "tls.crt")
      try await eventually("the new certificate is in use") {
        let client = try await server.connect(tls: newContext)
        defer { Task { await client.close() } }
        return (try? await client.exchange(review()))?.status == 200
      }
      #expect(server.metric("portcullis_certificate_reloads_total") == 1)
      #expect(try await old.exchange(review()).status == 200)
    }
  }

  @Test("Kubernetes' exchange of symbolic links is a change")
  func noticesSymbolicLinks() throws {
    let folder = TemporaryFolder()
    let manager = FileManager.default
    for (version, names) in [("1", ["a.example"]), ("2", ["b.example"])] {
      try manager.createDirectory(atPath: folder.file("..\(version)"), withIntermediateDirectories: true)
      let issued = try TestAuthority.shared.issue(names: names, validDays: version == "1" ? 10 : 20)
      try folder.write(issued.certificatePEM, to: "..\(version)/tls.crt")
      try folder.write(issued.privateKeyPEM, to: "..\(version)/tls.key")
    }
    try manager.createSymbolicLink(atPath: folder.file("..data"), withDestinationPath: "..1")
    for name in ["tls.crt", "tls.key"] {
      try manager.createSymbolicLink(atPath: folder.file(name), withDestinationPath: "..data/\(name)")
    }
    let store = try CertificateStore(
      files: CertificateFiles(certificateChain: folder.file("tls.crt"), privateKey: folder.file("tls.key")),
      metrics: ServerMetrics(), logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
    #expect(abs(store.daysToExpiry - 10) < 0.01)
    store.reloadIfChanged()
    #expect(abs(store.daysToExpiry - 10) < 0.01)
    try manager.createSymbolicLink(atPath: folder.file("..data_tmp"), withDestinationPath: "..2")
    #expect(rename(folder.file("..data_tmp"), folder.file("..data")) == 0)
    store.reloadIfChanged()
    #expect(abs(store.daysToExpiry - 20) < 0.01)
  }

  @Test("an expired certificate is served, and its age shown")
  func servesExpiredCertificates() async throws {
    let expired = try TestAuthority.shared.issue(names: ["localhost"], validDays: -3)
    try await withServer(identity: expired) { server in
      let days = try #require(server.metric("portcullis_certificate_expiry_days"))
      #expect(abs(days + 3) < 0.01)
      let client = try await server.connect()
      try await client.ended()
      #expect(client.errors.contains { $0.contains("expired") })
    }
  }

  @Test("files that cannot be used are named with the reason")
  func namesBadFiles() async throws {
    let good = TestAuthority.server
    let folder = TemporaryFolder()
    try folder.write(good.privateKeyPEM, to: "plain.key")
    let arguments = ["-in", folder.file("plain.key"), "-out", folder.file("encrypted.key")]
    #expect(run("openssl", ["pkey", "-aes256", "-passout", "pass:secret"] + arguments) == 0)
    let encrypted = try String(contentsOfFile: folder.file("encrypted.key"), encoding: .utf8)
    let other = try TestAuthority.shared.issue(names: ["localhost"], validDays: 1)
    let cases: [(CertificateAuthority.Issued, String)] = [
      (
        .init(certificatePEM: "", privateKeyPEM: good.privateKeyPEM),
        "tls.crt cannot be used: no PEM certificate found"
      ),
      (
        .init(certificatePEM: good.certificatePEM, privateKeyPEM: ""),
        "tls.key cannot be used: no PEM private key found"
      ),
      (
        .init(
          certificatePEM: good.certificatePEM,
          privateKeyPEM: encrypted),
        "tls.key cannot be used: the key is encrypted"
      ),
      (
        .init(certificatePEM: good.certificatePEM, privateKeyPEM: other.privateKeyPEM),
        "tls.key cannot be used: key values mismatch"
      ),
      (
        .init(certificatePEM: String(good.certificatePEM.prefix(200)), privateKeyPEM: good.privateKeyPEM),
        "tls.crt cannot be used"
      ),
    ]
    for (identity, sentence) in cases {
      let error = await #expect(throws: TLSError.self) { _ = try await TestServer(identity: identity) }
      #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
    }
  }
}

/// What curl prints, or nil where it fails.
func curl(_ arguments: String...) async throws -> String? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["curl", "-sS", "--max-time", "5"] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = Pipe()
  try process.run()
  return await withCheckedContinuation { continuation in
    DispatchQueue.global().async {
      let data = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      continuation.resume(
        returning: process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil)
    }
  }
}
