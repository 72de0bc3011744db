import Testing

@testable import Rego

@Suite("Net builtins")
struct BuiltinsNetTests {
  static let cases: [BuiltinCase] = [
    BuiltinCase("net.cidr_contains", "10.0.0.0/8", "10.1.0.0/24", gives: true),
    BuiltinCase("net.cidr_contains", "10.0.0.0/8", "10.255.255.255", gives: true),
    BuiltinCase("net.cidr_contains", "10.0.0.0/8", "11.0.0.0", gives: false),
    BuiltinCase("net.cidr_contains", "172.17.0.0/24", "172.17.0.0/16", gives: false),
    BuiltinCase("net.cidr_contains", "0.0.0.0/0", "255.255.255.255", gives: true),
    BuiltinCase("net.cidr_contains", "2001:db8::/32", "2001:DB8:ffff::1", gives: true),
    BuiltinCase("net.cidr_contains", "::/0", "10.0.0.1", gives: false),
    BuiltinCase("net.cidr_contains", "10.0.0.0/8", "::ffff:10.0.0.1", gives: true),
    BuiltinCase("net.cidr_contains", "::ffff:10.0.0.0/104", "10.1.2.3", gives: true),
    BuiltinCase("net.cidr_overlap", "10.0.0.0/8", "10.1.0.0/24", gives: true),
    BuiltinCase("net.cidr_intersects", "192.168.1.0/25", "192.168.1.64/25", gives: true),
    BuiltinCase("net.cidr_intersects", "192.168.0.0/16", "192.168.1.64/32", gives: true),
    BuiltinCase("net.cidr_intersects", "192.168.1.0/24", "192.168.2.0/24", gives: false),
    BuiltinCase("net.cidr_intersects", "::/0", "0.0.0.0/0", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.1.0/24", gives: true),
    BuiltinCase("net.cidr_is_valid", "2002::1234:abcd:ffff:c0a8:101/64", gives: true),
    BuiltinCase("net.cidr_is_valid", "1:2:3:4:5:6:1.2.3.4/127", gives: true),
    BuiltinCase("net.cidr_is_valid", "::/0", gives: true),
    BuiltinCase("net.cidr_is_valid", "1:2:3:4:5:6:7::/0", gives: true),
    BuiltinCase("net.cidr_is_valid", "1:2:3:4:5:6:7:8::/0", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.1.0/33", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.1/24", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.01.0/24", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.256.0/24", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.1.0/", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.1.0/-1", gives: false),
    BuiltinCase("net.cidr_is_valid", "192.168.1.2", gives: false),
    BuiltinCase("net.cidr_is_valid", "1::2::3/8", gives: false),
    BuiltinCase("net.cidr_is_valid", ":1::/8", gives: false),
    BuiltinCase("net.cidr_is_valid", "1::2:/8", gives: false),
    BuiltinCase("net.cidr_is_valid", "12345::/8", gives: false),
    BuiltinCase("net.cidr_is_valid", "fe80::1%eth0/64", gives: false),
    BuiltinCase("net.cidr_is_valid", "1.2.3.4::/8", gives: false),
    BuiltinCase("net.cidr_is_valid", "1:2:3:4:5:6:7:1.2.3.4/8", gives: false),
    BuiltinCase("net.cidr_is_valid", 7, gives: false),
    BuiltinCase("net.cidr_contains_matches", "1.1.1.0/24", "1.1.1.1", gives: set(["1.1.1.0/24", "1.1.1.1"])),
    BuiltinCase(
      "net.cidr_contains_matches", ["1.1.2.0/24", "1.1.1.0/24"], ["1.1.1.1", ["1.1.2.1", "x"]],
      gives: set([0, 1], [1, 0])),
    BuiltinCase(
      "net.cidr_contains_matches", ["k1": "1.1.1.1/24", "k2": ["1.1.1.2/24", 1]], set("1.1.1.128"),
      gives: set(["k1", "1.1.1.128"], ["k2", "1.1.1.128"])),
    BuiltinCase("net.cidr_contains_matches", [], ["x"], gives: set()),
    BuiltinCase(
      "net.cidr_expand", "192.168.1.1/30",
      gives: set("192.168.1.0", "192.168.1.1", "192.168.1.2", "192.168.1.3")),
    BuiltinCase("net.cidr_expand", "255.255.255.255/32", gives: set("255.255.255.255")),
    BuiltinCase("net.cidr_expand", "2001:db8::ffff/127", gives: set("2001:db8::fffe", "2001:db8::ffff")),
    BuiltinCase("net.cidr_merge", [], gives: set()),
    BuiltinCase("net.cidr_merge", ["192.0.128.0/24", "192.0.129.0/24"], gives: set("192.0.128.0/23")),
    BuiltinCase(
      "net.cidr_merge", ["192.0.129.0/24", "192.0.130.0/24"], gives: set("192.0.129.0/24", "192.0.130.0/24")),
    BuiltinCase(
      "net.cidr_merge", ["192.0.2.112/31", "192.0.2.116/31", "192.0.2.118/31"],
      gives: set("192.0.2.112/31", "192.0.2.116/30")),
    BuiltinCase("net.cidr_merge", ["192.0.128.0/24", "0.0.0.0/0"], gives: set("0.0.0.0/0")),
    BuiltinCase("net.cidr_merge", ["::/0", "fe80::1/128"], gives: set("::/0")),
    BuiltinCase("net.cidr_merge", set("192.0.128.7"), gives: set("192.0.128.7/24")),
    BuiltinCase("net.cidr_merge", ["10.0.0.1", "10.1.0.0/16"], gives: set("10.0.0.0/8")),
    BuiltinCase(
      "net.cidr_merge", ["fe80::/120", "10.0.0.0/9", "10.128.0.0/9"], gives: set("10.0.0.0/8", "fe80::/120")),
    BuiltinCase(
      "net.cidr_merge", ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32"],
      gives: set("10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32")),
    BuiltinCase("net.lookup_ip_addr", "10.0.0.0", gives: set("10.0.0.0")),
    BuiltinCase("net.lookup_ip_addr", "::", gives: set("::")),
  ]

  @Test("give what OPA's documentation says", arguments: cases)
  func results(_ example: BuiltinCase) throws { try example.check() }

  static let failures: [BuiltinFailure] = [
    BuiltinFailure("net.cidr_contains", "not-a-cidr", "1.1.1.1", fails: "invalid CIDR address: not-a-cidr"),
    BuiltinFailure(
      "net.cidr_contains", "1.1.1.0/24", "x",
      fails: "not a valid textual representation of an IP address or CIDR: x"),
    BuiltinFailure("net.cidr_intersects", "1.1.1.0/24", "1.1.1.1", fails: "invalid CIDR address: 1.1.1.1"),
    BuiltinFailure(
      "net.cidr_contains_matches", ["1.1.1.0/24"], set(1),
      fails: "operand 2: element must be string or non-empty array"),
    BuiltinFailure(
      "net.cidr_contains_matches", [[]], "1.1.1.1",
      fails: "operand 1: element must be string or non-empty array"),
    BuiltinFailure("net.cidr_merge", [1], fails: "element must be string"),
    BuiltinFailure("net.cidr_merge", ["foo"], fails: "invalid CIDR address: foo"),
    BuiltinFailure("net.cidr_merge", ["fe80::1"], fails: "IPv6 invalid: needs prefix length"),
    BuiltinFailure("net.cidr_expand", "10.0.0.0/8", fails: "cancelled"),
    BuiltinFailure("net.cidr_expand", "::/0", fails: "cancelled"),
    BuiltinFailure("net.lookup_ip_addr", "", fails: "lookup : no such host"),
    BuiltinFailure("net.lookup_ip_addr", "a\u{0}b", fails: "lookup a\u{0}b: no such host"),
  ]

  @Test("word their errors as OPA and Go do", arguments: failures)
  func errors(_ example: BuiltinFailure) { example.check() }

  @Test(
    "addresses are written as RFC 5952 says",
    arguments: [
      ("0:0:0:0:0:0:0:0", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
      ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
      ("::ffff:1.2.3.4", "1.2.3.4"),
      ("2001:DB8::00A1", "2001:db8::a1"), ("::1.2.3.4", "::102:304"), ("0:0:1::", "0:0:1::"),
    ])
  func writing(_ text: String, _ written: String) throws {
    #expect(try #require(IPAddress(text.utf8)).description == written)
  }

  @Test("blocks that cover a range are all of it, once")
  func covering() {
    for first in UInt32(0)..<40 {
      for last in first..<40 {
        let blocks = CIDRBlock.covering(IPAddress(v4: first), IPAddress(v4: last))
        #expect(blocks.first?.first == IPAddress(v4: first) && blocks.last?.last == IPAddress(v4: last))
        #expect(zip(blocks, blocks.dropFirst()).allSatisfy { $0.last.bits + 1 == $1.first.bits })
        #expect(blocks.count <= 10)
      }
    }
    #expect(CIDRBlock.covering(IPAddress(bits: 0), IPAddress(bits: .max)).map(\.description) == ["::/0"])
  }

  @Test("a name resolves to the same addresses throughout an evaluation, within its deadline")
  func names() throws {
    let context = BuiltinContext(nowNanoseconds: 0, deadline: .now + .seconds(20))
    let addresses = try #require(try callBuiltin("net.lookup_ip_addr", ["localhost"], context: context))
    #expect(addresses == set("127.0.0.1") || addresses == set("::1") || addresses == set("127.0.0.1", "::1"))
    #expect(try callBuiltin("net.lookup_ip_addr", ["localhost"], context: context) == addresses)
  }
}
