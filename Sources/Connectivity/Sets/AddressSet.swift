/// Consecutive addresses of one family.
public enum AddressRange: Sendable, Hashable {
  case v4(IntervalSet<UInt32>.Interval)
  case v6(IntervalSet<UInt128>.Interval)

  public static let allV4 = AddressRange.v4(.init(.min, .max))
  public static let allV6 = AddressRange.v6(.init(.min, .max))

  public var isV4: Bool { if case .v4 = self { true } else { false } }

  public init(_ address: Address) {
    switch address {
    case .v4(let value): self = .v4(.init(value, value))
    case .v6(let value): self = .v6(.init(value, value))
    }
  }
}

extension AddressRange: Comparable {
  /// By family, then by the first address, then by the last.
  public static func < (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.v4(let a), .v4(let b)): (a.lower, a.upper) < (b.lower, b.upper)
    case (.v6(let a), .v6(let b)): (a.lower, a.upper) < (b.lower, b.upper)
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}

extension AddressRange: CustomStringConvertible {
  /// `10.0.0.0-10.255.255.255`.
  public var description: String {
    switch self {
    case .v4(let range): "\(Address.v4(range.lower))-\(Address.v4(range.upper))"
    case .v6(let range): "\(Address.v6(range.lower))-\(Address.v6(range.upper))"
    }
  }
}

/// A set of IPv4 and IPv6 addresses, exactly.
public struct AddressSet: Sendable, Hashable {
  public var v4: IntervalSet<UInt32>
  public var v6: IntervalSet<UInt128>

  public init(v4: IntervalSet<UInt32> = .init(), v6: IntervalSet<UInt128> = .init()) {
    self.v4 = v4
    self.v6 = v6
  }

  public static let none = AddressSet()
  public static let all = AddressSet(v4: .init(.min, .max), v6: .init(.min, .max))

  public var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

  public var ranges: [AddressRange] { v4.intervals.map(AddressRange.v4) + v6.intervals.map(AddressRange.v6) }

  public func union(_ other: Self) -> Self { Self(v4: v4.union(other.v4), v6: v6.union(other.v6)) }

  public func intersection(_ other: Self) -> Self {
    Self(v4: v4.intersection(other.v4), v6: v6.intersection(other.v6))
  }

  public func subtracting(_ other: Self) -> Self {
    Self(v4: v4.subtracting(other.v4), v6: v6.subtracting(other.v6))
  }

  /// Whether every address of a range is in the set.
  public func contains(_ range: AddressRange) -> Bool {
    switch range {
    case .v4(let range): v4.contains(range)
    case .v6(let range): v6.contains(range)
    }
  }

  public func contains(_ address: Address) -> Bool { contains(AddressRange(address)) }

  /// Whether some address of a range is in the set.
  public func overlaps(_ range: AddressRange) -> Bool {
    switch range {
    case .v4(let range): !v4.isDisjoint(with: .init(range.lower, range.upper))
    case .v6(let range): !v6.isDisjoint(with: .init(range.lower, range.upper))
    }
  }
}

extension AddressSet {
  /// The addresses of a block in CIDR notation (RFC 4632, RFC 4291); bits beyond the prefix do not matter. Nil where it is none.
  public init?(cidr: String) {
    let parts = cidr.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count == 2, let address = Address(Substring(parts[0])), let length = Self.length(parts[1])
    else { return nil }
    switch address {
    case .v4(let value):
      guard length <= 32 else { return nil }
      let mask = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
      self.init(v4: .init(value & mask, value & mask | ~mask))
    case .v6(let value):
      guard length <= 128 else { return nil }
      let mask = length == 0 ? 0 : UInt128.max << UInt128(128 - length)
      self.init(v6: .init(value & mask, value & mask | ~mask))
    }
  }

  private static func length(_ digits: Substring.UTF8View) -> Int? {
    guard !digits.isEmpty, digits.count <= 3, digits.count == 1 || digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
    else { return nil }
    return Int(Substring(digits))
  }
}

/// Addresses cut where the sets that matter begin and end, so that none of them tells two addresses of a part apart.
public struct AddressPartition: Sendable, Hashable {
  /// Ascending; together all addresses of each family that is in it.
  public let ranges: [AddressRange]

  /// - Parameter sets: IPv6 is part of the partition only where one of them names some.
  public init(cutBy sets: some Sequence<AddressSet>, alwaysV6: Bool = false) {
    var v4: Set<UInt32> = [0]
    var v6: Set<UInt128> = alwaysV6 ? [0] : []
    for set in sets {
      for interval in set.v4.intervals {
        v4.insert(interval.lower)
        if interval.upper < .max { v4.insert(interval.upper + 1) }
      }
      for interval in set.v6.intervals {
        v6.formUnion([0, interval.lower])
        if interval.upper < .max { v6.insert(interval.upper + 1) }
      }
    }
    ranges = Self.intervals(v4).map(AddressRange.v4) + Self.intervals(v6).map(AddressRange.v6)
  }

  private static func intervals<Bound: FixedWidthInteger & UnsignedInteger & Sendable>(
    _ starts: Set<Bound>
  ) -> [IntervalSet<Bound>.Interval] {
    let starts = starts.sorted()
    return starts.indices.map { index in
      .init(starts[index], index + 1 < starts.count ? starts[index + 1] - 1 : .max)
    }
  }
}
