/// Replaces several strings at once, left to right and without overlap, as Go's `strings.Replacer` does: where more than one
/// matches at a place, the one that comes first in the list counts.
struct Replacer {
  private let pairs: [(old: RegoString, new: RegoString)]
  /// For each first byte, the positions in `pairs` that begin with it, in order.
  private var candidates: [[Int]]
  private var emptyPair: Int?

  init(_ pairs: [(old: RegoString, new: RegoString)]) {
    self.pairs = pairs
    candidates = [[Int]](repeating: [], count: 256)
    for (position, pair) in pairs.enumerated() {
      if let first = pair.old.utf8.first {
        candidates[Int(first)].append(position)
      } else if emptyPair == nil {
        emptyPair = position
      }
    }
  }

  /// Replaces in `text`; `check` is called now and then, so that it can end a long replacement by throwing.
  func replace(in text: RegoString, check: () throws(BuiltinError) -> Void) throws(BuiltinError) -> RegoString
  {
    let bytes = Array(text.utf8)
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var position = 0
    var copied = 0
    var changed = false
    var lastWasEmpty = false
    var comparisons = 0
    while position <= bytes.count {
      // Only where a code point begins: an empty pattern would otherwise split one.
      if position < bytes.count, bytes[position] & 0xc0 == 0x80 {
        position += 1
        continue
      }
      let match = self.match(at: position, in: bytes, ignoringEmpty: lastWasEmpty, comparisons: &comparisons)
      if comparisons > 4096 {
        comparisons = 0
        try check()
      }
      guard let match else {
        lastWasEmpty = false
        position += 1
        continue
      }
      changed = true
      output.append(contentsOf: bytes[copied..<position])
      pairs[match].new.withUTF8 { output.append(contentsOf: $0) }
      if output.count > BuiltinLimits.stringBytes { throw .cancelled }
      let length = pairs[match].old.utf8Count
      lastWasEmpty = length == 0
      position += length
      copied = position
    }
    guard changed else { return text }
    output.append(contentsOf: bytes[copied...])
    return RegoString(String(decoding: output, as: UTF8.self))
  }

  private func match(
    at position: Int, in bytes: [UInt8], ignoringEmpty: Bool, comparisons: inout Int
  ) -> Int? {
    let empty = ignoringEmpty ? nil : emptyPair
    guard position < bytes.count else { return empty }
    for candidate in candidates[Int(bytes[position])] {
      if let empty, empty < candidate { return empty }
      let old = pairs[candidate].old
      comparisons += 1 + old.utf8Count / 16
      guard bytes.count - position >= old.utf8Count else { continue }
      let matches = bytes.withUnsafeBufferPointer { text in
        old.withUTF8 { TextSearch.hasPrefix(TextSearch.Bytes(rebasing: text[position...]), $0) }
      }
      if matches { return candidate }
    }
    return empty
  }
}
