extension JSONReader {
  /// A member of an object whose value has not been read yet.
  public struct Member: Sendable {
    public let key: RegoString
    /// Where the value's text stands.
    public let range: Range<Int>
  }

  /// The members of the object that the bytes are, so that a document too large to build whole is read piece by piece; nil
  /// where the value is no object. All of the text is checked.
  public static func members(
    _ bytes: UnsafeRawBufferPointer, options: Options = Options()
  ) throws(JSONError) -> [Member]? {
    var members: [Member] = []
    let isObject = try scan(bytes, opening: UInt8(ascii: "{"), options: options) {
      (parser) throws(JSONError) in
      let keyStart = try parser.keyStart(isFirst: members.isEmpty)
      let keyEnd = try parser.scanner.skipString(keyStart)
      let key = parser.key(from: keyStart, to: keyEnd)
      let start = parser.scanner.skipSpace(try parser.scanner.skipColon(keyEnd.position + 1))
      parser.position = try parser.scanner.skipValue(start, depth: 1)
      members.append(Member(key: key, range: start..<parser.position))
    }
    return isObject ? members : nil
  }

  /// Where the elements of the array that the bytes are stand; nil where the value is no array. All of the text is checked.
  public static func elements(
    _ bytes: UnsafeRawBufferPointer, options: Options = Options()
  ) throws(JSONError) -> [Range<Int>]? {
    var ranges: [Range<Int>] = []
    let isArray = try scan(bytes, opening: UInt8(ascii: "["), options: options) {
      (parser) throws(JSONError) in
      let start = parser.scanner.skipSpace(parser.position)
      parser.position = try parser.scanner.skipValue(start, depth: 1)
      ranges.append(start..<parser.position)
    }
    return isArray ? ranges : nil
  }

  /// Calls `part` where each member or element starts; false, having checked the value, where it does not open so.
  private static func scan(
    _ bytes: UnsafeRawBufferPointer, opening: UInt8, options: Options,
    _ part: (inout JSONParser) throws(JSONError) -> Void
  ) throws(JSONError) -> Bool {
    var parser = JSONParser(
      scanner: try JSONScanner(bytes, depthLimit: options.depth), interner: options.interner)
    parser.position = parser.scanner.skipSpace(0)
    guard parser.position < bytes.count else {
      throw parser.scanner.error(.unexpectedEnd, at: parser.position)
    }
    let isExpected = parser.scanner.byte(parser.position) == opening
    if !isExpected {
      parser.position = try parser.scanner.skipValue(parser.position, depth: 0)
    } else if try parser.enter(0) {
      repeat { try part(&parser) } while try parser.another(endingWith: opening + 2)
    }
    let end = parser.scanner.skipSpace(parser.position)
    if end < bytes.count { throw parser.scanner.error(.trailingContent, at: end) }
    return isExpected
  }
}
