/// Builtins on certificates and private keys (OPA documentation, "Crypto").
enum X509Builtins {
  private typealias Parameter = Builtin.Parameter

  private static let json = RegoType.object(.string, .any)
  private static let verified = RegoType.array(leading: [.boolean, .array(of: json)], rest: nil)
  private static let chain = Parameter(
    "certs", .string, "certificates in PEM or base64: the trusted one first, the one to verify last")

  private static func declare(
    _ name: String, _ summary: String, _ parameters: [Parameter], returns result: Parameter,
    _ implementation: Builtin.Implementation
  ) -> Builtin {
    Builtin(name, category: "crypto", summary, parameters, returns: result, implementation)
  }

  static let all: [Builtin] = [
    declare(
      "crypto.x509.parse_certificates", "What certificates say.",
      [Parameter("certs", .string, "certificates in PEM, or their DER or PEM in base64")],
      returns: Parameter(
        "output", .array(of: json), "the certificates as Go's package x509 writes them in JSON"),
      .unary(parseCertificates)),
    declare(
      "crypto.x509.parse_and_verify_certificates", "Verifies a chain of certificates for a server.", [chain],
      returns: Parameter("output", verified, "whether it is valid, and the chain from the last to the first"),
      .contextual(verifyCertificates)),
    declare(
      "crypto.x509.parse_and_verify_certificates_with_options", "Verifies a chain of certificates.",
      [
        chain,
        Parameter("options", json, "`DNSName`, `CurrentTime`, `KeyUsages` and `MaxConstraintComparisons`"),
      ],
      returns: Parameter("output", verified, "whether it is valid, and the chain from the last to the first"),
      .contextual(verifyCertificatesWithOptions)),
    declare(
      "crypto.x509.parse_certificate_request", "What a certificate signing request says.",
      [Parameter("csr", .string, "the request in PEM, or its DER or PEM in base64")],
      returns: Parameter("output", json, "the request as Go's package x509 writes it in JSON"),
      .unary(parseCertificateRequest)),
    declare(
      "crypto.x509.parse_keypair", "A certificate with its private key, if they belong together.",
      [
        Parameter("cert", .string, "certificates in PEM, or in base64"),
        Parameter("pem", .string, "the private key in PEM, or in base64"),
      ],
      returns: Parameter("output", json, "both as Go's package tls writes them in JSON"),
      .binary(parseKeyPair)
    ).restricted(),
    declare(
      "crypto.x509.parse_rsa_private_key", "A private key as a JSON Web Key.",
      [Parameter("pem", .string, "the private key in PEM, or that in base64")],
      returns: Parameter("output", json, "the key"), .unary(parseRSAPrivateKey)
    ).restricted(),
    declare(
      "crypto.parse_private_keys", "What private keys are made of.",
      [Parameter("keys", .string, "private keys in PEM, or that in base64")],
      returns: Parameter(
        "output", .array(of: json), "the keys as Go writes them in JSON; null for an empty string"),
      .unary(parsePrivateKeys)
    ).restricted(),
  ]

  private static func failing<Result>(
    _ body: () throws(X509Failure) -> Result
  ) throws(BuiltinError) -> Result {
    do { return try body() } catch { throw .failed(error.description) }
  }

  private static func decodeBase64(_ text: RegoString) throws(X509Failure) -> [UInt8] {
    do { return try Base64.standard.decode(text) } catch { throw X509Failure(error.description) }
  }

  private static func isPEM(_ bytes: some Sequence<UInt8>) -> Bool { bytes.starts(with: "-----BEGIN".utf8) }

  // MARK: Certificates

  private static func certificates(_ text: RegoString) throws(X509Failure) -> [X509Certificate] {
    var bytes = Array(text.utf8)
    if !isPEM(bytes) { bytes = try decodeBase64(text) }
    guard isPEM(bytes) else { return try X509Certificate.all(in: bytes) }
    var joined: [UInt8] = []
    var rest = bytes[...]
    while let (block, following) = PEMBlock.first(in: rest) {
      if block.type != "CERTIFICATE" {
        throw X509Failure("PEM block type is '\(block.type)', expected CERTIFICATE")
      }
      joined += block.bytes
      rest = following
    }
    return try X509Certificate.all(in: joined)
  }

  private static func parseCertificates(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    return .array(
      try failing { () throws(X509Failure) in try certificates(text) }.map { $0.value(withLocations: true) })
  }

  private static func verifyCertificates(
    _ context: BuiltinContext, _ operands: [Value]
  ) throws(BuiltinError) -> Value? {
    let text = try operands[0].string(operand: 1)
    return verified(text, CertificateChain(time: seconds(context.nowNanoseconds)), withLocations: true)
  }

  private static func verifyCertificatesWithOptions(
    _ context: BuiltinContext, _ operands: [Value]
  ) throws(BuiltinError) -> Value? {
    let text = try operands[0].string(operand: 1)
    var chain = CertificateChain(time: seconds(context.nowNanoseconds))
    // Certificates that are malformed make the result false, whatever the options.
    if (try? certificates(text)) == nil { return [false, []] }
    for (key, value) in try operands[1].object(operand: 2) {
      guard case .string(let name) = key else { continue }
      try read(name.string, value, into: &chain)
    }
    return verified(text, chain, withLocations: false)
  }

  private static func verified(_ text: RegoString, _ chain: CertificateChain, withLocations: Bool) -> Value {
    guard let certificates = try? certificates(text), let verified = chain.verify(certificates) else {
      return [false, []]
    }
    return [true, .array(verified.map { $0.value(withLocations: withLocations) })]
  }

  private static func seconds(_ nanoseconds: Int) -> Int { nanoseconds.floorDivided(by: 1_000_000_000) }

  private static func read(
    _ name: String, _ value: Value, into chain: inout CertificateChain
  ) throws(BuiltinError) {
    switch name {
    case "DNSName":
      guard case .string(let host) = value else { throw .failed("'DNSName' should be a string") }
      chain.host = Trimming.trim(host, cutset: "\"", .both).string
    case "CurrentTime":
      guard case .number(let number) = value else { throw .failed("'CurrentTime' should be a number") }
      guard let time = number.int else { throw .failed("'CurrentTime' should be a valid int64 number") }
      chain.time = seconds(time)
    case "MaxConstraintComparisons":
      // libcrypto has a limit of its own.
      guard case .number(let number) = value else {
        throw .failed("'MaxConstraintComparisons' should be a number")
      }
      if number.int == nil { throw .failed("'MaxConstraintComparisons' should be a valid number") }
    case "KeyUsages":
      let elements: [Value]
      switch value {
      case .array(let array): elements = array
      case .set(let set): elements = set.elements
      default: throw .failed("'KeyUsages' should be an Array or Set")
      }
      let names = elements.compactMap { element -> String? in
        guard case .string(let name) = element else { return nil }
        return Trimming.trim(name, cutset: "\"", .both).string
      }
      let unknown = names.filter { !ExtendedKeyUsage.names.contains($0) }
      if !unknown.isEmpty {
        throw .failed("invalid entries for 'KeyUsages' found: [\(unknown.joined(separator: " "))]")
      }
      let usages = names.compactMap { ExtendedKeyUsage.names.firstIndex(of: $0) }
      if !usages.isEmpty { chain.usages = usages }
    default: throw .failed("invalid key option")
    }
  }

  // MARK: Requests

  private static func parseCertificateRequest(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    return try failing { () throws(X509Failure) in
      var bytes = Array(text.utf8)
      if !bytes.starts(with: "-----BEGIN CERTIFICATE REQUEST-----".utf8) { bytes = try decodeBase64(text) }
      if let (block, _) = PEMBlock.first(in: bytes[...]) {
        if block.type != "CERTIFICATE REQUEST" {
          throw X509Failure("invalid PEM-encoded certificate signing request")
        }
        bytes = block.bytes
      }
      return try CertificateRequest.value(bytes)
    }
  }

  // MARK: Private keys

  private static func parsePrivateKeys(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    if text.utf8Count == 0 { return .null }
    return .array(
      try failing { () throws(X509Failure) in try PrivateKeyNumbers.all(inPEM: text.string) }.map(\.value))
  }

  private static func parseRSAPrivateKey(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    if text.utf8Count == 0 { throw .failed("input PEM data was empty") }
    let keys = try failing { () throws(X509Failure) in
      let pem = isPEM(text.utf8) ? text.string : String(decoding: try decodeBase64(text), as: UTF8.self)
      return try PrivateKeyNumbers.all(inPEM: pem)
    }
    guard let first = keys.first else { return .null }
    guard let key = first.webKey else { throw .failed("invalid key type for a JSON Web Key") }
    return key
  }

  private static func parseKeyPair(_ certificate: Value, _ key: Value) throws(BuiltinError) -> Value? {
    let certificateText = try certificate.string(operand: 1)
    let keyText = try key.string(operand: 2)
    return try failing { () throws(X509Failure) in
      let chain = try blocks(certificateText, type: "CERTIFICATE").filter { $0.type == "CERTIFICATE" }
      if chain.isEmpty { throw X509Failure("tls: failed to find any PEM data in certificate input") }
      let keys = try blocks(keyText, type: "PRIVATE KEY").filter {
        $0.type == "PRIVATE KEY" || $0.type.hasSuffix(" PRIVATE KEY")
      }
      guard let keyBlock = keys.first else {
        throw X509Failure("tls: failed to find any PEM data in key input")
      }
      guard let leaf = try X509Certificate.all(in: chain[0].bytes).first else {
        throw X509Failure("x509: malformed certificate")
      }
      guard let numbers = PrivateKeyNumbers.any(keyBlock.bytes) else {
        throw X509Failure("tls: failed to parse private key")
      }
      let leafValue = leaf.value(withLocations: false)
      if leafValue["PublicKey"] != numbers.publicValue {
        throw X509Failure("tls: private key does not match public key")
      }
      return GoJSON.object(
        ("Certificate", .array(chain.map { GoJSON.bytes($0.bytes) })), ("PrivateKey", numbers.value),
        ("SupportedSignatureAlgorithms", .null), ("OCSPStaple", .null),
        ("SignedCertificateTimestamps", .null),
        ("Leaf", leafValue))
    }
  }

  /// The blocks of a text in PEM, or in base64 of PEM or of one block's content.
  private static func blocks(_ text: RegoString, type: String) throws(X509Failure) -> [PEMBlock] {
    var bytes = Array(text.utf8)
    if !isPEM(bytes) { bytes = try decodeBase64(text) }
    if !isPEM(bytes) { return [PEMBlock(type: type, bytes: bytes)] }
    var blocks: [PEMBlock] = []
    var rest = bytes[...]
    while let (block, following) = PEMBlock.first(in: rest) {
      blocks.append(block)
      rest = following
    }
    return blocks
  }
}
