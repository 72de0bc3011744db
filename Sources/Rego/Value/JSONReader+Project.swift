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
      if let member = member(of: node, from: start, to: end) {
        keys.push(node.keys[member])
        values.push(try projected(node.members[member].shape, depth: depth + 1))
      } else {
        keys.push(.string(key(from: start, to: end)))
        values.push(try projected(node.others, depth: depth + 1))
      }
    } while try another(endingWith: UInt8(ascii: "}"))
    return .object(popObject(keysFrom: keysStart, valuesFrom: valuesStart))
  }

  /// An object of which only some known members are needed.
  private mutating func knownMembers(_ node: PathShape.Node, depth: Int) throws(JSONError) -> Value {
    let slotsStart = slots.count
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
      let value = try projected(node.members[member].shape, depth: depth + 1)
      if slots.count > slotsStart, slots[slots.count - 1] >= member { isOrdered = false }
      slots.append(member)
      values.push(value)
    } while try another(endingWith: UInt8(ascii: "}"))

    if !isOrdered { orderSlots(from: slotsStart, valuesFrom: valuesStart) }
    let found = slots.count - slotsStart
    defer { slots.removeLast(slots.count - slotsStart) }
    if found == node.keys.count {
      return .object(ObjectValue(sortedKeys: node.keys, values: values.pop(from: valuesStart)))
    }
    let objectKeys = slots[slotsStart...].map { node.keys[$0] }
    return .object(ObjectValue(sortedKeys: objectKeys, values: values.pop(from: valuesStart)))
  }

  /// Sorts the last members by their slots; of equal ones only the last stays.
  private mutating func orderSlots(from slotsStart: Int, valuesFrom valuesStart: Int) {
    // Members come in few orders, mostly nearly sorted: insertion sort, stable.
    var kept = slotsStart
    for position in slotsStart..<slots.count {
      let slot = slots[position]
      let value = values[valuesStart + position - slotsStart]
      var place = kept
      while place > slotsStart, slots[place - 1] > slot { place -= 1 }
      if place > slotsStart, slots[place - 1] == slot {
        values[valuesStart + place - 1 - slotsStart] = value
        continue
      }
      var moved = kept
      while moved > place {
        slots[moved] = slots[moved - 1]
        values[valuesStart + moved - slotsStart] = values[valuesStart + moved - 1 - slotsStart]
        moved -= 1
      }
      slots[place] = slot
      values[valuesStart + place - slotsStart] = value
      kept += 1
    }
    slots.removeLast(slots.count - kept)
    values.removeLast(from: valuesStart + kept - slotsStart)
  }

  private func member(of node: PathShape.Node, from start: Int, to end: JSONScanner.StringEnd) -> Int? {
    if !end.hasEscapes {
      return node.position(ofKey: scanner.bytes, from: start, count: end.position - start)
    }
    let text = JSONParser.unescape(UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<end.position]))
    return text.withUnsafeBytes { node.position(ofKey: $0, from: 0, count: text.count) }
  }
}
