/// Assembles the document of rules whose heads hold variables: values and sets at nested paths.
final class DocumentBuilder {
  private enum Entry {
    case value(Value)
    case elements([Value])
    case nested(DocumentBuilder)
  }

  private var entries: [Value: Entry] = [:]

  /// Puts a value at a path, or adds an element to the set there.
  ///
  /// - Throws: `eval_conflict_error` where the path holds another value.
  func insert(_ path: ArraySlice<Value>, _ value: Value, isElement: Bool, at location: Location?)
    throws(RegoError)
  {
    guard let key = path.first else { return }
    if path.count > 1 {
      switch entries[key] {
      case nil:
        let nested = DocumentBuilder()
        entries[key] = .nested(nested)
        try nested.insert(path.dropFirst(), value, isElement: isElement, at: location)
      case .nested(let nested)?:
        try nested.insert(path.dropFirst(), value, isElement: isElement, at: location)
      default: throw conflict(location)
      }
      return
    }
    switch (entries[key], isElement) {
    case (nil, false): entries[key] = .value(value)
    case (nil, true): entries[key] = .elements([value])
    case (.elements(var elements)?, true):
      entries[key] = nil
      elements.append(value)
      entries[key] = .elements(elements)
    case (.value(let earlier)?, false) where earlier == value: break
    default: throw conflict(location)
    }
  }

  private func conflict(_ location: Location?) -> RegoError {
    RegoError(.conflict, "object keys must be unique", at: location)
  }

  func build() -> Value {
    .object(
      ObjectValue(
        entries.map { key, entry in
          switch entry {
          case .value(let value): (key, value)
          case .elements(let elements): (key, .set(SetValue(elements)))
          case .nested(let nested): (key, nested.build())
          }
        }))
  }
}
