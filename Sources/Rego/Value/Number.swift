/// A number of Rego: exact at any size as a literal and in comparisons, and one value however it is written (1, 1.0, 1e0).
public enum Number: Sendable {
  /// An integer that fits a machine word.
  case int(Int)
  /// Any other number. Never holds a value that `int` could.
  case decimal(DecimalNumber)
}

extension Number {
  public init(_ value: Int) { self = .int(value) }

  /// Reads a JSON number (RFC 8259, section 6); nil where the text is not one.
  public init?(json text: some StringProtocol) {
    var text = String(text)
    let number = text.withUTF8 { Number(json: UnsafeRawBufferPointer($0)) }
    guard let number else { return nil }
    self = number
  }

  /// Reads a JSON number (RFC 8259, section 6); nil where the bytes are not one.
  public init?(json bytes: UnsafeRawBufferPointer) {
    var position = 0
    guard let number = NumberScanner.scan(bytes, from: &position), position == bytes.count else { return nil }
    self = number
  }

  /// The decimal with the fewest digits that reads back as `value`; nil for infinities and NaN.
  public init?(_ value: Double) {
    if let int = Int(exactly: value) {
      self = .int(int)
    } else {
      guard value.isFinite else { return nil }
      self.init(json: value.description)
    }
  }

  /// The number as an `Int` where it is one that fits.
  public var int: Int? { if case .int(let value) = self { value } else { nil } }

  /// Whether the number is whole, whatever its size.
  public var isInteger: Bool {
    switch self {
    case .int: true
    case .decimal(let value): value.exponent >= 0
    }
  }

  /// Whether the number is less than zero.
  public var isNegative: Bool {
    switch self {
    case .int(let value): value < 0
    case .decimal(let value): value.isNegative
    }
  }

  /// The nearest double; infinite where the number is too large for one.
  public var double: Double {
    switch self {
    case .int(let value): Double(value)
    case .decimal(let value): value.double
    }
  }

  /// Negative, zero or positive as this number is less than, equal to or greater than `other`.
  @inline(__always)
  public func compare(_ other: Number) -> Int {
    if case .int(let a) = self, case .int(let b) = other { return a < b ? -1 : a == b ? 0 : 1 }
    return compareDecimals(other)
  }

  @inline(never)
  private func compareDecimals(_ other: Number) -> Int {
    asDecimal.compare(other.asDecimal)
  }

  /// The number as sign, digits and exponent, also where it is an `int`.
  var asDecimal: DecimalNumber {
    switch self {
    case .int(let value): DecimalNumber(value)
    case .decimal(let value): value
    }
  }

  var hash64: UInt64 {
    switch self {
    case .int(let value):
      ByteHash.mix(UInt64(bitPattern: Int64(value)) ^ ByteHash.seed, 0x9e37_79b9_7f4a_7c15)
    case .decimal(let value): value.hash64
    }
  }
}

extension Number: Hashable, Comparable {
  public static func == (left: Number, right: Number) -> Bool { left.compare(right) == 0 }
  public static func < (left: Number, right: Number) -> Bool { left.compare(right) < 0 }
  public func hash(into hasher: inout Hasher) { hasher.combine(hash64) }
}

extension Number: CustomStringConvertible {
  /// The number as JSON text: plain digits, or with an exponent where those would be many.
  public var description: String {
    switch self {
    case .int(let value): String(value)
    case .decimal(let value): value.description
    }
  }
}
