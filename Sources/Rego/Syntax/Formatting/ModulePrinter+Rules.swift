// Rules: heads, bodies and `else`.

extension ModulePrinter {
  mutating func write(_ rule: Rule) {
    if rule.isDefault { write("default ") }
    var (end, isBraced) = writeRule(rule, isElse: false)
    var branches = rule.elseBranch
    while let branch = branches.first {
      let start = branch.location.offset
      let isTogether =
        isBraced && source.bytes[end - 1] == UInt8(ascii: "}")
        && source.row(start) == source.row(endingAt: end)
      if isTogether {
        write(" ")
      } else {
        endLine(after: end, before: start)
        write("\n")
        writeComments(after: source.row(endingAt: end), before: start, .open)
      }
      (end, isBraced) = writeRule(branch, isElse: true)
      branches = branch.elseBranch
    }
  }

  /// Writes a rule or one of its branches without those that follow, and answers where it ends in the source and whether it
  /// was written with a brace at its end.
  private mutating func writeRule(_ rule: Rule, isElse: Bool) -> (end: Int, isBraced: Bool) {
    let head = rule.head
    let isLast = rule.elseBranch.isEmpty
    let isValueless = head.value == nil && head.key == nil
    // A body that always holds says nothing, unless an `else` follows it.
    let dropsBody = rule.body.isTrue && isLast && !(isElse && isValueless)
    let hasBody = !rule.body.expressions.isEmpty && !dropsBody
    if isElse {
      write("else")
    } else {
      writeName(head)
    }
    if let value = head.value, !(hasBody && value.isTrue && canImplyTrue(head, isElse: isElse)) {
      write(" \(style.assignment ?? (head.assigns ? ":=" : "=")) ")
      write(value, .whole)
    } else if needsTrue(rule, isElse: isElse, hasBody: hasBody, dropsBody: dropsBody) {
      write(" \(style.assignment ?? "=") true")
    }
    if hasBody { return writeBody(of: rule, isElse: isElse) }
    let end = rule.body.expressions.isEmpty ? rule.location.end : bodyRange(rule.body).upperBound
    return (end, false)
  }

  /// Whether a head with a body means `true` where it gives no value: in v0 a head with one operand would be a set.
  private func canImplyTrue(_ head: Head, isElse: Bool) -> Bool {
    head.key == nil && (style.usesIf || isElse || head.arguments != nil || head.reference.count != 2)
  }

  /// Whether `true` must be written though the source does not say it.
  private func needsTrue(_ rule: Rule, isElse: Bool, hasBody: Bool, dropsBody: Bool) -> Bool {
    let head = rule.head
    guard head.key == nil, head.value == nil, !rule.isDefault else { return false }
    if hasBody { return !canImplyTrue(head, isElse: isElse) }
    if head.arguments != nil || isElse { return false }
    return dropsBody || head.reference.count > 1
  }

  /// Writes a head up to its value.
  private mutating func writeName(_ head: Head) {
    if let first = head.reference.first { write(first, .whole) }
    for operand in head.reference.dropFirst() {
      if head.reference.count == 2, !style.usesReferenceHeads {
        write("[")
        write(operand, .whole)
        write("]")
      } else {
        writeOperand(operand)
      }
    }
    if let arguments = head.arguments {
      let open = source.first(.leftParenthesis, from: head.reference.last?.location.end ?? 0)
      writeList("(", arguments.map { .argument($0) }, ")", in: open..<argumentsEnd(head, arguments))
    }
    if let key = head.key {
      if style.usesContains {
        write(" contains ")
        write(key, .whole)
      } else {
        write("[")
        write(key, .whole)
        write("]")
      }
    }
  }

  private func argumentsEnd(_ head: Head, _ arguments: [Term]) -> Int {
    source.first(.rightParenthesis, from: arguments.last?.location.end ?? head.location.offset) + 1
  }

  // MARK: Bodies

  private mutating func writeBody(of rule: Rule, isElse: Bool) -> (end: Int, isBraced: Bool) {
    let body = rule.body
    let range = bodyRange(body)
    let isBraced = range.lowerBound < body.location.offset
    let usesIf = style.usesIf && (rule.head.key == nil || style.usesContains)
    write(usesIf ? " if " : " ")
    if usesIf, let expression = body.expressions.first, body.expressions.count == 1, !expression.isSet,
      !isBraced || source.row(range.lowerBound) == source.row(endingAt: range.upperBound)
        || isOnOneLine(body, in: range)
    {
      let (start, comment) = (output.count, nextComment)
      write(expression)
      // After `else if` a brace always begins a body.
      if !isElse || output[start] != UInt8(ascii: "{") { return (range.upperBound, false) }
      output.removeSubrange(start...)
      rewind(to: comment)
    }
    write("{")
    writeBlock(
      body, opensAt: isBraced ? range.lowerBound + 1 : body.location.offset, closesAt: closing(body, range))
    write("}")
    return (range.upperBound, true)
  }

  /// Whether an expression begins beside the body's opening brace and ends beside the closing one.
  private func isOnOneLine(_ body: Body, in range: Range<Int>) -> Bool {
    source.row(range.lowerBound) == source.row(body.location.offset)
      && source.row(endingAt: range.upperBound) == source.row(endingAt: body.location.end)
  }

  private func closing(_ body: Body, _ range: Range<Int>) -> Int {
    range.lowerBound < body.location.offset ? range.upperBound - 1 : range.upperBound
  }

  /// A body with the braces around it, where there are any.
  func bodyRange(_ body: Body) -> Range<Int> {
    guard let open = source.token(before: body.location.offset), open.kind == .leftBrace else {
      return body.location.range
    }
    return Int(open.start)..<source.first(.rightBrace, from: body.location.end) + 1
  }

  /// Writes the expressions of a body on lines of their own, between its brackets.
  mutating func writeBlock(_ body: Body, opensAt open: Int, closesAt close: Int) {
    indentation += 1
    var end = open
    for (index, expression) in body.expressions.enumerated() {
      breakLine(after: end, before: expression.location.offset, index == 0 ? .open : .statement)
      write(expression)
      end = expression.location.end
    }
    breakLine(after: end, before: close, .close)
  }

  /// Whether every expression of a body begins on a row, and no comment stands between them.
  func isOnRow(_ row: Int, _ body: Body, in range: Range<Int>) -> Bool {
    var start = range.lowerBound
    for expression in body.expressions {
      if source.row(expression.location.offset) != row { return false }
      if hasComment(in: start..<max(start, expression.location.offset)) { return false }
      start = expression.location.end
    }
    return !hasComment(in: start..<max(start, range.upperBound))
  }
}

extension Body {
  /// Whether the body is `true`.
  fileprivate var isTrue: Bool {
    guard expressions.count == 1, let expression = expressions.first, !expression.isNegated,
      expression.withModifiers.isEmpty, case .term(let term) = expression.kind
    else { return false }
    return term.isTrue
  }
}

extension Term {
  fileprivate var isTrue: Bool { if case .boolean(true) = kind { true } else { false } }
}

extension Expression {
  /// Whether the expression is a set written out, which after `if` would read as a body.
  fileprivate var isSet: Bool {
    guard !isNegated, case .term(let term) = kind, case .set = term.kind else { return false }
    return true
  }
}
