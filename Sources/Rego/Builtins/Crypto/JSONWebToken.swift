/// A JSON Web Token in the compact serialisation of JSON Web Signatures (RFC 7519, RFC 7515).
struct JSONWebToken {
  /// The three parts as they were written.
  let header: RegoString
  let payload: RegoString
  let signature: RegoString

  init(_ text: RegoString) throws(BuiltinError) {
    let parts = text.string.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    if parts.count == 1 { throw .failed("encoded JWT had no period separators") }
    guard parts.count == 3 else { throw .failed("encoded JWT must have 3 sections, found \(parts.count)") }
    (header, payload, signature) = (
      RegoString(String(Substring(parts[0]))), RegoString(String(Substring(parts[1]))),
      RegoString(String(Substring(parts[2])))
    )
  }

  /// What the signature is of.
  var signedBytes: [UInt8] { Array(header.utf8) + [UInt8(ascii: ".")] + payload.utf8 }

  func decodedHeader() throws(BuiltinError) -> ObjectValue {
    let bytes = try JSONWebToken.decode(header, "JWT header had invalid encoding: ")
    let object: ObjectValue
    do { object = try JSONWebToken.object(bytes) } catch {
      guard case .failed(let message) = error else { throw error }
      throw .failed("bad JWT header: \(message)")
    }
    // Encrypted tokens have this (RFC 7516, section 9).
    if object["enc"] != nil { throw .failed("JWT is a JWE object, which is not supported") }
    return object
  }

  func decodedPayload() throws(BuiltinError) -> [UInt8] {
    try JSONWebToken.decode(payload, "JWT payload had invalid encoding: ")
  }

  func decodedSignature(_ prefix: String = "") throws(BuiltinError) -> [UInt8] {
    try JSONWebToken.decode(signature, prefix)
  }

  /// Base64 for URLs, padded or not, as `base64url.decode` takes it.
  private static func decode(_ text: RegoString, _ prefix: String) throws(BuiltinError) -> [UInt8] {
    var bytes = Array(text.utf8)
    if bytes.last != UInt8(ascii: "=") {
      if bytes.count % 4 == 1 { throw .failed("\(prefix)illegal base64url string: \(text.string)") }
      bytes += [UInt8](repeating: UInt8(ascii: "="), count: (4 - bytes.count % 4) % 4)
    }
    do { return try Base64.url.decode(bytes) } catch { throw .failed("\(prefix)\(error.description)") }
  }

  /// The object that bytes are in JSON; of members with the same name the last counts.
  static func object(_ bytes: [UInt8]) throws(BuiltinError) -> ObjectValue {
    let value: Value
    do { value = try JSONReader.value(bytes) } catch { throw .failed("invalid JSON: \(error.description)") }
    guard case .object(let object) = value else { throw .failed("decoded JSON type was not an Object") }
    return object
  }
}

/// What verification needs of a token's header.
struct TokenHeader {
  private(set) var algorithm = ""
  private(set) var keyIdentifier: RegoString = ""
  private(set) var contentType = ""
  private var critical: [RegoString] = []
  private var unknown: [RegoString] = []

  init(_ header: ObjectValue) throws(BuiltinError) {
    for (key, value) in header {
      guard case .string(let name) = key else { continue }
      switch name.string {
      case "alg": algorithm = try TokenHeader.text(value, "alg").string
      case "kid": keyIdentifier = try TokenHeader.text(value, "kid")
      case "typ": _ = try TokenHeader.text(value, "typ")
      case "cty": contentType = try TokenHeader.text(value, "cty").string
      case "crit":
        guard case .array(let names) = value else { throw .failed("crit: must be a list") }
        for case .string(let name) in names { critical.append(name) }
        if critical.isEmpty { throw .failed("crit: must be a nonempty list") }
      default: unknown.append(name)
      }
    }
  }

  private static func text(_ value: Value, _ name: String) throws(BuiltinError) -> RegoString {
    guard case .string(let text) = value else { throw .failed("\(name): must be a string") }
    return text
  }

  /// Whether there is an algorithm, and nothing critical is unknown (RFC 7515, section 4.1.11).
  var isValid: Bool { !algorithm.isEmpty && !unknown.contains(where: critical.contains) }

  /// Whether the payload is a token itself.
  var isNested: Bool { contentType.lowercased() == "jwt" }
}
