/// Whether two glob-like expressions have a string in common that is not empty (`regex.globs_match`).
///
/// The expressions know characters, `.` for any, `[` and `]` around characters and ranges, `*` and `+` after one of those, and
/// `\` before a character that is meant itself. They match whole strings.
enum GlobIntersection {
  enum Characters: Equatable {
    case any
    /// Ranges in order, none touching another.
    case ranges([ClosedRange<UInt32>])

    init(_ ranges: [ClosedRange<UInt32>]) {
      var merged: [ClosedRange<UInt32>] = []
      for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
        if let last = merged.last, range.lowerBound <= last.upperBound {
          merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
          merged.append(range)
        }
      }
      self = .ranges(merged)
    }

    func intersects(_ other: Characters) -> Bool {
      switch (self, other) {
      case (.any, .any): return true
      case (.any, .ranges(let ranges)), (.ranges(let ranges), .any): return !ranges.isEmpty
      case (.ranges(let a), .ranges(let b)):
        var (i, j) = (0, 0)
        while i < a.count, j < b.count {
          if a[i].overlaps(b[j]) { return true }
          if a[i].upperBound < b[j].upperBound { i += 1 } else { j += 1 }
        }
        return false
      }
    }

    /// About what comparing with these costs.
    var weight: Int { if case .ranges(let ranges) = self { 1 + ranges.count / 4 } else { 1 } }
  }

  /// One character of the set, or with `repeats` any number of them, none included; `x+` is `xx*`.
  struct Item {
    let characters: Characters
    let repeats: Bool
  }

  // MARK: Parsing

  static func parse(_ text: RegoString) throws(BuiltinError) -> [Item] {
    var parser = Parser(text: text)
    return try parser.parse()
  }

  private struct Parser {
    let text: RegoString
    let scalars: [Unicode.Scalar]
    var position = 0

    init(text: RegoString) {
      self.text = text
      scalars = Array(text.string.unicodeScalars)
    }

    func failure(_ message: String) -> BuiltinError {
      .failed("input:\(text.string), pos:\(position), \(message): the input provided is invalid")
    }

    /// The next character, and whether a backslash stands before it; nil at the end.
    mutating func next() throws(BuiltinError) -> (scalar: Unicode.Scalar, isEscaped: Bool)? {
      guard position < scalars.count else { return nil }
      if scalars[position] != "\\" {
        position += 1
        return (scalars[position - 1], false)
      }
      guard position + 1 < scalars.count else { throw failure("input ends with a \\ (escape) character") }
      position += 2
      return (scalars[position - 1], true)
    }

    mutating func parse() throws(BuiltinError) -> [Item] {
      var items: [Item] = []
      while let (scalar, isEscaped) = try next() {
        let characters: Characters
        switch scalar {
        case "." where !isEscaped: characters = .any
        case "[" where !isEscaped: characters = try parseSet()
        case "]" where !isEscaped: throw failure("set-close ']' with no preceding '['")
        case "+" where !isEscaped, "*" where !isEscaped:
          throw failure("flag '\(scalar)' must be preceded by a non-flag")
        default: characters = .ranges([scalar.value...scalar.value])
        }
        let flag = position < scalars.count ? scalars[position] : " "
        if flag == "*" || flag == "+" { position += 1 }
        if flag != "*" { items.append(Item(characters: characters, repeats: false)) }
        if flag == "*" || flag == "+" { items.append(Item(characters: characters, repeats: true)) }
      }
      return items
    }

    private mutating func parseSet() throws(BuiltinError) -> Characters {
      var ranges: [ClosedRange<UInt32>] = []
      // What a `-` would make the beginning of a range.
      var previous: Unicode.Scalar?
      while let (scalar, isEscaped) = try next() {
        if !isEscaped, scalar == "]" { return Characters(ranges) }
        guard !isEscaped, scalar == "-" else {
          ranges.append(scalar.value...scalar.value)
          previous = scalar
          continue
        }
        guard let low = previous else {
          throw failure("range character '-' must be preceded by a Unicode character")
        }
        guard position < scalars.count - 1, let (high, isEscaped) = try next() else {
          throw failure("range character '-' must be followed by a Unicode character")
        }
        if !isEscaped, high == "]" || high == "-" {
          throw failure("range character '-' cannot be followed by a special symbol")
        }
        if high < low {
          throw failure("range is out of order: '\(high)' comes before '\(low)' in Unicode")
        }
        ranges.append(low.value...high.value)
        previous = nil
      }
      throw failure("found [ without matching ]")
    }
  }

  // MARK: Intersecting

  /// Whether a string that is not empty takes both expressions from beginning to end.
  ///
  /// A pair of positions can be reached with nothing read yet, or with something; reading moves each position on or, at an item
  /// that repeats, leaves it. Positions never go back, so one pass over the pairs, a row at a time, sees them all.
  static func intersect(
    _ first: [Item], _ second: [Item], check: () throws(BuiltinError) -> Void
  ) throws(BuiltinError) -> Bool {
    struct Reached: OptionSet {
      let rawValue: UInt8
      static let empty = Reached(rawValue: 1)
      static let some = Reached(rawValue: 2)
    }
    let width = second.count + 1
    var row = [Reached](repeating: [], count: width)
    row[0] = .empty
    var steps = 0
    var lastCheck = 0
    for i in 0...first.count {
      var below = [Reached](repeating: [], count: width)
      for j in 0...second.count where !row[j].isEmpty {
        steps += 1
        if steps - lastCheck > 4096 {
          lastCheck = steps
          try check()
        }
        if i < first.count, j < second.count {
          let (a, b) = (first[i], second[j])
          steps += a.characters.weight + b.characters.weight
          if a.characters.intersects(b.characters) {
            switch (a.repeats, b.repeats) {
            case (true, true): row[j].insert(.some)
            case (true, false): row[j + 1].insert(.some)
            case (false, true): below[j].insert(.some)
            case (false, false): below[j + 1].insert(.some)
            }
          }
        }
        if i < first.count, first[i].repeats { below[j].formUnion(row[j]) }
        if j < second.count, second[j].repeats { row[j + 1].formUnion(row[j]) }
      }
      if i == first.count { return row[second.count].contains(.some) }
      row = below
    }
    return false
  }
}
