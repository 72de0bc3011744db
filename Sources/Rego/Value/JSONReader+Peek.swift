extension JSONReader {
  /// The string at a path of object keys, found without looking at what follows it.
  ///
  /// For choosing how to read a text before reading it: nothing is said about whether the whole is well-formed, or whether
  /// a later member of the same name replaces the string, so whoever relies on the answer compares it with what is read then.
  ///
  /// - Returns: nil where there is no such string, or where the text before it is malformed.
  public static func peekString(at path: [RegoString], in bytes: UnsafeRawBufferPointer) -> RegoString? {
    peek(at: path, in: bytes) { RegoString(utf8: $0) }
  }

  /// As ``peekString(at:in:)``, with what is made of the string's bytes.
  public static func peek<Result>(
    at path: [RegoString], in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result?
  ) -> Result? {
    guard let scanner = try? JSONScanner(bytes, depthLimit: 64) else { return nil }
    var position = scanner.skipSpace(0)
    for depth in path.indices {
      guard let found = try? scanner.findMember(path[depth], in: position, depth: depth) else { return nil }
      position = found
    }
    guard position < scanner.count, scanner.byte(position) == UInt8(ascii: "\""),
      let end = try? scanner.skipString(position + 1), !end.hasEscapes
    else { return nil }
    return body(UnsafeRawBufferPointer(rebasing: bytes[(position + 1)..<end.position]))
  }
}

extension JSONScanner {
  /// Where the value of an object's member begins; nil where the object has none of that name.
  fileprivate func findMember(_ key: RegoString, in start: Int, depth: Int) throws(JSONError) -> Int? {
    guard start < count, byte(start) == UInt8(ascii: "{") else { return nil }
    var position = skipSpace(start + 1)
    while position < count, byte(position) == UInt8(ascii: "\"") {
      let end = try skipString(position + 1)
      let name = UnsafeRawBufferPointer(rebasing: bytes[(position + 1)..<end.position])
      position = skipSpace(try skipColon(end.position + 1))
      if !end.hasEscapes, key.equals(bytes: name) { return position }
      position = skipSpace(try skipValue(position, depth: depth + 1))
      guard position < count, byte(position) == UInt8(ascii: ",") else { return nil }
      position = skipSpace(position + 1)
    }
    return nil
  }
}
