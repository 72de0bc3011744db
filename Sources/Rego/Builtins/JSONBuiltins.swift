/// Builtins on parts of documents by path (OPA documentation, "JSON"; RFC 6901, RFC 6902).
enum JSONBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let paths = RegoType.union([
    .set(of: .union([.string, .anyArray])), .array(of: .union([.string, .anyArray])),
  ])

  static let all: [Builtin] = [
    Builtin(
      "json.filter", category: "json", "An object with only what lies on some paths.",
      [
        Parameter("object", .anyObject, "the object"),
        Parameter("paths", paths, "the paths, as JSON pointers or arrays of keys"),
      ],
      returns: Parameter("filtered", .any, "what lies on the paths"),
      .binary { (object, paths) throws(BuiltinError) in
        _ = try object.object(operand: 1)
        return PathTree(try list(paths)).filter(object)
      }),
    Builtin(
      "json.patch", category: "json", "Applies a JSON Patch; undefined where that fails.",
      [
        Parameter("object", .any, "the value to patch"),
        Parameter("patches", .array(of: patch), "the operations, which may name paths as arrays of keys too"),
      ],
      returns: Parameter("output", .any, "the patched value"),
      .binary { (value, operations) throws(BuiltinError) in
        JSONPatch.apply(try operations.array(operand: 2), to: value)
      }),
    Builtin(
      "json.remove", category: "json", "An object without what lies on some paths.",
      [
        Parameter("object", .anyObject, "the object"),
        Parameter("paths", paths, "the paths, as JSON pointers or arrays of keys"),
      ],
      returns: Parameter("output", .any, "the rest"),
      .binary { (object, paths) throws(BuiltinError) in
        _ = try object.object(operand: 1)
        return PathTree(try list(paths)).remove(from: object)
      }),
  ]

  private static let patch = RegoType.object(
    known: ["op": .string, "path": .any], rest: .init(.any, .any))

  private static func list(_ paths: Value) throws(BuiltinError) -> [[Value]] {
    let elements: [Value]
    switch paths {
    case .array(let array): elements = array
    case .set(let set): elements = set.elements
    default: throw .wrongType(2, expected: "set", "array", got: paths)
    }
    var result: [[Value]] = []
    for element in elements {
      guard let path = steps(element) else {
        throw .operand(
          2,
          "must be one of {set, array} containing string paths or array of path segments but got \(element.typeName)"
        )
      }
      result.append(path)
    }
    return result
  }

  /// The steps of a JSON pointer, with or without its leading slash, or of an array; nil for other values.
  static func steps(_ path: Value) -> [Value]? {
    switch path {
    case .array(let steps): return steps
    case .string(let pointer):
      var bytes = Array(pointer.utf8)[...]
      if bytes.isEmpty { return [] }
      while bytes.first == UInt8(ascii: "/") { bytes.removeFirst() }
      return bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
        .string(unescape(String(decoding: $0, as: UTF8.self)))
      }
    default: return nil
    }
  }

  private static func unescape(_ step: String) -> String {
    guard step.utf8.contains(UInt8(ascii: "~")) else { return step }
    var result: [UInt8] = []
    var rest = Array(step.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "~"), let next = rest.first,
        next == UInt8(ascii: "0") || next == UInt8(ascii: "1")
      {
        rest.removeFirst()
        result.append(next == UInt8(ascii: "0") ? byte : UInt8(ascii: "/"))
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// Paths put together by their steps; where one path leads into what another names as a whole, the whole counts.
struct PathTree {
  private final class Node {
    var isWhole = false
    var children: [Value: Node] = [:]
  }

  private let root = Node()

  init(_ paths: [[Value]]) {
    for path in paths where !path.isEmpty {
      var node = root
      for step in path where !node.isWhole {
        let child = node.children[step] ?? Node()
        node.children[step] = child
        node = child
      }
      node.isWhole = true
    }
  }

  func filter(_ value: Value) -> Value { filter(value, root) }

  private func filter(_ value: Value, _ node: Node) -> Value {
    if node.isWhole { return value }
    switch value {
    case .object(let object):
      return .object(
        ObjectValue(
          object.lazy.compactMap { key, member in node.children[key].map { (key, filter(member, $0)) } }))
    case .array(let elements):
      return .array(
        elements.enumerated().compactMap { index, element in
          child(of: node, at: index).map { filter(element, $0) }
        })
    case .set(let set):
      return .set(SetValue(set.compactMap { element in node.children[element].map { filter(element, $0) } }))
    default: return value
    }
  }

  func remove(from value: Value) -> Value? { remove(value, root) }

  private func remove(_ value: Value, _ node: Node?) -> Value? {
    guard let node else { return value }
    if node.isWhole { return nil }
    switch value {
    case .object(let object):
      return .object(
        ObjectValue(
          object.lazy.compactMap { key, member in remove(member, node.children[key]).map { (key, $0) } }))
    case .array(let elements):
      return .array(
        elements.enumerated().compactMap { index, element in remove(element, child(of: node, at: index)) })
    case .set(let set): return .set(SetValue(set.compactMap { remove($0, node.children[$0]) }))
    default: return value
    }
  }

  /// In paths the index of an array's element is a string.
  private func child(of node: Node, at index: Int) -> Node? { node.children[.string(String(index))] }
}
