/// Builtins on regular expressions (OPA documentation, "Regex").
enum RegexBuiltins {
  private typealias Parameter = Builtin.Parameter

  private static let pattern = Parameter("pattern", .string, "a regular expression in RE2's syntax")

  private static func declare(
    _ name: String, _ summary: String, _ parameters: [Parameter], returns result: Parameter,
    acceptsAnyOperands: Bool = false, _ implementation: Builtin.Implementation
  ) -> Builtin {
    Builtin(
      name, category: "regex", summary, parameters, returns: result, acceptsAnyOperands: acceptsAnyOperands,
      implementation)
  }

  static let all: [Builtin] = [
    declare(
      "regex.find_all_string_submatch_n", "Finds matches of an expression with what its groups matched.",
      [
        pattern, Parameter("value", .string, "where to look"),
        Parameter("number", .number, "the most matches to find; -1 for all"),
      ],
      returns: Parameter("output", .array(of: .array(of: .string)), "each match, followed by its groups"),
      .contextual(findAllSubmatches)),
    declare(
      "regex.find_n", "Finds matches of an expression.",
      [
        pattern, Parameter("value", .string, "where to look"),
        Parameter("number", .number, "the most matches to find; -1 for all"),
      ],
      returns: Parameter("output", .array(of: .string), "the matches"), .contextual(find)),
    declare(
      "regex.globs_match", "Whether some string that is not empty matches both of two glob-like expressions.",
      [
        Parameter("glob1", .string, "an expression of characters, ., *, +, [, -, ] and \\"),
        Parameter("glob2", .string, "another"),
      ],
      returns: Parameter("result", .boolean, "whether there is one"), .contextual(globsMatch)),
    declare(
      "regex.is_valid", "Whether a string is a regular expression.", [pattern],
      returns: Parameter("result", .boolean, "whether it is one"), acceptsAnyOperands: true, .unary(isValid)),
    declare(
      "regex.match", "Whether an expression matches somewhere in a string.",
      [pattern, Parameter("value", .string, "where to look")],
      returns: Parameter("result", .boolean, "whether it matches"), .binary(match)),
    declare(
      "re_match", "Whether an expression matches somewhere in a string.",
      [pattern, Parameter("value", .string, "where to look")],
      returns: Parameter("result", .boolean, "whether it matches"), .binary(match)
    ).deprecated(use: "regex.match"),
    declare(
      "regex.replace", "Replaces every match of an expression.",
      [
        Parameter("s", .string, "the string to change"), pattern,
        Parameter("value", .string, "what to put there; $1 and ${name} stand for what groups matched"),
      ],
      returns: Parameter("output", .string, "the changed string"), .contextual(replace)),
    declare(
      "regex.split", "Splits a string at every match of an expression.",
      [pattern, Parameter("value", .string, "the string")],
      returns: Parameter("output", .array(of: .string), "the parts"), .contextual(split)),
    declare(
      "regex.template_match", "Whether a text with expressions between delimiters matches a whole string.",
      [
        Parameter("template", .string, "text with expressions in it"),
        Parameter("value", .string, "the string"),
        Parameter("delimiter_start", .string, "the character before each expression"),
        Parameter("delimiter_end", .string, "the character after each expression"),
      ],
      returns: Parameter("result", .boolean, "whether it matches"), .variadic(templateMatch)),
  ]
}

// MARK: Matching

extension RegexBuiltins {
  private static let cache = PatternCache<RegoString, RegularExpression>(limit: 1000)

  /// The expression that a pattern denotes, compiled once for the whole process.
  static func expression(_ pattern: RegoString) throws(BuiltinError) -> RegularExpression {
    do {
      return try cache.value(for: pattern) { () throws(RegularExpressionError) in
        try RegularExpression(pattern)
      }
    } catch {
      throw .failed(error.description)
    }
  }

  private static func isValid(_ pattern: Value) throws(BuiltinError) -> Value? {
    guard case .string(let text) = pattern else { return false }
    return .boolean((try? expression(text)) != nil)
  }

  private static func match(_ pattern: Value, _ value: Value) throws(BuiltinError) -> Value? {
    let expression = try expression(try pattern.string(operand: 1))
    return .boolean(expression.matches(try value.string(operand: 2)))
  }

  private static func templateMatch(_ operands: [Value]) throws(BuiltinError) -> Value? {
    let template = try operands[0].string(operand: 1)
    let text = try operands[1].string(operand: 2)
    let start = try operands[2].string(operand: 3)
    let end = try operands[3].string(operand: 4)
    for (name, delimiter) in [("start", start), ("end", end)] where delimiter.utf8Count != 1 {
      // OPA counts bytes, and tells the length of the first delimiter for both.
      throw .failed("\(name) delimiter has to be exactly one character long but is \(start.utf8Count) long")
    }
    guard let open = start.utf8.first, let close = end.utf8.first else { return nil }
    return .boolean(try expression(try templatePattern(template, open, close)).matches(text))
  }

  /// The expression that a template stands for: its text quoted, its expressions as groups.
  private static func templatePattern(
    _ template: RegoString, _ open: UInt8, _ close: UInt8
  ) throws(BuiltinError) -> RegoString {
    let bytes = Array(template.utf8)
    var pattern: [UInt8] = [UInt8(ascii: "^")]
    var level = 0
    var start = 0
    var copied = 0
    for (position, byte) in bytes.enumerated() {
      if byte == open {
        level += 1
        if level == 1 { start = position }
      } else if byte == close {
        level -= 1
        if level < 0 { break }
        if level == 0 {
          appendQuoted(bytes[copied..<start], to: &pattern)
          let inner = bytes[(start + 1)..<position]
          // Each expression must be one on its own, lest its parentheses close what is around it.
          _ = try expression(
            RegoString(String(decoding: [UInt8(ascii: "^")] + inner + [UInt8(ascii: "$")], as: UTF8.self)))
          pattern += [UInt8(ascii: "(")] + inner + [UInt8(ascii: ")")]
          copied = position + 1
        }
      }
    }
    if level != 0 { throw .failed("unbalanced braces in \(GoQuote.quote(template))") }
    appendQuoted(bytes[copied...], to: &pattern)
    pattern.append(UInt8(ascii: "$"))
    return RegoString(String(decoding: pattern, as: UTF8.self))
  }

  private static let metacharacters = Set(#"\.+*?()|[]{}^$"#.utf8)

  static func appendQuoted(_ text: some Sequence<UInt8>, to pattern: inout [UInt8]) {
    for byte in text {
      if metacharacters.contains(byte) { pattern.append(UInt8(ascii: "\\")) }
      pattern.append(byte)
    }
  }

  private static func globsMatch(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError)
    -> Value?
  {
    let first = try GlobIntersection.parse(try operands[0].string(operand: 1))
    let second = try GlobIntersection.parse(try operands[1].string(operand: 2))
    return .boolean(try GlobIntersection.intersect(first, second, check: context.checkDeadline))
  }
}

// MARK: Finding and replacing

extension RegexBuiltins {
  private static func find(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let expression = try expression(try operands[0].string(operand: 1))
    let text = try operands[1].string(operand: 2)
    let limit = try operands[2].int(operand: 3)
    var found: [Value] = []
    try expression.forEachMatch(in: text, groups: 0, limit: limit) { (match) throws(BuiltinError) in
      found.append(.string(text.slice(match.start, match.end)))
      try context.checkDeadline()
    }
    return .array(found)
  }

  private static func findAllSubmatches(
    _ context: BuiltinContext, _ operands: [Value]
  ) throws(BuiltinError) -> Value? {
    let expression = try expression(try operands[0].string(operand: 1))
    let text = try operands[1].string(operand: 2)
    let limit = try operands[2].int(operand: 3)
    let groups = expression.groupCount
    var found: [Value] = []
    try expression.forEachMatch(in: text, groups: groups, limit: limit) { (match) throws(BuiltinError) in
      found.append(
        .array(
          (0...groups).map { group in
            match.range(ofGroup: group).map { .string(text.slice($0.lowerBound, $0.upperBound)) } ?? ""
          }))
      try context.checkDeadline()
    }
    return .array(found)
  }

  private static func split(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let pattern = try operands[0].string(operand: 1)
    let expression = try expression(pattern)
    let text = try operands[1].string(operand: 2)
    if pattern.utf8Count > 0, text.utf8Count == 0 { return .array([operands[1]]) }
    var parts: [Value] = []
    var begin = 0
    var end = 0
    try expression.forEachMatch(in: text, groups: 0, limit: -1) { (match) throws(BuiltinError) in
      end = match.start
      // An empty match at the very beginning splits nothing off.
      if match.end != 0 { parts.append(.string(text.slice(begin, end))) }
      begin = match.end
      try context.checkDeadline()
    }
    if end != text.utf8Count { parts.append(.string(text.slice(begin, text.utf8Count))) }
    return .array(parts)
  }

  private static func replace(_ context: BuiltinContext, _ operands: [Value]) throws(BuiltinError) -> Value? {
    let text = Array(try operands[0].string(operand: 1).utf8)
    let expression = try expression(try operands[1].string(operand: 2))
    let replacement = RegexReplacement(try operands[2].string(operand: 3), in: expression)
    var output: [UInt8] = []
    var position = 0
    var lastEnd = 0
    while position <= text.count {
      let match = text.withUnsafeBufferPointer {
        expression.firstMatch(in: $0, from: position, groups: replacement.groups)
      }
      guard let match else { break }
      output += text[lastEnd..<match.start]
      // Not for an empty match right after another.
      if match.end > lastEnd || match.start == 0 { replacement.append(match, of: text, to: &output) }
      lastEnd = match.end
      position = max(RegularExpression.next(after: position, in: text), match.end)
      try context.checkDeadline()
      if output.count > BuiltinLimits.stringBytes { throw .cancelled }
    }
    if lastEnd == 0, output.isEmpty { return operands[0] }
    output += text[lastEnd...]
    return .string(String(decoding: output, as: UTF8.self))
  }
}
