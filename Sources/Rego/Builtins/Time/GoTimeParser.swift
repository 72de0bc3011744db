/// Reads times as Go's `time.Parse` does, with its wording of errors.
struct GoTimeParser {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let layout: RegoString
  private let value: RegoString
  private var rest: ArraySlice<UInt8>

  private var year = 0
  private var month: Int?
  private var day: Int?
  private var yearDay: Int?
  private var hour = 0
  private var minute = 0
  private var second = 0
  private var nanoseconds = 0
  private var isAfternoon: Bool?
  private var zoneOffset: Int?

  private init(_ layout: RegoString, _ value: RegoString) {
    self.layout = layout
    self.value = value
    rest = Array(value.utf8)[...]
  }

  /// The instant that a text tells; without a zone it is UTC, and so it is with the abbreviation of any zone, since they mean
  /// different offsets in different places.
  static func parse(_ value: RegoString, layout: RegoString) throws(Failure) -> ZonedTime {
    var parser = GoTimeParser(layout, value)
    return try parser.parse()
  }

  private mutating func parse() throws(Failure) -> ZonedTime {
    let pieces = GoTimeLayout(layout).pieces
    for (index, piece) in pieces.enumerated() {
      guard skip(piece.text) else { throw mismatch(rest, piece.text) }
      guard let element = piece.element else {
        if !rest.isEmpty { throw failure(": extra text: \(GoTimeParser.quote(rest))") }
        break
      }
      let start = rest
      let following = index + 1 < pieces.count ? pieces[index + 1].element : nil
      switch read(element, before: following) {
      case .success: break
      case .outOfRange(let field): throw failure(": \(field) out of range")
      case .mismatch: throw mismatch(start, piece.spelling)
      }
    }
    try resolveDate()
    if let isAfternoon {
      if isAfternoon, hour < 12 { hour += 12 }
      if !isAfternoon, hour == 12 { hour = 0 }
    }
    let civil = CivilTime(
      year: year, month: month ?? 1, day: day ?? 1, hour: hour, minute: minute, second: second)
    return ZonedTime(seconds: civil.seconds - (zoneOffset ?? 0), nanoseconds: nanoseconds, zone: .utc)
  }

  private mutating func resolveDate() throws(Failure) {
    if let number = yearDay {
      guard number >= 1, number <= (CivilTime.isLeap(year) ? 366 : 365) else {
        throw failure(": day-of-year out of range")
      }
      let date = CivilTime(seconds: CivilTime(year: year, month: 1, day: number).seconds)
      if let month, month != date.month { throw failure(": day-of-year does not match month") }
      if let day, day != date.day { throw failure(": day-of-year does not match day") }
      (month, day) = (date.month, date.day)
    }
    if let day, day < 1 || day > CivilTime.daysIn(month: month ?? 1, year: year) {
      throw failure(": day out of range")
    }
  }

  // MARK: Errors

  private func failure(_ message: String) -> Failure {
    Failure(description: "parsing time \(GoTimeParser.quote(value.utf8))\(message)")
  }

  private func mismatch(_ found: ArraySlice<UInt8>, _ expected: ArraySlice<UInt8>) -> Failure {
    failure(
      " as \(GoTimeParser.quote(layout.utf8)): cannot parse \(GoTimeParser.quote(found)) as \(GoTimeParser.quote(expected))"
    )
  }

  /// Quotes as package time does: bytes that are not printable ASCII in hexadecimal.
  static func quote(_ text: some Sequence<UInt8>) -> String {
    var output = "\""
    for byte in text {
      if byte < 0x20 || byte >= 0x80 {
        output += "\\x" + Hexadecimal.encode([byte])
      } else {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { output += "\\" }
        output.unicodeScalars.append(Unicode.Scalar(byte))
      }
    }
    return output + "\""
  }

  // MARK: Reading

  private enum Outcome {
    case success
    case mismatch
    case outOfRange(String)
  }

  private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

  private func byte(_ offset: Int) -> UInt8? { offset < rest.count ? rest[rest.startIndex + offset] : nil }

  /// Passes over text; spaces match any number of spaces.
  private mutating func skip(_ text: ArraySlice<UInt8>) -> Bool {
    let space = UInt8(ascii: " ")
    var text = text
    while let expected = text.first {
      if expected == space {
        if let found = rest.first, found != space { return false }
        text = text.drop { $0 == space }
        rest = rest.drop { $0 == space }
        continue
      }
      guard rest.first == expected else { return false }
      text = text.dropFirst()
      rest = rest.dropFirst()
    }
    return true
  }

  /// One or two digits, or just two.
  private mutating func number(padded: Bool) -> Int? {
    guard GoTimeParser.isDigit(byte(0)), let first = byte(0) else { return nil }
    guard GoTimeParser.isDigit(byte(1)), let second = byte(1) else {
      if padded { return nil }
      rest = rest.dropFirst()
      return Int(first - 0x30)
    }
    rest = rest.dropFirst(2)
    return Int(first - 0x30) * 10 + Int(second - 0x30)
  }

  /// The position of the name at which the text begins, whatever its case.
  private mutating func name(_ names: [String], length: Int? = nil) -> Int? {
    for (position, name) in names.enumerated() {
      let wanted = Array(name.utf8.prefix(length ?? .max))
      let found = rest.prefix(wanted.count)
      if found.count == wanted.count, zip(found, wanted).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) {
        rest = rest.dropFirst(wanted.count)
        return position
      }
    }
    return nil
  }

  private mutating func read(_ element: GoTimeLayout.Element, before following: GoTimeLayout.Element?)
    -> Outcome
  {
    switch element {
    case .longYear:
      guard rest.count >= 4, rest.prefix(4).allSatisfy({ GoTimeParser.isDigit($0) }) else { return .mismatch }
      year = rest.prefix(4).reduce(0) { $0 * 10 + Int($1 - 0x30) }
      rest = rest.dropFirst(4)
    case .shortYear:
      guard let number = number(padded: true) else { return .mismatch }
      year = number >= 69 ? number + 1900 : number + 2000
    case .longMonth, .shortMonth:
      guard let position = name(GoTimeLayout.months, length: element == .shortMonth ? 3 : nil) else {
        return .mismatch
      }
      month = position + 1
    case .month, .paddedMonth:
      guard let number = number(padded: element == .paddedMonth) else { return .mismatch }
      if !(1...12).contains(number) { return .outOfRange("month") }
      month = number
    case .longWeekday, .shortWeekday:
      if name(GoTimeLayout.weekdays, length: element == .shortWeekday ? 3 : nil) == nil { return .mismatch }
    case .day, .spacedDay, .paddedDay:
      if element == .spacedDay, rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
      guard let number = number(padded: element == .paddedDay) else { return .mismatch }
      day = number
    case .spacedYearDay, .paddedYearDay:
      for _ in 0..<2 where element == .spacedYearDay && rest.first == UInt8(ascii: " ") {
        rest = rest.dropFirst()
      }
      let digits = rest.prefix(3).prefix { GoTimeParser.isDigit($0) }
      if digits.isEmpty || (element == .paddedYearDay && digits.count < 3) { return .mismatch }
      yearDay = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      rest = rest.dropFirst(digits.count)
    case .hour: return clock(\.hour, padded: false, limit: 23, "hour")
    case .hour12, .paddedHour12: return clock(\.hour, padded: element == .paddedHour12, limit: 12, "hour")
    case .minute, .paddedMinute: return clock(\.minute, padded: element == .paddedMinute, limit: 59, "minute")
    case .second, .paddedSecond:
      let outcome = clock(\.second, padded: element == .paddedSecond, limit: 59, "second")
      guard case .success = outcome else { return outcome }
      // A fraction may follow, whether the layout has one or not.
      if case .fraction = following { return .success }
      if isFraction { readFraction() }
    case .upperHalf, .lowerHalf:
      let names = element == .upperHalf ? ["AM", "PM"] : ["am", "pm"]
      guard let position = names.firstIndex(where: { rest.starts(with: $0.utf8) }) else { return .mismatch }
      isAfternoon = position == 1
      rest = rest.dropFirst(2)
    case .zoneName: return readZoneName() ? .success : .mismatch
    case .zoneOffset(let style): return readZoneOffset(style)
    case .fraction(let digits, let trims, _):
      if trims {
        if isFraction { readFraction() }
        return .success
      }
      let found = rest.dropFirst().prefix(digits)
      guard rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ","), found.count == digits,
        found.allSatisfy({ GoTimeParser.isDigit($0) })
      else { return .mismatch }
      readFraction(digits: digits)
    }
    return .success
  }

  private mutating func clock(
    _ field: WritableKeyPath<GoTimeParser, Int>, padded: Bool, limit: Int, _ name: String
  ) -> Outcome {
    guard let number = number(padded: padded) else { return .mismatch }
    if number > limit { return .outOfRange(name) }
    self[keyPath: field] = number
    return .success
  }

  /// Whether a separator and a digit come next.
  private var isFraction: Bool {
    (rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",")) && GoTimeParser.isDigit(byte(1))
  }

  /// Reads a fraction of a second; digits beyond the ninth do not count.
  private mutating func readFraction(digits: Int = .max) {
    let digits = rest.dropFirst().prefix(digits).prefix { GoTimeParser.isDigit($0) }
    nanoseconds = digits.prefix(9).reduce(0) { $0 * 10 + Int($1 - 0x30) }
    for _ in min(digits.count, 9)..<9 { nanoseconds *= 10 }
    rest = rest.dropFirst(digits.count + 1)
  }

  private mutating func readZoneOffset(_ style: GoTimeLayout.OffsetStyle) -> Outcome {
    if style.hasZ, rest.first == UInt8(ascii: "Z") {
      rest = rest.dropFirst()
      zoneOffset = 0
      return .success
    }
    guard let sign = rest.first else { return .mismatch }
    rest = rest.dropFirst()
    var numbers: [Int] = []
    for position in 0..<(style.hasSeconds ? 3 : style.hasMinutes ? 2 : 1) {
      if position > 0, style.hasColons {
        guard rest.first == UInt8(ascii: ":") else { return .mismatch }
        rest = rest.dropFirst()
      }
      guard let number = number(padded: true) else { return .mismatch }
      numbers.append(number)
    }
    // As Go, which lets offsets of 24 hours and 60 minutes pass, because they are in use.
    for (number, (limit, name)) in zip(numbers, [(24, "hour"), (60, "minute"), (60, "second")])
    where number > limit {
      return .outOfRange("time zone offset \(name)")
    }
    let seconds = zip(numbers, [3600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
    switch sign {
    case UInt8(ascii: "+"): zoneOffset = seconds
    case UInt8(ascii: "-"): zoneOffset = -seconds
    default: return .mismatch
    }
    return .success
  }

  /// Three to five capital letters, with some exceptions, `GMT+3`, or a signed number of hours.
  private mutating func readZoneName() -> Bool {
    if rest.starts(with: "UTC".utf8) {
      rest = rest.dropFirst(3)
      return true
    }
    guard rest.count >= 3 else { return false }
    if rest.starts(with: "ChST".utf8) || rest.starts(with: "MeST".utf8) {
      rest = rest.dropFirst(4)
      return true
    }
    if rest.starts(with: "GMT".utf8) {
      rest = rest.dropFirst(3)
      rest = rest.dropFirst(GoTimeParser.signedHoursLength(rest))
      return true
    }
    if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
      let length = GoTimeParser.signedHoursLength(rest)
      rest = rest.dropFirst(length)
      return length > 0
    }
    let capitals = rest.prefix(6).prefix { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    let isZone =
      switch capitals.count {
      case 3: true
      case 4: capitals.last == UInt8(ascii: "T") || capitals.elementsEqual("WITA".utf8)
      case 5: capitals.last == UInt8(ascii: "T")
      default: false
      }
    if isZone { rest = rest.dropFirst(capitals.count) }
    return isZone
  }

  private static func signedHoursLength(_ text: ArraySlice<UInt8>) -> Int {
    guard text.first == UInt8(ascii: "+") || text.first == UInt8(ascii: "-") else { return 0 }
    let digits = text.dropFirst().prefix { isDigit($0) }
    guard let hours = Int(String(decoding: digits, as: UTF8.self)), hours <= 23 else { return 0 }
    return digits.count + 1
  }
}
