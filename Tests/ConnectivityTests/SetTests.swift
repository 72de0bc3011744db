import Connectivity
import Testing

@Suite("Sets of ports and addresses")
struct SetTests {
  @Test(
    "Addresses are read and written as RFC 5952 has them",
    arguments: [
      ("10.0.0.1", "10.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
      ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
      ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("::ffff:1.2.3.4", "::ffff:102:304"), ("fe80::", "fe80::"),
    ])
  func addresses(text: String, written: String) {
    #expect(Address(text)?.description == written)
  }

  @Test(
    "What is no address is none",
    arguments: [
      "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9", "12345::", "::1.2.3", "1:2:3:4:5:6:7:", "g::", "1.2.3.-4",
    ])
  func noAddresses(text: String) {
    #expect(Address(text) == nil)
  }

  @Test(
    "Blocks are ranges",
    arguments: [
      ("10.0.0.0/8", "10.0.0.0-10.255.255.255"), ("10.1.2.3/8", "10.0.0.0-10.255.255.255"),
      ("0.0.0.0/0", "0.0.0.0-255.255.255.255"), ("1.2.3.4/32", "1.2.3.4-1.2.3.4"),
      ("fd00::/8", "fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
      ("::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
  func blocks(text: String, range: String) {
    #expect(AddressSet(cidr: text)?.ranges.map(\.description) == [range])
  }

  @Test(
    "What is no block is none",
    arguments: ["A", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "zc00::/8", "1.2.3.4/08"])
  func noBlocks(text: String) {
    #expect(AddressSet(cidr: text) == nil)
  }

  @Test("Operations on sets agree with those on their members")
  func operations() {
    var random = SystemRandomNumberGenerator()
    func any() -> IntervalSet<UInt8> {
      IntervalSet(
        (0..<Int.random(in: 0...5, using: &random)).map { _ in
          let lower = UInt8.random(in: 0...255, using: &random)
          return .init(lower, UInt8(clamping: Int(lower) + Int.random(in: -3...80, using: &random)))
        })
    }
    func members(_ set: IntervalSet<UInt8>) -> Set<UInt8> {
      Set((0...255).map { UInt8($0) }.filter(set.contains))
    }
    for _ in 0..<2000 {
      let (a, b) = (any(), any())
      let (left, right) = (members(a), members(b))
      #expect(members(a.union(b)) == left.union(right))
      #expect(members(a.intersection(b)) == left.intersection(right))
      #expect(members(a.subtracting(b)) == left.subtracting(right))
      #expect(a.isSubset(of: b) == left.isSubset(of: right))
      #expect(a.isDisjoint(with: b) == left.isDisjoint(with: right))
      #expect(a.isEmpty == left.isEmpty)
      // One form each: sets with the same members are equal.
      #expect(a.union(b) == b.union(a))
      #expect(a.subtracting(b).union(a.intersection(b)) == a)
    }
  }

  @Test("A partition has no gaps, and no set tells two addresses of a part apart")
  func partition() throws {
    let sets = try ["10.0.0.0/8", "10.10.0.0/16", "0.0.0.0/0", "255.255.255.255/32"].map {
      try #require(AddressSet(cidr: $0))
    }
    let partition = AddressPartition(cutBy: sets)
    #expect(
      partition.ranges.map(\.description) == [
        "0.0.0.0-9.255.255.255", "10.0.0.0-10.9.255.255", "10.10.0.0-10.10.255.255",
        "10.11.0.0-10.255.255.255", "11.0.0.0-255.255.255.254", "255.255.255.255-255.255.255.255",
      ])
    #expect(AddressPartition(cutBy: []).ranges.map(\.description) == ["0.0.0.0-255.255.255.255"])
    let block = try #require(AddressSet(cidr: "fd00::/8"))
    #expect(AddressPartition(cutBy: [block]).ranges.count == 4)
  }

  @Test("Connections are written by protocol")
  func text() {
    #expect(ConnectionSet.all.description == "All Connections")
    #expect(ConnectionSet.none.description == "No Connections")
    let set = ConnectionSet(
      tcp: PortSet([.init(80, 80), .init(81, 81), .init(443, 443)]), udp: PortSet(53, 53))
    #expect(set.description == "TCP 80-81,443,UDP 53")
    #expect(
      ConnectionSet.all.subtracting(ConnectionSet(.tcp, PortSet(80, 80))).description
        == "SCTP 1-65535,TCP 1-79,81-65535,UDP 1-65535")
  }
}
