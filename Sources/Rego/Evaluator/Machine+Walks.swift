/// Walks over the documents below `data`, where which rules are meant is known only at run time.
extension Machine {
  func step(_ cursor: Frame.Cursor, _ key: Place, at location: @autoclosure () -> Location?) throws(RegoError)
    -> Frame.Cursor?
  {
    if cursor.node >= 0, case .string(let name) = key.pointee,
      let child = program.nodes[cursor.node].children[name]
    {
      if let group = program.nodes[child].group {
        if program.groups[group].kind == .function { return nil }
        guard let value = try document(group, at: location()) else { return nil }
        return Frame.Cursor(node: -1, value: value)
      }
      return Frame.Cursor(node: child, value: cursor.value.flatMap { below($0, key) })
    }
    guard let value = cursor.value?.lookup(key) else { return nil }
    return Frame.Cursor(node: -1, value: value)
  }

  /// What a base document holds under a key that is a rule's name. A set would answer with the key, which need not stay.
  private func below(_ document: Place, _ key: Place) -> Place? {
    if case .set = document.pointee { nil } else { document.lookup(key) }
  }

  /// The keys below a cursor, of base and virtual documents, in order.
  func keys(_ cursor: Frame.Cursor) -> [Value] {
    var keys: [Value] =
      switch cursor.value?.pointee {
      case .object(let object)?: object.keys
      case .array(let elements)?: elements.indices.map { .int($0) }
      case .set(let set)?: set.elements
      default: []
      }
    if cursor.node >= 0 {
      keys = SetValue(keys + program.nodes[cursor.node].children.keys.map(Value.string)).elements
    }
    return keys
  }

  /// The whole document at a cursor: rules' documents laid over base documents.
  func value(_ cursor: Frame.Cursor) throws(RegoError) -> Value? {
    if cursor.node < 0 { return cursor.value?.pointee }
    let node = program.nodes[cursor.node]
    if node.children.isEmpty { return cursor.value?.pointee ?? .object(ObjectValue()) }
    var builder = ObjectBuilder()
    if case .object(let base)? = cursor.value?.pointee {
      for (key, value) in base { builder.append(key, value) }
    }
    for name in node.children.keys.sorted() {
      let key = Value.string(name)
      let child = try withUnsafePointer(to: key) { (key) throws(RegoError) -> Frame.Cursor? in
        try step(cursor, key, at: nil)
      }
      guard let child, let value = try value(child) else { continue }
      builder.append(key, value)
    }
    return .object(builder.build())
  }
}
