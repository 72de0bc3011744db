import Glibc

/// A moment of the Gregorian calendar in UTC, to be written in the forms that HTTP and logs want.
struct Timestamp: Sendable, Hashable {
  var secondsSince1970: Int
  var nanoseconds: Int

  init(secondsSince1970: Int, nanoseconds: Int = 0) {
    self.secondsSince1970 = secondsSince1970
    self.nanoseconds = nanoseconds
  }

  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(secondsSince1970: time.tv_sec, nanoseconds: time.tv_nsec)
  }

  /// Appends it as RFC 3339 does, with microseconds: `2026-01-31T12:00:00.000000Z`.
  func appendRFC3339(to bytes: inout [UInt8]) {
    let date = civilDate
    bytes.append(decimal: date.year, width: 4)
    bytes.append("-")
    bytes.append(decimal: date.month, width: 2)
    bytes.append("-")
    bytes.append(decimal: date.day, width: 2)
    bytes.append("T")
    appendTime(to: &bytes)
    bytes.append(".")
    bytes.append(decimal: nanoseconds / 1_000, width: 6)
    bytes.append("Z")
  }

  /// Appends it as RFC 9110 section 5.6.7 does: `Sat, 31 Jan 2026 12:00:00 GMT`.
  func appendHTTPDate(to bytes: inout [UInt8]) {
    let date = civilDate
    let days: StaticString = "ThuFriSatSunMonTueWed"
    let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    let weekday = floorDivide(secondsSince1970, 86_400).modulus(7)
    bytes.append(contentsOf: UnsafeBufferPointer(start: days.utf8Start + 3 * weekday, count: 3))
    bytes.append(", ")
    bytes.append(decimal: date.day, width: 2)
    bytes.append(" ")
    bytes.append(contentsOf: UnsafeBufferPointer(start: months.utf8Start + 3 * (date.month - 1), count: 3))
    bytes.append(" ")
    bytes.append(decimal: date.year, width: 4)
    bytes.append(" ")
    appendTime(to: &bytes)
    bytes.append(" GMT")
  }

  private func appendTime(to bytes: inout [UInt8]) {
    let second = secondsSince1970.modulus(86_400)
    bytes.append(decimal: second / 3_600, width: 2)
    bytes.append(":")
    bytes.append(decimal: second / 60 % 60, width: 2)
    bytes.append(":")
    bytes.append(decimal: second % 60, width: 2)
  }

  /// The date: years are counted from 1 March, so that the leap day is the last of its year, in eras of 400 years.
  private var civilDate: (year: Int, month: Int, day: Int) {
    // From 0000-03-01 to 1970-01-01 are 719,468 days.
    let days = floorDivide(secondsSince1970, 86_400) + 719_468
    let era = floorDivide(days, 146_097)
    let dayOfEra = days.modulus(146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Months from March have 31, 30, 31, 30, 31 days, again and again: 153 in five.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (400 * era + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }
}

private func floorDivide(_ value: Int, _ divisor: Int) -> Int {
  (value - value.modulus(divisor)) / divisor
}

extension Int {
  /// The remainder that is never negative.
  fileprivate func modulus(_ divisor: Int) -> Int {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }
}
