/// An object looked at where it stands, without counting references: for what is asked of the same values on every thread.
///
/// Good for as long as whatever holds the object.
package struct ObjectInPlace {
  private let storage: Unmanaged<ObjectValue.Storage>

  /// Nil where the value is no object.
  @inline(__always)
  package init?(_ place: UnsafePointer<Value>) {
    guard let storage = place.object else { return nil }
    self.storage = storage
  }

  @inline(__always)
  package var count: Int { storage._withUnsafeGuaranteedRef { $0.keys.count } }

  /// The keys, in Rego's order, one after another. There is nothing to look at where the object is empty.
  @inline(__always)
  package var keys: UnsafePointer<Value>? { storage._withUnsafeGuaranteedRef { $0.keys.base } }

  /// The values, in the order of their keys.
  @inline(__always)
  package var values: UnsafePointer<Value>? { storage._withUnsafeGuaranteedRef { $0.values.base } }

  /// Where the value under the key stands that stands at a place.
  @inline(__always)
  package subscript(key: UnsafePointer<Value>) -> UnsafePointer<Value>? {
    storage._withUnsafeGuaranteedRef { $0.place(of: key) }
  }
}

/// A string looked at where it stands, as ``ObjectInPlace``.
package struct StringInPlace: Equatable {
  private let storage: Unmanaged<RegoString.Storage>

  /// Nil where the value is no string.
  @inline(__always)
  package init?(_ place: UnsafePointer<Value>) {
    guard let storage = place.string else { return nil }
    self.storage = storage
  }

  @inline(__always)
  package static func == (left: StringInPlace, right: StringInPlace) -> Bool {
    left.storage.equals(right.storage)
  }

  @inline(__always)
  package static func == (left: StringInPlace, right: RegoString) -> Bool {
    left.storage.equals(Unmanaged.passUnretained(right.storage))
  }

  /// Whether something holds for the UTF-8 bytes.
  package func isUTF8(_ test: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
    storage._withUnsafeGuaranteedRef { RegoString(storage: $0).withUTF8(test) }
  }
}

/// The elements of an array looked at where they stand, as ``ObjectInPlace``.
package struct ArrayInPlace {
  package let count: Int
  package let elements: UnsafePointer<Value>?

  @inline(__always)
  init(count: Int, elements: UnsafePointer<Value>?) {
    self.count = count
    self.elements = elements
  }

  /// Nil where the value is no array.
  @inline(__always)
  package init?(_ place: UnsafePointer<Value>) {
    guard case .array(let elements) = place.pointee else { return nil }
    count = elements.count
    self.elements = elements.base
  }
}
