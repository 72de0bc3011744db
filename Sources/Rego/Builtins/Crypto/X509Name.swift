/// A distinguished name (RFC 5280, section 4.1.2.4).
struct X509Name {
  private let attributes: [(type: ASN1ObjectIdentifier, text: String)]

  init(_ whole: ArraySlice<UInt8>) throws(DERReader.Failure) {
    var outer = DERReader(whole)
    var sets = try outer.sequence()
    var attributes: [(ASN1ObjectIdentifier, String)] = []
    while !sets.isAtEnd {
      var set = try sets.element(.set).reader
      while !set.isAtEnd {
        var attribute = try set.sequence()
        let type = try attribute.objectIdentifier()
        guard let text = ASN1String.text(try attribute.element()) else { throw DERReader.Failure() }
        attributes.append((type, text))
      }
    }
    self.attributes = attributes
  }

  /// Go's `pkix.Name`.
  var value: Value {
    // Attributes are 2.5.4 and a number (X.520).
    func texts(_ number: UInt64) -> [String] {
      attributes.filter { $0.type == ASN1ObjectIdentifier(2, 5, 4, number) }.map(\.text)
    }
    func list(_ number: UInt64) -> Value { GoJSON.list(texts(number).map { .string($0) }) }
    func last(_ number: UInt64) -> Value { .string(texts(number).last ?? "") }
    return GoJSON.object(
      ("Country", list(6)), ("Organization", list(10)), ("OrganizationalUnit", list(11)),
      ("Locality", list(7)),
      ("Province", list(8)), ("StreetAddress", list(9)), ("PostalCode", list(17)), ("SerialNumber", last(5)),
      ("CommonName", last(3)),
      (
        "Names",
        GoJSON.list(attributes.map { GoJSON.object(("Type", $0.type.value), ("Value", .string($0.text))) })
      ),
      ("ExtraNames", .null))
  }
}

/// The kinds of strings that ASN.1 has.
enum ASN1String {
  /// The text of an element; nil where it is none.
  static func text(_ element: DERReader.Element) -> String? {
    switch element.tag.byte {
    // UTF8String.
    case 0x0c: return String(validating: element.content, as: UTF8.self)
    // NumericString, PrintableString and IA5String.
    case 0x12, 0x13, 0x16: return ascii(element.content)
    // TeletexString, which everyone writes in Latin-1.
    case 0x14: return String(String.UnicodeScalarView(element.content.map { Unicode.Scalar($0) }))
    // BMPString: UTF-16, big-endian.
    case 0x1e:
      guard element.content.count % 2 == 0 else { return nil }
      let bytes = Array(element.content)
      let units = stride(from: 0, to: bytes.count, by: 2).map {
        UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
      }
      return String(validating: units, as: UTF16.self)
    default: return nil
    }
  }

  static func ascii(_ bytes: ArraySlice<UInt8>) -> String? {
    bytes.allSatisfy { $0 < 0x80 } ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
