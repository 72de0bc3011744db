/// A hash by which two texts can be told apart.
public enum ContentHash {
  /// The SHA-256 of bytes in lowercase hexadecimal; nil where libcrypto has none.
  public static func sha256(_ bytes: [UInt8]) -> String? {
    guard let hash = try? Digest.sha256.hash(bytes) else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
