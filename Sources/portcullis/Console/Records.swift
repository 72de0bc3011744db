/// Records of equal fields, as several commands print them for other programs.
struct Records {
  var fields: [String]
  var rows: [[String]]

  /// Comma-separated values (RFC 4180), but with lines that end in a line feed alone.
  var csv: String {
    ([fields] + rows).map { row in row.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
  }

  private static func quoted(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { byte in
      [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(byte)
    }
    return needsQuotes
      ? "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
      : text
  }

  /// A table in Markdown.
  var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map(Self.escaped).joined(separator: " | ") + " |\n"
    }
    return line(fields) + "|" + fields.map { _ in "---|" }.joined() + "\n" + rows.map(line).joined()
  }

  private static func escaped(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
      .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: " ")
  }

  /// An array of objects.
  var json: OrderedJSON {
    .array(rows.map { row in .object(zip(fields, row).map { ($0, .string($1)) }) })
  }
}
