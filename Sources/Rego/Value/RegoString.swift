/// An immutable string of Unicode scalars that is compared, ordered and hashed by its UTF-8 bytes.
///
/// Swift's own `String` compares by canonical equivalence, which Rego does not: a composed "é" and a decomposed one are two
/// strings. Equal strings that come from one ``StringInterner`` share their storage, so that comparing them is comparing
/// a pointer.
public struct RegoString: Sendable {
  final class Storage: Sendable {
    let string: String
    let hash: UInt64

    init(_ string: String, hash: UInt64) {
      self.string = string
      self.hash = hash
    }
  }

  let storage: Storage

  /// Makes a string of a Swift string's code points.
  public init(_ string: String) {
    var string = string
    string.makeContiguousUTF8()
    let hash = string.utf8.withContiguousStorageIfAvailable { ByteHash.hash(UnsafeRawBufferPointer($0)) } ?? 0
    storage = Storage(string, hash: hash)
  }

  /// Makes a string of UTF-8 bytes; ill-formed sequences become U+FFFD.
  public init(utf8 bytes: UnsafeRawBufferPointer) {
    self.init(String(decoding: bytes, as: UTF8.self))
  }

  /// Makes a string of UTF-8 bytes that are known to be well-formed.
  init(validUTF8 bytes: UnsafeRawBufferPointer) {
    storage = Storage(String(decoding: bytes, as: UTF8.self), hash: ByteHash.hash(bytes))
  }

  init(storage: Storage) {
    self.storage = storage
  }

  /// The same code points as a Swift string, without a copy.
  public var string: String { storage.string }

  /// The UTF-8 bytes.
  public var utf8: String.UTF8View { storage.string.utf8 }

  /// Number of UTF-8 bytes.
  public var utf8Count: Int { storage.string.utf8.count }

  /// The hash of the bytes, seeded once a process.
  public var hash64: UInt64 { storage.hash }

  /// Calls `body` with the UTF-8 bytes.
  @inline(__always)
  public func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
    if let result = try storage.string.utf8.withContiguousStorageIfAvailable(body) { return result }
    return try Array(storage.string.utf8).withUnsafeBufferPointer(body)
  }

  /// Whether the bytes are those of `other`.
  func equals(bytes other: UnsafeRawBufferPointer) -> Bool {
    withUTF8 { $0.count == other.count && ByteHash.equal(UnsafeRawBufferPointer($0), other) }
  }
}

extension RegoString: Hashable {
  @inline(__always)
  public static func == (left: RegoString, right: RegoString) -> Bool {
    left.storage === right.storage
      || (left.storage.hash == right.storage.hash && left.hasSameBytes(as: right))
  }

  @inline(never)
  private func hasSameBytes(as other: RegoString) -> Bool {
    withUTF8 { other.equals(bytes: UnsafeRawBufferPointer($0)) }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(storage.hash)
  }
}

extension RegoString: Comparable {
  /// Orders by UTF-8 bytes, which is the order of code points.
  public static func < (left: RegoString, right: RegoString) -> Bool {
    left.compare(right) < 0
  }

  /// Negative, zero or positive as the bytes sort before, with or after those of `other`.
  func compare(_ other: RegoString) -> Int {
    if storage === other.storage { return 0 }
    return withUTF8 { a in
      other.withUTF8 { b in
        ByteHash.compare(UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
      }
    }
  }
}

extension RegoString: ExpressibleByStringLiteral, CustomStringConvertible {
  public init(stringLiteral value: String) { self.init(value) }

  public var description: String { storage.string }
}
