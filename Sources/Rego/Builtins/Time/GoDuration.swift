/// Durations as Go writes them, such as `1h15m30.5s`.
public enum GoDuration {
  /// The nanoseconds of a duration such as `1m30s`; nil where the text is none.
  public static func nanoseconds(_ text: String) -> Int? { try? parse(RegoString(text)) }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let units: [(name: String, nanoseconds: UInt64)] = [
    ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
    ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]

  /// Nanoseconds (Go's `time.ParseDuration`).
  static func parse(_ text: RegoString) throws(Failure) -> Int {
    let quoted = GoTimeParser.quote(text.utf8)
    let invalid = Failure(description: "time: invalid duration \(quoted)")
    var rest = Array(text.utf8)[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    if rest.elementsEqual("0".utf8) { return 0 }
    if rest.isEmpty { throw invalid }
    var total: UInt64 = 0
    while !rest.isEmpty {
      let whole = rest.prefix { (0x30...0x39).contains($0) }
      rest = rest[whole.endIndex...]
      var fraction: ArraySlice<UInt8> = []
      if rest.first == UInt8(ascii: ".") {
        fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
        rest = rest[(rest.startIndex + 1 + fraction.count)...]
      }
      if whole.isEmpty, fraction.isEmpty { throw invalid }
      let name = rest.prefix { $0 != UInt8(ascii: ".") && !(0x30...0x39).contains($0) }
      rest = rest[name.endIndex...]
      if name.isEmpty { throw Failure(description: "time: missing unit in duration \(quoted)") }
      guard let unit = units.first(where: { $0.name.utf8.elementsEqual(name) })?.nanoseconds else {
        throw Failure(description: "time: unknown unit \(GoTimeParser.quote(name)) in duration \(quoted)")
      }
      guard let amount = whole.isEmpty ? 0 : UInt64(String(decoding: whole, as: UTF8.self)) else {
        throw invalid
      }
      let (product, overflow) = amount.multipliedReportingOverflow(by: unit)
      // No unit has more than thirteen digits, so more digits of a fraction change nothing.
      var numerator: UInt64 = 0
      var denominator: UInt64 = 1
      for digit in fraction.prefix(18) {
        numerator = numerator * 10 + UInt64(digit - 0x30)
        denominator *= 10
      }
      let part = UInt64(Double(numerator) * (Double(unit) / Double(denominator)))
      let (sum, carried) = product.addingReportingOverflow(part)
      let (next, beyond) = total.addingReportingOverflow(sum)
      if overflow || carried || beyond || next > 1 << 63 { throw invalid }
      total = next
    }
    if isNegative { return Int(truncatingIfNeeded: 0 &- total) }
    guard let result = Int(exactly: total) else { throw invalid }
    return result
  }
}
