import BigInt

/// A certificate (RFC 5280, section 4.1), read into the members of Go's `x509.Certificate`.
struct X509Certificate {
  let der: [UInt8]
  let extensions: X509Extensions
  /// The SubjectPublicKeyInfo.
  let publicKeyInfo: [UInt8]
  private let members: [(String, Value)]

  /// Reads certificates that follow one another.
  static func all(in bytes: [UInt8]) throws(X509Failure) -> [X509Certificate] {
    var reader = DERReader(bytes)
    var certificates: [X509Certificate] = []
    while !reader.isAtEnd {
      let whole = try X509Failure.reading("malformed certificate") { () throws(DERReader.Failure) in
        try reader.element(.sequence)
      }
      certificates.append(try X509Certificate(whole))
    }
    return certificates
  }

  private init(_ certificate: DERReader.Element) throws(X509Failure) {
    var outer = certificate.reader
    let body = try X509Failure.reading("malformed tbs certificate") { () throws(DERReader.Failure) in
      try outer.element(.sequence)
    }
    let (algorithm, signature) = try X509Failure.reading("malformed signature") {
      () throws(DERReader.Failure) in
      (try X509Algorithms.signature(try outer.sequence()), try outer.bitString().bytes)
    }
    var fields = body.reader
    let (version, serial) = try X509Failure.reading("malformed serial number") {
      () throws(DERReader.Failure) in
      var version = 0
      if var explicit = try fields.optional(.context(0, isConstructed: true))?.reader {
        version = try explicit.smallInteger()
      }
      return (version, try fields.integer())
    }
    if serial.first ?? 0 >= 0x80 { throw X509Failure("x509: negative serial number") }
    _ = try X509Failure.reading("malformed signature algorithm identifier") { () throws(DERReader.Failure) in
      try fields.sequence()
    }
    let issuer = try X509Certificate.name(&fields, "malformed issuer")
    let (notBefore, notAfter) = try X509Failure.reading("malformed validity") {
      () throws(DERReader.Failure) in
      var validity = try fields.sequence()
      return (try X509Certificate.time(&validity), try X509Certificate.time(&validity))
    }
    let subject = try X509Certificate.name(&fields, "malformed subject")
    let keyInfo = try X509Failure.reading("malformed spki") { () throws(DERReader.Failure) in
      try fields.element(.sequence).whole
    }
    let (keyAlgorithm, key) = try X509Failure.reading("malformed public key") {
      () throws(DERReader.Failure) in
      try X509Algorithms.publicKey(keyInfo)
    }
    let sequence = try X509Failure.reading("malformed extensions") { () throws(DERReader.Failure) in
      // Unique identifiers of issuer and subject, which nobody uses.
      _ = try fields.optional(.context(1))
      _ = try fields.optional(.context(2))
      var explicit = try fields.optional(.context(3, isConstructed: true))?.reader
      return try explicit?.sequence()
    }
    extensions =
      try sequence.map { (reader) throws(X509Failure) in try X509Extensions(reader) } ?? X509Extensions()
    der = Array(certificate.whole)
    publicKeyInfo = Array(keyInfo)
    members = [
      ("Raw", GoJSON.bytes(certificate.whole)), ("RawTBSCertificate", GoJSON.bytes(body.whole)),
      ("RawSubjectPublicKeyInfo", GoJSON.bytes(keyInfo)), ("RawSubject", GoJSON.bytes(subject.raw)),
      ("RawIssuer", GoJSON.bytes(issuer.raw)), ("Signature", GoJSON.bytes(signature)),
      ("SignatureAlgorithm", .int(algorithm)), ("PublicKeyAlgorithm", .int(keyAlgorithm)), ("PublicKey", key),
      ("Version", .int(version + 1)), ("SerialNumber", X509Algorithms.number(serial)),
      ("Issuer", issuer.name.value), ("Subject", subject.name.value), ("NotBefore", .string(notBefore)),
      ("NotAfter", .string(notAfter)),
    ]
  }

  private static func name(
    _ fields: inout DERReader, _ fault: String
  ) throws(X509Failure) -> (raw: ArraySlice<UInt8>, name: X509Name) {
    try X509Failure.reading(fault) { () throws(DERReader.Failure) in
      let element = try fields.element(.sequence)
      return (element.whole, try X509Name(element.whole))
    }
  }

  /// A time in RFC 3339's form. Two-digit years up to 49 are of this century.
  private static func time(_ reader: inout DERReader) throws(DERReader.Failure) -> String {
    let element = try reader.element()
    var digits = Array(element.content)
    guard digits.popLast() == UInt8(ascii: "Z"), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw DERReader.Failure()
    }
    if element.tag == .utcTime, digits.count == 12 {
      digits = Array((digits[0] < UInt8(ascii: "5") ? "20" : "19").utf8) + digits
    }
    guard digits.count == 14, element.tag == .utcTime || element.tag == .generalizedTime else {
      throw DERReader.Failure()
    }
    func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
    return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z"
  }

  /// The whole certificate as Go's JSON has it; `withLocations` adds URIs as plain strings, as OPA does.
  func value(withLocations: Bool) -> Value {
    var all = members + extensions.members
    if withLocations {
      all.append(("URIStrings", GoJSON.list(extensions.names.locations.map { .string($0) })))
    }
    return .object(ObjectValue(all.map { (.string($0.0), $0.1) }))
  }
}
