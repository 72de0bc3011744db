/// Why a text is not JSON, and where.
public struct JSONError: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    case unexpectedEnd
    /// A byte that cannot stand where it does, and what could.
    case unexpectedByte(UInt8, expected: String)
    /// Something but white space after the value.
    case trailingContent
    case byteOrderMark
    case invalidUTF8
    case controlCharacter(UInt8)
    case invalidEscape
    case invalidNumber
    /// Arrays and objects within one another beyond the limit.
    case tooDeep(limit: Int)
  }

  public let reason: Reason
  /// Distance from the start, in bytes.
  public let offset: Int
  /// Line, from 1.
  public let line: Int
  /// Column in bytes, from 1.
  public let column: Int

  init(_ reason: Reason, at offset: Int, in bytes: UnsafeRawBufferPointer) {
    self.reason = reason
    self.offset = offset
    var line = 1
    var lineStart = 0
    for position in 0..<min(offset, bytes.count) where bytes[position] == UInt8(ascii: "\n") {
      line += 1
      lineStart = position + 1
    }
    self.line = line
    column = offset - lineStart + 1
  }
}

extension JSONError: CustomStringConvertible {
  /// `LINE:COLUMN: what is wrong`.
  public var description: String { "\(line):\(column): \(reason)" }
}

extension JSONError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unexpectedEnd: "unexpected end of JSON input"
    case .unexpectedByte(let byte, let expected):
      "unexpected \(JSONError.Reason.name(byte)), expected \(expected)"
    case .trailingContent: "unexpected content after the JSON value"
    case .byteOrderMark: "unexpected byte order mark, JSON starts with its value"
    case .invalidUTF8: "invalid UTF-8 in a string"
    case .controlCharacter(let byte): "unescaped control character \(JSONError.Reason.name(byte)) in a string"
    case .invalidEscape: "invalid escape sequence in a string"
    case .invalidNumber: "invalid number"
    case .tooDeep(let limit): "arrays and objects nested more than \(limit) deep"
    }
  }

  private static func name(_ byte: UInt8) -> String {
    if byte > 0x20, byte < 0x7f { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16)
    return "byte 0x\(digits.count < 2 ? "0" : "")\(digits)"
  }
}
