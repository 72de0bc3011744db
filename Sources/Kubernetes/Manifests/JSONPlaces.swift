/// Finds where the parts of a JSON text start, without reading them: the values that follow one another, and the items of a List.
///
/// The text need not be JSON. What is found is then of no use, but found in one pass.
struct JSONPlaces {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  @inline(__always)
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }

  /// The ranges of the values that stand one after the other, up to one that does not end.
  func values() -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var position = skipSpace(0)
    while position < bytes.count {
      let end = skipValue(position)
      ranges.append(position..<end)
      position = skipSpace(end)
    }
    return ranges
  }

  /// Where the elements of the object's member `items` start.
  func items(in range: Range<Int>) -> [Int] {
    var position = skipSpace(range.lowerBound + 1)
    while position < range.upperBound, bytes[position] == UInt8(ascii: "\"") {
      let keyEnd = skipString(position)
      let isItems = bytes[position..<keyEnd].elementsEqual("\"items\"".utf8)
      position = skipSpace(keyEnd)
      guard position < range.upperBound, bytes[position] == UInt8(ascii: ":") else { return [] }
      position = skipSpace(position + 1)
      if isItems { return elements(at: position) }
      position = skipSpace(skipValue(position))
      guard position < range.upperBound, bytes[position] == UInt8(ascii: ",") else { return [] }
      position = skipSpace(position + 1)
    }
    return []
  }

  private func elements(at start: Int) -> [Int] {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "[") else { return [] }
    var starts: [Int] = []
    var position = skipSpace(start + 1)
    while position < bytes.count, bytes[position] != UInt8(ascii: "]") {
      starts.append(position)
      position = skipSpace(skipValue(position))
      guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
      position = skipSpace(position + 1)
    }
    return starts
  }

  private func skipSpace(_ start: Int) -> Int {
    var position = start
    while position < bytes.count, JSONPlaces.isSpace(bytes[position]) { position += 1 }
    return position
  }

  /// The end of the string that starts here.
  private func skipString(_ start: Int) -> Int {
    var position = start + 1
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""): return position + 1
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    return bytes.count
  }

  /// The end of the value that starts here, at least one byte further.
  private func skipValue(_ start: Int) -> Int {
    var position = start
    var depth = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position = skipString(position)
        if depth == 0 { return position }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        // A scalar ends where something else begins.
        if depth == 0, position > start { return position }
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return max(position, start + 1) }
        depth -= 1
        position += 1
        if depth == 0 { return position }
      case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0a, 0x0d:
        if depth == 0 { return max(position, start + 1) }
        position += 1
      default: position += 1
      }
    }
    return bytes.count
  }
}
