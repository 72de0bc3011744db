/// The proleptic Gregorian calendar, in days and seconds from 1970-01-01T00:00:00.
struct CivilTime: Equatable {
  var year: Int
  /// 1 to 12.
  var month: Int
  /// 1 to 31.
  var day: Int
  var hour = 0
  var minute = 0
  var second = 0

  static let secondsPerDay = 86_400

  init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// The date and time of day that lie so many seconds after the epoch.
  init(seconds: Int) {
    let days = seconds.floorDivided(by: CivilTime.secondsPerDay)
    let rest = seconds - days * CivilTime.secondsPerDay
    // Years that begin in March have their leap day last; 400 of them have 146,097 days.
    let shifted = days + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
  }

  /// Seconds from the epoch. Fields beyond their range carry over: October 32 is November 1.
  var seconds: Int {
    CivilTime.days(year: year, month: month, day: day) * CivilTime.secondsPerDay + hour * 3600 + minute * 60
      + second
  }

  /// Days from the epoch to a date whose month and day may be beyond their range.
  static func days(year: Int, month: Int, day: Int) -> Int {
    let carried = (month - 1).floorDivided(by: 12)
    let month = month - carried * 12
    let year = year + carried - (month <= 2 ? 1 : 0)
    let era = year.floorDivided(by: 400)
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear + day - 1 - 719_468
  }

  static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  static func daysIn(month: Int, year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// 0 for Sunday to 6 for Saturday.
  var weekday: Int {
    let days = CivilTime.days(year: year, month: month, day: day)
    return (days + 4) - (days + 4).floorDivided(by: 7) * 7
  }

  /// 1 for the first of January.
  var dayOfYear: Int {
    CivilTime.days(year: year, month: month, day: day) - CivilTime.days(year: year, month: 1, day: 1) + 1
  }
}

extension Int {
  /// The quotient rounded down; `divisor` must be positive.
  func floorDivided(by divisor: Int) -> Int {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
