/// Names of hosts, people and places (RFC 5280, section 4.2.1.6), or constraints on them (section 4.2.1.10).
struct GeneralNames {
  private(set) var hosts: [Value] = []
  private(set) var mailboxes: [Value] = []
  /// Addresses as text, or in constraints ranges as Go's `net.IPNet`.
  private(set) var addresses: [Value] = []
  private(set) var locations: [String] = []

  init() {}

  /// Reads a sequence of names.
  init(_ reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    while !reader.isAtEnd { try read(try reader.element(), isConstraint: false) }
  }

  /// Reads constraints, which are sequences that begin with a name.
  init(subtrees reader: DERReader) throws(DERReader.Failure) {
    var reader = reader
    while !reader.isAtEnd {
      var subtree = try reader.sequence()
      try read(try subtree.element(), isConstraint: true)
    }
  }

  var isEmpty: Bool { hosts.isEmpty && mailboxes.isEmpty && addresses.isEmpty && locations.isEmpty }

  private mutating func read(_ name: DERReader.Element, isConstraint: Bool) throws(DERReader.Failure) {
    switch name.tag {
    case .context(1): mailboxes.append(.string(try GeneralNames.text(name)))
    case .context(2): hosts.append(.string(try GeneralNames.text(name)))
    case .context(6): locations.append(try GeneralNames.text(name))
    case .context(7):
      let size = isConstraint ? name.content.count / 2 : name.content.count
      guard size == 4 || size == 16, size * (isConstraint ? 2 : 1) == name.content.count else {
        throw DERReader.Failure()
      }
      let address = Value.string(GeneralNames.address(name.content.prefix(size)))
      addresses.append(
        isConstraint
          ? GoJSON.object(("IP", address), ("Mask", GoJSON.bytes(name.content.suffix(size)))) : address)
    default: break
    }
  }

  private static func text(_ name: DERReader.Element) throws(DERReader.Failure) -> String {
    guard let text = ASN1String.ascii(name.content) else { throw DERReader.Failure() }
    return text
  }

  private static func address(_ bytes: ArraySlice<UInt8>) -> String {
    let bits = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    let address = bytes.count == 4 ? IPAddress(v4: UInt32(truncatingIfNeeded: bits)) : IPAddress(bits: bits)
    return address.description
  }
}
