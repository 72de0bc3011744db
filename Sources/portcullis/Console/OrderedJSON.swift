import Rego

/// JSON whose members keep the order in which they are given, unlike those of a ``Value``.
enum OrderedJSON {
  case value(Value)
  case object([(String, OrderedJSON)])
  case array([OrderedJSON])

  static func string(_ text: String) -> OrderedJSON { .value(.string(text)) }
  static func int(_ number: Int) -> OrderedJSON { .value(.int(number)) }

  /// The text, indented by two spaces, escaped as Go's encoding/json does.
  var text: String {
    var bytes: [UInt8] = []
    append(to: &bytes, prefix: "")
    return String(decoding: bytes, as: UTF8.self)
  }

  private func append(to bytes: inout [UInt8], prefix: String) {
    switch self {
    case .value(let value): JSONWriter(indent: "  ", prefix: prefix).append(value, to: &bytes)
    case .object(let members):
      OrderedJSON.append(members, in: ("{", "}"), to: &bytes, prefix: prefix) { member, bytes, inner in
        JSONWriter().append(.string(member.0), to: &bytes)
        bytes.append(contentsOf: ": ".utf8)
        member.1.append(to: &bytes, prefix: inner)
      }
    case .array(let elements):
      OrderedJSON.append(elements, in: ("[", "]"), to: &bytes, prefix: prefix) { element, bytes, inner in
        element.append(to: &bytes, prefix: inner)
      }
    }
  }

  private static func append<Element>(
    _ elements: [Element], in brackets: (String, String), to bytes: inout [UInt8], prefix: String,
    _ appendElement: (Element, inout [UInt8], String) -> Void
  ) {
    let inner = prefix + "  "
    bytes.append(contentsOf: brackets.0.utf8)
    for (position, element) in elements.enumerated() {
      bytes.append(contentsOf: "\(position > 0 ? "," : "")\n\(inner)".utf8)
      appendElement(element, &bytes, inner)
    }
    if !elements.isEmpty { bytes.append(contentsOf: "\n\(prefix)".utf8) }
    bytes.append(contentsOf: brackets.1.utf8)
  }
}
