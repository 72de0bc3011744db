/// A layout of Go's package time: an example of how `Mon Jan 2 15:04:05 MST 2006` is to look.
struct GoTimeLayout {
  /// How an offset from UTC is written.
  struct OffsetStyle: Equatable {
    /// Whether UTC itself is `Z`.
    var hasZ = false
    var hasMinutes = true
    var hasSeconds = false
    var hasColons = false
  }

  enum Element: Equatable {
    case longYear, shortYear
    case longMonth, shortMonth, month, paddedMonth
    case longWeekday, shortWeekday
    case day, spacedDay, paddedDay
    case spacedYearDay, paddedYearDay
    case hour, hour12, paddedHour12
    case minute, paddedMinute
    case second, paddedSecond
    case upperHalf, lowerHalf
    case zoneName
    case zoneOffset(OffsetStyle)
    /// A separator and digits; with `trims`, zeros at the end are left out.
    case fraction(digits: Int, trims: Bool, separator: UInt8)
  }

  /// Text that stands for itself, and the element after it; the last piece has none.
  struct Piece {
    let text: ArraySlice<UInt8>
    let element: Element?
    /// The element as the layout spells it.
    let spelling: ArraySlice<UInt8>
  }

  let pieces: [Piece]

  init(_ layout: RegoString) {
    let bytes = Array(layout.utf8)
    var pieces: [Piece] = []
    var start = 0
    var position = 0
    while position < bytes.count {
      guard let (skipped, length, element) = GoTimeLayout.element(bytes, at: position) else {
        position += 1
        continue
      }
      let from = position + skipped
      pieces.append(
        Piece(text: bytes[start..<from], element: element, spelling: bytes[from..<(from + length)]))
      position = from + length
      start = position
    }
    pieces.append(Piece(text: bytes[start...], element: nil, spelling: []))
    self.pieces = pieces
  }

  /// The layouts that OPA knows by name (OPA documentation, "Time").
  static let named: [String: RegoString] = [
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "UnixDate": "Mon Jan _2 15:04:05 MST 2006",
    "RubyDate": "Mon Jan 02 15:04:05 -0700 2006",
    "RFC822": "02 Jan 06 15:04 MST",
    "RFC822Z": "02 Jan 06 15:04 -0700",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00",
  ]

  static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November",
    "December",
  ]
  static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// Spellings in the order in which they are tried at a place; `true` for those that no lower-case letter may follow.
  private static let spellings: [(text: [UInt8], notBeforeLetter: Bool, element: Element)] = {
    var spellings: [(String, Bool, Element)] = [
      ("January", false, .longMonth), ("Jan", true, .shortMonth), ("Monday", false, .longWeekday),
      ("Mon", true, .shortWeekday), ("MST", false, .zoneName), ("01", false, .paddedMonth),
      ("02", false, .paddedDay),
      ("03", false, .paddedHour12), ("04", false, .paddedMinute), ("05", false, .paddedSecond),
      ("06", false, .shortYear),
      ("002", false, .paddedYearDay), ("15", false, .hour), ("1", false, .month), ("2006", false, .longYear),
      ("2", false, .day), ("_2", false, .spacedDay), ("__2", false, .spacedYearDay), ("3", false, .hour12),
      ("4", false, .minute), ("5", false, .second), ("PM", false, .upperHalf), ("pm", false, .lowerHalf),
    ]
    for (sign, hasZ) in [("-", false), ("Z", true)] {
      spellings += [
        (sign + "070000", false, .zoneOffset(OffsetStyle(hasZ: hasZ, hasSeconds: true))),
        (sign + "07:00:00", false, .zoneOffset(OffsetStyle(hasZ: hasZ, hasSeconds: true, hasColons: true))),
        (sign + "0700", false, .zoneOffset(OffsetStyle(hasZ: hasZ))),
        (sign + "07:00", false, .zoneOffset(OffsetStyle(hasZ: hasZ, hasColons: true))),
        (sign + "07", false, .zoneOffset(OffsetStyle(hasZ: hasZ, hasMinutes: false))),
      ]
    }
    return spellings.map { (Array($0.0.utf8), $0.1, $0.2) }
  }()

  /// The element at a position, its length, and how many bytes before it are text still.
  private static func element(_ bytes: [UInt8], at position: Int) -> (
    skipped: Int, length: Int, element: Element
  )? {
    let rest = bytes[position...]
    // `_2006` is an underscore and a year.
    if rest.starts(with: "_2006".utf8) { return (1, 4, .longYear) }
    for (text, notBeforeLetter, element) in spellings where rest.starts(with: text) {
      let following = position + text.count < bytes.count ? bytes[position + text.count] : 0
      if notBeforeLetter, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(following) { continue }
      return (0, text.count, element)
    }
    guard let separator = rest.first, separator == UInt8(ascii: ".") || separator == UInt8(ascii: ","),
      let digit = rest.dropFirst().first, digit == UInt8(ascii: "0") || digit == UInt8(ascii: "9")
    else { return nil }
    let digits = rest.dropFirst().prefix { $0 == digit }
    // Other digits after these are no fraction.
    if digits.endIndex < bytes.count, (0x30...0x39).contains(bytes[digits.endIndex]) { return nil }
    return (
      0, digits.count + 1,
      .fraction(digits: digits.count, trims: digit == UInt8(ascii: "9"), separator: separator)
    )
  }
}
