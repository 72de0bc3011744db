import BigInt

/// A value as a Go program holds it, for builtins that are defined by Go's packages `fmt` and `text/template`.
enum GoValue {
  case null
  case bool(Bool)
  case int(Int)
  /// One byte of a string.
  case byte(UInt8)
  case bigInt(BigInt)
  case float(Double)
  case complex(real: Double, imaginary: Double)
  case string(RegoString)
  /// A number of a JSON document, which Go keeps as its text.
  case jsonNumber(RegoString)
  case slice(ArraySlice<Value>)
  case map(ObjectValue)

  /// A value as Go decodes it from JSON, where there are no sets.
  init(json value: Value) {
    switch value {
    case .null: self = .null
    case .boolean(let value): self = .bool(value)
    case .number(let number): self = .jsonNumber(RegoString(number.description))
    case .string(let string): self = .string(string)
    case .array(let elements): self = .slice(elements[...])
    case .set(let set): self = .slice(set.elements[...])
    case .object(let object): self = .map(object)
    }
  }

  var typeName: String {
    switch self {
    case .null: "<nil>"
    case .bool: "bool"
    case .int: "int"
    case .byte: "uint8"
    case .bigInt: "*big.Int"
    case .float: "float64"
    case .complex: "complex128"
    case .string: "string"
    case .jsonNumber: "json.Number"
    case .slice: "[]interface {}"
    case .map: "map[string]interface {}"
    }
  }

  /// Whether Go takes it for a string, though perhaps one with a type of its own.
  var isString: Bool {
    switch self {
    case .string, .jsonNumber: true
    default: false
    }
  }
}
