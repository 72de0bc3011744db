/// A table in plain text: a frame of `+`, `-` and `|`, columns as wide as their widest cell.
struct TextTable {
  var header: [String]
  var rows: [[String]]

  /// The lines, each with its end.
  var text: String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { TextTable.width(of: $0[column]) }.max() ?? 0 }
    let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined() + "\n"
    func line(_ cells: [String]) -> String {
      let padded = zip(cells, widths).map { cell, width in
        " " + cell + String(repeating: " ", count: width - TextTable.width(of: cell)) + " |"
      }
      return "|" + padded.joined() + "\n"
    }
    return rule + line(header) + rule + rows.map(line).joined() + (rows.isEmpty ? "" : rule)
  }

  private static func width(of text: String) -> Int { text.count }
}
