import Foundation

/// Hashing and comparing of byte runs, eight bytes at a time.
enum ByteHash {
  /// Differs from process to process, so that no one can prepare colliding keys, unless SWIFT_DETERMINISTIC_HASHING is set.
  static let seed: UInt64 = {
    var hasher = Hasher()
    hasher.combine(0x504f_5254)
    return UInt64(truncatingIfNeeded: hasher.finalize()) | 1
  }()

  @inline(__always)
  static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  @inline(__always)
  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    hash(bytes, seed: seed)
  }

  static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    var state = seed ^ (UInt64(truncatingIfNeeded: bytes.count) &* 0x9e37_79b9_7f4a_7c15)
    guard let base = bytes.baseAddress else { return mix(state, 0xa076_1d64_78bd_642f) }
    var offset = 0
    while bytes.count - offset >= 8 {
      let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      state = mix(state ^ word, 0xe703_7ed1_a0b4_28db)
      offset += 8
    }
    if offset < bytes.count {
      var tail: UInt64 = 0
      if bytes.count >= 8 {
        tail = base.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
      } else {
        var shift: UInt64 = 0
        while offset < bytes.count {
          tail |= UInt64(bytes[offset]) << shift
          shift += 8
          offset += 1
        }
      }
      state = mix(state ^ tail, 0x8ebc_6af0_9c88_c6e3)
    }
    return mix(state, 0xa076_1d64_78bd_642f)
  }

  @inline(__always)
  static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let left = a.baseAddress, let right = b.baseAddress else { return true }
    return memcmp(left, right, a.count) == 0
  }

  static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    let shared = min(a.count, b.count)
    if shared > 0, let left = a.baseAddress, let right = b.baseAddress {
      let order = memcmp(left, right, shared)
      if order != 0 { return Int(order) }
    }
    return a.count - b.count
  }
}
