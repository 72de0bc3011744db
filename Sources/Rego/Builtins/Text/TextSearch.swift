import Foundation

/// Searching in UTF-8 bytes, in time linear in the text.
///
/// A well-formed needle can only be found at a code point's first byte, so byte positions suffice.
enum TextSearch {
  typealias Bytes = UnsafeBufferPointer<UInt8>

  static func isASCII(_ bytes: Bytes) -> Bool {
    var position = 0
    if let base = UnsafeRawPointer(bytes.baseAddress) {
      while bytes.count - position >= 8 {
        let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        if word & 0x8080_8080_8080_8080 != 0 { return false }
        position += 8
      }
    }
    while position < bytes.count {
      if bytes[position] >= 0x80 { return false }
      position += 1
    }
    return true
  }

  /// How many code points begin in the bytes.
  static func codePointCount(_ bytes: Bytes, from start: Int = 0, to end: Int? = nil) -> Int {
    var count = 0
    for position in start..<(end ?? bytes.count) where bytes[position] & 0xc0 != 0x80 { count += 1 }
    return count
  }

  /// The byte position of the code point with an index; nil where the text has fewer.
  static func position(ofCodePoint index: Int, in bytes: Bytes, from start: Int = 0) -> Int? {
    var remaining = index
    for position in start..<bytes.count where bytes[position] & 0xc0 != 0x80 {
      if remaining == 0 { return position }
      remaining -= 1
    }
    return nil
  }

  static func firstIndex(of needle: Bytes, in text: Bytes, from start: Int = 0) -> Int? {
    if needle.isEmpty { return start }
    guard text.count - start >= needle.count, let base = text.baseAddress else { return nil }
    let first = Int32(needle[0])
    let last = text.count - needle.count
    var position = start
    // What comparing in vain may cost before the text is taken for one that repeats.
    var patience = 64 + 4 * (text.count - start)
    while position <= last {
      guard let candidate = memchr(base + position, first, last - position + 1) else { return nil }
      position = UnsafeRawPointer(candidate) - UnsafeRawPointer(base)
      var matched = 1
      while matched < needle.count, base[position + matched] == needle[matched] { matched += 1 }
      if matched == needle.count { return position }
      patience -= matched
      position += 1
      if patience < 0 { return occurrences(of: needle, in: text, from: position) { _ in false } }
    }
    return nil
  }

  static func hasPrefix(_ text: Bytes, _ prefix: Bytes) -> Bool {
    guard text.count >= prefix.count else { return false }
    guard let base = text.baseAddress, let wanted = prefix.baseAddress else { return true }
    return memcmp(base, wanted, prefix.count) == 0
  }

  static func hasSuffix(_ text: Bytes, _ suffix: Bytes) -> Bool {
    guard text.count >= suffix.count else { return false }
    guard let base = text.baseAddress, let wanted = suffix.baseAddress else { return true }
    return memcmp(base + (text.count - suffix.count), wanted, suffix.count) == 0
  }

  /// The code point indexes of every occurrence, overlapping ones included.
  static func codePointIndexes(of needle: Bytes, in text: Bytes) -> [Int] {
    var indexes: [Int] = []
    var counted = 0
    var codePoints = 0
    _ = occurrences(of: needle, in: text, from: 0) { position in
      codePoints += codePointCount(text, from: counted, to: position)
      counted = position
      indexes.append(codePoints)
      return true
    }
    return indexes
  }

  /// Finds every occurrence, overlapping ones included, until `visit` says no more; returns the last one found (Knuth, Morris
  /// and Pratt's algorithm: searching anew after each occurrence would be quadratic in a text that repeats).
  private static func occurrences(
    of needle: Bytes, in text: Bytes, from start: Int, _ visit: (Int) -> Bool
  ) -> Int? {
    var borders = [Int](repeating: 0, count: needle.count)
    var length = 0
    for position in 1..<max(needle.count, 1) {
      while length > 0, needle[position] != needle[length] { length = borders[length - 1] }
      if needle[position] == needle[length] { length += 1 }
      borders[position] = length
    }
    var found: Int?
    var matched = 0
    for position in start..<text.count {
      while matched > 0, text[position] != needle[matched] { matched = borders[matched - 1] }
      if text[position] == needle[matched] { matched += 1 }
      if matched == needle.count {
        found = position + 1 - needle.count
        if !visit(position + 1 - needle.count) { return found }
        matched = borders[matched - 1]
      }
    }
    return found
  }
}

extension RegoString {
  /// Calls `body` with the bytes of this string and another.
  @inline(__always)
  func withUTF8<Result>(
    and other: RegoString, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    withUTF8 { first in other.withUTF8 { second in body(first, second) } }
  }

  /// The code points between two byte positions.
  func slice(_ start: Int, _ end: Int) -> RegoString {
    if start == 0, end == utf8Count { return self }
    return withUTF8 {
      RegoString(utf8: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0)[start..<end]))
    }
  }
}
