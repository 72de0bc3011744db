/// Base64 (RFC 4648), with Go's idea of what is valid: line breaks anywhere, bits left over in the last character ignored.
struct Base64 {
  /// Where decoding failed, as Go words it.
  struct Failure: Error, CustomStringConvertible {
    /// The byte of the text at which it failed.
    let offset: Int
    var description: String { "illegal base64 data at input byte \(offset)" }
  }

  /// The alphabet with `+` and `/`, padded (RFC 4648, section 4).
  static let standard = Base64(alphabet: letters + "+/", isPadded: true)
  /// The alphabet with `-` and `_`, padded (RFC 4648, section 5).
  static let url = Base64(alphabet: letters + "-_", isPadded: true)
  /// As `url`, without padding.
  static let rawURL = Base64(alphabet: letters + "-_", isPadded: false)

  private static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  private static let padding = UInt8(ascii: "=")
  private static let invalid: UInt8 = 0xff

  private let alphabet: [UInt8]
  private let values: [UInt8]
  private let isPadded: Bool

  private init(alphabet: String, isPadded: Bool) {
    self.alphabet = Array(alphabet.utf8)
    var values = [UInt8](repeating: Base64.invalid, count: 256)
    for (value, character) in alphabet.utf8.enumerated() { values[Int(character)] = UInt8(value) }
    self.values = values
    self.isPadded = isPadded
  }

  func encode(_ bytes: some Collection<UInt8>) -> String {
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    var bits: UInt32 = 0
    var count = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 1
      if count == 3 {
        for shift in [18, 12, 6, 0] as [UInt32] { output.append(alphabet[Int(bits >> shift & 0x3f)]) }
        bits = 0
        count = 0
      }
    }
    if count > 0 {
      bits <<= UInt32(8 * (3 - count))
      for shift in [18, 12, 6].prefix(count + 1) as ArraySlice<UInt32> {
        output.append(alphabet[Int(bits >> shift & 0x3f)])
      }
      if isPadded { output += [UInt8](repeating: Base64.padding, count: 3 - count) }
    }
    return String(decoding: output, as: UTF8.self)
  }

  func decode(_ text: RegoString) throws(Failure) -> [UInt8] {
    try decode(Array(text.utf8))
  }

  func decode(_ text: [UInt8]) throws(Failure) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count / 4 * 3)
    var position = 0
    func skipLineBreaks() {
      while position < text.count, text[position] == 0x0a || text[position] == 0x0d { position += 1 }
    }
    while true {
      var bits: UInt32 = 0
      var count = 0
      var isLast = false
      while count < 4 {
        skipLineBreaks()
        if position == text.count {
          if count == 0 { return output }
          // One character is too few for a byte; without padding the group may end here.
          if count == 1 || isPadded { throw Failure(offset: position - count) }
          isLast = true
          break
        }
        let character = text[position]
        position += 1
        let value = values[Int(character)]
        if value != Base64.invalid {
          bits = bits << 6 | UInt32(value)
          count += 1
          continue
        }
        guard isPadded, character == Base64.padding, count >= 2 else { throw Failure(offset: position - 1) }
        if count == 2 {
          skipLineBreaks()
          if position == text.count { throw Failure(offset: text.count) }
          if text[position] != Base64.padding { throw Failure(offset: position - 1) }
          position += 1
        }
        skipLineBreaks()
        if position < text.count { throw Failure(offset: position) }
        isLast = true
        break
      }
      bits <<= UInt32(6 * (4 - count))
      for shift in [16, 8, 0].prefix(count - 1) as ArraySlice<UInt32> {
        output.append(UInt8(truncatingIfNeeded: bits >> shift))
      }
      if isLast { return output }
    }
  }
}
