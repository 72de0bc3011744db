/// Passes over JSON text without building anything; every function takes and returns offsets, and checks what it passes.
///
/// The text must be RFC 8259's to the letter: UTF-8, no byte order mark, no control characters in strings. Half a surrogate
/// pair in an escape sequence is let through, since Go's decoder reads it as U+FFFD.
struct JSONScanner {
  let bytes: UnsafeRawBufferPointer
  let base: UnsafeRawPointer
  let count: Int
  let depthLimit: Int

  init(_ bytes: UnsafeRawBufferPointer, depthLimit: Int) throws(JSONError) {
    guard let base = bytes.baseAddress, bytes.count > 0 else {
      throw JSONError(.unexpectedEnd, at: 0, in: bytes)
    }
    self.bytes = bytes
    self.base = base
    count = bytes.count
    self.depthLimit = depthLimit
    if bytes.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf {
      throw JSONError(.byteOrderMark, at: 0, in: bytes)
    }
  }

  @inline(__always)
  func byte(_ position: Int) -> UInt8 { base.load(fromByteOffset: position, as: UInt8.self) }

  @inline(never)
  func error(_ reason: JSONError.Reason, at position: Int) -> JSONError {
    JSONError(reason, at: position, in: bytes)
  }

  /// The error for what stands at a position where something else is expected.
  @inline(never)
  func unexpected(at position: Int, expected: String) -> JSONError {
    position < count
      ? error(.unexpectedByte(byte(position), expected: expected), at: position)
      : error(.unexpectedEnd, at: count)
  }

  /// The first position from here that is not white space.
  @inline(__always)
  func skipSpace(_ position: Int) -> Int {
    if position < count, byte(position) > 0x20 { return position }
    return skipSomeSpace(position)
  }

  @inline(never)
  private func skipSomeSpace(_ start: Int) -> Int {
    var position = start
    while position < count {
      switch byte(position) {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      default: return position
      }
    }
    return position
  }

  // MARK: Strings

  /// A string's end, which is that of its closing quote, and whether its bytes are its text.
  struct StringEnd {
    let position: Int
    let hasEscapes: Bool
  }

  /// Passes a string whose opening quote stands before `start`.
  @inline(__always)
  func skipString(_ start: Int) throws(JSONError) -> StringEnd {
    // Eight bytes at a step. What the next token waits for is only where the quote is; whether something else comes before it
    // is computed beside that.
    let ones: UInt64 = 0x0101_0101_0101_0101
    var position = start
    while position &+ 8 <= count {
      let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      // The highest bit of each byte that is a quote, and of each that is a backslash, a control character or not ASCII. A borrow
      // can set it in later bytes too, so that only the first is certain.
      let quote = word ^ (ones &* 0x22)
      let quotes = (quote &- ones) & ~quote & (ones &* 0x80)
      let backslash = word ^ (ones &* 0x5c)
      let others =
        (((backslash &- ones) & ~backslash) | ((word &- (ones &* 0x20)) & ~word) | word) & (ones &* 0x80)
      if quotes != 0 {
        guard others & (quotes ^ (quotes &- 1)) == 0 else { break }
        return StringEnd(position: position &+ (quotes.trailingZeroBitCount >> 3), hasEscapes: false)
      }
      guard others == 0 else { break }
      position &+= 8
    }
    return try skipRestOfString(position)
  }

  /// As `skipString` from a byte that may be anything.
  @inline(never)
  private func skipRestOfString(_ start: Int) throws(JSONError) -> StringEnd {
    var position = start
    var hasEscapes = false
    while position < count {
      let next = byte(position)
      if next == 0x22 { return StringEnd(position: position, hasEscapes: hasEscapes) }
      if next == 0x5c {
        hasEscapes = true
        position = try skipEscape(position)
      } else if next < 0x20 {
        throw error(.controlCharacter(next), at: position)
      } else if next < 0x80 {
        position += 1
      } else {
        let length = UTF8Sequence.length(bytes, at: position)
        guard length > 0 else { throw error(.invalidUTF8, at: position) }
        position += length
      }
    }
    throw error(.unexpectedEnd, at: count)
  }

  private func skipEscape(_ start: Int) throws(JSONError) -> Int {
    guard start + 1 < count else { throw error(.unexpectedEnd, at: count) }
    switch byte(start + 1) {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return start + 2
    case UInt8(ascii: "u"):
      for position in start + 2..<start + 6 {
        guard position < count else { throw error(.unexpectedEnd, at: count) }
        guard JSONScanner.hexValue(byte(position)) != nil else { throw error(.invalidEscape, at: start) }
      }
      return start + 6
    default: throw error(.invalidEscape, at: start)
    }
  }

  static func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  // MARK: Numbers and literals

  /// Passes a number that starts here.
  @inline(__always)
  func skipNumber(_ start: Int) throws(JSONError) -> Int {
    var position = start
    if byte(position) == UInt8(ascii: "-") { position &+= 1 }
    let integer = position
    while position < count, byte(position) &- 0x30 <= 9 { position &+= 1 }
    let digits = position &- integer
    guard digits > 0, digits == 1 || byte(integer) != 0x30 else {
      throw invalidNumber(at: digits == 0 ? integer : integer + 1)
    }
    if position < count, byte(position) == UInt8(ascii: ".") || byte(position) | 0x20 == UInt8(ascii: "e") {
      return try skipFraction(position)
    }
    return position
  }

  @inline(never)
  private func skipFraction(_ start: Int) throws(JSONError) -> Int {
    var position = start
    if byte(position) == UInt8(ascii: ".") { position = try skipDigits(position + 1) }
    if position < count, byte(position) | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < count, byte(position) == UInt8(ascii: "-") || byte(position) == UInt8(ascii: "+") {
        position += 1
      }
      position = try skipDigits(position)
    }
    return position
  }

  private func skipDigits(_ start: Int) throws(JSONError) -> Int {
    var position = start
    while position < count, byte(position) &- 0x30 <= 9 { position += 1 }
    if position == start { throw invalidNumber(at: position) }
    return position
  }

  @inline(never)
  func invalidNumber(at position: Int) -> JSONError {
    position < count ? error(.invalidNumber, at: position) : error(.unexpectedEnd, at: count)
  }

  /// Passes `null`, `true` or `false` where the text at `start` is that.
  @inline(__always)
  func skipLiteral(_ start: Int) throws(JSONError) -> Int {
    if start &+ 4 <= count {
      switch UInt32(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt32.self)) {
      case 0x6c6c_756e, 0x6575_7274: return start &+ 4
      case 0x736c_6166 where start &+ 4 < count && byte(start &+ 4) == UInt8(ascii: "e"): return start &+ 5
      default: break
      }
    }
    throw notALiteral(start)
  }

  @inline(never)
  private func notALiteral(_ start: Int) -> JSONError {
    for literal in ["null", "true", "false"] where literal.utf8.first == byte(start) {
      for (index, wanted) in literal.utf8.enumerated() {
        let position = start + index
        if position >= count || byte(position) != wanted {
          return unexpected(at: position, expected: literal)
        }
      }
    }
    return unexpected(at: start, expected: "a value")
  }
}

/// The shapes of well-formed UTF-8 (The Unicode Standard, table 3-7).
enum UTF8Sequence {
  /// The length of the sequence at a position, 0 where there is no well-formed one.
  static func length(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
    let lead = bytes[position]
    func follows(_ distance: Int, _ range: ClosedRange<UInt8> = 0x80...0xbf) -> Bool {
      position + distance < bytes.count && range.contains(bytes[position + distance])
    }
    switch lead {
    case 0x00...0x7f: return 1
    case 0xc2...0xdf: return follows(1) ? 2 : 0
    case 0xe0: return follows(1, 0xa0...0xbf) && follows(2) ? 3 : 0
    case 0xed: return follows(1, 0x80...0x9f) && follows(2) ? 3 : 0
    case 0xe1...0xef: return follows(1) && follows(2) ? 3 : 0
    case 0xf0: return follows(1, 0x90...0xbf) && follows(2) && follows(3) ? 4 : 0
    case 0xf1...0xf3: return follows(1) && follows(2) && follows(3) ? 4 : 0
    case 0xf4: return follows(1, 0x80...0x8f) && follows(2) && follows(3) ? 4 : 0
    default: return 0
    }
  }
}
