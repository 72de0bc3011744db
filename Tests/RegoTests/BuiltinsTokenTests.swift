import Testing

@testable import Rego

@Suite("Builtins on JSON Web Tokens and on requests to AWS")
struct BuiltinsTokenTests {
  private static let algorithms = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
    "ES512",
    "EdDSA",
  ]

  private static let secret = "it is a secret"

  /// The name of the key that goes with an algorithm; nil for the shared secret.
  private static func keyName(_ algorithm: String) -> String? {
    switch algorithm.prefix(2) {
    case "RS", "PS": "rsa"
    case "Ed": "ed25519"
    case "ES": ["ES256": "p256", "ES384": "p384", "ES512": "p521"][algorithm]
    default: nil
    }
  }

  private static func privateKey(_ algorithm: String) throws -> Value {
    guard let name = keyName(algorithm) else {
      return ["kty": "oct", "k": .string(Base64.rawURL.encode(Array(secret.utf8)))]
    }
    return try JSONReader.value(CryptoFixtures.webKeys[name] ?? "")
  }

  private static func publicKey(_ algorithm: String, adding more: [(Value, Value)] = []) throws -> Value {
    let secretMembers = Set(["d", "p", "q", "dp", "dq", "qi"])
    let members = try privateKey(algorithm).object ?? ObjectValue()
    return .object(ObjectValue(members.filter { !secretMembers.contains($0.0.string ?? "") } + more))
  }

  private static func text(_ value: Value) -> Value {
    var bytes: [UInt8] = []
    JSONWriter().append(value, to: &bytes)
    return .string(String(decoding: bytes, as: UTF8.self))
  }

  /// What verifies the signature: the secret, or the key in JSON.
  private static func verifier(_ algorithm: String) throws -> Value {
    keyName(algorithm) == nil ? .string(secret) : text(try publicKey(algorithm))
  }

  private static func verify(_ algorithm: String, _ token: Value, _ key: Value) throws -> Value? {
    try callBuiltin("io.jwt.verify_\(algorithm.lowercased())", [token, key])
  }

  private static func token(_ header: Value, _ payload: Value, signature: String = "") -> Value {
    func part(_ value: Value) -> String { Base64.rawURL.encode(Array((text(value).string ?? "").utf8)) }
    return .string("\(part(header)).\(part(payload)).\(signature)")
  }

  /// With its signature's first byte changed.
  private static func forged(_ token: Value) throws -> Value {
    let parts = (token.string ?? "").split(separator: ".").map(String.init)
    var signature = try Base64.rawURL.decode(Array(parts[2].utf8))
    signature[0] ^= 1
    return .string("\(parts[0]).\(parts[1]).\(Base64.rawURL.encode(signature))")
  }

  // MARK: Signing and verifying

  @Test("what is signed verifies, and nothing else does", arguments: algorithms)
  func roundTrip(_ algorithm: String) throws {
    let header: Value = ["alg": .string(algorithm), "typ": "JWT"]
    let payload: Value = ["iss": "me", "list": [1, "é"]]
    let key = try BuiltinsTokenTests.privateKey(algorithm)
    let token = try #require(try callBuiltin("io.jwt.encode_sign", [header, payload, key]))
    let raw = try callBuiltin(
      "io.jwt.encode_sign_raw",
      [.string(#"{"alg": "\#(algorithm)"}"#), #"{"a": 1}"#, BuiltinsTokenTests.text(key)])
    let verifier = try BuiltinsTokenTests.verifier(algorithm)
    #expect(try BuiltinsTokenTests.verify(algorithm, token, verifier) == true)
    #expect(try BuiltinsTokenTests.verify(algorithm, #require(raw), verifier) == true)
    #expect(try BuiltinsTokenTests.verify(algorithm, BuiltinsTokenTests.forged(token), verifier) == false)
    let decoded = try #require(try callBuiltin("io.jwt.decode", [token])?.array)
    #expect(decoded[0] == header)
    #expect(decoded[1] == payload)
    for other in BuiltinsTokenTests.algorithms where other != algorithm {
      // The same key under another algorithm's name.
      #expect(
        try BuiltinsTokenTests.verify(other, token, BuiltinsTokenTests.verifier(other)) == false, "\(other)")
    }
  }

  @Test("tokens that others have signed", arguments: CryptoFixtures.tokens.sorted { $0.key < $1.key })
  func foreign(_ algorithm: String, _ token: String) throws {
    let verifier = try BuiltinsTokenTests.verifier(algorithm)
    #expect(try BuiltinsTokenTests.verify(algorithm, .string(token), verifier) == true)
    let constraints: Value = ["cert": verifier, "alg": .string(algorithm), "iss": "tests"]
    let result = try callBuiltin("io.jwt.decode_verify", [.string(token), constraints])
    #expect(
      result == [true, ["alg": .string(algorithm), "typ": "JWT"], ["exp": 4_102_444_800, "iss": "tests"]])
  }

  @Test("certificates and public keys verify as keys in JSON do")
  func pem() throws {
    func verify(_ algorithm: String, _ key: String) throws -> Value? {
      let token = Value.string(CryptoFixtures.tokens[algorithm] ?? "")
      return try BuiltinsTokenTests.verify(algorithm, token, .string(key))
    }
    for key in [CryptoFixtures.rootCertificate, CryptoFixtures.rsaPublicKey] {
      #expect(try verify("RS256", key) == true)
      #expect(try verify("PS512", key) == true)
      #expect(try verify("EdDSA", key) == false)
    }
    for key in [CryptoFixtures.intermediateCertificate, CryptoFixtures.ellipticPublicKey] {
      #expect(try verify("ES256", key) == true)
      #expect(try verify("RS256", key) == false)
    }
    for key in [CryptoFixtures.serverCertificate, CryptoFixtures.edwardsPublicKey] {
      #expect(try verify("EdDSA", key) == true)
    }
  }

  @Test("sets of keys: the one that the header names, else those that may be it")
  func keySets() throws {
    let rsa = try BuiltinsTokenTests.publicKey("RS256", adding: [("kid", "r"), ("alg", "RS256")])
    let curve = try BuiltinsTokenTests.publicKey("ES256", adding: [("kid", "e")])
    let both = BuiltinsTokenTests.text(["keys": [rsa, curve]])
    let none = BuiltinsTokenTests.text(["keys": []])
    for algorithm in ["RS256", "ES256"] {
      let token = Value.string(CryptoFixtures.tokens[algorithm] ?? "")
      #expect(try BuiltinsTokenTests.verify(algorithm, token, both) == true)
      #expect(try BuiltinsTokenTests.verify(algorithm, token, none) == false)
    }
    let key = try BuiltinsTokenTests.privateKey("RS256")
    for (identifier, expected) in [("r", true), ("e", false), ("other", true)] {
      let header: Value = ["alg": "RS256", "kid": .string(identifier)]
      let token = try #require(try callBuiltin("io.jwt.encode_sign", [header, [:], key]))
      #expect(try BuiltinsTokenTests.verify("RS256", token, both) == .boolean(expected), "\(identifier)")
    }
    // A key for another algorithm is not tried.
    let other = BuiltinsTokenTests.text(try BuiltinsTokenTests.publicKey("RS256", adding: [("alg", "RS512")]))
    let token = Value.string(CryptoFixtures.tokens["RS256"] ?? "")
    #expect(try BuiltinsTokenTests.verify("RS256", token, other) == false)
  }

  private static let unsignableHeaders: [(Value, Value, String)] = [
    (
      ["typ": "JWT"], [:],
      "missing or invalid 'alg' header: jwsbb: header \"alg\" not found"
    ),
    (
      ["alg": 1], [:],
      "missing or invalid 'alg' header: value doesn't contain string; it contains number"
    ),
    (["alg": "none"], [:], "unknown JWS algorithm: none"),
    (["alg": "ES256"], [:], "failed to sign: the key does not fit ES256"),
  ]

  @Test("what cannot be signed", arguments: unsignableHeaders)
  func unsignable(_ header: Value, _ payload: Value, _ message: String) throws {
    let key = try BuiltinsTokenTests.privateKey("HS256")
    #expect(errorText("io.jwt.encode_sign", [header, payload, key]) == message)
  }

  @Test("keys that are none")
  func badKeys() throws {
    let header: Value = ["alg": "HS256"]
    let failures: [(Value, String)] = [
      ([:], "failed to unmarshal JWK: missing or invalid 'kty'"),
      (["kty": "x"], "failed to unmarshal JWK: invalid key type from JSON (x)"),
      (["kty": "oct"], "required field k is missing"), (["keys": []], "no keys found in JWK set"),
      (["kty": "EC", "crv": "P-999", "x": "", "y": ""], "invalid or unsupported curve"),
      (["kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"], "the numbers of the JWK make no key"),
      (["kty": "OKP", "crv": "Ed25519", "x": "AQ"], "the numbers of the JWK make no key"),
    ]
    for (key, message) in failures {
      #expect(errorText("io.jwt.encode_sign", [header, [:], key]) == message)
    }
    #expect(
      errorText(
        "io.jwt.encode_sign_raw",
        [
          #"{"alg":"HS256","typ":"JWT"}"#, "no json",
          BuiltinsTokenTests.text(try BuiltinsTokenTests.privateKey("HS256")),
        ])
        == "type is JWT but payload is not JSON")
    let token = Value.string(CryptoFixtures.tokens["RS256"] ?? "")
    #expect(
      errorText("io.jwt.verify_rs256", [token, .string(CryptoFixtures.rsaKey)])
        == "failed to extract a Key from the PEM certificate")
    #expect(
      errorText("io.jwt.verify_rs256", [token, .string(CryptoFixtures.rsaPublicKey + "more")])
        == "extra data after a PEM certificate block")
    #expect(
      errorText("io.jwt.verify_rs256", [token, "rubbish"])?.hasPrefix("failed to parse a JWK key (set): ")
        == true)
  }

  // MARK: Decoding

  @Test("tokens that are none")
  func malformed() {
    let failures: [(Value, String)] = [
      ("abc", "encoded JWT had no period separators"), ("a.b", "encoded JWT must have 3 sections, found 2"),
      ("a.b.c.d", "encoded JWT must have 3 sections, found 4"),
      ("a!.e30.", "JWT header had invalid encoding: illegal base64 data at input byte 1"),
      (BuiltinsTokenTests.token([1], [:]), "bad JWT header: decoded JSON type was not an Object"),
      (BuiltinsTokenTests.token(["enc": "x"], [:]), "JWT is a JWE object, which is not supported"),
      (BuiltinsTokenTests.token([:], [1]), "decoded JSON type was not an Object"),
    ]
    for (token, message) in failures { #expect(errorText("io.jwt.decode", [token]) == message) }
  }

  @Test("a token within a token")
  func nested() throws {
    let inner = BuiltinsTokenTests.token(["alg": "none"], ["a": 1], signature: "AQI")
    let outer = BuiltinsTokenTests.token(["cty": "JWT"], inner, signature: "AQI")
    #expect(try callBuiltin("io.jwt.decode", [outer]) == [["alg": "none"], ["a": 1], "0102"])
  }

  // MARK: Constraints

  struct Constraint: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var header: Value = ["alg": "HS256"]
    var claims: Value = [:]
    var constraints: [(Value, Value)] = []
    let accepted: Bool
  }

  @Test(
    "constraints on tokens",
    arguments: [
      Constraint(testDescription: "none", accepted: true),
      Constraint(testDescription: "the algorithm", constraints: [("alg", "HS256")], accepted: true),
      Constraint(testDescription: "another algorithm", constraints: [("alg", "HS512")], accepted: false),
      Constraint(testDescription: "another secret", constraints: [("secret", "x")], accepted: false),
      Constraint(
        testDescription: "the issuer", claims: ["iss": "a"], constraints: [("iss", "a")], accepted: true),
      Constraint(
        testDescription: "another issuer", claims: ["iss": "b"], constraints: [("iss", "a")], accepted: false),
      Constraint(testDescription: "no issuer", constraints: [("iss", "a")], accepted: false),
      Constraint(
        testDescription: "the audience", claims: ["aud": "a"], constraints: [("aud", "a")], accepted: true),
      Constraint(
        testDescription: "one of the audiences", claims: ["aud": ["b", "a"]], constraints: [("aud", "a")],
        accepted: true),
      Constraint(
        testDescription: "none of the audiences", claims: ["aud": ["b"]], constraints: [("aud", "a")],
        accepted: false),
      Constraint(testDescription: "an audience unasked for", claims: ["aud": "a"], accepted: false),
      Constraint(testDescription: "no audience", constraints: [("aud", "a")], accepted: false),
      Constraint(
        testDescription: "not expired", claims: ["exp": 11], constraints: [("time", 10_000_000_000)],
        accepted: true),
      Constraint(
        testDescription: "expired just now", claims: ["exp": 10], constraints: [("time", 10_000_000_000)],
        accepted: false),
      Constraint(
        testDescription: "valid since now", claims: ["nbf": 10], constraints: [("time", 10_000_000_000)],
        accepted: true),
      Constraint(
        testDescription: "not yet valid", claims: ["nbf": 11], constraints: [("time", 10_000_000_000)],
        accepted: false),
      Constraint(testDescription: "expired by the clock", claims: ["exp": 1_700_000_000], accepted: false),
      Constraint(testDescription: "valid by the clock", claims: ["exp": 1_700_000_001], accepted: true),
      Constraint(
        testDescription: "an unknown critical header", header: ["alg": "HS256", "crit": ["x"], "x": 1],
        accepted: false),
      Constraint(
        testDescription: "a critical header that is absent", header: ["alg": "HS256", "crit": ["x"]],
        accepted: true),
    ])
  func constraints(_ test: Constraint) throws {
    let key = try BuiltinsTokenTests.privateKey("HS256")
    let token = try #require(try callBuiltin("io.jwt.encode_sign", [test.header, test.claims, key]))
    var constraints = test.constraints
    if !constraints.contains(where: { $0.0 == "secret" }) {
      constraints.append(("secret", .string(BuiltinsTokenTests.secret)))
    }
    let result = try callBuiltin("io.jwt.decode_verify", [token, .object(ObjectValue(constraints))])
    #expect(result == (test.accepted ? [true, test.header, test.claims] : [false, [:], [:]]))
  }

  @Test("an unsigned token, and a public key taken for a secret, are not accepted")
  func confusion() throws {
    let unsigned = BuiltinsTokenTests.token(["alg": "none"], ["a": 1])
    #expect(
      try callBuiltin("io.jwt.decode_verify", [unsigned, ["secret": "x"]]) == [false, [:], [:]])
    // Signed by HMAC, with the text of the public key as the secret.
    let secret = Base64.rawURL.encode(Array(CryptoFixtures.rsaPublicKey.utf8))
    let key: Value = ["kty": "oct", "k": .string(secret)]
    let token = try #require(try callBuiltin("io.jwt.encode_sign", [["alg": "HS256"], ["a": 1], key]))
    let certificate: Value = ["cert": .string(CryptoFixtures.rsaPublicKey)]
    #expect(try callBuiltin("io.jwt.decode_verify", [token, certificate]) == [false, [:], [:]])
    #expect(
      try BuiltinsTokenTests.verify("RS256", token, .string(CryptoFixtures.rsaPublicKey)) == false)
  }

  private static let badConstraintCases: [(Value, String)] = [
    ([:], "no key constraint"), (["secret": 1], "secret constraint: must be a string"),
    (["other": "x"], "unknown token validation constraint: other"),
    (["secret": "x", "time": "now"], "token time constraint: must be a number"),
    (["secret": "x", "time": -1], "token time constraint: must not be negative"),
    (["secret": "x", "iss": 1], "iss constraint: must be a string"),
    (["secret": "x", "cert": .string(CryptoFixtures.rsaPublicKey)], "duplicate key constraints"),
  ]

  @Test("constraints that are none", arguments: badConstraintCases)
  func badConstraints(_ constraints: Value, _ message: String) {
    let token = BuiltinsTokenTests.token(["alg": "HS256"], [:])
    #expect(errorText("io.jwt.decode_verify", [token, constraints]) == message)
  }

  // MARK: AWS

  struct AWSRequest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let request: Value
    let region: String
    let service: String
    var configuration: [(Value, Value)] = []
    let signedHeaders: String
    let signature: String
    var headers: [(Value, Value)] = []
  }

  @Test(
    "signatures of requests to AWS",
    arguments: [
      AWSRequest(
        testDescription: "a query",
        request: ["method": "GET", "url": "https://iam.example.test/?Action=ListUsers&Version=2010-05-08"],
        region: "us-east-1", service: "iam", signedHeaders: "host;x-amz-date",
        signature: "8116759c6934da0d319ac1334cc15a370d1f01fd00df3994a92959bbf2f247ca"),
      AWSRequest(
        testDescription: "a session and a header",
        request: ["method": "GET", "url": "https://iam.example.test/", "headers": ["X-Custom": "a"]],
        region: "us-east-1", service: "iam", configuration: [("aws_session_token", "TOKEN")],
        signedHeaders: "host;x-amz-date;x-amz-security-token;x-custom",
        signature: "adcf96f6570e7b5877c24fecaad370cfe4ea644d6dbd7c40e39104685b977db8",
        headers: [("X-Custom", "a"), ("x-amz-security-token", "TOKEN")]),
      AWSRequest(
        testDescription: "an object of S3",
        request: ["method": "PUT", "url": "https://bucket.example.test/a%20b", "raw_body": "hello"],
        region: "eu-west-1", service: "s3", signedHeaders: "host;x-amz-content-sha256;x-amz-date",
        signature: "0841b76ea42d767b6e692b071bb7ba2bb9fc1692ed5240b3966e98410166e2ad",
        headers: [
          ("x-amz-content-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        ]),
      AWSRequest(
        testDescription: "a body in JSON",
        request: ["method": "POST", "url": "https://sqs.example.test/", "body": ["k": [1, 2]]],
        region: "eu-west-1", service: "sqs", signedHeaders: "host;x-amz-date",
        signature: "9374ca69bf1b900f5cb4d9b37332e321a4c00f9c5da06933f0adb86de151ca57"),
      AWSRequest(
        testDescription: "an unsigned body",
        request: ["method": "POST", "url": "https://sqs.example.test/", "body": ["k": [1, 2]]],
        region: "eu-west-1", service: "sqs", configuration: [("disable_payload_signing", true)],
        signedHeaders: "host;x-amz-content-sha256;x-amz-date",
        signature: "dfe389fdaf942745ebb2a4865cc098f0f661509137a3914434f2944c3a736a58",
        headers: [("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]),
    ])
  func awsSignature(_ test: AWSRequest) throws {
    let configuration: [(Value, Value)] = [
      ("aws_access_key", "ID"), ("aws_secret_access_key", "SECRET"), ("aws_region", .string(test.region)),
      ("aws_service", .string(test.service)),
    ]
    let operands: [Value] = [
      test.request, .object(ObjectValue(configuration + test.configuration)), 1_700_000_000_000_000_000,
    ]
    let result = try callBuiltin("providers.aws.sign_req", operands)
    let host = test.request["url"]?.string?.split(separator: "/")[1] ?? ""
    let scope = "ID/20231114/\(test.region)/\(test.service)/aws4_request"
    let authorization =
      "AWS4-HMAC-SHA256 Credential=\(scope),SignedHeaders=\(test.signedHeaders),Signature=\(test.signature)"
    let headers: [(Value, Value)] = [
      ("host", .string(String(host))), ("x-amz-date", "20231114T221320Z"),
      ("Authorization", .string(authorization)),
    ]
    #expect(result?["headers"] == .object(ObjectValue(headers + test.headers)))
    #expect(result?["url"] == test.request["url"])
  }

  @Test("requests to AWS that cannot be signed")
  func awsFaults() {
    let configuration: Value = [
      "aws_access_key": "a", "aws_secret_access_key": "b", "aws_region": "c", "aws_service": "d",
    ]
    let request: Value = ["method": "GET", "url": "https://example.test/"]
    let failures: [([Value], String)] = [
      (
        [request, ["aws_region": "c", "aws_service": "d"], 1],
        "operand 2 missing required AWS config parameters(s): {\"aws_access_key\", \"aws_secret_access_key\"}"
      ),
      (
        [["method": "GET"], configuration, 1],
        "operand 1 missing required request parameters(s): {\"url\"}"
      ),
      (
        [["method": "GET", "url": "https://example.test/", "what": 1], configuration, 1],
        "operand 1 invalid request parameters(s): {\"what\"}"
      ),
      (
        [request, configuration, decimal("1.5")],
        "operand 3 could not convert time_ns value into a unix timestamp"
      ),
    ]
    for (operands, message) in failures { #expect(errorText("providers.aws.sign_req", operands) == message) }
  }
}
