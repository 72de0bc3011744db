import Rego

/// The syntax of label keys and values (Kubernetes documentation, "Labels and Selectors: Syntax and character set").
public enum LabelSyntax {
  /// What is wrong with a label key, as the end of a sentence; nil where nothing is.
  ///
  /// A key is a name of at most 63 bytes, or a DNS subdomain of at most 253 bytes, a slash and a name.
  public static func problem(inKey key: RegoString) -> String? { key.withUTF8(problem(inKey:)) }

  private static func problem(inKey bytes: UnsafeBufferPointer<UInt8>) -> String? {
    let slash = UInt8(ascii: "/")
    guard let separator = bytes.firstIndex(of: slash) else { return problem(inName: bytes[...]) }
    if bytes[(separator + 1)...].contains(slash) { return "must have at most one \"/\"" }
    if let problem = problem(inSubdomain: bytes[..<separator]) { return problem }
    return problem(inName: bytes[(separator + 1)...])
  }

  /// What is wrong with a label value, as the end of a sentence; nil where nothing is. The empty value is one.
  public static func problem(inValue value: RegoString) -> String? {
    value.withUTF8 { $0.isEmpty ? nil : problem(inName: $0[...]) }
  }

  /// Whether the bytes are a label key.
  static func isKey(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    isName(bytes) || problem(inKey: bytes) == nil
  }

  /// Whether the bytes are a label value.
  static func isValue(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool { bytes.isEmpty || isName(bytes) }

  /// Whether the bytes are a name: a key without a prefix, or a value that is not empty.
  static func isName(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = bytes.first, let last = bytes.last, bytes.count <= 63, isAlphanumeric(first),
      isAlphanumeric(last)
    else { return false }
    for byte in bytes where !isNameByte(byte) { return false }
    return true
  }

  static func problem(inName name: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
    guard let first = name.first, let last = name.last else { return "must not be empty" }
    if name.count > 63 { return "must be no more than 63 bytes" }
    if !isAlphanumeric(first) || !isAlphanumeric(last) || !name.allSatisfy(isNameByte) {
      return "must be letters, digits, \"-\", \"_\" or \".\", with a letter or digit at either end"
    }
    return nil
  }

  private static func problem(inSubdomain prefix: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
    if prefix.isEmpty { return "must not start with \"/\"" }
    if prefix.count > 253 { return "must have a prefix of no more than 253 bytes" }
    for part in prefix.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard let first = part.first, let last = part.last, isLowercaseAlphanumeric(first),
        isLowercaseAlphanumeric(last),
        part.allSatisfy({ isLowercaseAlphanumeric($0) || $0 == UInt8(ascii: "-") })
      else { return "must have a DNS subdomain before its \"/\"" }
    }
    return nil
  }

  @inline(__always)
  static func isNameByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
      || byte == UInt8(ascii: ".")
  }

  @inline(__always)
  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isLowercaseAlphanumeric(byte) || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
  }

  @inline(__always)
  private static func isLowercaseAlphanumeric(_ byte: UInt8) -> Bool {
    (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
      || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
  }
}
