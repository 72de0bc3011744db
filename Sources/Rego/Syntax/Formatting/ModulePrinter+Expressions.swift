// Expressions: declarations, quantifiers, operators and `with`.

extension ModulePrinter {
  mutating func write(_ expression: Expression) {
    if expression.isNegated { write("not ") }
    switch expression.kind {
    case .term(let term): write(term, .whole)
    case .call(let callee, let arguments): writeCall(callee, arguments)
    case .someDeclaration(let variables): writeDeclaration(variables)
    case .someIn(let key, let value, let collection):
      write("some ")
      writePair(key, value)
      write(" in ")
      write(collection, .operand)
    case .every(let key, let value, let collection, let body):
      write("every ")
      writePair(key, value)
      write(" in ")
      write(collection, .argument)
      writeEveryBody(body, from: expression.location.offset)
    }
    writeModifiers(expression.withModifiers)
  }

  private mutating func writePair(_ key: Term?, _ value: Term) {
    if let key {
      write(key, .operand)
      write(", ")
    }
    write(value, .operand)
  }

  /// A call that is a statement: here `=` and `:=` can be said too.
  private mutating func writeCall(_ callee: Term, _ arguments: [Term]) {
    if let symbol = operatorSymbol(callee, arguments), symbol == "=" || symbol == ":=" {
      write(arguments[0], .whole)
      write(" \(symbol) ")
      write(arguments[1], .whole)
    } else {
      writeCall(callee, arguments, .whole)
    }
  }

  private mutating func writeDeclaration(_ variables: [Term]) {
    write("some ")
    var end: Int?
    indentation += 1
    for variable in variables {
      if let end {
        write(",")
        if source.row(variable.location.offset) > source.row(endingAt: end) {
          breakLine(after: end, before: variable.location.offset, .element)
        } else {
          write(" ")
        }
      }
      write(variable, .whole)
      end = variable.location.end
    }
    indentation -= 1
  }

  private mutating func writeEveryBody(_ body: Body, from start: Int) {
    let range = bodyRange(body)
    write(" {")
    if isOnRow(source.row(start), body, in: range) {
      write(" ")
      writeOnOneLine(body)
      // Like `opa fmt`, which sets the brace apart from one expression only.
      write(body.expressions.count == 1 ? " }" : "}")
    } else {
      writeBlock(body, opensAt: range.lowerBound + 1, closesAt: range.upperBound - 1)
      write("}")
    }
  }

  mutating func writeOnOneLine(_ body: Body) {
    for (index, expression) in body.expressions.enumerated() {
      if index > 0 { write("; ") }
      write(expression)
    }
  }

  /// Writes modifiers, each on a line of its own where it begins one in the source.
  private mutating func writeModifiers(_ modifiers: [WithModifier]) {
    var isIndented = false
    for modifier in modifiers {
      let start = modifier.location.offset
      let end = source.token(before: start).map { Int($0.end) } ?? start
      if source.row(start) > source.row(endingAt: end) {
        if !isIndented { indentation += 1 }
        isIndented = true
        breakLine(after: end, before: start, .element)
      } else {
        write(" ")
      }
      write("with ")
      write(modifier.target, .whole)
      write(" as ")
      write(modifier.value, .whole)
    }
    if isIndented { indentation -= 1 }
  }
}
