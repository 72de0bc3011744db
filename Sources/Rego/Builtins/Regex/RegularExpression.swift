import CRE2

/// A compiled regular expression in RE2's syntax as Go has it, matched in time linear in the text.
///
/// `@unchecked` because the compiled form is libre2's: it never changes once made, its own caches are locked, and matching with
/// one from several threads at a time is what libre2 promises to allow.
public final class RegularExpression: @unchecked Sendable {
  /// The pattern as it was written.
  public let pattern: RegoString
  /// Number of capturing groups, the whole match not among them.
  public let groupCount: Int
  private let compiled: OpaquePointer

  /// What libre2 may use for one pattern: a larger program is refused, and matching falls back to slower methods beyond it.
  private static let memoryLimit = 8 << 20

  /// Compiles a pattern.
  ///
  /// - Throws: ``RegularExpressionError`` with Go's wording where it is invalid.
  public init(_ pattern: RegoString) throws(RegularExpressionError) {
    let translated = try GoPattern.translate(pattern)
    var error = CRE2_ERROR_NONE
    var fault = [UInt8](repeating: 0, count: 256)
    var faultLength = 0
    let compiled = translated.withUTF8 { bytes in
      fault.withUnsafeMutableBytes { fault in
        bytes.withMemoryRebound(to: CChar.self) { text in
          cre2_new(
            text.baseAddress, text.count, RegularExpression.memoryLimit, &error,
            fault.baseAddress?.assumingMemoryBound(to: CChar.self), fault.count, &faultLength)
        }
      }
    }
    guard let compiled else {
      throw RegularExpressionError(
        error, at: String(decoding: fault.prefix(faultLength), as: UTF8.self), in: pattern)
    }
    self.pattern = pattern
    self.compiled = compiled
    groupCount = Int(cre2_group_count(compiled))
  }

  deinit { cre2_delete(compiled) }

  /// Whether the expression matches anywhere in a text.
  public func matches(_ text: RegoString) -> Bool {
    text.withUTF8 { search($0, from: 0, anchored: false, nil, 0) }
  }

  /// Whether the expression matches a text from its beginning to its end.
  public func matchesWhole(_ text: RegoString) -> Bool {
    text.withUTF8 { search($0, from: 0, anchored: true, nil, 0) }
  }

  /// The number of the group with a name.
  func group(named name: String) -> Int? {
    var name = name
    let group = name.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { cre2_group_named(compiled, $0.baseAddress, $0.count) }
    }
    return group < 0 ? nil : Int(group)
  }

  private func search(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, anchored: Bool, _ groups: UnsafeMutablePointer<Int>?,
    _ capacity: Int
  ) -> Bool {
    // An empty text may have no address, which libre2 would take for the absence of one.
    guard let base = text.baseAddress else {
      var nothing: CChar = 0
      return cre2_match(compiled, &nothing, 0, 0, anchored, groups, Int32(capacity))
    }
    return base.withMemoryRebound(to: CChar.self, capacity: text.count) {
      cre2_match(compiled, $0, text.count, start, anchored, groups, Int32(capacity))
    }
  }
}

// MARK: Finding

extension RegularExpression {
  /// Where a match and its groups lie, in bytes.
  struct Match {
    /// Begin and end of the match and of each group in pairs, -1 for groups that took no part.
    var offsets: [Int]

    var start: Int { offsets[0] }
    var end: Int { offsets[1] }

    func range(ofGroup group: Int) -> Range<Int>? {
      guard 2 * group + 1 < offsets.count, offsets[2 * group] >= 0 else { return nil }
      return offsets[2 * group]..<offsets[2 * group + 1]
    }
  }

  /// The first match at or after a byte position; what precedes it counts for `^` and `\b`.
  func firstMatch(in text: UnsafeBufferPointer<UInt8>, from start: Int, groups: Int) -> Match? {
    var match = Match(offsets: [Int](repeating: -1, count: 2 * (groups + 1)))
    let found = match.offsets.withUnsafeMutableBufferPointer {
      search(text, from: start, anchored: false, $0.baseAddress, groups + 1)
    }
    return found ? match : nil
  }

  /// Calls `visit` for successive matches as Go's `FindAll` finds them: an empty match right after another match does not
  /// count.
  func forEachMatch(
    in text: RegoString, groups: Int, limit: Int, _ visit: (Match) throws(BuiltinError) -> Void
  ) throws(BuiltinError) {
    let bytes = Array(text.utf8)
    var position = 0
    var count = 0
    var previousEnd = -1
    while limit < 0 || count < limit, position <= bytes.count {
      guard let match = bytes.withUnsafeBufferPointer({ firstMatch(in: $0, from: position, groups: groups) })
      else {
        return
      }
      let isIgnored = match.end == position && match.start == previousEnd
      position = match.end == position ? RegularExpression.next(after: position, in: bytes) : match.end
      previousEnd = match.end
      if isIgnored { continue }
      try visit(match)
      count += 1
    }
  }

  /// Where the code point after the one at a position begins; past the end for the end.
  static func next(after position: Int, in bytes: [UInt8]) -> Int {
    var next = position + 1
    while next < bytes.count, bytes[next] & 0xc0 == 0x80 { next += 1 }
    return next
  }
}

/// Why a pattern is no regular expression, as Go says it.
public struct RegularExpressionError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, such as `missing closing ]`.
  public let reason: String
  /// The part of the pattern that is at fault.
  public let fault: String

  /// ``error parsing regexp: missing closing ]: `[a` ``.
  public var description: String { "error parsing regexp: \(reason): `\(fault)`" }

  init(reason: String, fault: String) {
    self.reason = reason
    self.fault = fault
  }

  fileprivate init(_ error: cre2_error, at fault: String, in pattern: RegoString) {
    switch error {
    case CRE2_ERROR_BAD_ESCAPE: reason = "invalid escape sequence"
    case CRE2_ERROR_BAD_CLASS: reason = "invalid character class"
    case CRE2_ERROR_BAD_CLASS_RANGE: reason = "invalid character class range"
    case CRE2_ERROR_MISSING_BRACKET: reason = "missing closing ]"
    case CRE2_ERROR_MISSING_PARENTHESIS: reason = "missing closing )"
    case CRE2_ERROR_UNEXPECTED_PARENTHESIS: reason = "unexpected )"
    case CRE2_ERROR_TRAILING_BACKSLASH: reason = "trailing backslash at end of expression"
    case CRE2_ERROR_REPEAT_ARGUMENT: reason = "missing argument to repetition operator"
    case CRE2_ERROR_REPEAT_SIZE: reason = "invalid repeat count"
    case CRE2_ERROR_REPEAT_OPERATOR: reason = "invalid nested repetition operator"
    case CRE2_ERROR_BAD_PERL_OPERATOR: reason = "invalid or unsupported Perl syntax"
    case CRE2_ERROR_BAD_UTF8: reason = "invalid UTF-8"
    case CRE2_ERROR_BAD_NAMED_CAPTURE: reason = "invalid named capture"
    case CRE2_ERROR_TOO_LARGE: reason = "expression too large"
    default: reason = "internal error"
    }
    switch error {
    case CRE2_ERROR_TRAILING_BACKSLASH: self.fault = ""
    case CRE2_ERROR_TOO_LARGE, CRE2_ERROR_MISSING_PARENTHESIS: self.fault = pattern.string
    // The translation spells (?<name> as (?P<name>.
    case _ where !pattern.string.contains(fault):
      self.fault = fault.split(separator: "(?P<", omittingEmptySubsequences: false).joined(separator: "(?<")
    default: self.fault = fault
    }
  }
}
