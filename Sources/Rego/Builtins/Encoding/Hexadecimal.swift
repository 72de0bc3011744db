/// Bytes as two hexadecimal digits each.
enum Hexadecimal {
  /// Why a text is not hexadecimal, as Go words it.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static func encode(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var output: [UInt8] = []
    for byte in bytes {
      output.append(digits[Int(byte >> 4)])
      output.append(digits[Int(byte & 0xf)])
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// Reads digits of either case.
  static func decode(_ text: some Sequence<UInt8>) throws(Failure) -> [UInt8] {
    var output: [UInt8] = []
    var high: UInt8?
    for character in text {
      guard let digit = value(character) else {
        let scalar = Unicode.Scalar(character)
        var shown = "U+" + String(repeating: "0", count: 2) + encode([character]).uppercased()
        if GoQuote.isPrintable(scalar) { shown += " '\(scalar)'" }
        throw Failure(description: "encoding/hex: invalid byte: \(shown)")
      }
      if let first = high {
        output.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    if high != nil { throw Failure(description: "encoding/hex: odd length hex string") }
    return output
  }

  static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
