/// Strings seen lately, by hash: within a document keys repeat, and one storage serves all.
struct KeyCache {
  private var recent: [RegoString?] = []
  private let interner: StringInterner?

  /// Keys made are also those of the interner, where there is one.
  init(interner: StringInterner? = nil) {
    self.interner = interner
  }

  /// The string of UTF-8 bytes, which must be well-formed.
  mutating func string(_ bytes: UnsafeRawBufferPointer) -> RegoString {
    let hash = ByteHash.hash(bytes)
    if recent.isEmpty { recent = [RegoString?](repeating: nil, count: 256) }
    let slot = Int(truncatingIfNeeded: hash & 255)
    if let known = recent[slot], known.hash64 == hash, known.equals(bytes: bytes) { return known }
    let made = RegoString(storage: RegoString.Storage(String(decoding: bytes, as: UTF8.self), hash: hash))
    let key = interner?.intern(made) ?? made
    recent[slot] = key
    return key
  }
}
