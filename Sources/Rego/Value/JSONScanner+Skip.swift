extension JSONScanner {
  /// Passes the value that starts at `start`, within so many arrays and objects.
  func skipValue(_ start: Int, depth outerDepth: Int) throws(JSONError) -> Int {
    var position = start
    // Which of the containers around the position are objects, the innermost in the lowest bit; every 64 levels a word goes to
    // `outer`.
    var kinds: UInt64 = 0
    var outer: [UInt64] = []
    var depth = 0

    while true {
      position = skipSpace(position)
      guard position < count else { throw error(.unexpectedEnd, at: count) }
      let first = byte(position)
      switch first {
      case UInt8(ascii: "\""):
        position = try skipString(position &+ 1).position &+ 1
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        position = try skipNumber(position)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        if outerDepth &+ depth >= depthLimit { throw error(.tooDeep(limit: depthLimit), at: position) }
        if depth & 63 == 0, depth > 0 { outer.append(kinds) }
        depth &+= 1
        let isObject = first == UInt8(ascii: "{")
        kinds = kinds << 1 | (isObject ? 1 : 0)
        position = skipSpace(position &+ 1)
        // '}' and ']' are two after '{' and '['.
        if position < count, byte(position) == first &+ 2 { break }
        if isObject { position = try skipKey(position, orEnd: true) }
        continue
      default:
        position = try skipLiteral(position)
      }

      // A value has ended, or the bracket stands here that ends an empty container.
      while true {
        if depth == 0 { return position }
        position = skipSpace(position)
        guard position < count else { throw error(.unexpectedEnd, at: count) }
        let next = byte(position)
        let isObject = kinds & 1 == 1
        if next == UInt8(ascii: ",") {
          position &+= 1
          if isObject { position = try skipKey(skipSpace(position), orEnd: false) }
          break
        }
        guard next == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw unexpected(at: position, expected: isObject ? "',' or '}'" : "',' or ']'")
        }
        position &+= 1
        depth &-= 1
        kinds >>= 1
        if depth & 63 == 0, depth > 0 { kinds = outer.removeLast() }
      }
    }
  }

  /// Passes a key and its colon.
  @inline(__always)
  private func skipKey(_ start: Int, orEnd: Bool) throws(JSONError) -> Int {
    guard start < count, byte(start) == UInt8(ascii: "\"") else {
      throw unexpected(at: start, expected: orEnd ? "a string or '}'" : "a string")
    }
    return try skipColon(skipString(start &+ 1).position &+ 1)
  }

  /// Passes a colon and the white space before it.
  @inline(__always)
  func skipColon(_ start: Int) throws(JSONError) -> Int {
    let position = skipSpace(start)
    guard position < count, byte(position) == UInt8(ascii: ":") else {
      throw unexpected(at: position, expected: "':'")
    }
    return position &+ 1
  }
}
