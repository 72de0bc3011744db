import Rego

/// The texts that locations point into, by the names of their files; that of the query has none.
struct SourceText: Sendable {
  private let texts: [String: [UInt8]]

  init(_ sources: [String: String], query: String = "") {
    var texts = sources.mapValues { Array($0.utf8) }
    texts[""] = Array(query.utf8)
    self.texts = texts
  }

  /// The text at a location, as it stands in its source.
  func text(at location: Location) -> String {
    guard let text = texts[location.file] else { return "" }
    return String(decoding: text.dropFirst(location.offset).prefix(location.length), as: UTF8.self)
  }

  /// The text at a location in one line.
  func line(at location: Location) -> String {
    let lines = text(at: location).split(separator: "\n", omittingEmptySubsequences: true)
    return lines.map { line in
      // A comment would make the rest of the line its own.
      String(line.drop { $0 == " " || $0 == "\t" })
    }.filter { !$0.hasPrefix("#") }.joined(separator: " ")
  }

  /// An expression with the values of what it mentions below it: each under its place, the last first. Where it has several lines, the
  /// values are listed.
  func explanation(of event: TraceEvent) -> [String] {
    let text = text(at: event.location)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let mentions = self.mentions(of: event)
    if mentions.isEmpty { return lines }
    if lines.count > 1 {
      lines += ["", "Where:", ""]
      return lines + mentions.map { "\($0.name): \(Self.shortened($0.value))" }
    }
    func marks(upTo count: Int) -> String {
      var marks = ""
      var column = 0
      for mention in mentions[..<count] {
        marks += String(repeating: " ", count: mention.column - column) + "|"
        column = mention.column + 1
      }
      return marks
    }
    lines.append(marks(upTo: mentions.count))
    for index in mentions.indices.reversed() {
      let before = marks(upTo: index)
      let gap = mentions[index].column - before.count
      lines.append(before + String(repeating: " ", count: gap) + Self.shortened(mentions[index].value))
    }
    return lines
  }

  private struct Mention {
    var name: String
    /// In characters from the beginning of the expression, where that has one line.
    var column: Int
    var value: String
  }

  /// What an expression mentions, from left to right, each name once.
  private func mentions(of event: TraceEvent) -> [Mention] {
    guard let text = texts[event.location.file] else { return [] }
    var mentions: [Mention] = []
    var seen: Set<[UInt8]> = []
    for mention in event.mentions.sorted(by: { $0.location.offset < $1.location.offset }) {
      let start = mention.location.offset
      guard mention.location.file == event.location.file, start >= event.location.offset,
        start < event.location.offset + event.location.length
      else { continue }
      let name = Array(text.dropFirst(start).prefix(mention.location.length))
      guard seen.insert(name).inserted else { continue }
      let before = String(decoding: text[event.location.offset..<start], as: UTF8.self)
      mentions.append(
        Mention(
          name: String(decoding: name, as: UTF8.self), column: before.count,
          value: mention.value.map { "\($0)" } ?? "undefined"))
    }
    return mentions
  }

  /// A long value would hide the others.
  private static func shortened(_ text: String) -> String {
    text.count <= 64 ? text : text.prefix(64) + "..."
  }
}
