/// Upper and lower case one code point at a time, as Go's `strings.ToUpper` and `strings.ToLower` do it.
///
/// Swift knows Unicode's full mappings, where "ß" becomes "SS"; Go uses the simple ones of UnicodeData.txt, which map a code
/// point to one code point. The two differ only where the full mapping is longer.
enum CaseMapping {
  static func lower(_ string: RegoString) -> RegoString {
    map(string, asciiLetters: UInt8(ascii: "A")...UInt8(ascii: "Z")) { scalar in
      // U+0130, the one letter with a longer full mapping in this direction.
      if scalar.value == 0x130 { return "i" }
      return single(scalar.properties.lowercaseMapping) ?? scalar
    }
  }

  static func upper(_ string: RegoString) -> RegoString {
    map(string, asciiLetters: UInt8(ascii: "a")...UInt8(ascii: "z")) { scalar in
      if let mapped = single(scalar.properties.uppercaseMapping) { return mapped }
      // Greek letters with a subscript iota: simple mappings lead to the letter with a prosgegrammeni.
      switch scalar.value {
      case 0x1f80...0x1f87, 0x1f90...0x1f97, 0x1fa0...0x1fa7:
        return Unicode.Scalar(scalar.value + 8) ?? scalar
      case 0x1fb3, 0x1fc3, 0x1ff3: return Unicode.Scalar(scalar.value + 9) ?? scalar
      default: return scalar
      }
    }
  }

  private static func single(_ mapping: String) -> Unicode.Scalar? {
    let scalars = mapping.unicodeScalars
    guard let first = scalars.first, scalars.dropFirst().isEmpty else { return nil }
    return first
  }

  /// Maps a string, and returns it as it is where nothing changes.
  private static func map(
    _ string: RegoString, asciiLetters: ClosedRange<UInt8>, _ mapping: (Unicode.Scalar) -> Unicode.Scalar
  ) -> RegoString {
    let (isASCII, changes) = string.withUTF8 { bytes in
      (TextSearch.isASCII(bytes), bytes.contains { asciiLetters.contains($0) })
    }
    if isASCII {
      guard changes else { return string }
      return RegoString(
        String(unsafeUninitializedCapacity: string.utf8Count) { target in
          string.withUTF8 { bytes in
            for (position, byte) in bytes.enumerated() {
              target[position] = asciiLetters.contains(byte) ? byte ^ 0x20 : byte
            }
            return bytes.count
          }
        })
    }
    var scalars = String.UnicodeScalarView()
    var changed = false
    for scalar in string.string.unicodeScalars {
      let mapped = mapping(scalar)
      changed = changed || mapped != scalar
      scalars.append(mapped)
    }
    return changed ? RegoString(String(scalars)) : string
  }
}
