/// An instant with the time zone in which it is told.
struct ZonedTime {
  /// From the epoch.
  let seconds: Int
  /// 0 to 999,999,999.
  let nanoseconds: Int
  let zone: ZoneRules

  init(seconds: Int, nanoseconds: Int, zone: ZoneRules) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
    self.zone = zone
  }

  /// The instant so many nanoseconds after the epoch.
  init(nanoseconds: Int, zone: ZoneRules) {
    let seconds = nanoseconds.floorDivided(by: 1_000_000_000)
    // What overflows for the earliest second cancels out.
    self.init(seconds: seconds, nanoseconds: nanoseconds &- seconds &* 1_000_000_000, zone: zone)
  }

  /// Nanoseconds from the epoch; nil where they do not fit 64 bits.
  var totalNanoseconds: Int? { Int(exactly: Int128(seconds) * 1_000_000_000 + Int128(nanoseconds)) }

  /// The date and time of day in the zone.
  var civil: CivilTime { CivilTime(seconds: seconds + zone.period(at: seconds).offset) }

  // MARK: Formatting

  /// The time as a layout has it (Go's `Time.Format`).
  func formatted(_ layout: GoTimeLayout) -> String {
    let period = zone.period(at: seconds)
    let civil = CivilTime(seconds: seconds + period.offset)
    var output: [UInt8] = []
    for piece in layout.pieces {
      output += piece.text
      if let element = piece.element { output += Array(text(element, civil, period).utf8) }
    }
    return String(decoding: output, as: UTF8.self)
  }

  private func text(_ element: GoTimeLayout.Element, _ civil: CivilTime, _ period: ZoneRules.Period) -> String
  {
    let hour12 = civil.hour % 12 == 0 ? 12 : civil.hour % 12
    switch element {
    case .longYear: return padded(civil.year, 4)
    case .shortYear: return padded(abs(civil.year) % 100, 2)
    case .longMonth: return GoTimeLayout.months[civil.month - 1]
    case .shortMonth: return String(GoTimeLayout.months[civil.month - 1].prefix(3))
    case .month: return String(civil.month)
    case .paddedMonth: return padded(civil.month, 2)
    case .longWeekday: return GoTimeLayout.weekdays[civil.weekday]
    case .shortWeekday: return String(GoTimeLayout.weekdays[civil.weekday].prefix(3))
    case .day: return String(civil.day)
    case .spacedDay: return padded(civil.day, 2, with: " ")
    case .paddedDay: return padded(civil.day, 2)
    case .spacedYearDay: return padded(civil.dayOfYear, 3, with: " ")
    case .paddedYearDay: return padded(civil.dayOfYear, 3)
    case .hour: return padded(civil.hour, 2)
    case .hour12: return String(hour12)
    case .paddedHour12: return padded(hour12, 2)
    case .minute: return String(civil.minute)
    case .paddedMinute: return padded(civil.minute, 2)
    case .second: return String(civil.second)
    case .paddedSecond: return padded(civil.second, 2)
    case .upperHalf: return civil.hour >= 12 ? "PM" : "AM"
    case .lowerHalf: return civil.hour >= 12 ? "pm" : "am"
    case .zoneName:
      return period.abbreviation.isEmpty
        ? offset(period.offset, GoTimeLayout.OffsetStyle()) : period.abbreviation
    case .zoneOffset(let style): return offset(period.offset, style)
    case .fraction(let digits, let trims, let separator): return fraction(digits, trims, separator)
    }
  }

  private func padded(_ value: Int, _ width: Int, with padding: String = "0") -> String {
    let digits = String(value.magnitude)
    let missing = max(0, width - digits.utf8.count)
    return (value < 0 ? "-" : "") + String(repeating: padding, count: missing) + digits
  }

  private func offset(_ offset: Int, _ style: GoTimeLayout.OffsetStyle) -> String {
    if offset == 0, style.hasZ { return "Z" }
    let minutes = offset / 60
    let colon = style.hasColons ? ":" : ""
    var text = (minutes < 0 ? "-" : "+") + padded(abs(minutes) / 60, 2)
    if style.hasMinutes { text += colon + padded(abs(minutes) % 60, 2) }
    if style.hasSeconds { text += colon + padded(abs(offset) % 60, 2) }
    return text
  }

  private func fraction(_ digits: Int, _ trims: Bool, _ separator: UInt8) -> String {
    if trims, nanoseconds == 0 { return "" }
    var text = padded(nanoseconds, 9)
    if digits < 9 { text = String(text.prefix(digits)) }
    if trims {
      while text.hasSuffix("0") { text.removeLast() }
      if text.isEmpty { return "" }
    }
    return String(Unicode.Scalar(separator)) + text
  }
}
