/// Builtins on semantic versions (semver.org, version 2.0.0; OPA documentation, "Semantic Versions").
enum SemverBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "semver.compare", category: "semver", "Compares two semantic versions.",
      [Parameter("a", .string, "a version"), Parameter("b", .string, "another")],
      returns: Parameter("result", .number, "-1, 0 or 1 as the first precedes, equals or follows the second"),
      .binary(compare)),
    Builtin(
      "semver.is_valid", category: "semver", "Whether a string is a semantic version.",
      [Parameter("vsn", .any, "the string")], returns: Parameter("result", .boolean, "whether it is one"),
      .unary(isValid)),
  ]

  private static func compare(_ a: Value, _ b: Value) throws(BuiltinError) -> Value? {
    let first = try version(a, 1)
    return .int(first.compare(try version(b, 2)))
  }

  private static func version(_ value: Value, _ position: Int) throws(BuiltinError) -> SemanticVersion {
    let text = try value.string(operand: position)
    guard let version = SemanticVersion(text) else {
      throw .failed("operand \(position): string \(GoQuote.quote(text)) is not a valid SemVer")
    }
    return version
  }

  private static func isValid(_ value: Value) throws(BuiltinError) -> Value? {
    guard case .string(let text) = value else { return false }
    return .boolean(SemanticVersion(text) != nil)
  }
}

/// A version such as `1.2.3-rc.1+build.5`.
struct SemanticVersion {
  private let numbers: [Int]
  /// The identifiers after the hyphen; none where there is no hyphen.
  private let preRelease: [Substring.UTF8View]

  /// Reads a version; nil where it is none.
  init?(_ text: RegoString) {
    var rest = text.string.utf8[...]
    if let plus = rest.firstIndex(of: UInt8(ascii: "+")) {
      guard SemanticVersion.identifiers(rest[rest.index(after: plus)...]) != nil else { return nil }
      rest = rest[..<plus]
    }
    var identifiers: [Substring.UTF8View] = []
    if let hyphen = rest.firstIndex(of: UInt8(ascii: "-")) {
      guard let read = SemanticVersion.identifiers(rest[rest.index(after: hyphen)...]) else { return nil }
      identifiers = read
      rest = rest[..<hyphen]
    }
    let parts = rest.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
      part.allSatisfy(SemanticVersion.isDigit) ? Int(Substring(part)) : nil
    }
    guard parts.count == 3, numbers.count == 3 else { return nil }
    self.numbers = numbers
    preRelease = identifiers
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// Identifiers between dots; none for an empty text, nil where one is not made of letters, digits and hyphens.
  private static func identifiers(_ text: Substring.UTF8View) -> [Substring.UTF8View]? {
    if text.isEmpty { return [] }
    let identifiers = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let areValid = identifiers.allSatisfy { identifier in
      !identifier.isEmpty
        && identifier.allSatisfy {
          isDigit($0) || $0 == UInt8(ascii: "-")
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
        }
    }
    return areValid ? identifiers : nil
  }

  /// -1, 0 or 1 by precedence (semver.org, 11); metadata does not count.
  func compare(_ other: SemanticVersion) -> Int {
    for (a, b) in zip(numbers, other.numbers) where a != b { return a < b ? -1 : 1 }
    if preRelease.isEmpty || other.preRelease.isEmpty {
      return preRelease.isEmpty == other.preRelease.isEmpty ? 0 : preRelease.isEmpty ? 1 : -1
    }
    for (a, b) in zip(preRelease, other.preRelease) {
      let order = SemanticVersion.compare(a, b)
      if order != 0 { return order }
    }
    let (count, otherCount) = (preRelease.count, other.preRelease.count)
    return count == otherCount ? 0 : count < otherCount ? -1 : 1
  }

  /// Numbers precede other identifiers, which are in the order of ASCII.
  private static func compare(_ a: Substring.UTF8View, _ b: Substring.UTF8View) -> Int {
    let aIsNumber = a.allSatisfy(isDigit)
    let bIsNumber = b.allSatisfy(isDigit)
    if aIsNumber != bIsNumber { return aIsNumber ? -1 : 1 }
    var (first, second) = (a[...], b[...])
    if aIsNumber {
      let zero = UInt8(ascii: "0")
      first = first.drop { $0 == zero }
      second = second.drop { $0 == zero }
      if first.count != second.count { return first.count < second.count ? -1 : 1 }
    }
    if first.elementsEqual(second) { return 0 }
    return first.lexicographicallyPrecedes(second) ? -1 : 1
  }
}
