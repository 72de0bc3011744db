/// Reads JSON (RFC 8259) from bytes into values, in one pass.
///
/// The text must be valid UTF-8. Of equal keys in an object the last counts, and half a surrogate pair becomes U+FFFD, both as
/// in Go. Numbers are exact.
public enum JSONReader {
  /// Bounds and services of a reading.
  public struct Options: Sendable {
    /// How deep arrays and objects may be nested.
    public var depth: Int
    /// Where strings are looked up that repeat from document to document; nil for documents that come and go.
    public var interner: StringInterner?

    public init(depth: Int = 1000, interner: StringInterner? = nil) {
      self.depth = depth
      self.interner = interner
    }
  }

  /// The value that the bytes are.
  public static func value(_ bytes: UnsafeRawBufferPointer, options: Options = Options()) throws(JSONError)
    -> Value
  {
    try project(bytes, shape: .all, options: options)
  }

  /// The value that the text is.
  public static func value(_ text: String, options: Options = Options()) throws(JSONError) -> Value {
    try value(Array(text.utf8), options: options)
  }

  /// The value that the bytes are.
  public static func value(_ bytes: [UInt8], options: Options = Options()) throws(JSONError) -> Value {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(JSONError) in try value(buffer, options: options) }
    }
    return try result.get()
  }

  /// The parts of the value that a shape needs. All of the text is checked, but what lies outside the shape is not built.
  public static func project(
    _ bytes: UnsafeRawBufferPointer, shape: PathShape, options: Options = Options()
  ) throws(JSONError) -> Value {
    var parser = JSONParser(
      scanner: try JSONScanner(bytes, depthLimit: options.depth), interner: options.interner)
    let value = try parser.document(shape)
    return value
  }

  /// Checks that the bytes are JSON.
  public static func validate(_ bytes: UnsafeRawBufferPointer, options: Options = Options()) throws(JSONError)
  {
    let scanner = try JSONScanner(bytes, depthLimit: options.depth)
    let end = scanner.skipSpace(try scanner.skipValue(0, depth: 0))
    if end < bytes.count { throw scanner.error(.trailingContent, at: end) }
  }
}

/// Builds the values of one text.
struct JSONParser: ~Copyable {
  let scanner: JSONScanner
  let interner: StringInterner?
  var position = 0
  /// The values of the objects and arrays that are not at their end yet.
  var values = ValueStack(capacity: 60)
  /// The keys of these objects, as numbers in the table, or as positions in the shape of objects of known members.
  var keys = NumberStack(capacity: 64)
  var keyTable: KeyTable
  var layouts = ObjectLayouts()
  /// The document's own empty object: the one that all share would have all threads count references to it.
  lazy var empty = ObjectValue(ObjectValue.Storage(sortedKeys: [], values: []))
  /// Whether short strings are shared as keys are: in large documents they repeat.
  let sharesStrings: Bool

  init(scanner: JSONScanner, interner: StringInterner?) {
    self.scanner = scanner
    self.interner = interner
    keyTable = KeyTable(interner: interner)
    sharesStrings = scanner.count >= 16_384
  }

  mutating func document(_ shape: PathShape) throws(JSONError) -> Value {
    // The shape is kept until the end, and with it what the tables refer to.
    let value = try withExtendedLifetime(shape) { () throws(JSONError) in
      try projected(ShapeTable.Need(shape), depth: 0)
    }
    position = scanner.skipSpace(position)
    if position < scanner.count { throw scanner.error(.trailingContent, at: position) }
    return value
  }

  // MARK: Whole values

  mutating func value(depth: Int) throws(JSONError) -> Value {
    position = scanner.skipSpace(position)
    guard position < scanner.count else { throw scanner.error(.unexpectedEnd, at: position) }
    switch scanner.byte(position) {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    default: return try scalar()
    }
  }

  @inline(__always)
  mutating func scalar() throws(JSONError) -> Value {
    switch scanner.byte(position) {
    case UInt8(ascii: "\""):
      let start = position + 1
      let end = try scanner.skipString(start)
      position = end.position + 1
      if sharesStrings, !end.hasEscapes, end.position - start <= 16,
        let number = keyTable.shared(scanner.bytes, from: start, count: end.position - start)
      {
        return .string(keyTable.strings[number])
      }
      let string = string(from: start, to: end)
      return .string(interner?.intern(string) ?? string)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      guard let number = NumberScanner.scan(scanner.bytes, from: &position) else {
        throw scanner.invalidNumber(at: position)
      }
      return .number(number)
    case let first:
      position = try scanner.skipLiteral(position)
      return first == UInt8(ascii: "n") ? .null : .boolean(first == UInt8(ascii: "t"))
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> Value {
    let start = values.count
    guard try enter(depth) else { return .array([]) }
    repeat {
      values.push(try value(depth: depth + 1))
    } while try another(endingWith: UInt8(ascii: "]"))
    return .array(values.pop(from: start))
  }

  private mutating func object(depth: Int) throws(JSONError) -> Value {
    let keysStart = keys.count
    let valuesStart = values.count
    guard try enter(depth) else { return .object(empty) }
    repeat {
      let start = try keyStart(isFirst: keys.count == keysStart)
      let end = try scanner.skipString(start)
      position = try scanner.skipColon(end.position + 1)
      keys.push(keyNumber(from: start, to: end))
      values.push(try value(depth: depth + 1))
    } while try another(endingWith: UInt8(ascii: "}"))
    return .object(popObject(keysFrom: keysStart, valuesFrom: valuesStart))
  }

  /// Passes an opening bracket; false, having passed the closing one too, where nothing is between.
  @inline(__always)
  mutating func enter(_ depth: Int) throws(JSONError) -> Bool {
    if depth >= scanner.depthLimit { throw scanner.error(.tooDeep(limit: scanner.depthLimit), at: position) }
    // '}' and ']' are two after '{' and '['.
    let closing = scanner.byte(position) + 2
    position = scanner.skipSpace(position + 1)
    guard position < scanner.count, scanner.byte(position) == closing else { return true }
    position += 1
    return false
  }

  /// Passes the comma before another element or member; false, having passed it, at the closing bracket.
  @inline(__always)
  mutating func another(endingWith closing: UInt8) throws(JSONError) -> Bool {
    position = scanner.skipSpace(position)
    guard position < scanner.count else { throw scanner.error(.unexpectedEnd, at: position) }
    let next = scanner.byte(position)
    guard next == UInt8(ascii: ",") || next == closing else {
      throw scanner.unexpected(
        at: position, expected: closing == UInt8(ascii: "}") ? "',' or '}'" : "',' or ']'")
    }
    position += 1
    return next != closing
  }

  /// Where the text of a key starts, its opening quote passed.
  @inline(__always)
  mutating func keyStart(isFirst: Bool) throws(JSONError) -> Int {
    position = scanner.skipSpace(position)
    guard position < scanner.count, scanner.byte(position) == UInt8(ascii: "\"") else {
      throw scanner.unexpected(at: position, expected: isFirst ? "a string or '}'" : "a string")
    }
    return position + 1
  }

  // MARK: Strings

  func string(from start: Int, to end: JSONScanner.StringEnd) -> RegoString {
    let bytes = UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<end.position])
    if !end.hasEscapes { return RegoString(validUTF8: bytes) }
    return JSONParser.unescape(bytes).withUnsafeBytes { RegoString(validUTF8: $0) }
  }

  /// The number of a key among the document's.
  @inline(__always)
  mutating func keyNumber(from start: Int, to end: JSONScanner.StringEnd) -> Int32 {
    if !end.hasEscapes {
      return Int32(
        truncatingIfNeeded: keyTable.number(scanner.bytes, from: start, count: end.position - start))
    }
    return escapedKeyNumber(from: start, to: end)
  }

  mutating func key(from start: Int, to end: JSONScanner.StringEnd) -> RegoString {
    let number = Int(keyNumber(from: start, to: end))
    return keyTable.strings[number]
  }

  @inline(never)
  private mutating func escapedKeyNumber(from start: Int, to end: JSONScanner.StringEnd) -> Int32 {
    let text = JSONParser.unescape(UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<end.position]))
    return Int32(truncatingIfNeeded: text.withUnsafeBytes { keyTable.number($0, from: 0, count: $0.count) })
  }

  /// The text of a string's checked bytes.
  static func unescape(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    func unit(at position: Int) -> UInt32? {
      guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { return nil }
      return bytes[position + 2..<position + 6].reduce(0) { $0 << 4 | (JSONScanner.hexValue($1) ?? 0) }
    }
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        position += 1
        continue
      }
      if let first = unit(at: position) {
        position += 6
        var scalar = Unicode.Scalar(first)
        if first & 0xfc00 == 0xd800, let second = unit(at: position), second & 0xfc00 == 0xdc00 {
          position += 6
          scalar = Unicode.Scalar(0x10000 + (first & 0x3ff) << 10 + second & 0x3ff)
        }
        text.append(contentsOf: String(scalar ?? "\u{fffd}").utf8)
        continue
      }
      switch bytes[position + 1] {
      case UInt8(ascii: "b"): text.append(0x08)
      case UInt8(ascii: "f"): text.append(0x0c)
      case UInt8(ascii: "n"): text.append(0x0a)
      case UInt8(ascii: "r"): text.append(0x0d)
      case UInt8(ascii: "t"): text.append(0x09)
      case let other: text.append(other)
      }
      position += 2
    }
    return text
  }

  // MARK: Objects

  /// Makes an object of the last keys and values.
  mutating func popObject(keysFrom keysStart: Int, valuesFrom valuesStart: Int) -> ObjectValue {
    defer { keys.removeLast(from: keysStart) }
    if !sharesStrings, interner == nil, keys.count - keysStart <= 24 {
      return smallObject(keysFrom: keysStart, valuesFrom: valuesStart)
    }
    guard let layout = layouts.layout(keys, from: keysStart, table: keyTable) else {
      // A key is there twice.
      let members = values.pop(from: valuesStart)
      return ObjectValue(
        (0..<members.count).map { (.string(keyTable.strings[Int(keys[keysStart + $0])]), members[$0]) })
    }
    return ObjectValue(
      layout,
      values: layout.order.isEmpty
        ? values.pop(from: valuesStart) : values.pop(from: valuesStart, order: layout.order))
  }

  /// An object of few members in a document too small for layouts to repeat.
  private mutating func smallObject(keysFrom keysStart: Int, valuesFrom valuesStart: Int) -> ObjectValue {
    let count = keys.count - keysStart
    var names: [Value] = []
    names.reserveCapacity(count)
    for position in keysStart..<keys.count { names.append(.string(keyTable.strings[Int(keys[position])])) }
    var members = values.pop(from: valuesStart)
    // Insertion sort, since members mostly come in order or nearly so; of equal keys the last counts.
    var kept = 0
    for position in 0..<count {
      let name = names[position]
      let member = members[position]
      var place = kept
      var order = -1
      while place > 0 {
        order = names[place - 1].compare(name)
        if order <= 0 { break }
        place -= 1
      }
      if place > 0, order == 0 {
        members[place - 1] = member
        continue
      }
      if place < position {
        var moved = kept
        while moved > place {
          names[moved] = names[moved - 1]
          members[moved] = members[moved - 1]
          moved -= 1
        }
        names[place] = name
        members[place] = member
      }
      kept += 1
    }
    names.removeLast(count - kept)
    members.removeLast(count - kept)
    return ObjectValue(sortedKeys: names, values: members)
  }
}
