/// The query part of URLs: `application/x-www-form-urlencoded`, as Go's package net/url has it.
enum URLQuery {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Escapes all but letters, digits and `-_.~`; a space becomes `+`.
  static func escape(_ text: RegoString) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var output: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"):
        output.append(byte)
      case UInt8(ascii: " "): output.append(UInt8(ascii: "+"))
      default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xf)]]
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  static func unescape(_ text: some Collection<UInt8>) throws(Failure) -> RegoString {
    let bytes = Array(text)
    var output: [UInt8] = []
    var position = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "%"):
        guard position + 2 < bytes.count, let high = Hexadecimal.value(bytes[position + 1]),
          let low = Hexadecimal.value(bytes[position + 2])
        else {
          let fault = String(decoding: bytes[position..<min(position + 3, bytes.count)], as: UTF8.self)
          throw Failure(description: "invalid URL escape \(GoQuote.quote(fault))")
        }
        output.append(high << 4 | low)
        position += 3
      case UInt8(ascii: "+"):
        output.append(UInt8(ascii: " "))
        position += 1
      default:
        output.append(bytes[position])
        position += 1
      }
    }
    return RegoString(String(decoding: output, as: UTF8.self))
  }

  /// The values of each key, in the order in which they stand.
  static func parse(_ query: RegoString) throws(Failure) -> [RegoString: [Value]] {
    var values: [RegoString: [Value]] = [:]
    var failure: Failure?
    for part in Array(query.utf8).split(separator: UInt8(ascii: "&")) {
      if part.contains(UInt8(ascii: ";")) {
        failure = failure ?? Failure(description: "invalid semicolon separator in query")
        continue
      }
      let pieces = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      do {
        let key = try unescape(pieces[0])
        values[key, default: []].append(.string(pieces.count > 1 ? try unescape(pieces[1]) : ""))
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return values
  }
}
