import BigInt

/// A key as JSON (RFC 7517), or one that a certificate or PEM holds.
struct JSONWebKey {
  enum Material {
    case secret([UInt8])
    case asymmetric(AsymmetricKey)
  }

  struct Failure: Error {
    let message: String
  }

  let material: Material
  /// The algorithm that the key is for; empty where it does not say.
  var algorithm = ""
  var identifier: RegoString = ""

  // MARK: From text

  /// The keys that verify: of a certificate or public key in PEM, of a key in JSON, or of a set of those.
  static func verifying(_ text: RegoString) throws(Failure) -> [JSONWebKey] {
    let bytes = Array(text.utf8)
    guard let (block, rest) = PEMBlock.first(in: bytes[...]) else {
      do {
        // Keys for algorithms that are not known cannot be used.
        return try parse(bytes).filter {
          $0.algorithm.isEmpty || SignatureAlgorithm.named($0.algorithm) != nil
        }
      } catch {
        throw Failure(message: "failed to parse a JWK key (set): \(error.message)")
      }
    }
    if !rest.isEmpty { throw Failure(message: "extra data after a PEM certificate block") }
    switch block.type {
    case "CERTIFICATE":
      let certificates: [X509Certificate]
      do {
        certificates = try X509Certificate.all(in: block.bytes)
      } catch {
        throw Failure(message: "failed to parse a PEM certificate: \(error.description)")
      }
      guard let info = certificates.first?.publicKeyInfo, certificates.count == 1,
        let key = AsymmetricKey(publicKeyInfo: info)
      else { throw Failure(message: "failed to parse a PEM certificate: x509: unsupported public key") }
      return [JSONWebKey(material: .asymmetric(key))]
    case "PUBLIC KEY":
      guard let key = AsymmetricKey(publicKeyInfo: block.bytes) else {
        throw Failure(message: "failed to parse a PEM public key: x509: malformed public key")
      }
      return [JSONWebKey(material: .asymmetric(key))]
    default: throw Failure(message: "failed to extract a Key from the PEM certificate")
    }
  }

  /// The keys of a text: one, or those of a set.
  static func parse(_ bytes: [UInt8]) throws(Failure) -> [JSONWebKey] {
    let value: Value
    do { value = try JSONReader.value(bytes) } catch {
      throw Failure(message: "failed to unmarshal JWK: \(error.description)")
    }
    guard let members = value["keys"] else { return [try JSONWebKey(value)] }
    guard case .array(let keys) = members else {
      throw Failure(message: "failed to unmarshal JWK set: keys is no array")
    }
    var parsed: [JSONWebKey] = []
    for key in keys { parsed.append(try JSONWebKey(key)) }
    return parsed
  }

  // MARK: From JSON

  init(material: Material) { self.material = material }

  init(_ value: Value) throws(Failure) {
    guard case .object = value, let type = value["kty"]?.string else {
      throw Failure(message: "failed to unmarshal JWK: missing or invalid 'kty'")
    }
    switch type {
    case "oct": material = .secret(try JSONWebKey.bytes(value, "k"))
    case "RSA": material = .asymmetric(try JSONWebKey.rsa(value))
    case "EC": material = .asymmetric(try JSONWebKey.ellipticCurve(value))
    case "OKP": material = .asymmetric(try JSONWebKey.edwardsCurve(value))
    default: throw Failure(message: "failed to unmarshal JWK: invalid key type from JSON (\(type))")
    }
    algorithm = value["alg"]?.string ?? ""
    if case .string(let text)? = value["kid"] { identifier = text }
  }

  private static func bytes(_ value: Value, _ name: String) throws(Failure) -> [UInt8] {
    guard let member = value[name] else { throw Failure(message: "required field \(name) is missing") }
    guard case .string(let text) = member else { throw Failure(message: "field \(name) is no string") }
    // Padding does not matter, and neither does which of the two alphabets is used.
    let characters = text.utf8.filter { $0 != UInt8(ascii: "=") }.map { character in
      character == UInt8(ascii: "+")
        ? UInt8(ascii: "-") : character == UInt8(ascii: "/") ? UInt8(ascii: "_") : character
    }
    do { return try Base64.rawURL.decode(characters) } catch {
      throw Failure(message: "failed to decode field \(name): \(error.description)")
    }
  }

  /// The bytes of a number that a key is made of.
  private static func number(_ value: Value, _ name: String) throws(Failure) -> [UInt8] {
    let bytes = try bytes(value, name)
    if bytes.count >= DERReader.integerBytes { throw Failure(message: "field \(name) is too large") }
    return bytes
  }

  private static func key(_ key: AsymmetricKey?) throws(Failure) -> AsymmetricKey {
    guard let key else { throw Failure(message: "the numbers of the JWK make no key") }
    return key
  }

  private static func algorithm(_ identifier: ASN1ObjectIdentifier, _ parameters: [UInt8]) -> [UInt8] {
    DERWriter.sequence(DERWriter.objectIdentifier(identifier), parameters)
  }

  private static func rsa(_ value: Value) throws(Failure) -> AsymmetricKey {
    let (n, e) = (try number(value, "n"), try number(value, "e"))
    guard value["d"] != nil else {
      let numbers = DERWriter.sequence(DERWriter.unsigned(n), DERWriter.unsigned(e))
      let info = DERWriter.sequence(
        algorithm(X509Algorithms.rsa, DERWriter.element(.null, [])), DERWriter.bitString(numbers))
      return try key(AsymmetricKey(publicKeyInfo: info))
    }
    let (d, p, q) = (try number(value, "d"), try number(value, "p"), try number(value, "q"))
    var rest: [[UInt8]] = []
    if value["dp"] != nil, value["dq"] != nil, value["qi"] != nil {
      rest = [try number(value, "dp"), try number(value, "dq"), try number(value, "qi")]
    } else {
      rest = try chineseRemainder(d, p, q)
    }
    let numbers = ([[0], n, e, d, p, q] + rest).map { DERWriter.unsigned($0) }
    return try key(AsymmetricKey(privateKey: DERWriter.element(.sequence, numbers.flatMap { $0 })))
  }

  /// The private exponent modulo each prime less one, and the inverse of the second prime modulo the first (RFC 8017, 3.2).
  private static func chineseRemainder(_ d: [UInt8], _ p: [UInt8], _ q: [UInt8]) throws(Failure) -> [[UInt8]]
  {
    func integer(_ bytes: [UInt8]) -> BigUInt { bytes.reduce(0) { $0 << 8 | BigUInt($1) } }
    func bytes(_ number: BigUInt) -> [UInt8] {
      var text = String(number, radix: 16)
      if text.utf8.count % 2 == 1 { text = "0" + text }
      return (try? Hexadecimal.decode(text.utf8)) ?? []
    }
    let (exponent, first, second) = (integer(d), integer(p), integer(q))
    guard first > 2, second > 2, let inverse = second.inverse(first) else {
      throw Failure(message: "the numbers of the JWK make no key")
    }
    return [bytes(exponent % (first - 1)), bytes(exponent % (second - 1)), bytes(inverse)]
  }

  private static func ellipticCurve(_ value: Value) throws(Failure) -> AsymmetricKey {
    guard let curve = value["crv"]?.string.flatMap(NamedCurve.init(name:)) else {
      throw Failure(message: "invalid or unsupported curve")
    }
    func fixed(_ name: String) throws(Failure) -> [UInt8] {
      let digits = try number(value, name)
      return [UInt8](repeating: 0, count: max(0, curve.size - digits.count)) + digits
    }
    let point = [4] + (try fixed("x")) + (try fixed("y"))
    guard value["d"] != nil else {
      let info = DERWriter.sequence(
        algorithm(X509Algorithms.ellipticCurve, DERWriter.objectIdentifier(curve.identifier)),
        DERWriter.bitString(point))
      return try key(AsymmetricKey(publicKeyInfo: info))
    }
    let der = DERWriter.sequence(
      DERWriter.unsigned([1]), DERWriter.octetString(try fixed("d")),
      DERWriter.element(.context(0, isConstructed: true), DERWriter.objectIdentifier(curve.identifier)),
      DERWriter.element(.context(1, isConstructed: true), DERWriter.bitString(point)))
    return try key(AsymmetricKey(privateKey: der))
  }

  private static func edwardsCurve(_ value: Value) throws(Failure) -> AsymmetricKey {
    guard value["crv"]?.string == "Ed25519" else { throw Failure(message: "invalid or unsupported curve") }
    let point = try number(value, "x")
    guard value["d"] != nil else {
      let info = DERWriter.sequence(algorithm(X509Algorithms.ed25519, []), DERWriter.bitString(point))
      return try key(AsymmetricKey(publicKeyInfo: info))
    }
    let seed = DERWriter.octetString(DERWriter.octetString(try number(value, "d")))
    return try key(
      AsymmetricKey(
        privateKey: DERWriter.sequence(DERWriter.unsigned([0]), algorithm(X509Algorithms.ed25519, []), seed)))
  }
}
