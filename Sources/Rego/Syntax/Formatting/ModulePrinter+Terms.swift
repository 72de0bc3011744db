// Terms: values, references, operators and calls. Lists and comprehensions have a file of their own.

extension ModulePrinter {
  /// Where a term stands, which decides whether operators need parentheses.
  enum Position {
    /// Nothing beside it could be taken for a part of the term.
    case whole
    /// Among the arguments of a call, where `a, b in c` would be two.
    case argument
    /// Among the elements of a collection, where `|` could begin a comprehension too.
    case element
    /// Beside an operator, or as the head of a comprehension or reference.
    case operand
  }

  mutating func write(_ term: Term, _ position: Position) {
    switch term.kind {
    case .null: write("null")
    case .boolean(let value): write(value ? "true" : "false")
    case .number: output += source.joinedTokens(term.location.range)
    case .string(let value): writeString(value, at: term.location)
    case .variable(let name): write(name.utf8.first == UInt8(ascii: "$") ? "_" : name)
    case .reference(let head, let operands):
      write(head, .operand)
      for operand in operands { writeOperand(operand) }
    case .array(let elements):
      writeList("[", elements.map { .element($0) }, "]", in: term.location.range)
    case .set(let elements):
      if elements.isEmpty { return write("set()") }
      writeList("{", elements.map { .element($0) }, "}", in: term.location.range)
    case .object(let pairs):
      writeList("{", pairs.map { .pair($0.key, $0.value) }, "}", in: term.location.range)
    case .arrayComprehension(let head, let body):
      writeComprehension("[", "]", term.location, body) { $0.write(head, .operand) }
    case .setComprehension(let head, let body):
      writeComprehension("{", "}", term.location, body) { $0.write(head, .operand) }
    case .objectComprehension(let key, let value, let body):
      writeComprehension("{", "}", term.location, body) { printer in
        printer.write(key, .element)
        printer.write(": ")
        printer.write(value, .operand)
      }
    case .call(let callee, let arguments): writeCall(callee, arguments, position)
    case .template(let parts): writeTemplate(parts, at: term.location)
    }
  }

  /// Writes a string as the source spells it; names after a dot get quotes.
  private mutating func writeString(_ value: RegoString, at location: Location) {
    let text = source.text(location.range)
    if text.first == UInt8(ascii: "\"") || text.first == UInt8(ascii: "`") {
      write(text)
    } else {
      write("\"\(value.string)\"")
    }
  }

  /// `.name` or `[term]`. A keyword stays as it is written.
  mutating func writeOperand(_ operand: Term) {
    if case .string(let name) = operand.kind {
      let first = source.bytes[operand.location.offset]
      let isQuoted = first == UInt8(ascii: "\"") || first == UInt8(ascii: "`")
      if !isQuoted || Self.isPlainName(name) { return write(".\(name.string)") }
    }
    write("[")
    write(operand, .whole)
    write("]")
  }

  // MARK: Calls

  /// The symbol of a call that can be written as an operator.
  func operatorSymbol(_ callee: Term, _ arguments: [Term]) -> String? {
    guard arguments.count == 2 else { return nil }
    if source.text(callee.location.range).elementsEqual("in".utf8) { return "in" }
    guard case .variable(let name) = callee.kind, let symbol = Self.symbols[name] else { return nil }
    let isInfix = !Lexer.isLetter(source.bytes[callee.location.offset])
    return isInfix || !ownNames.contains(name) ? symbol : nil
  }

  private static let symbols = [
    "plus": "+", "minus": "-", "mul": "*", "div": "/", "rem": "%", "and": "&", "or": "|", "equal": "==",
    "neq": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "assign": ":=",
  ]

  mutating func writeCall(_ callee: Term, _ arguments: [Term], _ position: Position) {
    let isMembership = source.text(callee.location.range).elementsEqual("in".utf8)
    if isMembership, arguments.count == 3 {
      let needsParentheses = position != .whole
      if needsParentheses { write("(") }
      write(arguments[0], .operand)
      write(", ")
      write(arguments[1], .operand)
      write(" in ")
      write(arguments[2], .operand)
      if needsParentheses { write(")") }
    } else if let symbol = operatorSymbol(callee, arguments), symbol != "=", symbol != ":=" {
      let needsParentheses = position == .operand || position == .element && symbol == "|"
      if needsParentheses { write("(") }
      write(arguments[0], .operand)
      write(" \(symbol) ")
      write(arguments[1], .operand)
      if needsParentheses { write(")") }
    } else {
      write(callee, .operand)
      let open = callee.location.end
      let last = arguments.last?.location.end ?? open
      writeList(
        "(", arguments.map { .argument($0) }, ")", in: open..<source.first(.rightParenthesis, from: last) + 1)
    }
  }

  // MARK: Templates

  /// Writes a template with its expressions in the canonical format, or as it is where they are on more than one line.
  private mutating func writeTemplate(_ parts: [TemplatePart], at location: Location) {
    let expressions = parts.compactMap { part in
      if case .expression(let expression) = part { expression } else { nil }
    }
    var pieces: [(start: Int, end: Int, expression: Expression)] = []
    for expression in expressions {
      let start = source.token(before: expression.location.offset).map { Int($0.end) } ?? 0
      let end = source.tokenStart(from: expression.location.end)
      if source.text(start..<end).contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "#") }) {
        return write(source.text(location.range))
      }
      pieces.append((start, end, expression))
    }
    var written = location.offset
    for piece in pieces {
      write(source.text(written..<piece.start))
      write(piece.expression)
      written = piece.end
    }
    write(source.text(written..<location.end))
  }
}
