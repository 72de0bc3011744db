import CWorkBudget
import BigInt

/// Builtins that make text of values (OPA documentation, "Strings").
enum FormattingBuiltins {
  private typealias Parameter = Builtin.Parameter

  static let all: [Builtin] = [
    Builtin(
      "format_int", category: "strings", "Writes a number, without its fraction, in a base.",
      [Parameter("number", .number, "the number"), Parameter("base", .number, "2, 8, 10 or 16")],
      returns: Parameter("output", .string, "the digits"), .binary(formatInt)),
    Builtin(
      "sprintf", category: "strings", "Formats values with the verbs of Go's package fmt.",
      [
        Parameter("format", .string, "text with verbs such as %s and %d"),
        Parameter("values", .anyArray, "the values that the verbs show"),
      ],
      returns: Parameter("output", .string, "the formatted text"), .binary(sprintf)),
    Builtin(
      "strings.render_template", category: "strings", "Renders a template of Go's package text/template.",
      [
        Parameter("value", .string, "the template"),
        Parameter("vars", .object(.string, .any), "what the template can refer to"),
      ],
      returns: Parameter("result", .string, "the rendered text"), .contextual(renderTemplate)),
    Builtin(
      "internal.template_string", category: "strings", "Joins the parts of an interpolated string.",
      [Parameter("parts", .anyArray, "text, values, and sets that hold a value or none")],
      returns: Parameter("output", .string, "the joined string"), .unary(templateString)),
  ]
}

extension FormattingBuiltins {
  private static func formatInt(_ number: Value, _ base: Value) throws(BuiltinError) -> Value? {
    let value = try number.number(operand: 1)
    guard let radix = try base.number(operand: 2).int, [2, 8, 10, 16].contains(radix) else {
      throw .wrongValue(2, expected: "2", "8", "10", "16")
    }
    if let int = value.int { return .string(String(int, radix: radix)) }
    guard let integer = BinaryFloat(value)?.truncated.integer else { throw .failed("number out of range") }
    return .string(String(integer, radix: radix))
  }

  private static func sprintf(_ format: Value, _ values: Value) throws(BuiltinError) -> Value? {
    let text = try format.string(operand: 1)
    let arguments = try values.array(operand: 2).map(formatArgument)
    return .string(try GoFormat.sprintf(text, arguments))
  }

  private static func formatArgument(_ value: Value) -> GoValue {
    switch value {
    case .string(let string): return .string(string)
    case .number(let number):
      if let int = number.int { return .int(int) }
      let double = number.double
      if double.isFinite {
        if number.isInteger, let integer = BigInt(number.description) { return .bigInt(integer) }
        return .float(double)
      }
      // Beyond the range of a float OPA prints the number as it was written: most likely with an exponent, where it ends in
      // many zeros.
      if case .decimal(let value) = number, value.exponent <= 20, let integer = BigInt(number.description) {
        return .bigInt(integer)
      }
      return .string(RegoString(number.exponentText))
    default: return .string(RegoString(value.description))
    }
  }

  /// Parts are texts, values known when the policy was compiled, and sets made of an expression's results: none prints as
  /// `<undefined>`, and there cannot be several.
  private static func templateString(_ parts: Value) throws(BuiltinError) -> Value? {
    var output: [UInt8] = []
    for part in try parts.array(operand: 1) {
      var value = part
      if case .set(let results) = part {
        guard let result = results.elements.first else {
          output.append(contentsOf: "<undefined>".utf8)
          continue
        }
        if results.count > 1 { throw .failed("template-strings must not produce multiple outputs") }
        value = result
      }
      if case .string(let string) = value {
        string.withUTF8 { output.append(contentsOf: $0) }
      } else {
        value.appendText(to: &output)
      }
      if output.count > BuiltinLimits.stringBytes { throw .cancelled }
    }
    return .string(String(decoding: output, as: UTF8.self))
  }

  private static func renderTemplate(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError)
    -> Value?
  {
    let text = try operands[0].string(operand: 1)
    let variables = try operands[1].object(operand: 2)
    try checkJSON(operands[1])
    return .string(try TemplateExecution.render(text, data: variables, context))
  }

  /// Templates get their variables by way of JSON, which has no sets and no keys but strings.
  private static func checkJSON(_ value: Value) throws(BuiltinError) {
    guard work_budget_take(1) else { throw .cancelled }
    switch value {
    case .array(let elements):
      for element in elements { try checkJSON(element) }
    case .object(let object):
      for (key, value) in object {
        guard case .string = key else {
          throw .failed(
            "invalid character \(firstCharacter(of: key)) looking for beginning of object key string")
        }
        try checkJSON(value)
      }
    case .set(let set):
      guard let first = set.elements.first else {
        throw .failed("invalid character 's' looking for beginning of value")
      }
      guard case .string = first else {
        throw .failed(
          "invalid character \(firstCharacter(of: first)) looking for beginning of object key string")
      }
      throw .failed("invalid character '\(set.count == 1 ? "}" : ",")' after object key")
    default: break
    }
  }

  private static func firstCharacter(of value: Value) -> String { "'\(value.description.prefix(1))'" }
}

extension Number {
  /// The number with one digit before the point and an exponent, such as `2e308`.
  fileprivate var exponentText: String {
    guard case .decimal(let value) = self else { return description }
    let digits = String(decoding: value.digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
    let fraction = digits.dropFirst()
    return
      "\(value.isNegative ? "-" : "")\(digits.prefix(1))\(fraction.isEmpty ? "" : ".")\(fraction)e\(value.order - 1)"
  }
}
