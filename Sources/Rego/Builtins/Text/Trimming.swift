/// Cutting code points off a string's ends.
enum Trimming {
  struct Ends: OptionSet {
    let rawValue: Int
    static let left = Ends(rawValue: 1)
    static let right = Ends(rawValue: 2)
    static let both: Ends = [.left, .right]
  }

  /// The string without the code points of `cutset` at its ends.
  static func trim(_ string: RegoString, cutset: RegoString, _ ends: Ends) -> RegoString {
    let isASCII = cutset.withUTF8(TextSearch.isASCII)
    if isASCII {
      var low: UInt64 = 0
      var high: UInt64 = 0
      for byte in cutset.utf8 {
        if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
      }
      return trimBytes(string, ends) { byte in
        byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
      }
    }
    let cut = Set(cutset.string.unicodeScalars)
    return trimScalars(string, ends) { cut.contains($0) }
  }

  /// The string without white space (Unicode's White_Space property) at its ends.
  static func trimSpace(_ string: RegoString) -> RegoString {
    if string.withUTF8(TextSearch.isASCII) {
      return trimBytes(string, .both) { $0 == 0x20 || (0x09...0x0d).contains($0) }
    }
    return trimScalars(string, .both) { $0.properties.isWhitespace }
  }

  private static func trimBytes(_ string: RegoString, _ ends: Ends, _ isCut: (UInt8) -> Bool) -> RegoString {
    let (start, end) = string.withUTF8 { bytes in
      var start = 0
      var end = bytes.count
      if ends.contains(.left) { while start < end, isCut(bytes[start]) { start += 1 } }
      if ends.contains(.right) { while end > start, isCut(bytes[end - 1]) { end -= 1 } }
      return (start, end)
    }
    return string.slice(start, end)
  }

  private static func trimScalars(
    _ string: RegoString, _ ends: Ends, _ isCut: (Unicode.Scalar) -> Bool
  ) -> RegoString {
    var scalars = string.string.unicodeScalars[...]
    if ends.contains(.left) { scalars = scalars.drop(while: isCut) }
    if ends.contains(.right) {
      while let last = scalars.last, isCut(last) { scalars.removeLast() }
    }
    if scalars.count == string.string.unicodeScalars.count { return string }
    return RegoString(String(scalars))
  }
}
