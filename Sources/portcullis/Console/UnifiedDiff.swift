/// What differs between two texts, in the unified format of POSIX `diff -u`.
struct UnifiedDiff {
  private enum Line {
    case same(ArraySlice<UInt8>)
    case removed(ArraySlice<UInt8>)
    case added(ArraySlice<UInt8>)

    var isSame: Bool { if case .same = self { true } else { false } }
  }

  /// How many lines without changes are shown around those with changes.
  private static let context = 3
  /// Between more lines than this no common ones are looked for: that takes time with the square of the differences.
  private static let maximumLines = 6000

  private let lines: [Line]
  private let name: String

  init(from old: String, to new: String, name: String) {
    self.name = name
    lines = Self.compare(Self.split(old), Self.split(new))
  }

  /// The lines of a text, each with its end of line.
  private static func split(_ text: String) -> [ArraySlice<UInt8>] {
    let bytes = Array(text.utf8)
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
      lines.append(bytes[start...index])
      start = index + 1
    }
    if start < bytes.count { lines.append(bytes[start...]) }
    return lines
  }

  private static func compare(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [Line] {
    let prefix = zip(old, new).prefix { $0 == $1 }.count
    let suffix = zip(old[prefix...].reversed(), new[prefix...].reversed()).prefix { $0 == $1 }.count
    let oldMiddle = Array(old[prefix..<old.count - suffix])
    let newMiddle = Array(new[prefix..<new.count - suffix])
    var middle: [Line] = []
    if oldMiddle.count + newMiddle.count > maximumLines {
      middle = oldMiddle.map { .removed($0) } + newMiddle.map { .added($0) }
    } else {
      let difference = newMiddle.difference(from: oldMiddle)
      var removed = Set(difference.removals.map(\.place))
      let added = Set(difference.insertions.map(\.place))
      var position = 0
      for (index, line) in newMiddle.enumerated() {
        while removed.remove(position) != nil {
          middle.append(.removed(oldMiddle[position]))
          position += 1
        }
        if added.contains(index) {
          middle.append(.added(line))
        } else {
          middle.append(.same(line))
          position += 1
        }
      }
      middle += oldMiddle[position...].map { .removed($0) }
    }
    return old[..<prefix].map { .same($0) } + middle + old[(old.count - suffix)...].map { .same($0) }
  }

  /// Two lines with the name, then the hunks; empty where the texts are the same.
  var text: [UInt8] {
    let changed = lines.indices.filter { !lines[$0].isSame }
    if changed.isEmpty { return [] }
    var result = Array("--- \(name)\n+++ \(name)\n".utf8)
    var hunks: [Range<Int>] = []
    for index in changed {
      let range = max(0, index - Self.context)..<min(lines.count, index + Self.context + 1)
      if let last = hunks.last, last.upperBound >= range.lowerBound {
        hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
      } else {
        hunks.append(range)
      }
    }
    var (position, oldLine, newLine) = (0, 1, 1)
    for hunk in hunks {
      oldLine += hunk.lowerBound - position
      newLine += hunk.lowerBound - position
      let part = lines[hunk]
      let oldCount = part.count { if case .added = $0 { false } else { true } }
      let newCount = part.count { if case .removed = $0 { false } else { true } }
      result += "@@ -\(Self.place(oldLine, oldCount)) +\(Self.place(newLine, newCount)) @@\n".utf8
      for line in part { Self.append(line, to: &result) }
      (position, oldLine, newLine) = (hunk.upperBound, oldLine + oldCount, newLine + newCount)
    }
    return result
  }

  /// Where a hunk begins and how many lines it has; one without lines is said to follow the line before.
  private static func place(_ line: Int, _ count: Int) -> String {
    "\(count == 0 ? line - 1 : line),\(count)"
  }

  private static func append(_ line: Line, to result: inout [UInt8]) {
    let text: ArraySlice<UInt8>
    switch line {
    case .same(let line):
      result.append(UInt8(ascii: " "))
      text = line
    case .removed(let line):
      result.append(UInt8(ascii: "-"))
      text = line
    case .added(let line):
      result.append(UInt8(ascii: "+"))
      text = line
    }
    result += text
    if text.last != UInt8(ascii: "\n") { result += "\n\\ No newline at end of file\n".utf8 }
  }
}

extension CollectionDifference.Change {
  fileprivate var place: Int {
    switch self {
    case .insert(let offset, _, _), .remove(let offset, _, _): offset
    }
  }
}
