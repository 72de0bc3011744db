import BigInt

/// Builtins on strings (OPA documentation, "Strings"). Positions and lengths count code points.
enum StringBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let stringOrStrings = RegoType.union([.string, .set(of: .string), .array(of: .string)])

  private static func declare(
    _ name: String, _ summary: String, _ parameters: [Parameter], returns result: Parameter,
    _ implementation: Builtin.Implementation
  ) -> Builtin {
    Builtin(name, category: "strings", summary, parameters, returns: result, implementation)
  }

  static let all: [Builtin] = [
    declare(
      "concat", "Joins strings with a delimiter between them.",
      [
        Parameter("delimiter", .string, "what stands between the strings"),
        Parameter("collection", .union([.set(of: .string), .array(of: .string)]), "the strings, in order"),
      ],
      returns: Parameter("output", .string, "the joined string"), .binary(concat)),
    declare(
      "contains", "Whether a string occurs in another.",
      [Parameter("haystack", .string, "where to look"), Parameter("needle", .string, "what to look for")],
      returns: Parameter("result", .boolean, "whether it occurs"), .binary(contains)),
    declare(
      "endswith", "Whether a string ends with another.",
      [Parameter("search", .string, "the string"), Parameter("base", .string, "the ending")],
      returns: Parameter("result", .boolean, "whether it ends so"), .binary(endsWith)),
    declare(
      "format_int", "Writes a number, without its fraction, in a base.",
      [Parameter("number", .number, "the number"), Parameter("base", .number, "2, 8, 10 or 16")],
      returns: Parameter("output", .string, "the digits"), .binary(formatInt)),
    declare(
      "indexof", "Where a string first occurs in another.",
      [Parameter("haystack", .string, "where to look"), Parameter("needle", .string, "what to look for")],
      returns: Parameter("output", .number, "the position, from 0, or -1"), .binary(indexOf)),
    declare(
      "indexof_n", "Where a string occurs in another, overlapping occurrences included.",
      [Parameter("haystack", .string, "where to look"), Parameter("needle", .string, "what to look for")],
      returns: Parameter("output", .array(of: .number), "the positions, from 0"), .binary(indexOfN)),
    declare(
      "lower", "A string in lower case.", [Parameter("x", .string, "the string")],
      returns: Parameter("y", .string, "the string in lower case"), .unary(lower)),
    declare(
      "replace", "Replaces every occurrence of a string.",
      [
        Parameter("x", .string, "the string to change"), Parameter("old", .string, "what to replace"),
        Parameter("new", .string, "what to put there"),
      ],
      returns: Parameter("y", .string, "the changed string"), .contextual(replace)),
    declare(
      "split", "Splits a string at every delimiter.",
      [Parameter("x", .string, "the string"), Parameter("delimiter", .string, "where to split")],
      returns: Parameter("ys", .array(of: .string), "the parts"), .binary(split)),
    declare(
      "sprintf", "Formats values with the verbs of Go's package fmt.",
      [
        Parameter("format", .string, "text with verbs such as %s and %d"),
        Parameter("values", .anyArray, "the values that the verbs show"),
      ],
      returns: Parameter("output", .string, "the formatted text"), .binary(sprintf)),
    declare(
      "startswith", "Whether a string begins with another.",
      [Parameter("search", .string, "the string"), Parameter("base", .string, "the beginning")],
      returns: Parameter("result", .boolean, "whether it begins so"), .binary(startsWith)),
    declare(
      "strings.any_prefix_match", "Whether any of some strings begins with any of some others.",
      [
        Parameter("search", stringOrStrings, "the strings"),
        Parameter("base", stringOrStrings, "the beginnings"),
      ],
      returns: Parameter("result", .boolean, "whether one begins so"), .binary(anyPrefixMatch)),
    declare(
      "strings.any_suffix_match", "Whether any of some strings ends with any of some others.",
      [
        Parameter("search", stringOrStrings, "the strings"),
        Parameter("base", stringOrStrings, "the endings"),
      ],
      returns: Parameter("result", .boolean, "whether one ends so"), .binary(anySuffixMatch)),
    declare(
      "strings.count", "How often a string occurs in another, without overlap.",
      [Parameter("search", .string, "where to look"), Parameter("substring", .string, "what to look for")],
      returns: Parameter("output", .number, "the number of occurrences"), .binary(count)),
    Builtin(
      "strings.replace_n", category: "strings",
      "Replaces several strings at once, from left to right and without overlap.",
      [
        Parameter("patterns", .object(.string, .string), "what to replace, and what to put there"),
        Parameter("value", .string, "the string to change"),
      ],
      returns: Parameter("output", .string, "the changed string"), .contextual(replaceN)),
    declare(
      "strings.reverse", "A string with its code points in the opposite order.",
      [Parameter("x", .string, "the string")], returns: Parameter("y", .string, "the reversed string"),
      .unary(reverse)),
    declare(
      "substring", "Part of a string.",
      [
        Parameter("value", .string, "the string"),
        Parameter("offset", .number, "where the part begins, from 0"),
        Parameter("length", .number, "how long it is; negative for all the rest"),
      ],
      returns: Parameter("output", .string, "the part"), .ternary(substring)),
    declare(
      "trim", "Removes characters from both ends of a string.",
      [Parameter("value", .string, "the string"), Parameter("cutset", .string, "the characters to remove")],
      returns: Parameter("output", .string, "the trimmed string"),
      .binary { (value, cutset) throws(BuiltinError) in try trim(value, cutset, .both) }),
    declare(
      "trim_left", "Removes characters from the beginning of a string.",
      [Parameter("value", .string, "the string"), Parameter("cutset", .string, "the characters to remove")],
      returns: Parameter("output", .string, "the trimmed string"),
      .binary { (value, cutset) throws(BuiltinError) in try trim(value, cutset, .left) }),
    declare(
      "trim_prefix", "Removes a beginning from a string that has it.",
      [Parameter("value", .string, "the string"), Parameter("prefix", .string, "the beginning")],
      returns: Parameter("output", .string, "the rest of the string"), .binary(trimPrefix)),
    declare(
      "trim_right", "Removes characters from the end of a string.",
      [Parameter("value", .string, "the string"), Parameter("cutset", .string, "the characters to remove")],
      returns: Parameter("output", .string, "the trimmed string"),
      .binary { (value, cutset) throws(BuiltinError) in try trim(value, cutset, .right) }),
    declare(
      "trim_space", "Removes white space from both ends of a string.",
      [Parameter("value", .string, "the string")],
      returns: Parameter("output", .string, "the trimmed string"), .unary(trimSpace)),
    declare(
      "trim_suffix", "Removes an ending from a string that has it.",
      [Parameter("value", .string, "the string"), Parameter("suffix", .string, "the ending")],
      returns: Parameter("output", .string, "the rest of the string"), .binary(trimSuffix)),
    declare(
      "upper", "A string in upper case.", [Parameter("x", .string, "the string")],
      returns: Parameter("y", .string, "the string in upper case"), .unary(upper)),
    declare(
      "internal.template_string", "Joins the parts of an interpolated string.",
      [Parameter("parts", .anyArray, "text, values, and sets that hold a value or none")],
      returns: Parameter("output", .string, "the joined string"), .unary(templateString)),
  ]
}

// MARK: Joining and splitting

extension StringBuiltins {
  private static func concat(_ delimiter: Value, _ collection: Value) throws(BuiltinError) -> Value? {
    let separator = try delimiter.string(operand: 1)
    guard collection.array != nil || collection.set != nil else {
      throw .wrongType(2, expected: "set", "array", got: collection)
    }
    let strings = try collection.strings(operand: 2)
    if strings.count == 1 { return .string(strings[0]) }
    var length = separator.utf8Count * max(0, strings.count - 1)
    for string in strings { length += string.utf8Count }
    if length > BuiltinLimits.stringBytes { throw .cancelled }
    var output: [UInt8] = []
    output.reserveCapacity(length)
    for (position, string) in strings.enumerated() {
      if position > 0 { separator.withUTF8 { output.append(contentsOf: $0) } }
      string.withUTF8 { output.append(contentsOf: $0) }
    }
    return .string(String(decoding: output, as: UTF8.self))
  }

  private static func split(_ value: Value, _ delimiter: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    let separator = try delimiter.string(operand: 2)
    if separator.utf8Count == 0 {
      return .array(text.string.unicodeScalars.map { .string(String($0)) })
    }
    var parts: [Value] = []
    text.withUTF8(and: separator) { bytes, wanted in
      var start = 0
      while let found = TextSearch.firstIndex(of: wanted, in: bytes, from: start) {
        parts.append(.string(text.slice(start, found)))
        start = found + wanted.count
      }
      parts.append(.string(text.slice(start, bytes.count)))
    }
    return .array(parts)
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
}

// MARK: Searching

extension StringBuiltins {
  private static func contains(_ haystack: Value, _ needle: Value) throws(BuiltinError) -> Value? {
    let text = try haystack.string(operand: 1)
    let wanted = try needle.string(operand: 2)
    return .boolean(text.withUTF8(and: wanted) { TextSearch.firstIndex(of: $1, in: $0) != nil })
  }

  private static func startsWith(_ search: Value, _ base: Value) throws(BuiltinError) -> Value? {
    let text = try search.string(operand: 1)
    return .boolean(text.withUTF8(and: try base.string(operand: 2), TextSearch.hasPrefix))
  }

  private static func endsWith(_ search: Value, _ base: Value) throws(BuiltinError) -> Value? {
    let text = try search.string(operand: 1)
    return .boolean(text.withUTF8(and: try base.string(operand: 2), TextSearch.hasSuffix))
  }

  private static func indexOf(_ haystack: Value, _ needle: Value) throws(BuiltinError) -> Value? {
    let text = try haystack.string(operand: 1)
    let wanted = try needle.string(operand: 2)
    if wanted.utf8Count == 0 { throw .failed("empty search character") }
    return text.withUTF8(and: wanted) { bytes, needle in
      guard let found = TextSearch.firstIndex(of: needle, in: bytes) else { return .int(-1) }
      return .int(TextSearch.codePointCount(bytes, to: found))
    }
  }

  private static func indexOfN(_ haystack: Value, _ needle: Value) throws(BuiltinError) -> Value? {
    let text = try haystack.string(operand: 1)
    let wanted = try needle.string(operand: 2)
    if wanted.utf8Count == 0 { throw .failed("empty search character") }
    return .array(text.withUTF8(and: wanted) { TextSearch.codePointIndexes(of: $1, in: $0) }.map { .int($0) })
  }

  /// An empty string occurs before every code point and at the end.
  private static func count(_ search: Value, _ substring: Value) throws(BuiltinError) -> Value? {
    let text = try search.string(operand: 1)
    let wanted = try substring.string(operand: 2)
    return text.withUTF8(and: wanted) { bytes, needle in
      if needle.isEmpty { return .int(TextSearch.codePointCount(bytes) + 1) }
      var count = 0
      var start = 0
      while let found = TextSearch.firstIndex(of: needle, in: bytes, from: start) {
        count += 1
        start = found + needle.count
      }
      return .int(count)
    }
  }

  private static func anyPrefixMatch(_ search: Value, _ base: Value) throws(BuiltinError) -> Value? {
    let texts = try oneOrMore(search, 1)
    return .boolean(anyStarts(texts, with: try oneOrMore(base, 2)))
  }

  private static func anySuffixMatch(_ search: Value, _ base: Value) throws(BuiltinError) -> Value? {
    let texts = try oneOrMore(search, 1)
    let endings = try oneOrMore(base, 2)
    if texts.count == 1 || endings.count == 1 {
      return .boolean(
        texts.contains { text in endings.contains { text.withUTF8(and: $0, TextSearch.hasSuffix) } })
    }
    return .boolean(anyStarts(texts.map(reversed), with: endings.map(reversed)))
  }

  private static func oneOrMore(_ operand: Value, _ position: Int) throws(BuiltinError) -> [RegoString] {
    switch operand {
    case .string(let string): return [string]
    case .array, .set: return try operand.strings(operand: position)
    default: throw .wrongType(position, expected: "string", "set", "array", got: operand)
    }
  }

  /// In a sorted list the strings with a prefix follow the place where the prefix itself belongs.
  private static func anyStarts(_ texts: [RegoString], with prefixes: [RegoString]) -> Bool {
    if texts.count == 1 || prefixes.count == 1 {
      return texts.contains { text in prefixes.contains { text.withUTF8(and: $0, TextSearch.hasPrefix) } }
    }
    let sorted = texts.sorted()
    return prefixes.contains { prefix in
      var low = 0
      var high = sorted.count
      while low < high {
        let middle = (low + high) / 2
        if sorted[middle] < prefix { low = middle + 1 } else { high = middle }
      }
      return low < sorted.count && sorted[low].withUTF8(and: prefix, TextSearch.hasPrefix)
    }
  }
}

// MARK: Changing

extension StringBuiltins {
  private static func lower(_ value: Value) throws(BuiltinError) -> Value? {
    .string(CaseMapping.lower(try value.string(operand: 1)))
  }

  private static func upper(_ value: Value) throws(BuiltinError) -> Value? {
    .string(CaseMapping.upper(try value.string(operand: 1)))
  }

  private static func reversed(_ string: RegoString) -> RegoString {
    RegoString(String(String.UnicodeScalarView(string.string.unicodeScalars.reversed())))
  }

  private static func reverse(_ value: Value) throws(BuiltinError) -> Value? {
    .string(reversed(try value.string(operand: 1)))
  }

  private static func substring(_ value: Value, _ offset: Value, _ length: Value) throws(BuiltinError)
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

  private static func trim(_ value: Value, _ cutset: Value, _ ends: Trimming.Ends) throws(BuiltinError)
    -> Value?
  {
    let text = try value.string(operand: 1)
    return .string(Trimming.trim(text, cutset: try cutset.string(operand: 2), ends))
  }

  private static func trimSpace(_ value: Value) throws(BuiltinError) -> Value? {
    .string(Trimming.trimSpace(try value.string(operand: 1)))
  }

  private static func trimPrefix(_ value: Value, _ prefix: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    let beginning = try prefix.string(operand: 2)
    guard text.withUTF8(and: beginning, TextSearch.hasPrefix) else { return value }
    return .string(text.slice(beginning.utf8Count, text.utf8Count))
  }

  private static func trimSuffix(_ value: Value, _ suffix: Value) throws(BuiltinError) -> Value? {
    let text = try value.string(operand: 1)
    let ending = try suffix.string(operand: 2)
    guard text.withUTF8(and: ending, TextSearch.hasSuffix) else { return value }
    return .string(text.slice(0, text.utf8Count - ending.utf8Count))
  }

  private static func replace(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
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
        if output.count > BuiltinLimits.stringBytes { return }
        start = found + wanted.count
      }
      output.append(contentsOf: bytes[start...])
    }
    if output.count > BuiltinLimits.stringBytes { throw .cancelled }
    return RegoString(String(decoding: output, as: UTF8.self))
  }

  private static func replaceN(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value?
  {
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

// MARK: Formatting

extension StringBuiltins {
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

  private static func formatArgument(_ value: Value) -> GoFormat.Argument {
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
