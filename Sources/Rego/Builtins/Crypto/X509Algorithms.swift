import BigInt

/// The algorithms of signatures and keys, by the numbers that Go's package x509 gives them.
enum X509Algorithms {
  private static let signatures: [ASN1ObjectIdentifier: Int] = [
    ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 4): 2, ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 5): 3,
    ASN1ObjectIdentifier(1, 3, 14, 3, 2, 29): 3, ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 11): 4,
    ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 12): 5,
    ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 13): 6,
    ASN1ObjectIdentifier(1, 2, 840, 10040, 4, 3): 7, ASN1ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 3, 2): 8,
    ASN1ObjectIdentifier(1, 2, 840, 10045, 4, 1): 9, ASN1ObjectIdentifier(1, 2, 840, 10045, 4, 3, 2): 10,
    ASN1ObjectIdentifier(1, 2, 840, 10045, 4, 3, 3): 11, ASN1ObjectIdentifier(1, 2, 840, 10045, 4, 3, 4): 12,
    ASN1ObjectIdentifier(1, 3, 101, 112): 16,
  ]
  private static let pss = ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 10)
  private static let pssHashes: [ASN1ObjectIdentifier: Int] = [
    ASN1ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 1): 13,
    ASN1ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 2): 14,
    ASN1ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 3): 15,
  ]

  /// The number of the signature algorithm that an AlgorithmIdentifier names; 0 for one that Go does not know.
  static func signature(_ reader: DERReader) throws(DERReader.Failure) -> Int {
    var reader = reader
    let identifier = try reader.objectIdentifier()
    guard identifier == pss else { return signatures[identifier] ?? 0 }
    // RSASSA-PSS-params (RFC 4055, section 3.1): the hash function stands first.
    guard var parameters = try? reader.sequence(),
      var tagged = try? parameters.optional(.context(0, isConstructed: true))?.reader,
      var hash = try? tagged.sequence()
    else { return 0 }
    return pssHashes[try hash.objectIdentifier()] ?? 0
  }

  static let rsa = ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 1, 1)
  static let ellipticCurve = ASN1ObjectIdentifier(1, 2, 840, 10045, 2, 1)
  static let ed25519 = ASN1ObjectIdentifier(1, 3, 101, 112)
  private static let dsa = ASN1ObjectIdentifier(1, 2, 840, 10040, 4, 1)

  /// The number of a public key's algorithm and the key as Go's JSON has it, of a SubjectPublicKeyInfo.
  static func publicKey(_ whole: ArraySlice<UInt8>) throws(DERReader.Failure) -> (algorithm: Int, key: Value)
  {
    var outer = DERReader(whole)
    var info = try outer.sequence()
    var algorithm = try info.sequence()
    let identifier = try algorithm.objectIdentifier()
    let bits = try info.bitString().bytes
    switch identifier {
    case rsa:
      var outer = DERReader(bits)
      var numbers = try outer.sequence()
      let modulus = try numbers.integer()
      return (1, GoJSON.object(("N", number(modulus)), ("E", .int(try numbers.smallInteger()))))
    case dsa:
      var parameters = try algorithm.sequence()
      let (p, q, g) = (try parameters.integer(), try parameters.integer(), try parameters.integer())
      var key = DERReader(bits)
      return (
        2,
        GoJSON.object(("P", number(p)), ("Q", number(q)), ("G", number(g)), ("Y", number(try key.integer())))
      )
    case ellipticCurve:
      guard let (x, y) = point(bits) else { throw DERReader.Failure() }
      return (3, GoJSON.object(("Curve", .object(ObjectValue())), ("X", number(x)), ("Y", number(y))))
    case ed25519: return (4, GoJSON.bytes(bits))
    default: return (0, .null)
    }
  }

  /// The coordinates of a point that is not compressed (SEC 1, section 2.3.3).
  static func point(_ bytes: ArraySlice<UInt8>) -> (x: ArraySlice<UInt8>, y: ArraySlice<UInt8>)? {
    guard bytes.first == 4, bytes.count % 2 == 1, bytes.count > 1 else { return nil }
    let half = bytes.count / 2
    return (bytes.dropFirst().prefix(half), bytes.suffix(half))
  }

  /// A big-endian number that is not negative.
  static func number(_ bytes: some Collection<UInt8>) -> Value {
    .number(Number(bytes.reduce(BigUInt(0)) { $0 << 8 | BigUInt($1) }))
  }
}
