/// Reads a duration as Go's `time.ParseDuration` writes it, such as `10s`, `1m30s` or `1.5h`: how the API server passes its
/// timeout (`?timeout=10s`, in the Kubernetes API reference of admission webhooks).
///
/// - Returns: nil where it is not a duration, or a negative one, or longer than 100 years.
func parseGoDuration(_ text: Substring.UTF8View) -> Duration? {
  var rest = text[...]
  if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
  if rest.elementsEqual("0".utf8) { return .zero }
  guard !rest.isEmpty else { return nil }
  var nanoseconds = 0.0
  while !rest.isEmpty {
    let number = rest.prefix { ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".") }
    // Go also takes ".5s" and "5.s".
    guard number.count <= 20, number.contains(where: { $0 != UInt8(ascii: ".") }),
      let value = Double("0\(Substring(number))\(number.last == UInt8(ascii: ".") ? "0" : "")")
    else { return nil }
    rest = rest.dropFirst(number.count)
    let unit = rest.prefix { !(($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".")) }
    rest = rest.dropFirst(unit.count)
    let scale: Double
    switch String(Substring(unit)) {
    case "ns": scale = 1
    case "us", "µs", "μs": scale = 1e3
    case "ms": scale = 1e6
    case "s": scale = 1e9
    case "m": scale = 60e9
    case "h": scale = 3600e9
    default: return nil
    }
    nanoseconds += value * scale
  }
  guard nanoseconds <= 100 * 366 * 86_400e9 else { return nil }
  return .nanoseconds(Int64(nanoseconds))
}
