/// JSON and YAML as text (OPA documentation, "Encoding").
enum EncodingBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let options = RegoType.object(
    known: ["pretty": .boolean, "indent": .string, "prefix": .string], rest: .init(.string, .any))

  static let all: [Builtin] = [
    Builtin(
      "json.marshal", category: "encoding", "A value as JSON text.", [Parameter("x", .any, "the value")],
      returns: Parameter("y", .string, "the text"),
      .unary { (value) throws(BuiltinError) in .string(JSONWriter().string(value)) }),
    Builtin(
      "json.marshal_with_options", category: "encoding",
      "A value as JSON text, on several lines where options say so.",
      [
        Parameter("x", .any, "the value"),
        Parameter("opts", options, "`pretty`, `indent` (a tab unless given) and `prefix` of every line"),
      ],
      returns: Parameter("y", .string, "the text"), .binary(marshalWithOptions)),
    Builtin(
      "json.unmarshal", category: "encoding", "The value that JSON text holds.",
      [Parameter("x", .string, "the text")], returns: Parameter("y", .any, "the value"),
      .unary { (text) throws(BuiltinError) in
        do { return try JSONReader.value(try text.string(operand: 1)) } catch let error as BuiltinError {
          throw error
        } catch {
          throw .failed("\(error)")
        }
      }),
    Builtin(
      "json.is_valid", category: "encoding", "Whether a string is JSON text.",
      [Parameter("x", .string, "the string")],
      returns: Parameter("result", .boolean, "whether it is"), acceptsAnyOperands: true,
      .unary { (text) throws(BuiltinError) in
        guard case .string(let string) = text else { return false }
        return .boolean(
          string.withUTF8 { bytes in
            (try? JSONReader.validate(UnsafeRawBufferPointer(bytes), options: .init(depth: 10_000))) != nil
          })
      }),
    Builtin(
      "yaml.marshal", category: "encoding", "A value as YAML text.", [Parameter("x", .any, "the value")],
      returns: Parameter("y", .string, "the text"),
      .unary { (value) throws(BuiltinError) in
        guard let text = YAMLWriter.string(value) else { throw .failed("value cannot be written as YAML") }
        return .string(text)
      }),
    Builtin(
      "yaml.unmarshal", category: "encoding", "The value that the first document of YAML text holds.",
      [Parameter("x", .string, "the text")], returns: Parameter("y", .any, "the value"),
      .unary { (text) throws(BuiltinError) in
        switch readYAML(try text.string(operand: 1)) {
        case .success(let value): return value
        case .failure(let error): throw .failed("error converting YAML to JSON: yaml: \(error.goMessage)")
        }
      }),
    Builtin(
      "yaml.is_valid", category: "encoding", "Whether a string is YAML text.",
      [Parameter("x", .string, "the string")],
      returns: Parameter("result", .boolean, "whether it is"), acceptsAnyOperands: true,
      .unary { (text) throws(BuiltinError) in
        guard case .string(let string) = text, case .success = readYAML(string) else { return false }
        return true
      }),
  ]

  /// As OPA does: of equal keys the last counts.
  private static func readYAML(_ text: RegoString) -> Result<Value, YAMLError> {
    Result { () throws(YAMLError) in
      try YAMLReader.value(text.string, options: .init(allowsDuplicateKeys: true))
    }
  }

  private static func marshalWithOptions(_ value: Value, _ options: Value) throws(BuiltinError) -> Value? {
    var indent = "\t"
    var prefix = ""
    var isPretty: Bool?
    var hasLayout = false
    for (position, (key, option)) in try options.object(operand: 2).enumerated() {
      guard case .string(let name) = key else {
        throw .operand(
          2,
          "failed to stringify key \(key) at index \(position): operand \(position) must be string but got \(key.typeName)"
        )
      }
      switch name {
      case "indent", "prefix":
        guard case .string(let text) = option else {
          throw .operand(
            2,
            "key \(key) failed cast to string: operand \(position) must be string but got \(option.typeName)")
        }
        if name == "indent" { indent = text.string } else { prefix = text.string }
        hasLayout = true
      case "pretty":
        guard case .boolean(let flag) = option else { throw .operand(2, "key \(key) failed cast to bool") }
        isPretty = flag
      default: throw .operand(2, "object contained unknown key \(key)")
      }
    }
    guard isPretty ?? hasLayout else { return .string(JSONWriter().string(value)) }
    return .string(prefix + JSONWriter(indent: indent, prefix: prefix).string(value))
  }
}

extension JSONReader {
  static func value(_ text: RegoString) throws(JSONError) -> Value {
    let result = text.withUTF8 { bytes in
      Result { () throws(JSONError) in try value(UnsafeRawBufferPointer(bytes)) }
    }
    return try result.get()
  }
}
