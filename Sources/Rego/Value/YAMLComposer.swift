/// Makes values of the events of one document.
struct YAMLComposer {
  struct Limits {
    var depth: Int
    var aliasedNodes: Int
    var allowsDuplicateKeys: Bool
  }

  typealias Position = YAMLPositions.Position

  /// A value as it was read, with what is told of it.
  struct Part {
    var value: Value
    var position: Position
    var node: YAMLPositions.Node?
    /// How many scalars and containers it takes, those of its aliases included.
    var size: Int
    /// Whether it is a plain `<<`, which as a key merges.
    var isMergeKey = false
  }

  /// A sequence or mapping that has not ended.
  private struct Frame {
    let isMapping: Bool
    let position: Position
    let anchor: String?
    var size = 1
    var keys: [Value] = []
    var values: [Value] = []
    var marks: [Position] = []
    var nodes: [YAMLPositions.Node?] = []
    var pendingKey: (key: Value, position: Position, isMerge: Bool)?
    var merges: [Part] = []
  }

  private let limits: Limits
  private let file: String
  private var frames: [Frame] = []
  private var anchors: [String: Part] = [:]
  /// Nodes that aliases brought in, without which a few lines could mean billions.
  private var aliasedNodes = 0
  private(set) var root: Part?
  /// The first thing wrong; what follows is passed over.
  private(set) var problem: YAMLError?
  /// Whether the document is so large or deep that it must not be parsed on.
  private(set) var isOutOfBounds = false
  private var keyTable = KeyTable()

  init(file: String, limits: Limits) {
    self.file = file
    self.limits = limits
  }

  /// Takes an event of a document's content.
  mutating func take(_ event: YAMLEventParser.Event, from parser: YAMLEventParser, lineOffset: Int) {
    if problem != nil { return }
    var position = parser.position
    position.line += lineOffset
    switch event {
    case .scalar:
      guard var part = scalar(parser, at: position) else { return }
      part.isMergeKey = part.isMergeKey && frames.last.map { $0.isMapping && $0.pendingKey == nil } ?? false
      if let anchor = parser.anchor(of: .scalar) { anchors[anchor] = part }
      add(part)
    case .sequenceStart, .mappingStart:
      guard frames.count < limits.depth else {
        isOutOfBounds = true
        fail(at: position, "sequences and mappings nested more than \(limits.depth) deep")
        return
      }
      let anchor = parser.anchor(of: event)
      // Until it ends an alias to it would contain itself.
      if let anchor { anchors[anchor] = nil }
      frames.append(Frame(isMapping: event == .mappingStart, position: position, anchor: anchor))
    case .sequenceEnd, .mappingEnd:
      guard let frame = frames.popLast(), let part = end(frame) else { return }
      if let anchor = frame.anchor { anchors[anchor] = part }
      add(part)
    case .alias:
      let name = parser.aliasName
      guard var part = anchors[name] else {
        let isOpen = frames.contains { $0.anchor == name }
        fail(
          at: position,
          isOpen ? "anchor '\(name)' value contains itself" : "unknown anchor '\(name)' referenced")
        return
      }
      aliasedNodes += part.size
      guard aliasedNodes <= limits.aliasedNodes else {
        isOutOfBounds = true
        fail(at: position, "document contains excessive aliasing")
        return
      }
      part.position = position
      add(part)
    default: break
    }
  }

  private mutating func fail(at position: Position, _ message: String) {
    guard problem == nil else { return }
    problem = YAMLError(file: file, line: position.line, column: position.column, problem: message)
  }

  private mutating func scalar(_ parser: YAMLEventParser, at position: Position) -> Part? {
    let isKey = frames.last.map { $0.isMapping && $0.pendingKey == nil } ?? false
    let text = isKey ? keyTable.string(parser.text) : RegoString(validUTF8: parser.text)
    let resolved: YAMLScalar.Resolved
    if let tag = parser.tag {
      switch YAMLScalar.resolve(text, tag: tag) {
      case .success(let meaning): resolved = meaning
      case .failure(let problem):
        fail(at: position, problem.message)
        return nil
      }
    } else {
      resolved = parser.isPlain ? YAMLScalar.resolve(text) : .value(.string(text))
    }
    switch resolved {
    case .value(let value):
      let isMergeKey = parser.isPlain && parser.text.elementsEqual("<<".utf8)
      return Part(value: value, position: position, node: nil, size: 1, isMergeKey: isMergeKey)
    case .unsupported(let name):
      fail(at: position, "\(name) is not a value of JSON")
      return nil
    }
  }

  /// Puts a part where it belongs.
  private mutating func add(_ part: Part) {
    guard var frame = frames.popLast() else {
      root = part
      return
    }
    defer { frames.append(frame) }
    frame.size += part.size
    if !frame.isMapping {
      frame.values.append(part.value)
      frame.marks.append(part.position)
      frame.nodes.append(part.node)
      return
    }
    guard let (key, position, isMerge) = frame.pendingKey else {
      guard let key = YAMLScalar.key(part.value) else {
        fail(at: part.position, "invalid map key: \(part.value.typeName) cannot be the key of a mapping")
        return
      }
      frame.pendingKey = (.string(key), part.position, part.isMergeKey)
      return
    }
    frame.pendingKey = nil
    if isMerge {
      merge(part, into: &frame)
    } else {
      frame.keys.append(key)
      frame.values.append(part.value)
      frame.marks.append(position)
      frame.nodes.append(part.node)
    }
  }

  /// Remembers what `<<` brings into a mapping: another mapping, or several, the first of which count more.
  private mutating func merge(_ part: Part, into frame: inout Frame) {
    switch part.value {
    case .object: frame.merges.append(part)
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        guard case .object = element else {
          fail(at: part.position, "map merge requires map or sequence of maps as the value")
          return
        }
        frame.merges.append(
          Part(value: element, position: part.position, node: part.node?.children[index], size: 0))
      }
    default: fail(at: part.position, "map merge requires map or sequence of maps as the value")
    }
  }

  private mutating func end(_ frame: Frame) -> Part? {
    if !frame.isMapping {
      let node =
        frame.values.isEmpty ? nil : YAMLPositions.Node(keys: [], marks: frame.marks, children: frame.nodes)
      return Part(value: .array(frame.values), position: frame.position, node: node, size: frame.size)
    }
    var frame = frame
    var object = ObjectValue(zip(frame.keys, frame.values))
    if object.count < frame.keys.count, !limits.allowsDuplicateKeys {
      var seen: Set<Value> = []
      for (key, mark) in zip(frame.keys, frame.marks) where !seen.insert(key).inserted {
        fail(at: mark, "key \(key) already set in map")
        return nil
      }
    }
    if !frame.merges.isEmpty {
      // The mapping's own keys count most, then what was merged first.
      var known = Set(frame.keys)
      for part in frame.merges {
        guard case .object(let other) = part.value else { continue }
        for (key, value) in other where known.insert(key).inserted {
          let index = part.node?.index(of: key)
          frame.keys.append(key)
          frame.values.append(value)
          frame.marks.append(index.flatMap { part.node?.marks[$0] } ?? part.position)
          frame.nodes.append(index.flatMap { part.node?.children[$0] ?? nil })
        }
      }
      object = ObjectValue(zip(frame.keys, frame.values))
    }
    let node =
      frame.keys.isEmpty
      ? nil : YAMLPositions.Node(keys: frame.keys, marks: frame.marks, children: frame.nodes)
    return Part(value: .object(object), position: frame.position, node: node, size: frame.size)
  }
}
