import Rego

/// An IPv4 or IPv6 address.
public enum Address: Sendable, Hashable {
  case v4(UInt32)
  case v6(UInt128)

  /// Reads `10.0.0.1` or `2001:db8::1`; nil for anything else. A part of an IPv4 address has no leading zero, as in Go.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    if bytes.contains(UInt8(ascii: ":")) {
      guard let value = Self.v6(bytes[...]) else { return nil }
      self = .v6(value)
    } else {
      guard let value = Self.v4(bytes[...]) else { return nil }
      self = .v4(value)
    }
  }

  private static func v4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard let number = number(part, radix: 10, maximumDigits: 3), number <= 255,
        part.count == 1 || part.first != UInt8(ascii: "0")
      else { return nil }
      value = value << 8 | UInt32(number)
    }
    return value
  }

  private static func v6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
    let colon = UInt8(ascii: ":")
    var head: [UInt16] = []
    var tail: [UInt16]?
    var rest = bytes
    if rest.starts(with: [colon, colon]) {
      tail = []
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let part = rest.prefix { $0 != colon }
      if part.contains(UInt8(ascii: ".")) {
        // The last four bytes may be written as an IPv4 address (RFC 4291, 2.2).
        guard part.count == rest.count, let value = v4(part) else { return nil }
        let groups = [UInt16(value >> 16), UInt16(truncatingIfNeeded: value)]
        if tail == nil { head += groups } else { tail? += groups }
        rest = []
        continue
      }
      guard let number = number(part, radix: 16, maximumDigits: 4) else { return nil }
      if tail == nil { head.append(UInt16(number)) } else { tail?.append(UInt16(number)) }
      rest = rest.dropFirst(part.count)
      if rest.isEmpty { break }
      rest = rest.dropFirst()
      if rest.first == colon {
        guard tail == nil else { return nil }
        tail = []
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    let groups: [UInt16]
    if let tail {
      guard head.count + tail.count <= 7 else { return nil }
      groups = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    } else {
      groups = head
    }
    guard groups.count == 8 else { return nil }
    return groups.reduce(0) { $0 << 16 | UInt128($1) }
  }

  private static func number(_ digits: ArraySlice<UInt8>, radix: Int, maximumDigits: Int) -> Int? {
    guard !digits.isEmpty, digits.count <= maximumDigits else { return nil }
    var value = 0
    for digit in digits {
      let number: Int
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): number = Int(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): number = Int(digit - UInt8(ascii: "a")) + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): number = Int(digit - UInt8(ascii: "A")) + 10
      default: return nil
      }
      guard number < radix else { return nil }
      value = value * radix + number
    }
    return value
  }
}

extension Address: CustomStringConvertible {
  /// As RFC 5952 has it: lowercase, and the longest run of zero groups left out.
  public var description: String {
    switch self {
    case .v4(let value):
      return [24, 16, 8, 0].map { "\(value >> $0 & 0xff)" }.joined(separator: ".")
    case .v6(let value):
      let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
      var longest = 0..<0
      var start = 0
      while start < 8 {
        var end = start
        while end < 8 && groups[end] == 0 { end += 1 }
        if end - start > max(longest.count, 1) { longest = start..<end }
        start = max(end, start + 1)
      }
      func text(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
      }
      if longest.isEmpty { return text(groups[...]) }
      return "\(text(groups[..<longest.lowerBound]))::\(text(groups[longest.upperBound...]))"
    }
  }
}
