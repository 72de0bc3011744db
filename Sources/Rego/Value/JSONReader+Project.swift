extension JSONParser {
  /// The value here, as far as a shape needs it.
  mutating func projected(_ shape: PathShape, depth: Int) throws(JSONError) -> Value {
    position = scanner.skipSpace(position)
    guard position < scanner.count else { throw scanner.error(.unexpectedEnd, at: position) }
    let first = scanner.byte(position)
    let isObject = first == UInt8(ascii: "{")
    guard isObject || first == UInt8(ascii: "[") else { return try scalar() }
    switch shape {
    case .all: return try value(depth: depth)
    case .none, .shallow:
      position = try scanner.skipValue(position, depth: depth)
      return isObject ? .object(ObjectValue()) : .array([])
    case .parts(let node):
      guard isObject else { return try projectedArray(node.elements, depth: depth) }
      if case .none = node.others { return try knownMembers(node, depth: depth) }
      return try projectedObject(node, depth: depth)
    }
  }

  private mutating func projectedArray(_ elements: PathShape, depth: Int) throws(JSONError) -> Value {
    if case .none = elements {
      position = try scanner.skipValue(position, depth: depth)
      return .array([])
    }
    let start = values.count
    guard try enter(depth) else { return .array([]) }
    repeat {
      values.push(try projected(elements, depth: depth + 1))
    } while try another(endingWith: UInt8(ascii: "]"))
    return .array(values.pop(from: start))
  }

  private mutating func projectedObject(_ node: PathShape.Node, depth: Int) throws(JSONError) -> Value {
    let keysStart = keys.count
    let valuesStart = values.count
    guard try enter(depth) else { return .object(ObjectValue()) }
    repeat {
      let start = try keyStart(isFirst: keys.count == keysStart)
      let end = try scanner.skipString(start)
      position = try scanner.skipColon(end.position + 1)
      keys.push(keyNumber(from: start, to: end))
      let shape = member(of: node, from: start, to: end).map { node.members[$0].shape } ?? node.others
      values.push(try projected(shape, depth: depth + 1))
    } while try another(endingWith: UInt8(ascii: "}"))
    return .object(popObject(keysFrom: keysStart, valuesFrom: valuesStart))
  }

  /// An object of which only some known members are needed.
  private mutating func knownMembers(_ node: PathShape.Node, depth: Int) throws(JSONError) -> Value {
    let keysStart = keys.count
    let valuesStart = values.count
    guard try enter(depth) else { return .object(ObjectValue()) }
    var isOrdered = true
    var isFirst = true
    repeat {
      let start = try keyStart(isFirst: isFirst)
      isFirst = false
      let end = try scanner.skipString(start)
      position = try scanner.skipColon(end.position + 1)
      guard let member = member(of: node, from: start, to: end) else {
        position = try scanner.skipValue(position, depth: depth + 1)
        continue
      }
      values.push(try projected(node.members[member].shape, depth: depth + 1))
      let number = Int32(truncatingIfNeeded: member)
      if keys.count > keysStart, keys[keys.count - 1] >= number { isOrdered = false }
      keys.push(number)
    } while try another(endingWith: UInt8(ascii: "}"))

    if !isOrdered { orderMembers(keysFrom: keysStart, valuesFrom: valuesStart) }
    defer { keys.removeLast(from: keysStart) }
    let found = keys.count - keysStart
    if found == node.keys.count {
      return .object(ObjectValue(sortedKeys: node.keys, values: values.pop(from: valuesStart)))
    }
    let objectKeys = [Value](unsafeUninitializedCapacity: found) { buffer, initialized in
      for position in 0..<found {
        buffer.initializeElement(at: position, to: node.keys[Int(keys[keysStart + position])])
      }
      initialized = found
    }
    return .object(ObjectValue(sortedKeys: objectKeys, values: values.pop(from: valuesStart)))
  }

  /// Sorts the last members by their positions in the shape; of equal ones only the last stays.
  private mutating func orderMembers(keysFrom keysStart: Int, valuesFrom valuesStart: Int) {
    // Members come in few orders, mostly nearly sorted: insertion sort, stable.
    var kept = 0
    for position in 0..<keys.count - keysStart {
      let key = keys[keysStart + position]
      var place = kept
      while place > 0, keys[keysStart + place - 1] > key { place -= 1 }
      if place > 0, keys[keysStart + place - 1] == key {
        values.swapAt(valuesStart + place - 1, valuesStart + position)
        continue
      }
      // What was passed over before may lie between.
      values.swapAt(valuesStart + kept, valuesStart + position)
      keys[keysStart + kept] = key
      var moving = kept
      while moving > place {
        values.swapAt(valuesStart + moving - 1, valuesStart + moving)
        keys[keysStart + moving] = keys[keysStart + moving - 1]
        moving -= 1
      }
      keys[keysStart + place] = key
      kept += 1
    }
    keys.removeLast(from: keysStart + kept)
    values.removeLast(from: valuesStart + kept)
  }

  private func member(of node: PathShape.Node, from start: Int, to end: JSONScanner.StringEnd) -> Int? {
    if !end.hasEscapes {
      return node.position(ofKey: scanner.bytes, from: start, count: end.position - start)
    }
    let text = JSONParser.unescape(UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<end.position]))
    return text.withUnsafeBytes { node.position(ofKey: $0, from: 0, count: text.count) }
  }
}
