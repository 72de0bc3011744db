/// Which parts of a document are needed: what no policy can read need not be built.
///
/// ``JSONReader/project(_:shape:limits:)`` validates what lies outside the shape and skips it. A member or element of another
/// type than the shape tells of is kept whole where it is a scalar, so that an expression which expected an object fails, or
/// is undefined, as it would on the whole document.
public enum PathShape: Sendable {
  /// Nothing: a member of an object is left out, the elements of an array are.
  case none
  /// Only what is no string, and of that no more than ``shallow``: for members of which all there is to know is whether they have
  /// the type that they should have.
  case unlessString
  /// That it is there: a scalar as it is, an array or object without what it holds. For expressions that only ask whether a
  /// path is defined and not `false`.
  case shallow
  /// Everything.
  case all
  /// Some of what an object or array holds.
  case parts(Node)

  /// What of an object's members and an array's elements is needed.
  public final class Node: @unchecked Sendable {
    // Sendable: the table is filled by init and never changed, but for layouts, which are added atomically.
    struct Member {
      let key: RegoString
      let shape: PathShape
    }

    /// The members whose keys are known, in the order of their keys.
    let members: [Member]
    let others: PathShape
    let elements: PathShape
    /// The same for the reader. It refers to those of the members' nodes, which this node keeps alive.
    let table: UnsafePointer<ShapeTable>

    init(_ shapes: [RegoString: PathShape], others: PathShape, elements: PathShape) {
      members = shapes.sorted { $0.key < $1.key }.map { Member(key: $0.key, shape: $0.value) }
      self.others = others
      self.elements = elements
      let table = UnsafeMutablePointer<ShapeTable>.allocate(capacity: 1)
      table.initialize(to: ShapeTable(members, others: others, elements: elements))
      self.table = UnsafePointer(table)
    }

    deinit {
      table.pointee.free()
      table.deallocate()
    }
  }

  /// Up to eight bytes of a key as a number, the missing ones zero.
  @inline(__always)
  static func prefix(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> UInt64 {
    if start + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
      return count >= 8 ? word : word & ((1 << UInt64(8 * count)) &- 1)
    }
    var word: UInt64 = 0
    for position in 0..<min(count, 8) { word |= UInt64(bytes[start + position]) << UInt64(8 * position) }
    return word
  }
}

// MARK: - Making shapes

extension PathShape {
  /// A step of a path into a document.
  public enum Step: Sendable, Hashable {
    /// The member of an object under a key known at compile time.
    case key(RegoString)
    /// Any member or element: a variable, a computed key or an index.
    case any
  }

  /// Objects' members by key, those under all other keys, and arrays' elements.
  ///
  /// What is needed of `others` is needed of the known members too.
  public static func members(
    _ members: [(RegoString, PathShape)], others: PathShape = .none, elements: PathShape = .none
  ) -> PathShape {
    var shapes: [RegoString: PathShape] = [:]
    for (key, shape) in members {
      shapes[key] = (shapes[key] ?? others).union(shape)
    }
    return .parts(Node(shapes, others: others, elements: elements))
  }

  /// Everything but what these shapes leave out of some members.
  public static func everything(but members: [(RegoString, PathShape)]) -> PathShape {
    .parts(Node(Dictionary(members) { _, last in last }, others: .all, elements: .all))
  }

  /// What a reference with these steps reads, `leaf` being what is needed of the value it denotes.
  public static func path(_ steps: some BidirectionalCollection<Step>, leaf: PathShape = .all) -> PathShape {
    var shape = leaf
    for step in steps.reversed() {
      switch step {
      case .key(let key): shape = members([(key, shape)])
      case .any: shape = members([], others: shape, elements: shape)
      }
    }
    return shape
  }

  /// The same shape once more, sharing nothing with this one but the keys (see ``Program/replica()``).
  public func replica() -> PathShape {
    guard case .parts(let node) = self else { return self }
    var shapes: [RegoString: PathShape] = [:]
    for member in node.members { shapes[member.key] = member.shape.replica() }
    let others = node.others.replica()
    let elements = node.elements.isSame(as: node.others) ? others : node.elements.replica()
    return .parts(Node(shapes, others: others, elements: elements))
  }

  /// What either shape needs.
  public func union(_ other: PathShape) -> PathShape {
    switch (self, other) {
    case (.all, _), (_, .all): return .all
    case (.none, let shape), (let shape, .none): return shape
    case (.unlessString, let shape), (let shape, .unlessString): return shape
    case (.shallow, let shape), (let shape, .shallow): return shape
    case (.parts(let a), .parts(let b)):
      if a === b { return self }
      let others = a.others.union(b.others)
      var shapes: [RegoString: PathShape] = [:]
      for node in [a, b] {
        for member in node.members { shapes[member.key] = (shapes[member.key] ?? others).union(member.shape) }
      }
      // What is nested in variables is the same for members and elements, and doubles at each level otherwise.
      let isShared = a.elements.isSame(as: a.others) && b.elements.isSame(as: b.others)
      return .parts(Node(shapes, others: others, elements: isShared ? others : a.elements.union(b.elements)))
    }
  }

  /// Whether two shapes are one, as far as that can be told without comparing them.
  private func isSame(as other: PathShape) -> Bool {
    switch (self, other) {
    case (.none, .none), (.unlessString, .unlessString), (.shallow, .shallow), (.all, .all): true
    case (.parts(let a), .parts(let b)): a === b
    default: false
    }
  }

  /// The shape of the value under a key.
  public subscript(key: RegoString) -> PathShape {
    switch self {
    case .none, .unlessString, .shallow: return .none
    case .all: return .all
    case .parts(let node): return node.members.first { $0.key == key }?.shape ?? node.others
    }
  }
}

extension PathShape: CustomStringConvertible {
  /// Such as `{request: {object: all}, *: none, [shallow]}`.
  public var description: String {
    switch self {
    case .none: return "none"
    case .unlessString: return "unlessString"
    case .shallow: return "shallow"
    case .all: return "all"
    case .parts(let node):
      var parts = node.members.map { "\($0.key): \($0.shape)" }
      if case .none = node.others {} else { parts.append("*: \(node.others)") }
      if case .none = node.elements {} else { parts.append("[\(node.elements)]") }
      return "{\(parts.joined(separator: ", "))}"
    }
  }
}
