/// What to put where an expression matched: text in which `$1`, `$name` and `${name}` stand for what groups matched, and `$$`
/// for a dollar sign (Go's documentation of `Regexp.Expand`).
struct RegexReplacement {
  private enum Piece {
    case text(ArraySlice<UInt8>)
    case group(Int)
  }

  private var pieces: [Piece] = []
  /// The highest group that the text names.
  private(set) var groups = 0

  init(_ template: RegoString, in expression: RegularExpression) {
    var rest = Array(template.utf8)[...]
    while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
      pieces.append(.text(rest[..<dollar]))
      rest = rest[(dollar + 1)...]
      if rest.first == UInt8(ascii: "$") {
        pieces.append(.text(rest.prefix(1)))
        rest = rest.dropFirst()
      } else if let (name, end) = RegexReplacement.name(rest) {
        rest = rest[end...]
        if let group = RegexReplacement.group(name, in: expression), group <= expression.groupCount {
          groups = max(groups, group)
          pieces.append(.group(group))
        }
      } else {
        pieces.append(.text([UInt8(ascii: "$")]))
      }
    }
    pieces.append(.text(rest))
  }

  /// A name, with or without braces, and where it ends: as many letters, digits and underscores as there are.
  private static func name(_ text: ArraySlice<UInt8>) -> (String, Int)? {
    let hasBrace = text.first == UInt8(ascii: "{")
    let body = hasBrace ? text.dropFirst() : text
    let name = String(
      String.UnicodeScalarView(
        String(decoding: body, as: UTF8.self).unicodeScalars.prefix { scalar in
          scalar == "_" || scalar.properties.generalCategory == .decimalNumber || scalar.properties.isLetter
        }))
    guard !name.isEmpty else { return nil }
    let end = body.startIndex + name.utf8.count
    if !hasBrace { return (name, end) }
    guard end < body.endIndex, body[end] == UInt8(ascii: "}") else { return nil }
    return (name, end + 1)
  }

  private static func group(_ name: String, in expression: RegularExpression) -> Int? {
    let isNumber = name.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isNumber, name.utf8.count == 1 || !name.hasPrefix("0"), let number = Int(name), number < 1_000_000_000
    {
      return number
    }
    return expression.group(named: name)
  }

  /// Appends the text for a match.
  func append(_ match: RegularExpression.Match, of text: [UInt8], to output: inout [UInt8]) {
    for piece in pieces {
      switch piece {
      case .text(let bytes): output += bytes
      case .group(let group): if let range = match.range(ofGroup: group) { output += text[range] }
      }
    }
  }
}

extension Unicode.Scalar.Properties {
  /// Whether the general category is one of letters.
  fileprivate var isLetter: Bool {
    switch generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
}
