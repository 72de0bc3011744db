/// An address of IPv6, or one of IPv4 in the block of IPv6 that stands for those (`::ffff:0:0/96`, RFC 4291, section 2.5.5.2).
struct IPAddress: Hashable, Comparable {
  let bits: UInt128

  /// The bits that all addresses of IPv4 have in common.
  static let v4Prefix: UInt128 = 0xffff << 32

  init(bits: UInt128) { self.bits = bits }

  init(v4 bits: UInt32) { self.bits = IPAddress.v4Prefix | UInt128(bits) }

  var isV4: Bool { bits >> 32 == 0xffff }

  static func < (left: IPAddress, right: IPAddress) -> Bool { left.bits < right.bits }

  // MARK: Reading

  /// Reads an address as Go's `net.ParseIP` does: no leading zeros in IPv4, no zone in IPv6.
  init?(_ text: some Collection<UInt8>) {
    let text = Array(text)
    if text.contains(UInt8(ascii: ":")) {
      guard let bits = IPAddress.v6(text) else { return nil }
      self.init(bits: bits)
    } else {
      guard let bits = IPAddress.v4(text[...]) else { return nil }
      self.init(v4: bits)
    }
  }

  private static func v4(_ text: ArraySlice<UInt8>) -> UInt32? {
    let fields = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard fields.count == 4 else { return nil }
    var bits: UInt32 = 0
    for field in fields {
      guard (1...3).contains(field.count), field.allSatisfy({ (0x30...0x39).contains($0) }),
        field.count == 1 || field.first != UInt8(ascii: "0")
      else { return nil }
      let value = field.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
      if value > 255 { return nil }
      bits = bits << 8 | value
    }
    return bits
  }

  private static func v6(_ text: [UInt8]) -> UInt128? {
    let colon = UInt8(ascii: ":")
    var groups: [UInt16] = []
    /// How many groups precede the two colons that stand for zeros.
    var gap: Int?
    var position = 0
    if text.starts(with: [colon, colon]) {
      gap = 0
      position = 2
    }
    while position < text.count {
      let field = text[position...].prefix { $0 != colon }
      if field.contains(UInt8(ascii: ".")) {
        guard groups.count <= 6, field.endIndex == text.count, let v4 = v4(field) else { return nil }
        groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
        position = text.count
        break
      }
      guard (1...4).contains(field.count), groups.count < 8 else { return nil }
      var value: UInt16 = 0
      for character in field {
        guard let digit = Hexadecimal.value(character) else { return nil }
        value = value << 4 | UInt16(digit)
      }
      groups.append(value)
      position = field.endIndex
      if position == text.count { break }
      // A colon, and something after it: a group, or a second colon once.
      position += 1
      if position == text.count { return nil }
      if text[position] == colon {
        if gap != nil { return nil }
        gap = groups.count
        position += 1
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    return groups.reduce(0) { $0 << 16 | UInt128($1) }
  }
}

extension IPAddress: CustomStringConvertible {
  /// Four decimal numbers, or groups in hexadecimal with the longest run of zeros left out (RFC 5952).
  var description: String {
    if isV4 {
      return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: bits >> $0)) }.joined(separator: ".")
    }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) }
    var longest = 0..<0
    var start = 0
    for (position, group) in groups.enumerated() {
      if group != 0 {
        start = position + 1
      } else if position + 1 - start > max(longest.count, 1) {
        longest = start..<(position + 1)
      }
    }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    if longest.isEmpty { return text(0..<8) }
    return text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
  }
}
