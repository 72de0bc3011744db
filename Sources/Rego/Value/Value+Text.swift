import CWorkBudget

/// Values as Rego writes them: `{"a": [1, true, null]}`, `{1, 2}`, `set()`.
extension Value: CustomStringConvertible {
  public var description: String {
    var bytes: [UInt8] = []
    appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the value as Rego's source text would have it, in UTF-8.
  func appendText(to bytes: inout [UInt8]) {
    guard work_budget_take(1), bytes.count <= BuiltinLimits.stringBytes || !work_budget_spend() else {
      return
    }
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let value): bytes.append(contentsOf: value.description.utf8)
    case .string(let value): GoQuote.append(value, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      Value.appendText(of: elements, to: &bytes)
      bytes.append(UInt8(ascii: "]"))
    case .set(let set):
      if set.isEmpty {
        bytes.append(contentsOf: "set()".utf8)
        return
      }
      bytes.append(UInt8(ascii: "{"))
      Value.appendText(of: set.elements, to: &bytes)
      bytes.append(UInt8(ascii: "}"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      var isFirst = true
      for (key, value) in object {
        if !isFirst { bytes.append(contentsOf: ", ".utf8) }
        isFirst = false
        key.appendText(to: &bytes)
        bytes.append(contentsOf: ": ".utf8)
        value.appendText(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func appendText(of elements: [Value], to bytes: inout [UInt8]) {
    for (position, element) in elements.enumerated() {
      if position > 0 { bytes.append(contentsOf: ", ".utf8) }
      element.appendText(to: &bytes)
    }
  }

  /// The value as a message shows it: a string bare, anything else as Rego writes it.
  var messageText: String {
    if case .string(let string) = self { string.string } else { description }
  }
}
