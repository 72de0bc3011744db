import Foundation
import Testing

@testable import Rego

@Suite("Time builtins")
struct BuiltinsTimeTests {
  /// 2024-02-29T13:04:05.060070080Z, a Thursday.
  static let leapDay: Value = 1_709_211_845_060_070_080

  static let cases: [BuiltinCase] = [
    BuiltinCase("time.now_ns", gives: 1_700_000_000_123_456_789),
    BuiltinCase("time.date", leapDay, gives: [2024, 2, 29]),
    BuiltinCase("time.date", [leapDay], gives: [2024, 2, 29]),
    BuiltinCase("time.date", [leapDay, "Pacific/Kiritimati"], gives: [2024, 3, 1]),
    BuiltinCase("time.date", [leapDay, ""], gives: [2024, 2, 29]),
    BuiltinCase("time.date", 0, gives: [1970, 1, 1]),
    BuiltinCase("time.date", -1, gives: [1969, 12, 31]),
    BuiltinCase("time.date", .int(.min), gives: [1677, 9, 21]),
    BuiltinCase("time.date", .int(.max), gives: [2262, 4, 11]),
    BuiltinCase("time.clock", leapDay, gives: [13, 4, 5]),
    BuiltinCase("time.clock", -1, gives: [23, 59, 59]),
    BuiltinCase("time.clock", [leapDay, "Asia/Kathmandu"], gives: [18, 49, 5]),
    BuiltinCase("time.clock", [leapDay, "America/New_York"], gives: [8, 4, 5]),
    // Summer by the rule for years that the file does not list.
    BuiltinCase("time.clock", [2_540_000_000_000_000_000, "America/New_York"], gives: [23, 33, 20]),
    BuiltinCase("time.clock", [2_540_000_000_000_000_000, "Australia/Sydney"], gives: [13, 33, 20]),
    BuiltinCase("time.weekday", leapDay, gives: "Thursday"),
    BuiltinCase("time.weekday", -1, gives: "Wednesday"),
    BuiltinCase("time.add_date", 1_585_852_421_593_912_000, 3, 9, 12, gives: 1_705_257_221_593_912_000),
    BuiltinCase("time.add_date", 1_585_852_421_593_912_000, -1, -1, -1, gives: 1_551_465_221_593_912_000),
    BuiltinCase("time.add_date", leapDay, 1, 0, 0, gives: 1_740_834_245_060_070_080),
    BuiltinCase("time.add_date", 0, 0, 25, -31, gives: 63_072_000_000_000_000),
    BuiltinCase("time.diff", 61_000_000_000, 0, gives: [0, 0, 0, 0, 1, 1]),
    BuiltinCase("time.diff", [60_000_000_000, "UTC"], [0, "Asia/Shanghai"], gives: [0, 0, 0, 0, 1, 0]),
    BuiltinCase(
      "time.diff", 1_580_601_600_000_000_000, 1_583_020_800_000_000_000, gives: [0, 0, 28, 0, 0, 0]),
    BuiltinCase(
      "time.diff", 1_078_012_800_000_000_000, 1_109_635_200_000_000_000, gives: [1, 0, 1, 0, 0, 0]),
    BuiltinCase("time.format", leapDay, gives: "2024-02-29T13:04:05.06007008Z"),
    BuiltinCase("time.format", [leapDay], gives: "2024-02-29T13:04:05.06007008Z"),
    BuiltinCase("time.format", 0, gives: "1970-01-01T00:00:00Z"),
    BuiltinCase("time.format", [leapDay, "America/New_York"], gives: "2024-02-29T08:04:05.06007008-05:00"),
    BuiltinCase(
      "time.format", [leapDay, "Asia/Kathmandu", "RFC1123Z"], gives: "Thu, 29 Feb 2024 18:49:05 +0545"),
    BuiltinCase("time.format", [leapDay, "UTC", "UnixDate"], gives: "Thu Feb 29 13:04:05 UTC 2024"),
    BuiltinCase("time.format", [leapDay, "America/Sao_Paulo", "MST -07 Z0700"], gives: "-03 -03 -0300"),
    BuiltinCase(
      "time.format",
      [
        leapDay, "",
        "2006 06 Jan January 1 01 Mon Monday 2 _2 02 __2 002 15 3 03 PM pm 4 04 5 05 .000 ,99999999999 Z07:00:00 -070000 Month _2006",
      ],
      gives:
        "2024 24 Feb February 2 02 Thu Thursday 29 29 29  60 060 13 1 01 PM pm 4 04 5 05 .060 ,06007008 Z +000000 Month _2024"
    ),
    BuiltinCase("time.format", [leapDay, "", "x.0009 5.01 2.0x"], gives: "x.0009 5.02 29.0x"),
    BuiltinCase("time.parse_duration_ns", "100ms", gives: 100_000_000),
    BuiltinCase("time.parse_duration_ns", "-1h15m30.918273645s", gives: -4_530_918_273_645),
    BuiltinCase("time.parse_duration_ns", "1.5h", gives: 5_400_000_000_000),
    BuiltinCase("time.parse_duration_ns", ".5us1µs1μs2ns", gives: 2502),
    BuiltinCase("time.parse_duration_ns", "+0", gives: 0),
    BuiltinCase("time.parse_duration_ns", "9223372036854775807ns", gives: .int(.max)),
    BuiltinCase("time.parse_duration_ns", "-9223372036854775808ns", gives: .int(.min)),
    BuiltinCase("time.parse_rfc3339_ns", "1970-01-01T00:00:00-00:00", gives: 0),
    BuiltinCase("time.parse_rfc3339_ns", "2017-06-02T19:00:00-07:00", gives: 1_496_455_200_000_000_000),
    BuiltinCase("time.parse_rfc3339_ns", "1677-09-21T00:12:43.145224192Z", gives: .int(.min)),
    BuiltinCase("time.parse_rfc3339_ns", "2262-04-11T23:47:16.854775807Z", gives: .int(.max)),
    BuiltinCase("time.parse_rfc3339_ns", "1970-01-01T00:00:01.5000000009Z", gives: 1_500_000_000),
    BuiltinCase("time.parse_ns", "2006-01-02", "2020-03-01", gives: 1_583_020_800_000_000_000),
    BuiltinCase("time.parse_ns", "RFC822Z", "02 Jan 06 15:04 -0700", gives: 1_136_239_440_000_000_000),
    BuiltinCase("time.parse_ns", "RFC822", "02 Jan 06 15:04 MST", gives: 1_136_214_240_000_000_000),
    BuiltinCase(
      "time.parse_ns", "3:04PM Monday,  January _2 2006", "12:30AM TUESDAY, jANUARY  3 1970",
      gives: 174_600_000_000_000),
    BuiltinCase("time.parse_ns", "2006 002", "2024 060", gives: 1_709_164_800_000_000_000),
    BuiltinCase("time.parse_ns", "2006-01-02 15:04:05", "1970-01-01 00:00:01,25", gives: 1_250_000_000),
    BuiltinCase("time.parse_ns", "2006 15:04:05.000 -07", "1970 01:00:00.001 +01", gives: 1_000_000),
    BuiltinCase("time.parse_ns", "2006 MST", "1970 GMT+3", gives: 0),
  ]

  @Test("give what OPA's documentation says", arguments: cases)
  func results(_ example: BuiltinCase) throws { try example.check() }

  static let failures: [BuiltinFailure] = [
    BuiltinFailure("time.date", decimal("1582977600000000000000"), fails: "timestamp too big"),
    BuiltinFailure("time.date", decimal("0.5"), fails: "timestamp too big"),
    BuiltinFailure(
      "time.date", true,
      fails: "operand 1 must be either number (ns) or [number (ns), string (tz)] but got boolean"),
    BuiltinFailure(
      "time.clock", [],
      fails: "operand 1 must be either number (ns) or [number (ns), string (tz)] but got array"),
    BuiltinFailure("time.clock", ["x"], fails: "operand 1 must be number but got string"),
    BuiltinFailure("time.clock", [0, 1], fails: "operand 1 must be string but got number"),
    BuiltinFailure("time.clock", [0, "Europe/Nowhere"], fails: "unknown time zone Europe/Nowhere"),
    BuiltinFailure("time.clock", [0, "../../etc/passwd"], fails: "time: invalid location name"),
    BuiltinFailure("time.clock", [0, "/etc/localtime"], fails: "time: invalid location name"),
    BuiltinFailure("time.clock", [0, "Europe\u{0}/Berlin"], fails: "unknown time zone Europe\u{0}/Berlin"),
    BuiltinFailure("time.clock", [0, "tzdata.zi"], fails: "unknown time zone tzdata.zi"),
    BuiltinFailure("time.format", [0, "UTC", 1], fails: "operand 1 must be string but got number"),
    BuiltinFailure(
      "time.add_date", 0, decimal("1.5"), 0, 0,
      fails: "operand 2 must be integer number but got floating-point number"),
    BuiltinFailure("time.add_date", 0, 2262, 1, 1, fails: "time outside of valid range"),
    BuiltinFailure("time.add_date", .int(.min), 0, 0, -1, fails: "time outside of valid range"),
    BuiltinFailure(
      "time.add_date", 0, .int(.max), .int(.max), .int(.max), fails: "time outside of valid range"),
    BuiltinFailure(
      "time.parse_rfc3339_ns", "1677-09-21T00:12:43.145224191Z", fails: "time outside of valid range"),
    BuiltinFailure(
      "time.parse_rfc3339_ns", "2262-04-11T23:47:16.854775808Z", fails: "time outside of valid range"),
    BuiltinFailure(
      "time.parse_rfc3339_ns", "2020-13-01T00:00:00Z",
      fails: "parsing time \"2020-13-01T00:00:00Z\": month out of range"),
    BuiltinFailure(
      "time.parse_rfc3339_ns", "2021-02-29T00:00:00Z",
      fails: "parsing time \"2021-02-29T00:00:00Z\": day out of range"),
    BuiltinFailure(
      "time.parse_rfc3339_ns", "2020-01-01",
      fails: "parsing time \"2020-01-01\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\""),
    BuiltinFailure(
      "time.parse_rfc3339_ns", "2020-01-01T00:00:00Zx",
      fails: "parsing time \"2020-01-01T00:00:00Zx\": extra text: \"x\""),
    BuiltinFailure(
      "time.parse_ns", "Jan 2", "Fob 2é",
      fails: "parsing time \"Fob 2\\xc3\\xa9\" as \"Jan 2\": cannot parse \"Fob 2\\xc3\\xa9\" as \"Jan\""),
    BuiltinFailure("time.parse_ns", "15", "24", fails: "parsing time \"24\": hour out of range"),
    BuiltinFailure(
      "time.parse_ns", "2006 002", "2023 366", fails: "parsing time \"2023 366\": day-of-year out of range"),
    BuiltinFailure(
      "time.parse_ns", "-0700", "+2500", fails: "parsing time \"+2500\": time zone offset hour out of range"),
    BuiltinFailure("time.parse_duration_ns", "", fails: "time: invalid duration \"\""),
    BuiltinFailure("time.parse_duration_ns", "1", fails: "time: missing unit in duration \"1\""),
    BuiltinFailure("time.parse_duration_ns", "1d", fails: "time: unknown unit \"d\" in duration \"1d\""),
    BuiltinFailure("time.parse_duration_ns", "1h.s", fails: "time: invalid duration \"1h.s\""),
    BuiltinFailure(
      "time.parse_duration_ns", "9223372036854775808ns",
      fails: "time: invalid duration \"9223372036854775808ns\""),
    BuiltinFailure("time.parse_duration_ns", "3000000h", fails: "time: invalid duration \"3000000h\""),
  ]

  @Test("word their errors as OPA and Go do", arguments: failures)
  func errors(_ example: BuiltinFailure) { example.check() }

  @Test(
    "time zones are those of Foundation, which reads the same database",
    arguments: [
      "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia",
      "Africa/Casablanca", "Asia/Tehran", "America/Argentina/Buenos_Aires", "Europe/Dublin",
      "Antarctica/Troll",
    ])
  func zones(_ name: String) throws {
    let foundation = try #require(TimeZone(identifier: name))
    let rules = try TimeZones.zone(RegoString(name))
    // Steps of a little over five days, from 1965 to 2036.
    for seconds in stride(from: -157_766_400, to: 2_082_844_800, by: 456_789) {
      let expected = foundation.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
      #expect(rules.period(at: seconds).offset == expected, "at \(seconds)")
    }
  }

  @Test("rules for the time after the last listed transition follow POSIX")
  func posixRules() throws {
    let cases: [(String, Int, String, Int)] = [
      ("EST5EDT,M3.2.0,M11.1.0", 4_102_444_800, "EST", -18_000),  // 2100-01-01
      ("EST5EDT,M3.2.0,M11.1.0", 4_118_083_200, "EDT", -14_400),  // 2100-07-01
      ("EST5EDT,M3.2.0,M11.1.0", 4_108_690_799, "EST", -18_000),  // 2100-03-14T06:59:59Z
      ("EST5EDT,M3.2.0,M11.1.0", 4_108_690_800, "EDT", -14_400),
      ("AEST-10AEDT,M10.1.0,M4.1.0/3", 4_102_444_800, "AEDT", 39_600),
      ("AEST-10AEDT,M10.1.0,M4.1.0/3", 4_118_083_200, "AEST", 36_000),
      ("<-03>3", 4_102_444_800, "-03", -10_800),
      ("<+0330>-3:30<+0430>,J79/24,J263/24", 4_118_083_200, "+0430", 16_200),
      ("XXX-2<+01>-1,0/0,J365/23", 4_118_083_200, "+01", 3600),
    ]
    for (text, seconds, abbreviation, offset) in cases {
      let rule = try #require(PosixZoneRule(Array(text.utf8)), "\(text)")
      let period = rule.period(at: seconds)
      #expect(
        period.abbreviation == abbreviation && period.offset == offset, "\(text) at \(seconds): \(period)")
    }
    for text in ["", "E5", "EST", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.2.0", "EST200", "<EST5"] {
      #expect(PosixZoneRule(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test("a file that is no time zone is refused, however it is damaged")
  func damagedFiles() throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin")))
    #expect(ZoneRules(whole) != nil)
    #expect(ZoneRules([]) == nil)
    for length in stride(from: 0, to: whole.count, by: 7) {
      _ = ZoneRules(Array(whole[..<length]))?.period(at: 0)
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      var damaged = whole
      for _ in 0..<8 {
        damaged[Int.random(in: 0..<200, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let rules = ZoneRules(damaged)
      for seconds in [Int.min / 4, 0, 4_000_000_000, Int.max / 4] { _ = rules?.period(at: seconds) }
    }
  }

  @Test("dates and days are each other's inverse")
  func calendar() {
    for day in stride(from: -800_000, to: 800_000, by: 97) {
      let civil = CivilTime(seconds: day * 86_400 + 3723)
      #expect(civil.seconds == day * 86_400 + 3723)
      #expect(
        (1...12).contains(civil.month)
          && (1...CivilTime.daysIn(month: civil.month, year: civil.year)).contains(civil.day))
      #expect((civil.hour, civil.minute, civil.second) == (1, 2, 3))
    }
  }
}
