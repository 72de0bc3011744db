import Foundation

/// When a time zone has which offset from UTC: a file of the time zone database in the format TZif (RFC 8536).
final class ZoneRules: Sendable {
  /// What holds in a zone from one instant until another, in seconds from the epoch.
  struct Period {
    let abbreviation: String
    /// Seconds east of UTC.
    let offset: Int
    let start: Int
    let end: Int
  }

  private struct Kind {
    let offset: Int
    let isDaylight: Bool
    let abbreviation: String
  }

  private let transitions: [(at: Int, kind: Int)]
  private let kinds: [Kind]
  /// What holds after the last transition.
  private let rule: PosixZoneRule?

  static let utc = ZoneRules(abbreviation: "UTC", offset: 0)

  /// A zone whose offset never changes.
  init(abbreviation: String, offset: Int) {
    transitions = []
    kinds = [Kind(offset: offset, isDaylight: false, abbreviation: abbreviation)]
    rule = nil
  }

  /// Reads a file; nil where it is malformed.
  init?(_ data: [UInt8]) {
    var reader = Reader(data: data)
    guard var header = reader.header() else { return nil }
    var timeSize = 4
    if header.version >= 2 {
      // The same again with times of eight bytes, then the rule for the time thereafter.
      reader.position += header.bodySize(timeSize: 4)
      guard let second = reader.header() else { return nil }
      header = second
      timeSize = 8
    }
    guard header.kindCount > 0, reader.position + header.bodySize(timeSize: timeSize) <= data.count else {
      return nil
    }
    let times = (0..<header.transitionCount).map { _ in reader.signed(timeSize) }
    let indexes = (0..<header.transitionCount).map { _ in reader.signed(1) & 0xff }
    let described = (0..<header.kindCount).map { _ in
      (offset: reader.signed(4), isDaylight: reader.signed(1) != 0, name: reader.signed(1) & 0xff)
    }
    let names = data[reader.position..<(reader.position + header.nameSize)]
    reader.position +=
      header.bodySize(timeSize: timeSize) - header.sizeUntilNamesEnd(timeSize: timeSize) + header.nameSize
    guard indexes.allSatisfy({ $0 < header.kindCount }) else { return nil }
    kinds = described.map { kind in
      let name = names.dropFirst(kind.name).prefix { $0 != 0 }
      return Kind(
        offset: kind.offset, isDaylight: kind.isDaylight, abbreviation: String(decoding: name, as: UTF8.self))
    }
    transitions = zip(times, indexes).map { (at: $0, kind: $1) }
    let footer = data[min(reader.position, data.count)...]
    rule =
      timeSize == 8 && footer.first == 0x0a
      ? PosixZoneRule(Array(footer.dropFirst().prefix { $0 != 0x0a })) : nil
  }

  /// What holds at an instant.
  func period(at seconds: Int) -> Period {
    guard let first = transitions.first, seconds >= first.at else {
      return period(kinds[initialKind], from: .min, to: transitions.first?.at ?? .max)
    }
    var low = 0
    var high = transitions.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if seconds < transitions[middle].at { high = middle } else { low = middle }
    }
    if high == transitions.count, let rule { return rule.period(at: seconds) }
    return period(
      kinds[transitions[low].kind], from: transitions[low].at,
      to: high < transitions.count ? transitions[high].at : .max)
  }

  private func period(_ kind: Kind, from start: Int, to end: Int) -> Period {
    Period(abbreviation: kind.abbreviation, offset: kind.offset, start: start, end: end)
  }

  /// The kind that holds before the first transition, as the database's reference implementation chooses it.
  private var initialKind: Int {
    if !transitions.contains(where: { $0.kind == 0 }) { return 0 }
    if let first = transitions.first, kinds[first.kind].isDaylight,
      let standard = kinds[..<first.kind].lastIndex(where: { !$0.isDaylight })
    {
      return standard
    }
    return kinds.firstIndex { !$0.isDaylight } ?? 0
  }

  /// The instant of a date and time of day in this zone. One that the clocks skip, or go through twice, takes the offset that
  /// Go's `time.Date` takes.
  func instant(of civil: CivilTime) -> Int {
    let local = civil.seconds
    let period = period(at: local)
    let instant = local - period.offset
    if instant >= period.start, instant < period.end { return instant }
    return local - self.period(at: instant).offset
  }
}

extension ZoneRules {
  private struct Header {
    var version = 0
    var utcCount = 0
    var standardCount = 0
    var leapCount = 0
    var transitionCount = 0
    var kindCount = 0
    var nameSize = 0

    func sizeUntilNamesEnd(timeSize: Int) -> Int {
      transitionCount * (timeSize + 1) + kindCount * 6 + nameSize
    }

    func bodySize(timeSize: Int) -> Int {
      sizeUntilNamesEnd(timeSize: timeSize) + leapCount * (timeSize + 4) + standardCount + utcCount
    }
  }

  private struct Reader {
    let data: [UInt8]
    var position = 0

    mutating func header() -> Header? {
      guard position + 44 <= data.count, data[position..<(position + 4)].elementsEqual("TZif".utf8) else {
        return nil
      }
      let version = data[position + 4]
      position += 20
      var header = Header()
      header.version = version >= 0x32 ? Int(version) - 0x30 : 1
      header.utcCount = signed(4)
      header.standardCount = signed(4)
      header.leapCount = signed(4)
      header.transitionCount = signed(4)
      header.kindCount = signed(4)
      header.nameSize = signed(4)
      let counts = [
        header.utcCount, header.standardCount, header.leapCount, header.transitionCount, header.kindCount,
        header.nameSize,
      ]
      return counts.allSatisfy { (0...data.count).contains($0) } ? header : nil
    }

    /// A big-endian integer of so many bytes; missing bytes count as zero.
    mutating func signed(_ size: Int) -> Int {
      var value: UInt64 = 0
      for offset in 0..<size {
        value = value << 8 | UInt64(position + offset < data.count ? data[position + offset] : 0)
      }
      position += size
      let unused = UInt64(64 - 8 * size)
      return Int(Int64(bitPattern: value << unused) >> Int64(unused))
    }
  }
}
