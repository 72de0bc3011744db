/// A document of a YAML stream.
public struct YAMLDocument: Sendable {
  public let value: Value
  /// The line on which the document's content starts, from 1.
  public let line: Int
  /// Where the parts of the value stand.
  public let positions: YAMLPositions
}

/// Where the parts of a document stand in its file.
public struct YAMLPositions: Sendable {
  /// A place in a file; both count from 1, the column in characters.
  public struct Position: Sendable, Hashable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// What an object or array holds: members by key at the place of the key, or elements. Scalars need no node.
  final class Node: Sendable {
    let keys: [Value]
    let marks: [Position]
    let children: [Node?]

    init(keys: [Value], marks: [Position], children: [Node?]) {
      self.keys = keys
      self.marks = marks
      self.children = children
    }

    func index(of step: Value) -> Int? {
      if keys.isEmpty {
        guard let index = step.int, marks.indices.contains(index) else { return nil }
        return index
      }
      // Where a key came in by a merge too, the document's own comes first.
      return keys.firstIndex(of: step)
    }
  }

  let start: Position
  let root: Node?

  /// The place of what is found under a path of keys and indices: of a member's key, or of an element; nil where there is none.
  public func position(of path: [Value]) -> Position? {
    let (position, depth) = search(path)
    return depth == path.count ? position : nil
  }

  /// As ``position(of:)``, or that of the innermost thing on the path that is there.
  public func nearestPosition(to path: [Value]) -> Position {
    search(path).position
  }

  private func search(_ path: [Value]) -> (position: Position, depth: Int) {
    var position = start
    var node = root
    for (depth, step) in path.enumerated() {
      guard let parent = node, let index = parent.index(of: step) else { return (position, depth) }
      position = parent.marks[index]
      node = parent.children[index]
    }
    return (position, path.count)
  }
}
