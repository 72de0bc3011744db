/// Builtins on IP addresses and blocks of them (OPA documentation, "Net").
enum NetBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let stringOrTuple = RegoType.union([.string, .anyArray])
  private static let blocks = RegoType.union([
    .string, .array(of: stringOrTuple), .set(of: stringOrTuple), .object(.string, stringOrTuple),
  ])

  private static func declare(
    _ name: String, _ summary: String, _ parameters: [Parameter], returns result: Parameter,
    acceptsAnyOperands: Bool = false, nondeterministic: Bool = false, _ implementation: Builtin.Implementation
  ) -> Builtin {
    Builtin(
      name, category: "net", summary, parameters, returns: result, nondeterministic: nondeterministic,
      acceptsAnyOperands: acceptsAnyOperands, implementation)
  }

  static let all: [Builtin] = [
    declare(
      "net.cidr_contains", "Whether a block contains an address or a whole block.",
      [
        Parameter("cidr", .string, "the block"),
        Parameter("cidr_or_ip", .string, "the address or other block"),
      ],
      returns: Parameter("result", .boolean, "whether it does"), .binary(contains)),
    declare(
      "net.cidr_overlap",
      "Whether a block contains an address or a whole block.",
      [
        Parameter("cidr", .string, "the block"),
        Parameter("cidr_or_ip", .string, "the address or other block"),
      ],
      returns: Parameter("result", .boolean, "whether it does"), .binary(contains)
    ).deprecated(use: "net.cidr_contains"),
    declare(
      "net.cidr_contains_matches", "Which of some blocks contain which of some addresses and blocks.",
      [
        Parameter("cidrs", blocks, "the blocks: strings, or arrays that begin with one"),
        Parameter("cidrs_or_ips", blocks, "the addresses and other blocks, likewise"),
      ],
      returns: Parameter(
        "output", .set(of: .array(leading: [.any, .any], rest: nil)),
        "pairs of what identifies them: index, key, element, or the string itself"),
      .contextual(containsMatches)),
    declare(
      "net.cidr_expand", "The addresses of a block.", [Parameter("cidr", .string, "the block")],
      returns: Parameter("hosts", .set(of: .string), "the addresses"), .contextual(expand)),
    declare(
      "net.cidr_intersects", "Whether two blocks have addresses in common.",
      [Parameter("cidr1", .string, "a block"), Parameter("cidr2", .string, "another")],
      returns: Parameter("result", .boolean, "whether they have"), .binary(intersects)),
    declare(
      "net.cidr_is_valid", "Whether a string is a block of addresses.",
      [Parameter("cidr", .string, "the string")],
      returns: Parameter("result", .boolean, "whether it is one"), acceptsAnyOperands: true, .unary(isValid)),
    declare(
      "net.cidr_merge", "The fewest blocks that have all addresses of some blocks and addresses.",
      [
        Parameter(
          "addrs", .union([.array(of: .string), .set(of: .string)]),
          "the blocks and addresses; an address of IPv4 stands for its class's network")
      ],
      returns: Parameter("output", .set(of: .string), "the blocks"), .unary(merge)),
    declare(
      "net.lookup_ip_addr", "The addresses that a name resolves to.",
      [Parameter("name", .string, "the host's name")],
      returns: Parameter("addrs", .set(of: .string), "the addresses"), nondeterministic: true,
      .contextual(lookUp)
    ).restricted(),
  ]

  private static func block(_ value: Value, _ position: Int) throws(BuiltinError) -> CIDRBlock {
    let text = try value.string(operand: position)
    guard let block = CIDRBlock(text) else { throw .failed("invalid CIDR address: \(text.string)") }
    return block
  }

  /// A block, or the one of an address alone.
  private static func blockOrAddress(_ value: Value, _ position: Int) throws(BuiltinError) -> CIDRBlock {
    let text = try value.string(operand: position)
    if let address = IPAddress(text.utf8) { return CIDRBlock(address, prefix: 128) }
    guard let block = CIDRBlock(text) else {
      throw .failed("not a valid textual representation of an IP address or CIDR: \(text.string)")
    }
    return block
  }

  // MARK: Containment

  private static func contains(_ block: Value, _ other: Value) throws(BuiltinError) -> Value? {
    let outer = try self.block(block, 1)
    return .boolean(outer.contains(try blockOrAddress(other, 2)))
  }

  private static func intersects(_ first: Value, _ second: Value) throws(BuiltinError) -> Value? {
    let block = try block(first, 1)
    return .boolean(block.intersects(try self.block(second, 2)))
  }

  private static func isValid(_ value: Value) throws(BuiltinError) -> Value? {
    guard case .string(let text) = value else { return false }
    return .boolean(CIDRBlock(text) != nil)
  }

  private static func containsMatches(
    _ context: BuiltinContext, _ operands: [Value]
  ) throws(BuiltinError) -> Value? {
    let outerTerms = try terms(operands[0], 1)
    let innerTerms = try terms(operands[1], 2)
    if outerTerms.isEmpty || innerTerms.isEmpty { return .set(SetValue()) }
    var inner: [(block: CIDRBlock, index: Value)] = []
    for (term, index) in innerTerms { inner.append((try blockOrAddress(term, 1), index)) }
    var matches: [Value] = []
    var comparisons = 0
    for (term, outerIndex) in outerTerms {
      let outer = try block(term, 1)
      for (block, innerIndex) in inner where outer.contains(block) {
        matches.append(.array([outerIndex, innerIndex]))
      }
      comparisons += inner.count
      if comparisons > 4096 {
        comparisons = 0
        try context.checkDeadline()
      }
    }
    return .set(SetValue(matches))
  }

  /// The blocks of an operand, each with what identifies it.
  private static func terms(_ operand: Value, _ position: Int) throws(BuiltinError) -> [(
    term: Value, index: Value
  )] {
    let pairs: [(Value, Value)]
    switch operand {
    case .string: return [(operand, operand)]
    case .array(let elements): pairs = elements.enumerated().map { ($1, .int($0)) }
    case .set(let set): pairs = set.elements.map { ($0, $0) }
    case .object(let object): pairs = object.map { ($1, $0) }
    default: return []
    }
    var terms: [(term: Value, index: Value)] = []
    for (element, index) in pairs {
      switch element {
      case .string: terms.append((element, index))
      case .array(let tuple) where !tuple.isEmpty: terms.append((tuple[0], index))
      default: throw .failed("operand \(position): element must be string or non-empty array")
      }
    }
    return terms
  }

  // MARK: Expanding and merging

  /// More addresses than this are not listed one by one.
  private static let expansionLimit: UInt128 = 1 << 20

  private static func expand(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let block = try block(operands[0], 1)
    let last = block.last.bits
    guard last - block.first.bits < expansionLimit else { throw .cancelled }
    var hosts: [Value] = []
    hosts.reserveCapacity(Int(last - block.first.bits) + 1)
    var next = block.first.bits
    while true {
      hosts.append(.string(IPAddress(bits: next).description))
      if next == last { break }
      next += 1
      if hosts.count & 0xfff == 0 { try context.checkDeadline() }
    }
    return .set(SetValue(hosts))
  }

  private static func merge(_ value: Value) throws(BuiltinError) -> Value? {
    let elements: [Value]
    switch value {
    case .array(let array): elements = array
    case .set(let set): elements = set.elements
    default: throw .wrongType(1, expected: "array", "set", got: value)
    }
    var ranges: [(first: IPAddress, last: IPAddress, text: String?)] = []
    for element in elements {
      let (block, text) = try network(element)
      ranges.append((block.first, block.last, text))
    }
    ranges.sort { ($0.first, $0.last) < ($1.first, $1.last) }
    var merged: [(first: IPAddress, last: IPAddress, text: String?)] = []
    for range in ranges {
      if let previous = merged.last, previous.last.bits == .max || range.first.bits <= previous.last.bits + 1
      {
        // No single element's block any more.
        merged[merged.count - 1] = (previous.first, max(previous.last, range.last), nil)
      } else {
        merged.append(range)
      }
    }
    return .set(
      SetValue(
        merged.flatMap { range in
          range.text.map { [$0] } ?? CIDRBlock.covering(range.first, range.last).map(\.description)
        }.map { .string($0) }))
  }

  /// The block of an element and how it is written; OPA takes an address of IPv4 for one in a network of its class, and writes
  /// the whole address where the block remains alone.
  private static func network(_ element: Value) throws(BuiltinError) -> (CIDRBlock, String) {
    guard case .string(let text) = element else { throw .failed("element must be string") }
    guard let address = IPAddress(text.utf8) else {
      let block = try block(element, 1)
      return (block, block.description)
    }
    guard address.isV4 else { throw .failed("IPv6 invalid: needs prefix length") }
    let firstByte = UInt8(truncatingIfNeeded: address.bits >> 24)
    let prefix = firstByte < 0x80 ? 8 : firstByte < 0xc0 ? 16 : 24
    return (CIDRBlock(address, prefix: prefix + 96), "\(address)/\(prefix)")
  }

  // MARK: Names

  private static func lookUp(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let name = try operands[0].string(operand: 1).string
    let key: [Value] = ["net.lookup_ip_addr", operands[0]]
    if let known = context.remembered.withLock({ $0[key] }) { return known }
    let addresses = try NameLookup.addresses(of: name, deadline: context.deadline)
    let result = Value.set(SetValue(addresses.map { .string($0.description) }))
    context.remembered.withLock { $0[key] = result }
    return result
  }
}
