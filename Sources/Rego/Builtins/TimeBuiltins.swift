/// Builtins on time (OPA documentation, "Time"). Instants are nanoseconds since 1970-01-01T00:00:00Z.
enum TimeBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let instantAndZone = RegoType.array(leading: [.number, .string], rest: nil)
  private static let time = RegoType.union([.number, instantAndZone])
  private static let three = RegoType.array(leading: [.number, .number, .number], rest: nil)
  private static let six = RegoType.array(leading: Array(repeating: .number, count: 6), rest: nil)

  private static func declare(
    _ name: String, _ summary: String, _ parameters: [Parameter], returns result: Parameter,
    acceptsAnyOperands: Bool = false, nondeterministic: Bool = false, _ implementation: Builtin.Implementation
  ) -> Builtin {
    Builtin(
      name, category: "time", summary, parameters, returns: result, nondeterministic: nondeterministic,
      acceptsAnyOperands: acceptsAnyOperands, implementation)
  }

  static let all: [Builtin] = [
    declare(
      "time.add_date", "An instant some years, months and days later.",
      [
        Parameter("ns", .number, "the instant"), Parameter("years", .number, "years to add"),
        Parameter("months", .number, "months to add"), Parameter("days", .number, "days to add"),
      ],
      returns: Parameter("output", .number, "the later instant"), .variadic(addDate)),
    declare(
      "time.clock", "The time of day of an instant.",
      [Parameter("x", time, "an instant, or an instant and a time zone")],
      returns: Parameter("output", three, "hour, minute and second"), acceptsAnyOperands: true, .unary(clock)),
    declare(
      "time.date", "The date of an instant.",
      [Parameter("x", time, "an instant, or an instant and a time zone")],
      returns: Parameter("date", three, "year, month and day"), acceptsAnyOperands: true, .unary(date)),
    declare(
      "time.diff", "The time between two instants.",
      [
        Parameter("ns1", time, "an instant, or an instant and a time zone"),
        Parameter("ns2", time, "another"),
      ],
      returns: Parameter("output", six, "years, months, days, hours, minutes and seconds"),
      acceptsAnyOperands: true,
      .binary(diff)),
    declare(
      "time.format", "An instant as text.",
      [
        Parameter(
          "x", .union([.number, instantAndZone, .array(leading: [.number, .string, .string], rest: nil)]),
          "an instant, with a time zone and a layout of Go's if need be")
      ],
      returns: Parameter(
        "formatted timestamp", .string, "the text, in RFC 3339's form where there is no layout"),
      acceptsAnyOperands: true, .unary(format)),
    declare(
      "time.now_ns", "The current time, the same throughout an evaluation.", [],
      returns: Parameter("now", .number, "the instant"), nondeterministic: true,
      .nullary { (context) throws(BuiltinError) in .int(context.nowNanoseconds) }),
    declare(
      "time.parse_duration_ns", "Reads a duration such as `1h30m`.",
      [Parameter("duration", .string, "the duration")],
      returns: Parameter("ns", .number, "the nanoseconds"), .unary(parseDuration)),
    declare(
      "time.parse_ns", "Reads a time in a layout of Go's.",
      [
        Parameter("layout", .string, "the layout, or the name of one"),
        Parameter("value", .string, "the time"),
      ],
      returns: Parameter("ns", .number, "the instant"), .binary(parse)),
    declare(
      "time.parse_rfc3339_ns", "Reads a time in RFC 3339's form.", [Parameter("value", .string, "the time")],
      returns: Parameter("ns", .number, "the instant"), .unary(parseRFC3339)),
    declare(
      "time.weekday", "The day of the week of an instant.",
      [Parameter("x", time, "an instant, or an instant and a time zone")],
      returns: Parameter("day", .string, "the day's English name"), acceptsAnyOperands: true, .unary(weekday)),
  ]
}

// MARK: Operands and results

extension TimeBuiltins {
  /// An instant with its time zone, and the layout that may follow those.
  private static func zonedTime(_ value: Value) throws(BuiltinError) -> (time: ZonedTime, layout: RegoString?)
  {
    let expected = "either number (ns) or [number (ns), string (tz)]"
    var zone = ZoneRules.utc
    var layout: RegoString?
    var instant = value
    switch value {
    case .number: break
    case .array(let elements):
      guard let first = elements.first else { throw .wrongType(1, expected: expected, got: value) }
      _ = try first.number(operand: 1)
      instant = first
      if elements.count > 1 {
        let name = try elements[1].string(operand: 1)
        do { zone = try TimeZones.zone(name) } catch { throw .failed(error.description) }
      }
      if elements.count > 2 { layout = try elements[2].string(operand: 1) }
    default: throw .wrongType(1, expected: expected, got: value)
    }
    guard let nanoseconds = instant.int else { throw .failed("timestamp too big") }
    return (ZonedTime(nanoseconds: nanoseconds, zone: zone), layout)
  }

  private static func nanoseconds(_ time: ZonedTime) throws(BuiltinError) -> Value? {
    guard let nanoseconds = time.totalNanoseconds else { throw .failed("time outside of valid range") }
    return .int(nanoseconds)
  }

  /// The layout with a name, or the one that the text itself is.
  private static func layout(_ text: RegoString) -> RegoString { GoTimeLayout.named[text.string] ?? text }
}

// MARK: Implementations

extension TimeBuiltins {
  private static func date(_ value: Value) throws(BuiltinError) -> Value? {
    let civil = try zonedTime(value).time.civil
    return .array([.int(civil.year), .int(civil.month), .int(civil.day)])
  }

  private static func clock(_ value: Value) throws(BuiltinError) -> Value? {
    let civil = try zonedTime(value).time.civil
    return .array([.int(civil.hour), .int(civil.minute), .int(civil.second)])
  }

  private static func weekday(_ value: Value) throws(BuiltinError) -> Value? {
    .string(GoTimeLayout.weekdays[try zonedTime(value).time.civil.weekday])
  }

  private static let rfc3339Nano = GoTimeLayout(GoTimeLayout.named["RFC3339Nano"] ?? "")

  private static func format(_ value: Value) throws(BuiltinError) -> Value? {
    let (time, name) = try zonedTime(value)
    guard let name, name.utf8Count > 0 else { return .string(time.formatted(rfc3339Nano)) }
    return .string(time.formatted(GoTimeLayout(layout(name))))
  }

  private static func parse(_ format: Value, _ value: Value) throws(BuiltinError) -> Value? {
    let layout = layout(try format.string(operand: 1))
    let text = try value.string(operand: 2)
    return try nanoseconds(try instant(text, layout))
  }

  private static func parseRFC3339(_ value: Value) throws(BuiltinError) -> Value? {
    try nanoseconds(try instant(try value.string(operand: 1), layout("RFC3339")))
  }

  private static func instant(_ text: RegoString, _ layout: RegoString) throws(BuiltinError) -> ZonedTime {
    do { return try GoTimeParser.parse(text, layout: layout) } catch { throw .failed(error.description) }
  }

  private static func parseDuration(_ value: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    do { return .int(try GoDuration.parse(text)) } catch { throw .failed(error.description) }
  }

  /// Years beyond this lead out of what nanoseconds can tell, whatever the instant; so do months and days.
  private static let yearLimit = 10_000

  private static func addDate(_ operands: [Value]) throws(BuiltinError) -> Value? {
    let time = try zonedTime(operands[0]).time
    let years = try operands[1].int(operand: 2)
    let months = try operands[2].int(operand: 3)
    let days = try operands[3].int(operand: 4)
    guard years.magnitude <= yearLimit, months.magnitude <= 12 * yearLimit, days.magnitude <= 366 * yearLimit
    else {
      throw .failed("time outside of valid range")
    }
    var civil = time.civil
    civil.year += years
    civil.month += months
    civil.day += days
    return try nanoseconds(
      ZonedTime(seconds: time.zone.instant(of: civil), nanoseconds: time.nanoseconds, zone: time.zone))
  }

  /// Counts from the earlier instant, in the first one's time zone: whole years, then months, and so on.
  private static func diff(_ first: Value, _ second: Value) throws(BuiltinError) -> Value? {
    let a = try zonedTime(first).time
    let other = try zonedTime(second).time
    let b = ZonedTime(seconds: other.seconds, nanoseconds: other.nanoseconds, zone: a.zone)
    let isOrdered = (a.seconds, a.nanoseconds) <= (b.seconds, b.nanoseconds)
    let (early, late) = isOrdered ? (a.civil, b.civil) : (b.civil, a.civil)
    var differences = [
      late.year - early.year, late.month - early.month, late.day - early.day, late.hour - early.hour,
      late.minute - early.minute, late.second - early.second,
    ]
    // What is negative borrows from the field before it; a month has the days of the earlier instant's.
    let sizes = [0, 12, CivilTime.daysIn(month: early.month, year: early.year), 24, 60, 60]
    for field in (1...5).reversed() where differences[field] < 0 {
      differences[field] += sizes[field]
      differences[field - 1] -= 1
    }
    return .array(differences.map { .int($0) })
  }
}
