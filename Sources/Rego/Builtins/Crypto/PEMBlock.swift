/// A block of a text in PEM (RFC 7468).
struct PEMBlock {
  /// What it holds, such as `CERTIFICATE`.
  let type: String
  let bytes: [UInt8]

  private static let begin = Array("-----BEGIN ".utf8)
  private static let end = Array("-----END ".utf8)
  private static let dashes = Array("-----".utf8)

  /// The first block of a text and what follows the line that ends it; nil where there is none. Text before it does not matter,
  /// and headers within it are passed over (RFC 1421).
  static func first(in text: ArraySlice<UInt8>) -> (block: PEMBlock, rest: ArraySlice<UInt8>)? {
    var lines = Lines(rest: text)
    while let line = lines.next() {
      guard let type = label(line, begin) else { continue }
      let beginning = lines
      if let found = body(type, &lines) { return found }
      // No end, or another's: look for a beginning further on.
      lines = beginning
    }
    return nil
  }

  private static func body(_ type: [UInt8], _ lines: inout Lines) -> (PEMBlock, ArraySlice<UInt8>)? {
    var encoded: [UInt8] = []
    var mayHaveHeaders = true
    while let line = lines.next() {
      if line.starts(with: end) {
        guard label(line, end) == type, let bytes = try? Base64.standard.decode(encoded) else { return nil }
        return (PEMBlock(type: String(decoding: type, as: UTF8.self), bytes: bytes), lines.rest)
      }
      // Reading on for each beginning could take a time quadratic in the text.
      if line.starts(with: begin) { return nil }
      if mayHaveHeaders, line.contains(UInt8(ascii: ":")) { continue }
      if mayHaveHeaders, encoded.isEmpty, line.isEmpty { continue }
      mayHaveHeaders = false
      encoded += line
    }
    return nil
  }

  private static func label(_ line: ArraySlice<UInt8>, _ marker: [UInt8]) -> [UInt8]? {
    guard line.starts(with: marker), line.count >= marker.count + dashes.count,
      line.suffix(5).elementsEqual(dashes)
    else { return nil }
    return Array(line.dropFirst(marker.count).dropLast(dashes.count))
  }

  /// Lines without their ends and without white space there.
  private struct Lines {
    var rest: ArraySlice<UInt8>

    mutating func next() -> ArraySlice<UInt8>? {
      if rest.isEmpty { return nil }
      let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
      var line = rest[rest.startIndex..<end]
      rest = end < rest.endIndex ? rest[(end + 1)...] : []
      while let last = line.last, [0x20, 0x09, 0x0d].contains(last) { line.removeLast() }
      return line
    }
  }
}
