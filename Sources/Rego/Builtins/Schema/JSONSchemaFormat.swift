/// The formats that strings can have (JSON Schema validation, draft 7, section 7.3); names that are not known match everything.
enum JSONSchemaFormat {
  static func matches(_ text: RegoString, _ format: RegoString) -> Bool {
    switch format.string {
    case "date": isDate(Array(text.utf8)[...])
    case "time": isTime(Array(text.utf8)[...])
    case "date-time": isDateTime(Array(text.utf8)[...])
    case "hostname": text.utf8Count < 256 && matches(text, pattern: hostname)
    case "email", "idn-email": isEmail(text)
    case "ipv4": text.utf8.contains(UInt8(ascii: ".")) && IPAddress(text.utf8) != nil
    case "ipv6": text.utf8.contains(UInt8(ascii: ":")) && IPAddress(text.utf8) != nil
    case "uri", "iri": hasNoBackslash(text) && matches(text, pattern: scheme) && GoURL(text.string) != nil
    case "uri-reference", "iri-reference": hasNoBackslash(text) && GoURL(text.string) != nil
    case "uri-template": hasNoBackslash(text) && matches(text, pattern: "^([^{]*({[^}]*})?)*$")
    case "uuid": matches(text, pattern: "^(?i)[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$")
    case "regex": text.utf8Count == 0 || (try? RegexBuiltins.expression(text)) != nil
    case "json-pointer": matches(text, pattern: "^(?:/(?:[^~/]|~0|~1)*)*$")
    case "relative-json-pointer":
      matches(text, pattern: "^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$")
    default: true
    }
  }

  private static let label = "([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])"
  private static let hostname = RegoString("^\(label)(\\.\(label))*$")
  private static let scheme: RegoString = "^[a-zA-Z][a-zA-Z0-9+.-]*:"
  /// RFC 5322's dot-atom, or a quoted string, at a domain or address literal.
  private static let mailbox: RegoString =
    "^([^\\x00-\\x20()<>\\[\\]:;@\\\\,.\"]+(\\.[^\\x00-\\x20()<>\\[\\]:;@\\\\,.\"]+)*|\"([^\"\\\\]|\\\\.)*\")@([^\\x00-\\x20()<>\\[\\]:;@\\\\,.\"]+(\\.[^\\x00-\\x20()<>\\[\\]:;@\\\\,.\"]+)*|\\[[0-9a-fA-F:.]+\\])$"

  private static func matches(_ text: RegoString, pattern: RegoString) -> Bool {
    (try? RegexBuiltins.expression(pattern))?.matches(text) ?? false
  }

  private static func hasNoBackslash(_ text: RegoString) -> Bool { !text.utf8.contains(UInt8(ascii: "\\")) }

  /// An address, alone or in angle brackets after a name.
  private static func isEmail(_ text: RegoString) -> Bool {
    let bytes = Array(text.utf8)
    if bytes.last == UInt8(ascii: ">"), let open = bytes.lastIndex(of: UInt8(ascii: "<")) {
      let address = String(decoding: bytes[(open + 1)..<(bytes.count - 1)], as: UTF8.self)
      return matches(RegoString(address), pattern: mailbox)
    }
    return matches(text, pattern: mailbox)
  }

  // MARK: Dates and times

  private static func number(_ text: ArraySlice<UInt8>, _ range: ClosedRange<Int>) -> Int? {
    guard !text.isEmpty, text.allSatisfy({ $0 &- 0x30 <= 9 }) else { return nil }
    let value = text.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    return range.contains(value) ? value : nil
  }

  private static func isDate(_ text: ArraySlice<UInt8>) -> Bool {
    let parts = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], let year = number(parts[0], 0...9999),
      let month = number(parts[1], 1...12)
    else { return false }
    return number(parts[2], 1...CivilTime.daysIn(month: month, year: year)) != nil
  }

  /// `HH:MM:SS`, a fraction, and an offset or `Z`; the last two may be missing.
  private static func isTime(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    if rest.last == UInt8(ascii: "Z") {
      rest = rest.dropLast()
    } else if rest.count > 8,
      let sign = rest.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") })
    {
      let offset = rest[(sign + 1)...].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard offset.map(\.count) == [2, 2], number(offset[0], 0...24) != nil, number(offset[1], 0...59) != nil
      else {
        return false
      }
      rest = rest[..<sign]
    }
    let halves = rest.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard let clock = halves.first else { return false }
    if halves.count > 1, halves[1].isEmpty || !halves[1].allSatisfy({ $0 &- 0x30 <= 9 }) { return false }
    let parts = clock.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    return parts.map(\.count) == [2, 2, 2] && number(parts[0], 0...23) != nil
      && number(parts[1], 0...59) != nil
      && number(parts[2], 0...59) != nil
  }

  /// A date, a time, or both as in RFC 3339.
  private static func isDateTime(_ text: ArraySlice<UInt8>) -> Bool {
    if isDate(text) || isTime(text) { return true }
    guard text.count > 11, text[text.startIndex + 10] == UInt8(ascii: "T"), isDate(text.prefix(10)) else {
      return false
    }
    let time = text.dropFirst(11)
    let hasZone =
      time.last == UInt8(ascii: "Z")
      || time.dropFirst(8).contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
    return hasZone && isTime(time)
  }
}
