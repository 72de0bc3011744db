/// A certificate signing request (PKCS #10, RFC 2986), read into Go's `x509.CertificateRequest`.
enum CertificateRequest {
  private static let extensionRequest = ASN1ObjectIdentifier(1, 2, 840, 113549, 1, 9, 14)

  static func value(_ bytes: [UInt8]) throws(X509Failure) -> Value {
    do {
      var reader = DERReader(bytes)
      let whole = try reader.element(.sequence)
      if !reader.isAtEnd { throw X509Failure("asn1: syntax error: trailing data") }
      var outer = whole.reader
      let body = try outer.element(.sequence)
      let algorithm = try X509Algorithms.signature(try outer.sequence())
      let signature = try outer.bitString().bytes
      var fields = body.reader
      let version = try fields.smallInteger()
      let subject = try fields.element(.sequence).whole
      let keyInfo = try fields.element(.sequence).whole
      let (keyAlgorithm, key) = try X509Algorithms.publicKey(keyInfo)
      var attributes: [Value] = []
      var extensions = X509Extensions()
      if var reader = try fields.optional(.context(0, isConstructed: true))?.reader {
        while !reader.isAtEnd {
          var attribute = try reader.sequence()
          let type = try attribute.objectIdentifier()
          let values = try attribute.element(.set)
          if let value = try? attributeValue(values.reader) {
            attributes.append(GoJSON.object(("Type", type.value), ("Value", value)))
          }
          if type == extensionRequest {
            var values = values.reader
            extensions = try X509Extensions(try values.sequence())
          }
        }
      }
      let members: [(String, Value)] = [
        ("Raw", GoJSON.bytes(whole.whole)), ("RawTBSCertificateRequest", GoJSON.bytes(body.whole)),
        ("RawSubjectPublicKeyInfo", GoJSON.bytes(keyInfo)), ("RawSubject", GoJSON.bytes(subject)),
        ("Version", .int(version)), ("Signature", GoJSON.bytes(signature)),
        ("SignatureAlgorithm", .int(algorithm)),
        ("PublicKeyAlgorithm", .int(keyAlgorithm)), ("PublicKey", key),
        ("Subject", try X509Name(subject).value),
        ("Attributes", GoJSON.list(attributes)),
      ]
      return .object(ObjectValue((members + extensions.requestMembers).map { (.string($0.0), $0.1) }))
    } catch let failure as X509Failure {
      throw failure
    } catch {
      throw X509Failure("asn1: structure error: not a certificate request")
    }
  }

  /// Values that are sequences of types and values, which is all that Go shows.
  private static func attributeValue(_ reader: DERReader) throws(DERReader.Failure) -> Value {
    var reader = reader
    var lists: [Value] = []
    while !reader.isAtEnd {
      var entries = try reader.sequence()
      var list: [Value] = []
      while !entries.isAtEnd {
        var entry = try entries.sequence()
        let type = try entry.objectIdentifier()
        let element = try entry.element()
        var value = ASN1String.text(element).map { Value.string($0) } ?? .null
        if element.tag == .octetString { value = GoJSON.bytes(element.content) }
        if element.tag == .integer { value = .int(try DERReader.smallInteger(element.content)) }
        if element.tag == .objectIdentifier {
          value = ASN1ObjectIdentifier(der: element.content)?.value ?? .null
        }
        list.append(GoJSON.object(("Type", type.value), ("Value", value)))
      }
      lists.append(.array(list))
    }
    return .array(lists)
  }
}
