/// Universally unique identifiers (OPA documentation, "UUID"; RFC 9562).
enum UUIDBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "uuid.parse", category: "uuid",
      "What a UUID tells: version and variant, and for versions 1 and 2 time, node and clock sequence.",
      [Parameter("uuid", .string, "the UUID")],
      returns: Parameter("result", .object(.string, .any), "what it tells; undefined where it is none"),
      .unary(parse)),
    Builtin(
      "uuid.rfc4122", category: "uuid",
      "A random UUID, version 4; the same one for the same key within an evaluation.",
      [Parameter("k", .string, "a name, so that an evaluation can have several")],
      returns: Parameter("output", .string, "the UUID"), nondeterministic: true, .contextual(random)),
  ]

  private static func random(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    _ = try operands[0].string(operand: 1)
    return context.remembered.withLock { results in
      let key: [Value] = ["uuid.rfc4122", operands[0]]
      if let known = results[key] { return known }
      var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
      bytes[6] = bytes[6] & 0x0f | 0x40
      bytes[8] = bytes[8] & 0x3f | 0x80
      let hex = bytes.map(hex)
      let groups = [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]].map { $0.joined() }
      let result = Value.string(groups.joined(separator: "-"))
      results[key] = result
      return result
    }
  }

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.utf8.count < 2 ? "0" + digits : digits
  }

  private static func parse(_ value: Value) throws(BuiltinError) -> Value? {
    guard let bytes = bytes(of: Array(try value.string(operand: 1).utf8)) else { return nil }
    let version = Int(bytes[6] >> 4)
    let variant =
      bytes[8] & 0xc0 == 0x80
      ? "RFC4122" : bytes[8] & 0xe0 == 0xc0 ? "Microsoft" : bytes[8] & 0xe0 == 0xe0 ? "Future" : "Reserved"
    var result = ObjectBuilder()
    result.append("version", .int(version))
    result.append("variant", .string(variant))
    if version == 1 || version == 2 {
      func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 << 8 | Int($1) } }
      // Steps of 100 ns since 15 October 1582.
      let ticks = number(0..<4) | number(4..<6) << 32 | (number(6..<8) & 0xfff) << 48
      result.append("time", .int((ticks - 122_192_928_000_000_000) * 100))
      result.append("clocksequence", .int(number(8..<10) & 0x3fff))
      result.append("nodeid", .string(bytes[10...].map(hex).joined(separator: "-")))
      let scope = bytes[10] & 2 != 0 ? "local" : "global"
      result.append("macvariables", .string("\(scope):\(bytes[10] & 1 != 0 ? "multicast" : "unicast")"))
      if version == 2 {
        let domains = ["Person", "Group", "Org"]
        let domain = Int(bytes[9])
        result.append("domain", .string(domain < domains.count ? domains[domain] : "Domain\(domain)"))
        result.append("id", .int(number(0..<4)))
      }
    }
    return .object(result.build())
  }

  /// The 16 bytes of a UUID: plain, with `urn:uuid:` before it, in braces, or without hyphens.
  private static func bytes(of text: [UInt8]) -> [UInt8]? {
    var text = text[...]
    let prefix = Array("urn:uuid:".utf8)
    if text.count == 45, text.prefix(9).map({ $0 | 0x20 }) == prefix.map({ $0 | 0x20 }) {
      text = text.dropFirst(9)
    }
    if text.count == 38, text.first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}") {
      text = text.dropFirst().dropLast()
    }
    var digits = Array(text)
    if digits.count == 36 {
      let hyphens = [23, 18, 13, 8]
      guard hyphens.allSatisfy({ digits[$0] == UInt8(ascii: "-") }) else { return nil }
      for hyphen in hyphens { digits.remove(at: hyphen) }
    }
    guard digits.count == 32 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 32, by: 2) {
      guard let high = JSONScanner.hexValue(digits[index]), let low = JSONScanner.hexValue(digits[index + 1])
      else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}
