/// JSON Patch (RFC 6902) over Rego's values: the members of sets can be added and removed too.
enum JSONPatch {
  /// Applies operations one after another; nil where one fails.
  static func apply(_ operations: [Value], to value: Value) -> Value? {
    var document: Value? = value
    for operation in operations {
      guard case .object(let members) = operation, apply(members, to: &document) else { return nil }
    }
    return document
  }

  /// Applies an operation, returning whether it succeeded.
  private static func apply(_ operation: ObjectValue, to document: inout Value?) -> Bool {
    guard let name = operation["op"]?.string, let path = operation["path"].flatMap(JSONBuiltins.steps) else {
      return false
    }
    switch name {
    case "add":
      guard let value = operation["value"] else { return false }
      return insert(value, at: path, into: &document)
    case "remove": return remove(at: path, from: &document)
    case "replace":
      guard let value = operation["value"] else { return false }
      return remove(at: path, from: &document) && insert(value, at: path, into: &document)
    case "move":
      guard let from = operation["from"].flatMap(JSONBuiltins.steps), let value = find(from, in: document)
      else { return false }
      return remove(at: from, from: &document) && insert(value, at: path, into: &document)
    case "copy":
      guard let from = operation["from"].flatMap(JSONBuiltins.steps), let value = find(from, in: document)
      else { return false }
      return insert(value, at: path, into: &document)
    case "test":
      guard let value = operation["value"] else { return false }
      return find(path, in: document) == value
    default: return false
    }
  }

  private static func find(_ path: [Value], in document: Value?) -> Value? {
    var value = document
    for step in path {
      guard let container = value else { return nil }
      value = child(step, of: container)
    }
    return value
  }

  private static func child(_ step: Value, of container: Value) -> Value? {
    guard case .array(let elements) = container else { return container.lookup(step) }
    guard let index = index(step, count: elements.count), elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  /// The index that a step names: a number, digits without leading zeros, or `-` for the place after the last element.
  private static func index(_ step: Value, count: Int) -> Int? {
    switch step {
    case .number(let number): return number.int
    case .string(let text):
      if text == "-" { return count }
      guard text.utf8.allSatisfy({ $0 &- 0x30 <= 9 }), text.utf8Count == 1 || text.utf8.first != 0x30 else {
        return nil
      }
      return Int(text.string)
    default: return nil
    }
  }

  private static func insert(_ value: Value, at path: [Value], into document: inout Value?) -> Bool {
    guard let last = path.last else {
      document = value
      return true
    }
    return change(path.dropLast(), in: &document) { container in
      switch container {
      case .object(let object): return .object(object.inserting(last, value))
      case .set(let set): return last == value ? .set(set.union(SetValue([value]))) : nil
      case .array(var elements):
        guard let index = index(last, count: elements.count), (0...elements.count).contains(index) else {
          return nil
        }
        elements.insert(value, at: index)
        return .array(elements)
      default: return nil
      }
    }
  }

  private static func remove(at path: [Value], from document: inout Value?) -> Bool {
    guard let last = path.last else {
      defer { document = nil }
      return document != nil
    }
    return change(path.dropLast(), in: &document) { container in
      switch container {
      case .object(let object): return object[last] == nil ? nil : .object(object.removing(last))
      case .set(let set): return set.contains(last) ? .set(set.subtracting(SetValue([last]))) : nil
      case .array(var elements):
        guard let index = index(last, count: elements.count), elements.indices.contains(index) else {
          return nil
        }
        elements.remove(at: index)
        return .array(elements)
      default: return nil
      }
    }
  }

  /// Replaces the container on a path, and with it all around it, returning whether there is one that can be.
  private static func change(
    _ path: ArraySlice<Value>, in document: inout Value?, _ edit: (Value) -> Value?
  ) -> Bool {
    guard let value = document, let changed = changed(value, path, edit) else { return false }
    document = changed
    return true
  }

  private static func changed(_ value: Value, _ path: ArraySlice<Value>, _ edit: (Value) -> Value?) -> Value?
  {
    guard let step = path.first else { return edit(value) }
    guard let child = child(step, of: value), let changedChild = changed(child, path.dropFirst(), edit) else {
      return nil
    }
    switch value {
    case .object(let object): return .object(object.inserting(step, changedChild))
    case .set(let set): return .set(set.subtracting(SetValue([child])).union(SetValue([changedChild])))
    case .array(var elements):
      guard let index = index(step, count: elements.count) else { return nil }
      elements[index] = changedChild
      return .array(elements)
    default: return nil
    }
  }
}
