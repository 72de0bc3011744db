/// Reads a duration as Go's `time.ParseDuration` does, such as `10s`, `1m30s` or `1.5h`: how the API server passes its
/// timeout (`?timeout=10s`, in the Kubernetes API reference of admission webhooks).
///
/// - Returns: nil where it is not a duration, or a negative one, or longer than 100 years.
func parseGoDuration(_ text: Substring.UTF8View) -> Duration? {
  var rest = text[...]
  if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
  if rest.count == 1, rest.first == UInt8(ascii: "0") { return .zero }
  guard !rest.isEmpty else { return nil }
  var total = 0
  while !rest.isEmpty {
    guard let number = takeDecimal(&rest), let unit = takeUnit(&rest) else { return nil }
    let (whole, isTooLong) = number.whole.multipliedReportingOverflow(by: unit)
    guard !isTooLong, whole <= longest else { return nil }
    // A fraction is below one unit: none of these sums overflows.
    total += whole + number.millionths * unit / 1_000_000
    guard total <= longest else { return nil }
  }
  return .nanoseconds(total)
}

/// 100 years in nanoseconds.
private let longest = 100 * 366 * 86_400 * 1_000_000_000

/// Takes digits with at most one point among them; digits beyond the sixth after the point count for nothing.
private func takeDecimal(_ text: inout Substring.UTF8View) -> (whole: Int, millionths: Int)? {
  var whole = 0
  var millionths = 0
  var place = 1_000_000
  var hasDigits = false
  var hasPoint = false
  while let byte = text.first {
    if byte == UInt8(ascii: "."), !hasPoint {
      hasPoint = true
    } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
      hasDigits = true
      let digit = Int(byte - UInt8(ascii: "0"))
      if hasPoint {
        place /= 10
        millionths += digit * place
      } else {
        whole = 10 * whole + digit
        guard whole < 10_000_000_000_000 else { return nil }
      }
    } else {
      break
    }
    text = text.dropFirst()
  }
  return hasDigits ? (whole, millionths) : nil
}

/// Takes a unit and returns its length in nanoseconds.
private func takeUnit(_ text: inout Substring.UTF8View) -> Int? {
  let unit = text.prefix { !($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) && $0 != UInt8(ascii: ".") }
  text = text[unit.endIndex...]
  if unit.isEqual(to: "s") { return 1_000_000_000 }
  if unit.isEqual(to: "ms") { return 1_000_000 }
  if unit.isEqual(to: "m") { return 60_000_000_000 }
  if unit.isEqual(to: "h") { return 3_600_000_000_000 }
  // The micro sign and the Greek letter.
  if unit.isEqual(to: "us") || unit.isEqual(to: "\u{B5}s") || unit.isEqual(to: "\u{3BC}s") { return 1_000 }
  if unit.isEqual(to: "ns") { return 1 }
  return nil
}
