/// A URL in the parts that Go's package net/url gives it.
struct GoURL {
  private(set) var scheme = ""
  private(set) var opaque = ""
  private(set) var hasUser = false
  private(set) var host = ""
  /// The path with its escapes undone.
  private(set) var path = ""
  /// The path as it was written.
  private(set) var writtenPath = ""
  private(set) var forcesQuery = false
  private(set) var query = ""
  private(set) var fragment = ""
  private var writtenFragment = ""

  /// Reads a URL; nil where it is none.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    if bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return nil }
    var rest = bytes[...]
    if let hash = rest.firstIndex(of: UInt8(ascii: "#")) {
      writtenFragment = String(decoding: rest[(hash + 1)...], as: UTF8.self)
      guard let unescaped = GoURL.unescape(rest[(hash + 1)...]) else { return nil }
      fragment = unescaped
      rest = rest[..<hash]
    }
    guard readScheme(&rest) else { return nil }
    if rest.last == UInt8(ascii: "?"), rest.filter({ $0 == UInt8(ascii: "?") }).count == 1 {
      forcesQuery = true
      rest.removeLast()
    } else if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
      query = String(decoding: rest[(mark + 1)...], as: UTF8.self)
      rest = rest[..<mark]
    }
    if rest.first != UInt8(ascii: "/"), !scheme.isEmpty {
      opaque = String(decoding: rest, as: UTF8.self)
      return
    }
    if rest.starts(with: "//".utf8), !scheme.isEmpty || !rest.starts(with: "///".utf8) {
      let authority = rest.dropFirst(2).prefix { $0 != UInt8(ascii: "/") }
      rest = rest[authority.endIndex...]
      let at = authority.lastIndex(of: UInt8(ascii: "@"))
      hasUser = at != nil
      let hostBytes = at.map { authority[($0 + 1)...] } ?? authority
      guard let unescaped = GoURL.unescape(hostBytes), GoURL.hasValidPort(hostBytes) else { return nil }
      host = unescaped
    }
    writtenPath = String(decoding: rest, as: UTF8.self)
    guard let unescaped = GoURL.unescape(rest) else { return nil }
    path = unescaped
  }

  private mutating func readScheme(_ rest: inout ArraySlice<UInt8>) -> Bool {
    for (offset, byte) in rest.enumerated() {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
        if offset == 0 { return true }
      case UInt8(ascii: ":"):
        if offset == 0 { return false }
        scheme = String(decoding: rest.prefix(offset), as: UTF8.self).lowercased()
        rest = rest.dropFirst(offset + 1)
        return true
      default: return true
      }
    }
    return true
  }

  private static func hasValidPort(_ host: ArraySlice<UInt8>) -> Bool {
    let afterAddress =
      host.last == UInt8(ascii: "]")
      ? host.endIndex : host.lastIndex(of: UInt8(ascii: "]")) ?? host.startIndex
    guard let colon = host[afterAddress...].lastIndex(of: UInt8(ascii: ":")) else { return true }
    return host[(colon + 1)...].allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Undoes `%XX`, and nothing else.
  private static func unescape(_ bytes: ArraySlice<UInt8>) -> String? {
    guard bytes.contains(UInt8(ascii: "%")) else { return String(decoding: bytes, as: UTF8.self) }
    var output: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      if byte != UInt8(ascii: "%") {
        output.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(Hexadecimal.value),
        let low = rest.popFirst().flatMap(Hexadecimal.value)
      else { return nil }
      output.append(high << 4 | low)
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// A path escaped as Go escapes it where nothing says otherwise.
  static func escapePath(_ path: String) -> String {
    var output: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        output.append(byte)
      case _ where "-_.~$&+,/:;=@".utf8.contains(byte): output.append(byte)
      default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xf)]]
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The path with escapes: as it was written, where everything that needs an escape has one.
  var escapedPath: String {
    let isEscaped = writtenPath.utf8.allSatisfy { byte in
      "!$&'()*+,;=:@[]%/-_.~".utf8.contains(byte) || (0x30...0x39).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    return isEscaped ? writtenPath : GoURL.escapePath(path)
  }

  /// As Go's JSON has it.
  var value: Value {
    let isDefault = GoURL.escapePath(path) == writtenPath
    let fragmentIsDefault = GoURL.escapePath(fragment) == writtenFragment
    return GoJSON.object(
      ("Scheme", .string(scheme)), ("Opaque", .string(opaque)),
      ("User", hasUser ? .object(ObjectValue()) : .null),
      ("Host", .string(host)), ("Path", .string(path)), ("RawPath", .string(isDefault ? "" : writtenPath)),
      ("OmitHost", false), ("ForceQuery", .boolean(forcesQuery)), ("RawQuery", .string(query)),
      ("Fragment", .string(fragment)), ("RawFragment", .string(fragmentIsDefault ? "" : writtenFragment)))
  }
}
