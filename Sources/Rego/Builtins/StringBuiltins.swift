import CWorkBudget

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
      if text.utf8Count > BuiltinLimits.strings { throw .cancelled }
      return .array(text.string.unicodeScalars.map { .string(String($0)) })
    }
    var parts: [Value] = []
    text.withUTF8(and: separator) { bytes, wanted in
      var start = 0
      while let found = TextSearch.firstIndex(of: wanted, in: bytes, from: start) {
        guard work_budget_take(1), parts.count < BuiltinLimits.strings || !work_budget_spend() else { return }
        parts.append(.string(text.slice(start, found)))
        start = found + wanted.count
      }
      parts.append(.string(text.slice(start, bytes.count)))
    }
    return .array(parts)
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
