/// Durations and sizes as people write them in flags and files.
public enum QuantityText {
  private static let durationUnits: [(name: String, nanoseconds: Int)] = [
    ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
  ]

  /// Reads numbers with units, such as `500ms`, `5s` or `1m30s`; nil where the text is no such thing, or too long a time.
  public static func duration(_ text: String) -> Duration? {
    var rest = text.utf8[...]
    if rest.isEmpty { return nil }
    var total = 0
    while !rest.isEmpty {
      guard let (amount, unit) = next(&rest),
        let scale = durationUnits.first(where: { $0.name.utf8.elementsEqual(unit.utf8) })?.nanoseconds
      else { return nil }
      let (nanoseconds, tooLarge) = amount.multipliedReportingOverflow(by: scale)
      let (sum, tooLong) = total.addingReportingOverflow(nanoseconds)
      if tooLarge || tooLong { return nil }
      total = sum
    }
    return .nanoseconds(total)
  }

  private static let sizeUnits: [(names: [String], bytes: Int)] = [
    (["", "B"], 1), (["Ki", "KiB"], 1 << 10), (["Mi", "MiB"], 1 << 20), (["Gi", "GiB"], 1 << 30),
  ]

  /// Reads a number of bytes, such as `65536`, `64KiB` or `8MiB`; nil where the text is no such thing, or zero.
  public static func size(_ text: String) -> Int? {
    var rest = text.utf8[...]
    guard let (amount, unit) = next(&rest), rest.isEmpty, amount > 0,
      let scale = sizeUnits.first(where: { $0.names.contains { $0.utf8.elementsEqual(unit.utf8) } })?.bytes
    else { return nil }
    let (bytes, tooLarge) = amount.multipliedReportingOverflow(by: scale)
    return tooLarge ? nil : bytes
  }

  /// Takes a number and the letters after it.
  private static func next(_ rest: inout Substring.UTF8View) -> (Int, Substring)? {
    func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    let digits = rest.prefix(while: isDigit)
    guard let amount = Int(Substring(digits)) else { return nil }
    rest = rest.dropFirst(digits.count)
    let unit = rest.prefix { !isDigit($0) }
    rest = rest.dropFirst(unit.count)
    return (amount, Substring(unit))
  }
}
