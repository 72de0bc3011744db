import Testing

@testable import Rego

@Suite("Builtins on hashes, certificates and keys")
struct BuiltinsCryptoTests {
  /// In 2030, when the certificates are valid.
  private static let context = BuiltinContext(nowNanoseconds: 1_900_000_000_000_000_000)

  private static func call(_ name: String, _ operands: Value...) throws -> Value? {
    try callBuiltin(name, operands, context: context)
  }

  @Test(
    "hashes and authentication codes",
    arguments: [
      BuiltinCase("crypto.md5", "abc", gives: "900150983cd24fb0d6963f7d28e17f72"),
      BuiltinCase("crypto.md5", "", gives: "d41d8cd98f00b204e9800998ecf8427e"),
      BuiltinCase("crypto.sha1", "abc", gives: "a9993e364706816aba3e25717850c26c9cd0d89d"),
      BuiltinCase(
        "crypto.sha256", "abc", gives: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      BuiltinCase("crypto.hmac.md5", "abc", "key", gives: "d2fe98063f876b03193afb49b4979591"),
      BuiltinCase("crypto.hmac.sha1", "abc", "key", gives: "4fd0b215276ef12f2b3e4c8ecac2811498b656fc"),
      BuiltinCase(
        "crypto.hmac.sha256", "abc", "key",
        gives: "9c196e32dc0175f86f4b1cb89289d6619de6bee699e4c378e68309ed97a1a6ab"),
      BuiltinCase(
        "crypto.hmac.sha512", "abc", "key",
        gives: .string(
          "3926a207c8c42b0c41792cbd3e1a1aaaf5f7a25704f62dfc939c4987dd7ce060"
            + "009c5bb1c2447355b3216f10b537e9afa7b64a4e5391b0d631172d07939e087a")),
      BuiltinCase("crypto.hmac.equal", "abc", "abc", gives: true),
      BuiltinCase("crypto.hmac.equal", "abc", "abd", gives: false),
      BuiltinCase("crypto.hmac.equal", "abc", "ab", gives: false),
      BuiltinCase("crypto.hmac.equal", "", "", gives: true),
    ])
  func hashes(_ testCase: BuiltinCase) throws { try testCase.check() }

  // MARK: Certificates

  @Test("what a certificate says")
  func certificate() throws {
    let text = Value.string(CryptoFixtures.serverCertificate)
    let all = try #require(try BuiltinsCryptoTests.call("crypto.x509.parse_certificates", text)?.array)
    #expect(all.count == 1)
    let leaf = all[0]
    #expect(leaf["Subject"]?["CommonName"] == "app.example.test")
    #expect(leaf["Issuer"]?["CommonName"] == "Example Intermediate")
    #expect(leaf["SerialNumber"] == 3)
    #expect(leaf["Version"] == 3)
    #expect(leaf["NotBefore"] == "2020-01-01T00:00:00Z")
    #expect(leaf["NotAfter"] == "2120-01-01T00:00:00Z")
    #expect(leaf["DNSNames"] == ["app.example.test", "*.wild.example.test"])
    #expect(leaf["EmailAddresses"] == ["ops@example.test"])
    #expect(leaf["IPAddresses"] == ["192.0.2.7"])
    #expect(leaf["URIStrings"] == ["spiffe://example.test/app"])
    #expect(leaf["IsCA"] == false)
    #expect(leaf["BasicConstraintsValid"] == true)
    #expect(leaf["KeyUsage"] == 1)
    #expect(leaf["ExtKeyUsage"] == [1])
    // Go's numbers of Ed25519 and of ECDSA with SHA-256.
    #expect(leaf["PublicKeyAlgorithm"] == 4)
    #expect(leaf["SignatureAlgorithm"] == 10)
  }

  @Test("several certificates, in PEM and in base64")
  func encodings() throws {
    let chain = CryptoFixtures.rootCertificate + "text between\n" + CryptoFixtures.intermediateCertificate
    let plain = try BuiltinsCryptoTests.call("crypto.x509.parse_certificates", .string(chain))
    let subjects = plain?.array?.compactMap { $0["Subject"]?["CommonName"] }
    #expect(subjects == ["Example Root", "Example Intermediate"])
    #expect(plain?.array?[0]["Subject"]?["Organization"] == ["Example Org"])
    #expect(plain?.array?[0]["IsCA"] == true)
    let encoded = Base64.standard.encode(Array(chain.utf8))
    #expect(try BuiltinsCryptoTests.call("crypto.x509.parse_certificates", .string(encoded)) == plain)
    let der = CryptoFixtures.rootCertificate.split(separator: "\n").dropFirst().dropLast().joined()
    let single = try BuiltinsCryptoTests.call("crypto.x509.parse_certificates", .string(der))
    #expect(single?.array?.first == plain?.array?.first)
  }

  @Test("damaged certificates are refused, wherever they are damaged")
  func damage() throws {
    let der = try Base64.standard.decode(
      Array(CryptoFixtures.serverCertificate.split(separator: "\n").dropFirst().dropLast().joined().utf8))
    for length in stride(from: 0, to: der.count, by: 7) {
      let cut = Value.string(Base64.standard.encode(Array(der[..<length])))
      let operands = [cut]
      if length == 0 { continue }
      #expect(errorText("crypto.x509.parse_certificates", operands) != nil, "cut at \(length)")
      #expect(
        try BuiltinsCryptoTests.call("crypto.x509.parse_and_verify_certificates", cut) == [false, []])
    }
    // A changed byte may leave something that can be read, but must not end the process.
    for position in der.indices {
      var changed = der
      changed[position] ^= 0x85
      let text = Value.string(Base64.standard.encode(changed))
      _ = try? BuiltinsCryptoTests.call("crypto.x509.parse_certificates", text)
      _ = try? BuiltinsCryptoTests.call("crypto.x509.parse_certificate_request", text)
      _ = try? BuiltinsCryptoTests.call("crypto.x509.parse_keypair", text, text)
    }
  }

  @Test(
    "faults of certificates",
    arguments: [
      BuiltinFailure(
        "crypto.x509.parse_certificates", "!!", fails: "illegal base64 data at input byte 0"),
      BuiltinFailure(
        "crypto.x509.parse_certificates", .string(CryptoFixtures.rsaKey),
        fails: "PEM block type is 'PRIVATE KEY', expected CERTIFICATE"),
      BuiltinFailure(
        "crypto.x509.parse_certificate_request", .string(CryptoFixtures.rootCertificate),
        fails: "illegal base64 data at input byte 0"),
      BuiltinFailure(
        "crypto.x509.parse_certificates", 1, fails: "operand 1 must be string but got number"),
    ])
  func faults(_ failure: BuiltinFailure) { failure.check() }

  @Test("a certificate signing request")
  func request() throws {
    let request = try BuiltinsCryptoTests.call(
      "crypto.x509.parse_certificate_request", .string(CryptoFixtures.request))
    #expect(request?["Subject"]?["CommonName"] == "request.example.test")
    #expect(request?["Subject"]?["Country"] == ["NL"])
    #expect(request?["DNSNames"] == ["request.example.test"])
    #expect(request?["PublicKeyAlgorithm"] == 3)
    let encoded = Value.string(Base64.standard.encode(Array(CryptoFixtures.request.utf8)))
    #expect(try BuiltinsCryptoTests.call("crypto.x509.parse_certificate_request", encoded) == request)
  }

  // MARK: Chains

  struct Chain: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let certificates: [String]
    var options: Value = [:]
    let length: Int?
  }

  private static let server = [
    CryptoFixtures.rootCertificate, CryptoFixtures.intermediateCertificate, CryptoFixtures.serverCertificate,
  ]
  private static let client = [
    CryptoFixtures.rootCertificate, CryptoFixtures.intermediateCertificate, CryptoFixtures.clientCertificate,
  ]

  @Test(
    "chains of certificates",
    arguments: [
      Chain(testDescription: "whole", certificates: server, length: 3),
      Chain(testDescription: "intermediate trusted", certificates: Array(server.dropFirst()), length: 2),
      Chain(testDescription: "no intermediate", certificates: [server[0], server[2]], length: nil),
      Chain(testDescription: "one alone", certificates: [server[0]], length: nil),
      Chain(testDescription: "wrong order", certificates: server.reversed(), length: nil),
      Chain(testDescription: "a client's", certificates: client, length: nil),
      Chain(
        testDescription: "a client's as such", certificates: client,
        options: ["KeyUsages": ["KeyUsageClientAuth"]],
        length: 3),
      Chain(
        testDescription: "one of several usages", certificates: client,
        options: ["KeyUsages": set("KeyUsageServerAuth", "KeyUsageClientAuth")], length: 3),
      Chain(
        testDescription: "any usage", certificates: client, options: ["KeyUsages": ["KeyUsageAny"]], length: 3
      ),
      Chain(
        testDescription: "its host", certificates: server, options: ["DNSName": "app.example.test"], length: 3
      ),
      Chain(
        testDescription: "a wildcard's host", certificates: server,
        options: ["DNSName": "a.wild.example.test"],
        length: 3),
      Chain(
        testDescription: "too deep for the wildcard", certificates: server,
        options: ["DNSName": "a.b.wild.example.test"], length: nil),
      Chain(
        testDescription: "its address", certificates: server, options: ["DNSName": "192.0.2.7"], length: 3),
      Chain(
        testDescription: "another address", certificates: server, options: ["DNSName": "[192.0.2.8]"],
        length: nil),
      Chain(
        testDescription: "another host", certificates: server, options: ["DNSName": "other.example.test"],
        length: nil),
      Chain(
        testDescription: "before it is valid", certificates: server,
        options: ["CurrentTime": 1_577_836_799_000_000_000], length: nil),
      Chain(
        testDescription: "since it is valid", certificates: server,
        options: ["CurrentTime": 1_577_836_800_000_000_000], length: 3),
      Chain(
        testDescription: "after it was valid", certificates: server,
        options: ["CurrentTime": 4_733_510_401_000_000_000], length: nil),
      Chain(
        testDescription: "bounded comparisons", certificates: server,
        options: ["MaxConstraintComparisons": 5],
        length: 3),
    ])
  func chains(_ chain: Chain) throws {
    let text = Value.string(chain.certificates.joined())
    let results = [
      try BuiltinsCryptoTests.call(
        "crypto.x509.parse_and_verify_certificates_with_options", text, chain.options),
      chain.options == [:]
        ? try BuiltinsCryptoTests.call("crypto.x509.parse_and_verify_certificates", text) : nil,
    ]
    for result in results.compactMap({ $0?.array }) {
      #expect(result[0] == .boolean(chain.length != nil))
      #expect(result[1].array?.count == chain.length ?? 0)
      if chain.length != nil {
        // From the last to the trusted one.
        #expect(
          result[1].array?.last?["Subject"]?["CommonName"] == result[1].array?.last?["Issuer"]?["CommonName"]
            || chain.certificates.count == 2)
        #expect(result[1].array?.first?["Issuer"]?["CommonName"] == "Example Intermediate")
      }
    }
    #expect(results[0] != nil)
  }

  @Test("a chain with a false signature")
  func forgedChain() throws {
    // The same subject and key, but the signature's last byte differs.
    var der = try Base64.standard.decode(
      Array(CryptoFixtures.serverCertificate.split(separator: "\n").dropFirst().dropLast().joined().utf8))
    der[der.count - 1] ^= 1
    let forged =
      "-----BEGIN CERTIFICATE-----\n\(Base64.standard.encode(der))\n-----END CERTIFICATE-----\n"
    let text = Value.string(
      CryptoFixtures.rootCertificate + CryptoFixtures.intermediateCertificate + forged)
    #expect(try BuiltinsCryptoTests.call("crypto.x509.parse_and_verify_certificates", text) == [false, []])
  }

  private static let badOptions: [(Value, String)] = [
    (["DNSName": 1], "'DNSName' should be a string"),
    (["CurrentTime": "now"], "'CurrentTime' should be a number"),
    (["CurrentTime": decimal("1.5")], "'CurrentTime' should be a valid int64 number"),
    (["MaxConstraintComparisons": "1"], "'MaxConstraintComparisons' should be a number"),
    (["KeyUsages": "KeyUsageAny"], "'KeyUsages' should be an Array or Set"),
    (["KeyUsages": ["KeyUsageAny", "a", "b"]], "invalid entries for 'KeyUsages' found: [a b]"),
    (["Other": 1], "invalid key option"),
  ]

  @Test("options that are none", arguments: badOptions)
  func options(_ options: Value, _ message: String) {
    let operands: [Value] = [.string(BuiltinsCryptoTests.server.joined()), options]
    #expect(errorText("crypto.x509.parse_and_verify_certificates_with_options", operands) == message)
  }

  // MARK: Keys

  @Test("private keys in every format")
  func privateKeys() throws {
    func keys(_ text: String) throws -> [Value] {
      try BuiltinsCryptoTests.call("crypto.parse_private_keys", .string(text))?.array ?? []
    }
    let rsa = try keys(CryptoFixtures.rsaKey)
    #expect(rsa.count == 1)
    #expect(rsa[0]["E"] == 65_537)
    #expect(rsa[0]["Primes"]?.array?.count == 2)
    #expect(try keys(CryptoFixtures.rsaKeyPKCS1) == rsa)
    let elliptic = try keys(CryptoFixtures.ellipticKey)
    #expect(elliptic.count == 1)
    #expect(try keys(CryptoFixtures.ellipticKeySEC1) == elliptic)
    let edwards = try keys(CryptoFixtures.edwardsKey)
    let seed = try #require(JSONReader.value(CryptoFixtures.webKeys["ed25519"] ?? "")["d"]?.string)
    let bytes = try Base64.standard.decode(Array((edwards.first?.string ?? "").utf8))
    #expect(Base64.rawURL.encode(bytes.prefix(32)) == seed)
    let text = CryptoFixtures.rsaKey + CryptoFixtures.rootCertificate + CryptoFixtures.ellipticKey
    #expect(try keys(text) == rsa + elliptic)
    #expect(try keys(Base64.standard.encode(Array(text.utf8))) == rsa + elliptic)
    #expect(try BuiltinsCryptoTests.call("crypto.parse_private_keys", "") == .null)
    #expect(try BuiltinsCryptoTests.call("crypto.parse_private_keys", "no keys") == [])
  }

  @Test("a private key as a JSON Web Key")
  func webKeys() throws {
    let name = "crypto.x509.parse_rsa_private_key"
    let rsa = try BuiltinsCryptoTests.call(name, .string(CryptoFixtures.rsaKey))
    #expect(try rsa == JSONReader.value(CryptoFixtures.webKeys["rsa"] ?? ""))
    let elliptic = try BuiltinsCryptoTests.call(name, .string(CryptoFixtures.ellipticKey))
    #expect(try elliptic == JSONReader.value(CryptoFixtures.webKeys["p256"] ?? ""))
    #expect(errorText(name, [""]) == "input PEM data was empty")
    #expect(errorText(name, [.string(CryptoFixtures.edwardsKey)]) == "invalid key type for a JSON Web Key")
  }

  @Test("damaged keys are refused")
  func damagedKeys() throws {
    let broken = CryptoFixtures.rsaKey.replacing("MII", with: "MIA")
    #expect(errorText("crypto.parse_private_keys", [.string(broken)]) == "x509: malformed PKCS#8 private key")
    let der = try Base64.standard.decode(
      Array(CryptoFixtures.ellipticKeySEC1.split(separator: "\n").dropFirst().dropLast().joined().utf8))
    for position in der.indices {
      var changed = der
      changed[position] ^= 0x41
      for type in ["EC PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"] {
        let text = "-----BEGIN \(type)-----\n\(Base64.standard.encode(changed))\n-----END \(type)-----\n"
        _ = try? BuiltinsCryptoTests.call("crypto.parse_private_keys", .string(text))
      }
    }
  }

  @Test("a pair of a certificate and its key")
  func keyPair() throws {
    let name = "crypto.x509.parse_keypair"
    let root = Value.string(CryptoFixtures.rootCertificate)
    let pair = try BuiltinsCryptoTests.call(name, root, .string(CryptoFixtures.rsaKey))
    #expect(pair?["Leaf"]?["Subject"]?["CommonName"] == "Example Root")
    #expect(pair?["Certificate"]?.array?.count == 1)
    #expect(pair?["PrivateKey"]?["E"] == 65_537)
    let edwards = try BuiltinsCryptoTests.call(
      name, .string(CryptoFixtures.serverCertificate), .string(CryptoFixtures.edwardsKey))
    #expect(edwards?["Leaf"]?["SerialNumber"] == 3)
    let mismatch = errorText(name, [root, .string(CryptoFixtures.ellipticKey)])
    #expect(mismatch == "tls: private key does not match public key")
    #expect(
      errorText(name, [.string(CryptoFixtures.rsaKey), .string(CryptoFixtures.rsaKey)])
        == "tls: failed to find any PEM data in certificate input")
    #expect(errorText(name, [root, root]) == "tls: failed to find any PEM data in key input")
  }

  @Test("text that could take long does not")
  func bounds() throws {
    let beginnings = String(repeating: "-----BEGIN A-----\n", count: 200_000)
    let start = ContinuousClock.now
    #expect(try BuiltinsCryptoTests.call("crypto.parse_private_keys", .string(beginnings)) == [])
    // A key of a hundred thousand bytes.
    let digits = Base64.rawURL.encode([UInt8](repeating: 0xff, count: 100_000))
    let key: Value = .object(
      ObjectValue(["n", "e", "d", "p", "q"].map { (.string($0), .string(digits)) } + [("kty", "RSA")]))
    #expect(
      errorText("io.jwt.encode_sign", [["alg": "RS256"], [:], key])?.contains("too large") == true)
    #expect(ContinuousClock.now - start < .seconds(20))
  }
}
