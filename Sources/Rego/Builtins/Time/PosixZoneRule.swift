/// The rule of a time zone for the years without an end: `EST5EDT,M3.2.0,M11.1.0` (POSIX, environment variable TZ, with the
/// extensions of RFC 8536, section 3.3.1).
struct PosixZoneRule {
  /// When in a year a rule begins.
  private enum Day {
    /// 1 to 365, the 29th of February never counted.
    case julian(Int)
    /// 0 to 365, the 29th of February counted.
    case ordinal(Int)
    /// The `week`-th such day of the week in a month, 5 for the last.
    case weekday(month: Int, week: Int, day: Int)
  }

  private struct Change {
    let day: Day
    /// Seconds from midnight; may be negative or more than a day.
    let time: Int
  }

  private struct Daylight {
    let abbreviation: String
    let offset: Int
    let start: Change
    let end: Change
  }

  private let abbreviation: String
  private let offset: Int
  private var daylight: Daylight?

  /// Reads a rule; nil where it is malformed.
  init?(_ text: [UInt8]) {
    var reader = Reader(text: text)
    guard let name = reader.name(), let west = reader.duration() else { return nil }
    abbreviation = name
    offset = -west
    if reader.isAtEnd { return }
    guard let daylightName = reader.name() else { return nil }
    var daylightOffset = offset + 3600
    if !reader.isAtEnd, !reader.next(is: ",") {
      guard let west = reader.duration() else { return nil }
      daylightOffset = -west
    }
    if reader.isAtEnd { reader = Reader(text: Array(",M3.2.0,M11.1.0".utf8)) }
    guard reader.take(","), let start = reader.change(), reader.take(","), let end = reader.change(),
      reader.isAtEnd
    else { return nil }
    daylight = Daylight(abbreviation: daylightName, offset: daylightOffset, start: start, end: end)
  }

  /// What holds at an instant; a period that begins or ends with another year may be given as doing so with this one.
  func period(at seconds: Int) -> ZoneRules.Period {
    guard let daylight else {
      return ZoneRules.Period(abbreviation: abbreviation, offset: offset, start: .min, end: .max)
    }
    let year = CivilTime(seconds: seconds).year
    let yearStart = CivilTime.days(year: year, month: 1, day: 1) * CivilTime.secondsPerDay
    let yearEnd = CivilTime.days(year: year + 1, month: 1, day: 1) * CivilTime.secondsPerDay
    // A change is told in the local time that it ends.
    let start = yearStart + PosixZoneRule.time(of: daylight.start, in: year) - offset
    let end = yearStart + PosixZoneRule.time(of: daylight.end, in: year) - daylight.offset
    // South of the equator the year begins with daylight saving time.
    let (first, second) = (min(start, end), max(start, end))
    let isMiddle = seconds >= first && seconds < second
    let isDaylight = isMiddle == (start < end)
    let from = isMiddle ? first : seconds < first ? yearStart : second
    let to = isMiddle ? second : seconds < first ? first : yearEnd
    return ZoneRules.Period(
      abbreviation: isDaylight ? daylight.abbreviation : abbreviation,
      offset: isDaylight ? daylight.offset : offset,
      start: from, end: to)
  }

  /// Seconds from the beginning of a year to a change.
  private static func time(of change: Change, in year: Int) -> Int {
    let day: Int
    switch change.day {
    case .julian(let number): day = number - 1 + (CivilTime.isLeap(year) && number >= 60 ? 1 : 0)
    case .ordinal(let number): day = number
    case .weekday(let month, let week, let weekday):
      let first = CivilTime(year: year, month: month, day: 1)
      var date = (weekday - first.weekday + 7) % 7 + 1 + 7 * (week - 1)
      while date > CivilTime.daysIn(month: month, year: year) { date -= 7 }
      day = first.dayOfYear + date - 2
    }
    return day * CivilTime.secondsPerDay + change.time
  }

  private struct Reader {
    let text: [UInt8]
    var position = 0

    init(text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { position >= text.count }

    func next(is character: Unicode.Scalar) -> Bool {
      position < text.count && UInt32(text[position]) == character.value
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard next(is: character) else { return false }
      position += 1
      return true
    }

    /// At least three letters, or anything between angle brackets.
    mutating func name() -> String? {
      let start = position
      if take("<") {
        while !isAtEnd, !next(is: ">") { position += 1 }
        let name = String(decoding: text[(start + 1)..<position], as: UTF8.self)
        return take(">") ? name : nil
      }
      while !isAtEnd, !(0x30...0x39).contains(text[position]), !next(is: ","), !next(is: "-"), !next(is: "+")
      {
        position += 1
      }
      return position - start >= 3 ? String(decoding: text[start..<position], as: UTF8.self) : nil
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int? {
      let start = position
      var value = 0
      while !isAtEnd, (0x30...0x39).contains(text[position]) {
        value = value * 10 + Int(text[position] - 0x30)
        if value > range.upperBound { return nil }
        position += 1
      }
      return position > start && value >= range.lowerBound ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func duration() -> Int? {
      let isNegative = take("-")
      if !isNegative { _ = take("+") }
      guard var seconds = number(0...168).map({ $0 * 3600 }) else { return nil }
      if take(":") {
        guard let minutes = number(0...59) else { return nil }
        seconds += minutes * 60
        if take(":") {
          guard let rest = number(0...59) else { return nil }
          seconds += rest
        }
      }
      return isNegative ? -seconds : seconds
    }

    mutating func change() -> Change? {
      let day: Day
      if take("J") {
        guard let number = number(1...365) else { return nil }
        day = .julian(number)
      } else if take("M") {
        guard let month = number(1...12), take("."), let week = number(1...5), take("."),
          let weekday = number(0...6)
        else { return nil }
        day = .weekday(month: month, week: week, day: weekday)
      } else {
        guard let number = number(0...365) else { return nil }
        day = .ordinal(number)
      }
      guard take("/") else { return Change(day: day, time: 7200) }
      return duration().map { Change(day: day, time: $0) }
    }
  }
}
