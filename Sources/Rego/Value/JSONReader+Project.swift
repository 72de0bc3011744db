extension JSONParser {
  /// The value here, as far as it is needed.
  mutating func projected(_ need: ShapeTable.Need, depth: Int) throws(JSONError) -> Value {
    position = scanner.skipSpace(position)
    guard position < scanner.count else { throw scanner.error(.unexpectedEnd, at: position) }
    let first = scanner.byte(position)
    let isObject = first == UInt8(ascii: "{")
    guard isObject || first == UInt8(ascii: "[") else { return try scalar() }
    guard let table = need.table else {
      if need.kind == .all { return try value(depth: depth) }
      position = try scanner.skipValue(position, depth: depth)
      return isObject ? .object(empty) : .array([])
    }
    guard isObject else { return try projectedArray(table.pointee.elements, depth: depth) }
    if table.pointee.others.kind == .none, table.pointee.count <= 64 {
      return try knownMembers(table, depth: depth)
    }
    return try projectedObject(table, depth: depth)
  }

  /// Passes the value here where it is a string and no string is needed.
  @inline(__always)
  private mutating func passString(_ need: ShapeTable.Need) throws(JSONError) -> Bool {
    guard need.kind == .unlessString else { return false }
    position = scanner.skipSpace(position)
    guard position < scanner.count, scanner.byte(position) == UInt8(ascii: "\"") else { return false }
    position = try scanner.skipString(position + 1).position + 1
    return true
  }

  private mutating func projectedArray(_ elements: ShapeTable.Need, depth: Int) throws(JSONError) -> Value {
    if elements.kind == .none {
      position = try scanner.skipValue(position, depth: depth)
      return .array([])
    }
    let start = values.count
    guard try enter(depth) else { return .array([]) }
    repeat {
      if try passString(elements) { continue }
      values.push(try projected(elements, depth: depth + 1))
    } while try another(endingWith: UInt8(ascii: "]"))
    return .array(values.pop(from: start))
  }

  private mutating func projectedObject(_ table: UnsafePointer<ShapeTable>, depth: Int) throws(JSONError)
    -> Value
  {
    let keysStart = keys.count
    let valuesStart = values.count
    guard try enter(depth) else { return .object(empty) }
    var isFirst = true
    repeat {
      let start = try keyStart(isFirst: isFirst)
      isFirst = false
      let end = try scanner.skipString(start)
      position = try scanner.skipColon(end.position + 1)
      let need =
        member(of: table, from: start, to: end).map { table.pointee.members[$0].need } ?? table.pointee.others
      if need.kind == .none {
        position = try scanner.skipValue(position, depth: depth + 1)
        continue
      }
      if try passString(need) { continue }
      keys.push(keyNumber(from: start, to: end))
      values.push(try projected(need, depth: depth + 1))
    } while try another(endingWith: UInt8(ascii: "}"))
    return .object(popObject(keysFrom: keysStart, valuesFrom: valuesStart))
  }

  /// An object of which only some known members are needed, at most 64.
  private mutating func knownMembers(_ table: UnsafePointer<ShapeTable>, depth: Int) throws(JSONError)
    -> Value
  {
    let keysStart = keys.count
    let valuesStart = values.count
    guard try enter(depth) else { return .object(empty) }
    var isOrdered = true
    var isFirst = true
    repeat {
      let start = try keyStart(isFirst: isFirst)
      isFirst = false
      let end = try scanner.skipString(start)
      position = try scanner.skipColon(end.position + 1)
      guard let member = member(of: table, from: start, to: end) else {
        position = try scanner.skipValue(position, depth: depth + 1)
        continue
      }
      let need = table.pointee.members[member].need
      if try passString(need) { continue }
      values.push(try projected(need, depth: depth + 1))
      let number = Int32(truncatingIfNeeded: member)
      if keys.count > keysStart, keys[keys.count - 1] >= number { isOrdered = false }
      keys.push(number)
    } while try another(endingWith: UInt8(ascii: "}"))

    if !isOrdered { orderMembers(keysFrom: keysStart, valuesFrom: valuesStart) }
    defer { keys.removeLast(from: keysStart) }
    if keys.count == keysStart { return .object(empty) }
    var bits: UInt64 = 0
    for position in keysStart..<keys.count { bits |= 1 << UInt64(truncatingIfNeeded: keys[position]) }
    return .object(ObjectValue(table.pointee.layout(of: bits), values: values.pop(from: valuesStart)))
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

  @inline(__always)
  private func member(
    of table: UnsafePointer<ShapeTable>, from start: Int, to end: JSONScanner.StringEnd
  ) -> Int? {
    if !end.hasEscapes {
      return table.pointee.position(ofKey: scanner.bytes, from: start, count: end.position - start)
    }
    return escapedMember(of: table, from: start, to: end)
  }

  @inline(never)
  private func escapedMember(
    of table: UnsafePointer<ShapeTable>, from start: Int, to end: JSONScanner.StringEnd
  ) -> Int? {
    let text = JSONParser.unescape(UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<end.position]))
    return text.withUnsafeBytes { table.pointee.position(ofKey: $0, from: 0, count: text.count) }
  }
}
