/// A source text as its tokens, rows and comments: what the syntax tree does not tell.
struct FormattedSource {
  let bytes: [UInt8]
  /// Comments that are written on their own; those within templates are part of the templates' text.
  let comments: [Comment]
  private let tokens: [Token]
  private let lineStarts: [Int]

  init(_ source: String, comments: [Comment]) {
    var lexer = Lexer(Array(source.utf8))
    var tokens: [Token] = []
    var templates: [Range<Int>] = []
    var open: [Int] = []
    while true {
      let token = lexer.next()
      if token.kind == .eof { break }
      tokens.append(token)
      let starts = lexer.bytes[Int(token.start)] == UInt8(ascii: "$")
      switch token.kind {
      case .templatePart, .rawTemplatePart: if starts { open.append(Int(token.start)) }
      case .templateEnd, .rawTemplateEnd:
        if !starts, let start = open.popLast(), open.isEmpty { templates.append(start..<Int(token.end)) }
      default: break
      }
    }
    bytes = lexer.bytes
    self.tokens = tokens
    var rest = templates[...]
    self.comments = comments.filter { comment in
      rest = rest.drop { $0.upperBound <= comment.location.offset }
      return !(rest.first?.contains(comment.location.offset) ?? false)
    }
    lineStarts =
      [0] + bytes.indices.lazy.filter { [bytes] in bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  /// The row of a place, from 0.
  func row(_ offset: Int) -> Int {
    lineStarts.partitioningIndex { $0 > offset } - 1
  }

  /// The row in which what ends before a place ends.
  func row(endingAt end: Int) -> Int { row(max(0, end - 1)) }

  /// Where the line of a place ends.
  func lineEnd(from offset: Int) -> Int {
    let row = row(offset)
    return row + 1 < lineStarts.count ? lineStarts[row + 1] - 1 : bytes.count
  }

  func text(_ range: Range<Int>) -> ArraySlice<UInt8> { bytes[range] }

  /// The tokens that lie in a range, joined.
  func joinedTokens(_ range: Range<Int>) -> [UInt8] {
    var index = firstToken(from: range.lowerBound)
    var result: [UInt8] = []
    while index < tokens.count, tokens[index].end <= range.upperBound {
      result += bytes[Int(tokens[index].start)..<Int(tokens[index].end)]
      index += 1
    }
    return result
  }

  /// The tokens that lie in a range.
  func tokens(in range: Range<Int>) -> ArraySlice<Token> {
    let first = firstToken(from: range.lowerBound)
    return tokens[first..<max(first, firstToken(from: range.upperBound))]
  }

  /// The place of the first token that begins at a place or after it; the end where there is none.
  func tokenStart(from offset: Int) -> Int {
    let index = firstToken(from: offset)
    return index < tokens.count ? Int(tokens[index].start) : bytes.count
  }

  /// The first token of a kind from a place on.
  func first(_ kind: Token.Kind, from offset: Int) -> Int {
    var index = firstToken(from: offset)
    while index < tokens.count, tokens[index].kind != kind { index += 1 }
    return index < tokens.count ? Int(tokens[index].start) : bytes.count
  }

  /// The last token that begins before a place.
  func token(before offset: Int) -> Token? {
    let index = firstToken(from: offset)
    return index > 0 ? tokens[index - 1] : nil
  }

  /// A range with the parentheses around it, as far as they lie within an outer range.
  func withParentheses(_ range: Range<Int>, in outer: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while let token = token(before: start), token.kind == .leftParenthesis, token.start >= outer.lowerBound {
      start = Int(token.start)
    }
    while true {
      let index = firstToken(from: end)
      guard index < tokens.count, tokens[index].kind == .rightParenthesis,
        tokens[index].end <= outer.upperBound
      else { break }
      end = Int(tokens[index].end)
    }
    return start..<end
  }

  private func firstToken(from offset: Int) -> Int {
    tokens.partitioningIndex { $0.start >= offset }
  }
}

extension Array {
  /// The place of the first element for which a test holds, which must hold for all after it too.
  fileprivate func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension Location {
  /// The place in the source.
  var range: Range<Int> { offset..<offset + length }
  var end: Int { offset + length }
}
