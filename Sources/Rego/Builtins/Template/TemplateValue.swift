/// What a part of a template evaluates to.
enum TemplateValue {
  /// No value at all, as opposed to a null that is in the data.
  case none
  case plain(GoValue)
  /// An element of a map or a slice: its static type is the empty interface, which a null can be in.
  case element(GoValue)

  static func bool(_ value: Bool) -> TemplateValue { .plain(.bool(value)) }
  static func string(_ value: RegoString) -> TemplateValue { .plain(.string(value)) }

  /// The value without the interface around it, which turns null into no value.
  var unwrapped: TemplateValue {
    switch self {
    case .none, .element(.null): .none
    case .plain(let value), .element(let value): .plain(value)
    }
  }

  /// The value in Go's terms, where there is one that is not null.
  var content: GoValue? {
    guard case .plain(let value) = unwrapped else { return nil }
    return value
  }

  var typeName: String {
    switch self {
    case .none: "<nil>"
    case .plain(let value): value.typeName
    case .element: "interface {}"
    }
  }

  /// Whether `if` takes it for true: it is neither absent, false, zero nor empty.
  var isTrue: Bool {
    switch content {
    case nil, .null: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .byte(let value): value != 0
    case .bigInt(let value): value != 0
    case .float(let value): value != 0
    case .complex(let real, let imaginary): real != 0 || imaginary != 0
    case .string(let value), .jsonNumber(let value): value.utf8Count > 0
    case .slice(let elements): !elements.isEmpty
    case .map(let object): !object.isEmpty
    }
  }
}
