import CWorkBudget

// Builtins that change a string or take a part of it.
extension StringBuiltins {
  static func lower(_ value: Value) throws(BuiltinError) -> Value? {
    .string(CaseMapping.lower(try value.string(operand: 1)))
  }

  static func upper(_ value: Value) throws(BuiltinError) -> Value? {
    .string(CaseMapping.upper(try value.string(operand: 1)))
  }

  static func reversed(_ string: RegoString) -> RegoString {
    RegoString(String(String.UnicodeScalarView(string.string.unicodeScalars.reversed())))
  }

  static func reverse(_ value: Value) throws(BuiltinError) -> Value? {
    .string(reversed(try value.string(operand: 1)))
  }

  static func substring(_ value: Value, _ offset: Value, _ length: Value) throws(BuiltinError)
    -> Value?
  {
    let text = try value.string(operand: 1)
    let start = try offset.int(operand: 2)
    let count = try length.int(operand: 3)
    if start < 0 { throw .failed("negative offset") }
    let (from, to) = text.withUTF8 { bytes in
      if TextSearch.isASCII(bytes) {
        let from = min(start, bytes.count)
        return (from, count < 0 ? bytes.count : from + min(count, bytes.count - from))
      }
      let from = TextSearch.position(ofCodePoint: start, in: bytes) ?? bytes.count
      let to = count < 0 ? nil : TextSearch.position(ofCodePoint: count, in: bytes, from: from)
      return (from, to ?? bytes.count)
    }
    return .string(text.slice(from, to))
  }

  static func trim(_ value: Value, _ cutset: Value, _ ends: Trimming.Ends) throws(BuiltinError)
    -> Value?
  {
    let text = try value.string(operand: 1)
    return .string(Trimming.trim(text, cutset: try cutset.string(operand: 2), ends))
  }

  static func trimSpace(_ value: Value) throws(BuiltinError) -> Value? {
    .string(Trimming.trimSpace(try value.string(operand: 1)))
  }

  static func trimPrefix(_ value: Value, _ prefix: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    let beginning = try prefix.string(operand: 2)
    guard text.withUTF8(and: beginning, TextSearch.hasPrefix) else { return value }
    return .string(text.slice(beginning.utf8Count, text.utf8Count))
  }

  static func trimSuffix(_ value: Value, _ suffix: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    let ending = try suffix.string(operand: 2)
    guard text.withUTF8(and: ending, TextSearch.hasSuffix) else { return value }
    return .string(text.slice(0, text.utf8Count - ending.utf8Count))
  }

  static func replace(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let text = try operands[0].string(operand: 1)
    let old = try operands[1].string(operand: 2)
    let new = try operands[2].string(operand: 3)
    guard text.withUTF8(and: old, { TextSearch.firstIndex(of: $1, in: $0) != nil }) else {
      return operands[0]
    }
    if old.utf8Count > 0 { return .string(try replace(old, by: new, in: text)) }
    return .string(try Replacer([(old, new)]).replace(in: text, check: context.checkDeadline))
  }

  private static func replace(
    _ old: RegoString, by new: RegoString, in text: RegoString
  ) throws(BuiltinError) -> RegoString {
    var output: [UInt8] = []
    text.withUTF8(and: old) { bytes, wanted in
      var start = 0
      while let found = TextSearch.firstIndex(of: wanted, in: bytes, from: start) {
        output.append(contentsOf: bytes[start..<found])
        new.withUTF8 { output.append(contentsOf: $0) }
        if output.count > BuiltinLimits.stringBytes || !work_budget_take(1) { return }
        start = found + wanted.count
      }
      output.append(contentsOf: bytes[start...])
    }
    if output.count > BuiltinLimits.stringBytes { throw .cancelled }
    return RegoString(String(decoding: output, as: UTF8.self))
  }

  static func replaceN(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let patterns = try operands[0].object(operand: 1)
    let text = try operands[1].string(operand: 2)
    var pairs: [(old: RegoString, new: RegoString)] = []
    for (key, value) in patterns {
      guard case .string(let old) = key else { throw .operand(1, "non-string key found in pattern object") }
      guard case .string(let new) = value else {
        throw .operand(1, "non-string value found in pattern object")
      }
      pairs.append((old, new))
    }
    return .string(try Replacer(pairs).replace(in: text, check: context.checkDeadline))
  }
}
