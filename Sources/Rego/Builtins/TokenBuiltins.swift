/// Builtins on JSON Web Tokens (OPA documentation, "Tokens").
enum TokenBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let token = Parameter("jwt", .string, "the token")
  private static let json = RegoType.object(.string, .any)
  private static let valid = Parameter("result", .boolean, "whether the signature is valid")

  private static func declare(
    _ name: String, category: String = "tokens", _ summary: String, _ parameters: [Parameter],
    returns result: Parameter, nondeterministic: Bool = false, _ implementation: Builtin.Implementation
  ) -> Builtin {
    Builtin(
      name, category: category, summary, parameters, returns: result, nondeterministic: nondeterministic,
      implementation)
  }

  static let all: [Builtin] =
    SignatureAlgorithm.all.map(verification) + [
      declare(
        "io.jwt.decode", "Decodes a token, without verifying it.", [token],
        returns: Parameter(
          "output", .array(leading: [.anyObject, .anyObject, .string], rest: nil),
          "header, payload, and the signature in hexadecimal digits"), .unary(decode)),
      declare(
        "io.jwt.decode_verify", "Verifies a token under constraints, and decodes it.",
        [token, Parameter("constraints", json, "`cert` or `secret`, and `alg`, `iss`, `aud` and `time`")],
        returns: Parameter(
          "output", .array(leading: [.boolean, .anyObject, .anyObject], rest: nil),
          "whether it is valid, header and payload; both empty where it is not"), nondeterministic: true,
        .contextual(decodeVerify)),
      declare(
        "io.jwt.encode_sign_raw", category: "tokensign", "Makes a token of texts.",
        [
          Parameter("headers", .string, "the header in JSON"), Parameter("payload", .string, "the payload"),
          Parameter("key", .string, "the key, a JSON Web Key"),
        ],
        returns: Parameter("output", .string, "the token"), nondeterministic: true, .ternary(encodeSignRaw)
      ).restricted(),
      declare(
        "io.jwt.encode_sign", category: "tokensign", "Makes a token of objects.",
        [
          Parameter("headers", json, "the header"), Parameter("payload", json, "the payload"),
          Parameter("key", json, "the key, a JSON Web Key"),
        ],
        returns: Parameter("output", .string, "the token"), nondeterministic: true, .ternary(encodeSign)
      ).restricted(),
    ]

  private static func verification(_ algorithm: SignatureAlgorithm) -> Builtin {
    let name = "io.jwt.verify_\(algorithm.name.lowercased())"
    let summary = "Whether a token has a valid signature by \(algorithm.name)."
    if algorithm.family == .secret {
      let secret = Parameter("secret", .string, "the shared secret")
      return declare(
        name, summary, [token, secret], returns: valid,
        .binary { (token, secret) throws(BuiltinError) in try verify(token, secret: secret, algorithm) })
    }
    let certificate = Parameter(
      "certificate", .string, "a certificate or public key in PEM, or a JSON Web Key or set of keys")
    return declare(
      name, summary, [token, certificate], returns: valid,
      .binary { (token, key) throws(BuiltinError) in try verify(token, key: key, algorithm) })
  }
}

// MARK: Verifying

extension TokenBuiltins {
  private static func verify(
    _ token: Value, secret: Value, _ algorithm: SignatureAlgorithm
  ) throws(BuiltinError) -> Value? {
    let text = try token.string(operand: 1)
    let secret = Array(try secret.string(operand: 2).utf8)
    let token = try JSONWebToken(text)
    let signature = try token.decodedSignature()
    return .boolean(try algorithm.verifies(signature, of: token.signedBytes, with: .secret(secret)))
  }

  private static func verify(
    _ token: Value, key: Value, _ algorithm: SignatureAlgorithm
  ) throws(BuiltinError) -> Value? {
    let token = try JSONWebToken(try token.string(operand: 1))
    let keys = try verifyingKeys(try key.string(operand: 2))
    let signature = try token.decodedSignature()
    let header = try TokenHeader(try token.decodedHeader())
    for key in candidates(keys, for: header) {
      if try algorithm.verifies(signature, of: token.signedBytes, with: key.material, anyCurve: true) {
        return true
      }
    }
    return false
  }

  private static func verifyingKeys(_ text: RegoString) throws(BuiltinError) -> [JSONWebKey] {
    do { return try JSONWebKey.verifying(text) } catch { throw .failed(error.message) }
  }

  /// The keys to try: the one with the header's identifier alone, if there is one, else all that are for its algorithm or for
  /// any.
  private static func candidates(_ keys: [JSONWebKey], for header: TokenHeader) -> [JSONWebKey] {
    if header.keyIdentifier.utf8Count > 0,
      let key = keys.first(where: { $0.identifier == header.keyIdentifier })
    {
      return [key]
    }
    return keys.filter { $0.algorithm.isEmpty || $0.algorithm == header.algorithm }
  }
}

// MARK: Decoding

extension TokenBuiltins {
  private static func decode(_ value: Value) throws(BuiltinError) -> Value? {
    var text = try value.string(operand: 1)
    // Each token within a token is a quarter shorter, so that this ends soon.
    while true {
      let token = try JSONWebToken(text)
      let header = try token.decodedHeader()
      let payload = try token.decodedPayload()
      if header["cty"] == "JWT" {
        // A token as a payload can be a string of JSON.
        text = Trimming.trim(RegoString(String(decoding: payload, as: UTF8.self)), cutset: "\"'", .both)
        continue
      }
      let object = try JSONWebToken.object(payload)
      let signature = try token.decodedSignature("JWT signature had invalid encoding: ")
      return .array([.object(header), .object(object), .string(Hexadecimal.encode(signature))])
    }
  }

  private static let unverified: Value = [false, [:], [:]]

  private static func decodeVerify(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError)
    -> Value?
  {
    let constraints = try TokenConstraints(try operands[1].object(operand: 2), now: context.nowNanoseconds)
    var text = try operands[0].string(operand: 1)
    while true {
      let token = try JSONWebToken(text)
      let decodedHeader = try token.decodedHeader()
      let header = try TokenHeader(decodedHeader)
      guard header.isValid, constraints.algorithm.isEmpty || constraints.algorithm == header.algorithm else {
        return unverified
      }
      let signature = try token.decodedSignature()
      guard let algorithm = SignatureAlgorithm.named(header.algorithm) else { return unverified }
      var isVerified = false
      for key in candidates(constraints.keys, for: header) where !isVerified {
        isVerified = try algorithm.verifies(signature, of: token.signedBytes, with: key.material)
      }
      guard isVerified else { return unverified }
      let payload = try token.decodedPayload()
      if header.isNested {
        text = RegoString(String(decoding: payload, as: UTF8.self))
        continue
      }
      let claims = try JSONWebToken.object(payload)
      return try constraints.areMet(by: claims)
        ? [true, .object(decodedHeader), .object(claims)] : unverified
    }
  }
}

/// What a token must have to be accepted (OPA documentation, "Token Verification").
struct TokenConstraints {
  private(set) var keys: [JSONWebKey] = []
  private(set) var algorithm = ""
  private var issuer: RegoString = ""
  private var audience: RegoString = ""
  /// Seconds since 1970.
  private let time: Number

  init(_ constraints: ObjectValue, now: Int) throws(BuiltinError) {
    var nanoseconds = Double(now)
    var hasKeys = false
    var secret: RegoString = ""
    for (key, value) in constraints {
      guard case .string(let name) = key else { throw .failed("unknown token validation constraint: \(key)") }
      switch name.string {
      case "cert":
        do { keys = try JSONWebKey.verifying(try TokenConstraints.text(value, "cert")) } catch let failure
          as JSONWebKey.Failure
        {
          throw .failed(failure.message)
        } catch let error as BuiltinError {
          throw error
        } catch {
          throw .failed("\(error)")
        }
        hasKeys = true
      case "secret": secret = try TokenConstraints.text(value, "secret")
      case "alg": algorithm = try TokenConstraints.text(value, "alg").string
      case "iss": issuer = try TokenConstraints.text(value, "iss")
      case "aud": audience = try TokenConstraints.text(value, "aud")
      case "time":
        guard case .number(let number) = value else {
          throw .failed("token time constraint: must be a number")
        }
        nanoseconds = number.double
        if nanoseconds < 0 { throw .failed("token time constraint: must not be negative") }
      default: throw .failed("unknown token validation constraint: \(name.string)")
      }
    }
    if hasKeys, secret.utf8Count > 0 { throw .failed("duplicate key constraints") }
    if !hasKeys, secret.utf8Count == 0 { throw .failed("no key constraint") }
    if !hasKeys { keys = [JSONWebKey(material: .secret(Array(secret.utf8)))] }
    guard let seconds = Number(nanoseconds / 1_000_000_000) else {
      throw .failed("token time constraint: unvalid float64")
    }
    time = seconds
  }

  private static func text(_ value: Value, _ name: String) throws(BuiltinError) -> RegoString {
    guard case .string(let text) = value else { throw .failed("\(name) constraint: must be a string") }
    return text
  }

  /// Whether issuer, audience and times of a token are as they must be (RFC 7519, section 4.1).
  func areMet(by claims: ObjectValue) throws(BuiltinError) -> Bool {
    if issuer.utf8Count > 0, claims["iss"] != .string(issuer) { return false }
    switch claims["aud"] {
    case nil: if audience.utf8Count > 0 { return false }
    case .array(let audiences): if !audiences.contains(.string(audience)) { return false }
    case let claim: if claim != .string(audience) { return false }
    }
    if let expiry = claims["exp"] {
      guard case .number(let expiry) = expiry else { throw .failed("exp value must be a number") }
      if time >= expiry { return false }
    }
    if let start = claims["nbf"] {
      guard case .number(let start) = start else { throw .failed("nbf value must be a number") }
      if time < start { return false }
    }
    return true
  }
}

// MARK: Signing

extension TokenBuiltins {
  private static func encodeSignRaw(
    _ header: Value, _ payload: Value, _ key: Value
  ) throws(BuiltinError) -> Value? {
    let keyText = Array(try key.string(operand: 3).utf8)
    let headerText = Array(try header.string(operand: 1).utf8)
    return try sign(headerText, Array(try payload.string(operand: 2).utf8), keyText)
  }

  private static func encodeSign(_ header: Value, _ payload: Value, _ key: Value) throws(BuiltinError)
    -> Value?
  {
    func json(_ value: Value) -> [UInt8] {
      var bytes: [UInt8] = []
      JSONWriter().append(value, to: &bytes)
      return bytes
    }
    return try sign(json(header), json(payload), json(key))
  }

  private static func sign(_ header: [UInt8], _ payload: [UInt8], _ key: [UInt8]) throws(BuiltinError)
    -> Value?
  {
    let keys: [JSONWebKey]
    do { keys = try JSONWebKey.parse(key) } catch { throw .failed(error.message) }
    guard let key = keys.first else { throw .failed("no keys found in JWK set") }
    let members = try headerMembers(header)
    let name: String
    switch members["alg"] {
    case .string(let text): name = text.string
    case nil: throw .failed("missing or invalid 'alg' header: jwsbb: header \"alg\" not found")
    case .some(let other):
      throw .failed(
        "missing or invalid 'alg' header: value doesn't contain string; it contains \(other.typeName)")
    }
    guard let algorithm = SignatureAlgorithm.named(name) else {
      throw .failed("unknown JWS algorithm: \(name)")
    }
    // A token without a type is one of JSON.
    let type = members["typ"]?.string
    if type == nil || type == "JWT", (try? JSONReader.value(payload)) == nil {
      throw .failed("type is JWT but payload is not JSON")
    }
    let text = "\(Base64.rawURL.encode(header)).\(Base64.rawURL.encode(payload))"
    guard let signature = try algorithm.sign(Array(text.utf8), with: key.material) else {
      throw .failed("failed to sign: the key does not fit \(name)")
    }
    return .string("\(text).\(Base64.rawURL.encode(signature))")
  }

  /// The members of a header in JSON; none for JSON that is no object, or for what OPA's reader takes for a number.
  private static func headerMembers(_ header: [UInt8]) throws(BuiltinError) -> ObjectValue {
    do {
      guard case .object(let object) = try JSONReader.value(header) else { return ObjectValue() }
      return object
    } catch {
      if !header.isEmpty, header.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) { return ObjectValue() }
      throw .failed("missing or invalid 'alg' header: cannot parse JSON: \(error)")
    }
  }
}
