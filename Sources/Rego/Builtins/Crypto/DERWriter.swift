/// Writes ASN.1 in its distinguished encoding (X.690).
enum DERWriter {
  static func element(_ tag: DERReader.Tag, _ content: [UInt8]) -> [UInt8] {
    var length: [UInt8] = []
    if content.count < 0x80 {
      length = [UInt8(content.count)]
    } else {
      var rest = content.count
      while rest > 0 {
        length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
        rest >>= 8
      }
      length.insert(0x80 | UInt8(length.count), at: 0)
    }
    return [tag.byte] + length + content
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(.sequence, parts.flatMap { $0 }) }

  /// An integer that is not negative, of big-endian bytes.
  static func unsigned(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var magnitude = Array(bytes.drop { $0 == 0 })
    if magnitude.first ?? 0x80 >= 0x80 { magnitude.insert(0, at: 0) }
    return element(.integer, magnitude)
  }

  static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(.bitString, [0] + bytes) }

  static func octetString(_ bytes: [UInt8]) -> [UInt8] { element(.octetString, bytes) }

  static func objectIdentifier(_ identifier: ASN1ObjectIdentifier) -> [UInt8] {
    var content: [UInt8] = []
    let joined = identifier.arcs.count >= 2 ? [identifier.arcs[0] * 40 + identifier.arcs[1]] : []
    for arc in joined + identifier.arcs.dropFirst(2) {
      var groups = [UInt8(arc & 0x7f)]
      var rest = arc >> 7
      while rest > 0 {
        groups.insert(0x80 | UInt8(rest & 0x7f), at: 0)
        rest >>= 7
      }
      content += groups
    }
    return element(.objectIdentifier, content)
  }
}
