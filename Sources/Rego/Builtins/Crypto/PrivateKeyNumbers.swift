import BigInt

/// The numbers that a private key is made of.
enum PrivateKeyNumbers {
  struct RSA {
    /// Modulus, public and private exponent, the two primes, the private exponent modulo each less one, and the inverse of the
    /// second prime, in the order of RFC 8017, appendix A.1.2.
    let numbers: [ArraySlice<UInt8>]
  }

  struct EllipticCurve {
    let curve: NamedCurve
    let scalar: ArraySlice<UInt8>
    let x: ArraySlice<UInt8>
    let y: ArraySlice<UInt8>
  }

  case rsa(RSA)
  case ellipticCurve(EllipticCurve)
  case ed25519(seed: ArraySlice<UInt8>, publicKey: ArraySlice<UInt8>)

  // MARK: Reading

  /// Every private key in a text of PEM blocks, which may be in base64 as a whole.
  static func all(inPEM text: String) throws(X509Failure) -> [PrivateKeyNumbers] {
    var rest = ((try? Base64.standard.decode(Array(text.utf8))) ?? Array(text.utf8))[...]
    var keys: [PrivateKeyNumbers] = []
    while let (block, following) = PEMBlock.first(in: rest) {
      rest = following
      switch block.type {
      case "RSA PRIVATE KEY": keys.append(try read(block.bytes, "malformed RSA private key", pkcs1))
      case "EC PRIVATE KEY":
        keys.append(try read(block.bytes, "failed to parse EC private key", sec1))
      case "PRIVATE KEY": keys.append(try read(block.bytes, "malformed PKCS#8 private key", pkcs8))
      default: continue
      }
    }
    return keys
  }

  /// A key in any of the three formats.
  static func any(_ der: [UInt8]) -> PrivateKeyNumbers? {
    (try? pkcs1(der)) ?? (try? pkcs8(der)) ?? (try? sec1(der))
  }

  private static func read(
    _ der: [UInt8], _ fault: String, _ body: ([UInt8]) throws(DERReader.Failure) -> PrivateKeyNumbers
  ) throws(X509Failure) -> PrivateKeyNumbers {
    do { return try body(der) } catch { throw X509Failure("x509: \(fault)") }
  }

  private static func pkcs1(_ der: [UInt8]) throws(DERReader.Failure) -> PrivateKeyNumbers {
    var outer = DERReader(der)
    var fields = try outer.sequence()
    guard try fields.smallInteger() == 0, outer.isAtEnd else { throw DERReader.Failure() }
    var numbers: [ArraySlice<UInt8>] = []
    for _ in 0..<8 { numbers.append(try fields.integer().drop { $0 == 0 }) }
    let values = numbers.map { $0.reduce(BigUInt(0)) { $0 << 8 | BigUInt($1) } }
    guard values[3] > 1, values[4] > 1, values[0] == values[3] * values[4] else { throw DERReader.Failure() }
    return .rsa(RSA(numbers: numbers))
  }

  private static func pkcs8(_ der: [UInt8]) throws(DERReader.Failure) -> PrivateKeyNumbers {
    var outer = DERReader(der)
    var fields = try outer.sequence()
    _ = try fields.smallInteger()
    var algorithm = try fields.sequence()
    let identifier = try algorithm.objectIdentifier()
    let content = Array(try fields.element(.octetString).content)
    switch identifier {
    case X509Algorithms.rsa: return try pkcs1(content)
    case X509Algorithms.ellipticCurve: return try sec1(content, der, try algorithm.objectIdentifier())
    case X509Algorithms.ed25519:
      var inner = DERReader(content)
      let seed = try inner.element(.octetString).content
      guard seed.count == 32, let info = AsymmetricKey(privateKey: der)?.publicKeyInfo else {
        throw DERReader.Failure()
      }
      return .ed25519(seed: seed, publicKey: info.suffix(32))
    default: throw DERReader.Failure()
    }
  }

  private static func sec1(_ der: [UInt8]) throws(DERReader.Failure) -> PrivateKeyNumbers {
    try sec1(der, der, nil)
  }

  /// `whole` is what libcrypto reads the key from, to compute its public point.
  private static func sec1(
    _ der: [UInt8], _ whole: [UInt8], _ curve: ASN1ObjectIdentifier?
  ) throws(DERReader.Failure) -> PrivateKeyNumbers {
    var outer = DERReader(der)
    var fields = try outer.sequence()
    guard try fields.smallInteger() == 1 else { throw DERReader.Failure() }
    let scalar = try fields.element(.octetString).content
    var identifier = curve
    if var parameters = try fields.optional(.context(0, isConstructed: true))?.reader {
      identifier = try parameters.objectIdentifier()
    }
    guard let identifier, let curve = NamedCurve(identifier: identifier),
      let info = AsymmetricKey(privateKey: whole)?.publicKeyInfo,
      let (x, y) = X509Algorithms.point(info.suffix(2 * curve.size + 1))
    else { throw DERReader.Failure() }
    return .ellipticCurve(EllipticCurve(curve: curve, scalar: scalar, x: x, y: y))
  }

  // MARK: JSON

  /// As Go's JSON has `rsa.PrivateKey`, `ecdsa.PrivateKey` and `ed25519.PrivateKey`.
  var value: Value {
    switch self {
    case .rsa(let key):
      let numbers = key.numbers.map(X509Algorithms.number)
      return GoJSON.object(
        ("N", numbers[0]), ("E", numbers[1]), ("D", numbers[2]),
        ("Primes", .array([numbers[3], numbers[4]])),
        (
          "Precomputed",
          GoJSON.object(
            ("Dp", numbers[5]), ("Dq", numbers[6]), ("Qinv", numbers[7]), ("CRTValues", .array([])))
        ))
    case .ellipticCurve(let key):
      return GoJSON.object(
        ("Curve", .object(ObjectValue())), ("X", X509Algorithms.number(key.x)),
        ("Y", X509Algorithms.number(key.y)),
        ("D", X509Algorithms.number(key.scalar)))
    case .ed25519(let seed, let publicKey): return GoJSON.bytes(Array(seed) + publicKey)
    }
  }

  /// As a JSON Web Key (RFC 7518, section 6); nil for kinds that OPA does not write so.
  var webKey: Value? {
    func text(_ bytes: ArraySlice<UInt8>) -> Value { .string(Base64.rawURL.encode(bytes)) }
    switch self {
    case .rsa(let key):
      let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
      return .object(
        ObjectValue([("kty", "RSA")] + zip(names, key.numbers).map { (.string($0), text($1)) }))
    case .ellipticCurve(let key):
      func fixed(_ bytes: ArraySlice<UInt8>) -> Value {
        let digits = bytes.drop { $0 == 0 }
        return text([UInt8](repeating: 0, count: max(0, key.curve.size - digits.count)) + digits)
      }
      return GoJSON.object(
        ("kty", "EC"), ("crv", .string(key.curve.name)), ("x", fixed(key.x)), ("y", fixed(key.y)),
        ("d", fixed(key.scalar)))
    case .ed25519: return nil
    }
  }

  /// The public key as ``X509Algorithms/publicKey(_:)`` gives it.
  var publicValue: Value {
    switch self {
    case .rsa(let key):
      return GoJSON.object(
        ("N", X509Algorithms.number(key.numbers[0])), ("E", X509Algorithms.number(key.numbers[1])))
    case .ellipticCurve(let key):
      return GoJSON.object(
        ("Curve", .object(ObjectValue())), ("X", X509Algorithms.number(key.x)),
        ("Y", X509Algorithms.number(key.y)))
    case .ed25519(_, let publicKey): return GoJSON.bytes(publicKey)
    }
  }
}

/// An elliptic curve that certificates and JSON Web Keys name.
struct NamedCurve: Equatable {
  let name: String
  let identifier: ASN1ObjectIdentifier
  /// Bytes of a coordinate.
  let size: Int

  private static let all = [
    NamedCurve(name: "P-224", identifier: ASN1ObjectIdentifier(1, 3, 132, 0, 33), size: 28),
    NamedCurve(name: "P-256", identifier: ASN1ObjectIdentifier(1, 2, 840, 10045, 3, 1, 7), size: 32),
    NamedCurve(name: "P-384", identifier: ASN1ObjectIdentifier(1, 3, 132, 0, 34), size: 48),
    NamedCurve(name: "P-521", identifier: ASN1ObjectIdentifier(1, 3, 132, 0, 35), size: 66),
  ]

  private init(name: String, identifier: ASN1ObjectIdentifier, size: Int) {
    self.name = name
    self.identifier = identifier
    self.size = size
  }

  init?(name: String) {
    guard let curve = NamedCurve.all.first(where: { $0.name == name }) else { return nil }
    self = curve
  }

  init?(identifier: ASN1ObjectIdentifier) {
    guard let curve = NamedCurve.all.first(where: { $0.identifier == identifier }) else { return nil }
    self = curve
  }
}
