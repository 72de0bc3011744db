/// A block of addresses that begin with the same bits (RFC 4632).
struct CIDRBlock: Hashable {
  /// The first address.
  let first: IPAddress
  /// How many bits the addresses have in common, counted in IPv6: 96 more than IPv4 counts.
  let prefix: Int

  init(_ address: IPAddress, prefix: Int) {
    self.prefix = prefix
    first = IPAddress(bits: address.bits & ~CIDRBlock.hostMask(prefix))
  }

  /// Reads a block such as `10.0.0.0/8` as Go's `net.ParseCIDR` does; the bits after the prefix need not be zero.
  init?(_ text: RegoString) {
    guard let (address, prefix) = CIDRBlock.addressAndPrefix(text) else { return nil }
    self.init(address, prefix: prefix)
  }

  private static func addressAndPrefix(_ text: RegoString) -> (IPAddress, Int)? {
    let bytes = Array(text.utf8)
    guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")), let address = IPAddress(bytes[..<slash]) else {
      return nil
    }
    let digits = bytes[(slash + 1)...]
    // Longer numbers are too large, unless they begin with zeros as nobody writes them.
    guard (1...7).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    let length = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    // `::ffff:10.0.0.0` is written in IPv6, and so is its prefix.
    let isV4 = !bytes[..<slash].contains(UInt8(ascii: ":"))
    guard length <= (isV4 ? 32 : 128) else { return nil }
    return (address, isV4 ? length + 96 : length)
  }

  private static func hostMask(_ prefix: Int) -> UInt128 {
    prefix == 0 ? .max : (1 << UInt128(128 - prefix)) - 1
  }

  var last: IPAddress { IPAddress(bits: first.bits | CIDRBlock.hostMask(prefix)) }

  /// Whether the block is one of IPv4; only one that lies within those addresses is.
  var isV4: Bool { first.isV4 && prefix >= 96 }

  /// IPv4 and IPv6 have nothing in common, although IPv4's addresses have a place in IPv6.
  func contains(_ address: IPAddress) -> Bool {
    isV4 == address.isV4 && address >= first && address <= last
  }

  func contains(_ other: CIDRBlock) -> Bool { contains(other.first) && contains(other.last) }

  func intersects(_ other: CIDRBlock) -> Bool { contains(other.first) || other.contains(first) }

  // MARK: Ranges

  /// The fewest blocks that together are all addresses from one to another.
  static func covering(_ first: IPAddress, _ last: IPAddress) -> [CIDRBlock] {
    var blocks: [CIDRBlock] = []
    var next = first.bits
    while true {
      // The largest block that begins here and does not go too far.
      var prefix = 128 - next.trailingZeroBitCount
      while CIDRBlock(IPAddress(bits: next), prefix: prefix).last > last { prefix += 1 }
      let block = CIDRBlock(IPAddress(bits: next), prefix: prefix)
      blocks.append(block)
      if block.last == last { return blocks }
      next = block.last.bits + 1
    }
  }
}

extension CIDRBlock: CustomStringConvertible {
  var description: String { "\(first)/\(isV4 ? prefix - 96 : prefix)" }
}
