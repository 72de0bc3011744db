import CWorkBudget

/// An immutable set of Rego: distinct values, in Rego's order.
public struct SetValue: Sendable {
  final class Storage: Sendable {
    let elements: [Value]
    /// As ``ObjectValue/Storage/index``.
    let index: [UInt32]

    init(sorted elements: [Value]) {
      self.elements = elements
      index = elements.count > ObjectValue.scanLimit ? HashIndex.build(elements) : []
    }
  }

  static let emptyStorage = Storage(sorted: [])

  let storage: Storage

  /// The empty set.
  public init() { storage = SetValue.emptyStorage }

  /// Makes a set of values in any order, equal ones once.
  public init(_ values: some Sequence<Value>) {
    var sorted = Array(values)
    var ordered = true
    for position in sorted.indices.dropFirst() where sorted[position - 1].compare(sorted[position]) >= 0 {
      ordered = false
      break
    }
    if !ordered {
      sorted.sort { $0.compare($1) < 0 }
      var distinct: [Value] = []
      distinct.reserveCapacity(sorted.count)
      for value in sorted where distinct.last != value { distinct.append(value) }
      sorted = distinct
    }
    self.init(sorted: sorted)
  }

  /// Makes a set of values that are in order and distinct.
  init(sorted elements: [Value]) {
    storage = elements.isEmpty ? SetValue.emptyStorage : Storage(sorted: elements)
  }

  public var count: Int { storage.elements.count }
  public var isEmpty: Bool { storage.elements.isEmpty }
  /// The elements, in Rego's order.
  public var elements: [Value] { storage.elements }

  public func contains(_ value: Value) -> Bool {
    let storage = storage
    if storage.index.isEmpty { return storage.elements.contains(value) }
    return HashIndex.find(value, in: storage.elements, index: storage.index) != nil
  }

  public func union(_ other: SetValue) -> SetValue {
    if isEmpty { return other }
    if other.isEmpty { return self }
    return SetValue(storage.elements + other.storage.elements)
  }

  public func intersection(_ other: SetValue) -> SetValue {
    SetValue(sorted: storage.elements.filter(other.contains))
  }

  public func subtracting(_ other: SetValue) -> SetValue {
    SetValue(sorted: storage.elements.filter { !other.contains($0) })
  }
}

extension SetValue: Equatable {
  public static func == (left: SetValue, right: SetValue) -> Bool {
    left.storage === right.storage
      || work_budget_take(left.count + 1) && left.storage.elements == right.storage.elements
  }
}

extension SetValue: Sequence {
  /// Iterates in Rego's order.
  public func makeIterator() -> IndexingIterator<[Value]> { storage.elements.makeIterator() }
}
