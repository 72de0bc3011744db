/// A number of Rego: exact at any size as a literal and in comparisons.
public enum Number: Sendable {
  /// An integer that fits a machine word.
  case int(Int)
  /// Any other number. Never holds a value that `int` could.
  case decimal(DecimalNumber)
}

/// Placeholder, replaced by an exact decimal.
public final class DecimalNumber: Sendable {
  let approximate: Double
  init(_ approximate: Double) { self.approximate = approximate }
}

extension Number {
  public init(_ value: Int) { self = .int(value) }

  /// Reads a JSON number; nil where the text is not one.
  public init?(json text: some StringProtocol) {
    if let value = Int(text) { self = .int(value) } else if let value = Double(text) { self.init(value) } else { return nil }
  }

  public init(_ value: Double) {
    if let int = Int(exactly: value) { self = .int(int) } else { self = .decimal(DecimalNumber(value)) }
  }

  /// The number as an `Int` where it is one that fits.
  public var int: Int? { if case .int(let value) = self { value } else { nil } }

  public var double: Double { switch self { case .int(let value): Double(value) case .decimal(let value): value.approximate } }

  /// Negative, zero or positive as this number is less than, equal to or greater than `other`.
  public func compare(_ other: Number) -> Int {
    if case .int(let a) = self, case .int(let b) = other { return a < b ? -1 : a == b ? 0 : 1 }
    return double < other.double ? -1 : double == other.double ? 0 : 1
  }

  var hash64: UInt64 {
    switch self {
    case .int(let value): ByteHash.mix(UInt64(bitPattern: Int64(value)) ^ ByteHash.seed, 0x9e37_79b9_7f4a_7c15)
    case .decimal(let value): ByteHash.mix(value.approximate.bitPattern ^ ByteHash.seed, 0x9e37_79b9_7f4a_7c15)
    }
  }
}

extension Number: Hashable, Comparable {
  public static func == (left: Number, right: Number) -> Bool { left.compare(right) == 0 }
  public static func < (left: Number, right: Number) -> Bool { left.compare(right) < 0 }
  public func hash(into hasher: inout Hasher) { hasher.combine(hash64) }
}

extension Number: CustomStringConvertible {
  public var description: String { switch self { case .int(let value): String(value) case .decimal(let value): "\(value.approximate)" } }
}
