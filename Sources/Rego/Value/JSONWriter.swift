import CWorkBudget

/// Writes values as JSON: sets as arrays, keys that are no strings as strings of their JSON.
///
/// Characters are escaped as Go's encoding/json does, so that `json.marshal` gives OPA's text: `<`, `>` and `&` too, unless
/// the writer is told not to.
public struct JSONWriter: Sendable {
  /// What a level of nesting is indented by; nil for all on one line.
  public var indent: String?
  /// What every line but the first begins with, where there is an indent.
  public var prefix: String
  /// Whether `<`, `>` and `&` are escaped.
  public var escapesHTML: Bool

  public init(indent: String? = nil, prefix: String = "", escapesHTML: Bool = true) {
    self.indent = indent
    self.prefix = prefix
    self.escapesHTML = escapesHTML
  }

  /// Appends a value on one line, without escaping HTML.
  public static func append(_ value: Value, to buffer: inout [UInt8]) {
    JSONWriter(escapesHTML: false).append(value, to: &buffer)
  }

  /// Appends a value.
  public func append(_ value: Value, to buffer: inout [UInt8]) {
    append(value, depth: 0, to: &buffer)
  }

  /// The JSON text of a value.
  public func string(_ value: Value) -> String {
    var buffer: [UInt8] = []
    append(value, to: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }

  private func append(_ value: Value, depth: Int, to buffer: inout [UInt8]) {
    guard JSONWriter.hasRoom(buffer) else { return }
    switch value {
    case .null: buffer.append(contentsOf: "null".utf8)
    case .boolean(let value): buffer.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let value): JSONWriter.append(value, to: &buffer)
    case .string(let value): value.withUTF8 { append(string: UnsafeRawBufferPointer($0), to: &buffer) }
    case .array(let elements): append(elements, depth: depth, to: &buffer)
    case .set(let set): append(set.elements, depth: depth, to: &buffer)
    case .object(let object): append(object, depth: depth, to: &buffer)
    }
  }

  static func append(_ number: Number, to buffer: inout [UInt8]) {
    guard case .int(let value) = number, value > Int.min else {
      buffer.append(contentsOf: number.description.utf8)
      return
    }
    if value < 0 { buffer.append(UInt8(ascii: "-")) }
    let start = buffer.count
    var rest = value.magnitude
    repeat {
      buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    buffer[start...].reverse()
  }

  private func append(_ elements: [Value], depth: Int, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "["))
    for (position, element) in elements.enumerated() {
      if position > 0 { buffer.append(UInt8(ascii: ",")) }
      startLine(depth + 1, in: &buffer)
      append(element, depth: depth + 1, to: &buffer)
    }
    if !elements.isEmpty { startLine(depth, in: &buffer) }
    buffer.append(UInt8(ascii: "]"))
  }

  private func append(_ object: ObjectValue, depth: Int, to buffer: inout [UInt8]) {
    let object = JSONWriter.hasOnlyStringKeys(object) ? object : JSONWriter.withStringKeys(object)
    buffer.append(UInt8(ascii: "{"))
    for position in object.keys.indices {
      if position > 0 { buffer.append(UInt8(ascii: ",")) }
      startLine(depth + 1, in: &buffer)
      append(object.keys[position], depth: 0, to: &buffer)
      buffer.append(UInt8(ascii: ":"))
      if indent != nil { buffer.append(UInt8(ascii: " ")) }
      append(object.values[position], depth: depth + 1, to: &buffer)
    }
    if !object.isEmpty { startLine(depth, in: &buffer) }
    buffer.append(UInt8(ascii: "}"))
  }

  /// Whether the evaluation under way, if there is one, may write more.
  @inline(__always)
  private static func hasRoom(_ buffer: [UInt8]) -> Bool {
    work_budget_take(1) && (buffer.count <= BuiltinLimits.stringBytes || !work_budget_spend())
  }

  private static func hasOnlyStringKeys(_ object: ObjectValue) -> Bool {
    // In Rego's order strings come between null, booleans and numbers and the rest.
    guard case .string? = object.keys.first, case .string? = object.keys.last else { return object.isEmpty }
    return true
  }

  /// The object with its keys as JSON has them, and in that order.
  static func withStringKeys(_ object: ObjectValue) -> ObjectValue {
    ObjectValue(
      object.lazy.map { key, value in
        if case .string = key { return (key, value) }
        return (.string(JSONWriter().string(key)), value)
      })
  }

  @inline(__always)
  private func startLine(_ depth: Int, in buffer: inout [UInt8]) {
    guard let indent else { return }
    buffer.append(UInt8(ascii: "\n"))
    buffer.append(contentsOf: prefix.utf8)
    for _ in 0..<depth { buffer.append(contentsOf: indent.utf8) }
  }

  /// The first position from here whose eight bytes hold one that may need an escape, or where fewer than eight are left.
  private static func skipPlain(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var position = start
    while position + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5c)
      let found =
        ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- (ones &* 0x20)) & ~word)
        | word
      if found & (ones &* 0x80) != 0 { break }
      position += 8
    }
    return position
  }

  /// Whether a byte stands for itself whatever follows.
  @inline(__always)
  private func isPlain(_ byte: UInt8) -> Bool {
    if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0xe2 {
      return false
    }
    return !escapesHTML
      || (byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "&"))
  }

  /// Appends UTF-8 text as a JSON string, in quotes.
  public func append(string bytes: UnsafeRawBufferPointer, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "\""))
    var start = 0
    var position = 0
    while position < bytes.count {
      if !escapesHTML { position = JSONWriter.skipPlain(bytes, from: position) }
      guard position < bytes.count else { break }
      let byte = bytes[position]
      if isPlain(byte) {
        position += 1
        continue
      }
      var length = 1
      let escape: String?
      switch byte {
      case UInt8(ascii: "\""): escape = "\\\""
      case UInt8(ascii: "\\"): escape = "\\\\"
      case 0x08: escape = "\\b"
      case 0x0c: escape = "\\f"
      case UInt8(ascii: "\n"): escape = "\\n"
      case UInt8(ascii: "\r"): escape = "\\r"
      case UInt8(ascii: "\t"): escape = "\\t"
      case 0x00..<0x20: escape = (byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16)
      case UInt8(ascii: "<") where escapesHTML: escape = "\\u003c"
      case UInt8(ascii: ">") where escapesHTML: escape = "\\u003e"
      case UInt8(ascii: "&") where escapesHTML: escape = "\\u0026"
      case 0xe2
      where position + 2 < bytes.count && bytes[position + 1] == 0x80 && bytes[position + 2] & 0xfe == 0xa8:
        // U+2028 and U+2029 end a line in JavaScript.
        escape = bytes[position + 2] == 0xa8 ? "\\u2028" : "\\u2029"
        length = 3
      default: escape = nil
      }
      if let escape {
        buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
        buffer.append(contentsOf: escape.utf8)
        start = position + length
      }
      position += length
    }
    buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    buffer.append(UInt8(ascii: "\""))
  }
}

extension Value {
  /// The value as JSON on one line.
  public var json: String { JSONWriter(escapesHTML: false).string(self) }
}
