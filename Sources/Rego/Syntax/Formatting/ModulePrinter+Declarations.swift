// Files: package, imports and rules in the order of the source.

extension ModulePrinter {
  private enum Declaration {
    case package
    case imports([Import])
    case rule(Rule)
  }

  mutating func writeModule() {
    var previous: (end: Int, isOneLine: Bool)?
    for (declaration, range) in declarations() {
      if let previous { endLine(after: previous.end, before: range.lowerBound) }
      let before = output
      output = []
      writeComments(
        after: source.row(endingAt: previous?.end ?? 0), before: range.lowerBound, .open)
      let hasComments = !output.isEmpty
      let start = output.count
      let end = write(declaration) ?? range.upperBound
      let isOneLine = !output[start...].contains(UInt8(ascii: "\n"))
      let text = output
      output = before
      var isRule = false
      if case .rule = declaration { isRule = true }
      if let previous {
        // Rules of one line that stand together stay together.
        let areTogether =
          previous.isOneLine && isOneLine && isRule && !hasComments
          && source.row(range.lowerBound) - source.row(endingAt: previous.end) <= 1
        if !areTogether { write("\n") }
      }
      output += text
      previous = (end, isOneLine && isRule)
    }
    let end = source.bytes.count
    if let previous { endLine(after: previous.end, before: end) }
    let row = source.row(endingAt: previous?.end ?? 0)
    if nextComment < source.comments.count {
      write("\n")
      writeComments(after: row, before: end, .close)
    }
  }

  /// The declarations with their places in the source; imports on adjacent lines are one.
  private func declarations() -> [(Declaration, Range<Int>)] {
    var result: [(Declaration, Range<Int>)] = [(.package, module.package.location.range)]
    var imports: [Import] = []
    func finishImports() {
      guard let first = imports.first, let last = imports.last else { return }
      let kept = imports.filter { !style.dropsImport($0.path) }
      if !kept.isEmpty { result.append((.imports(kept), first.location.offset..<last.location.end)) }
      imports = []
    }
    if !style.addedImports.isEmpty {
      let end = source.lineEnd(from: module.package.location.end)
      result.append((.imports([]), end..<end))
    }
    var rules = module.rules[...]
    for element in module.imports {
      while let rule = rules.first, rule.location.offset < element.location.offset {
        finishImports()
        result.append((.rule(rules.removeFirst()), rule.location.range))
      }
      if let last = imports.last,
        source.row(element.location.offset) - source.row(endingAt: last.location.end) > 1
      {
        finishImports()
      }
      imports.append(element)
    }
    finishImports()
    return result + rules.map { (.rule($0), $0.location.range) }
  }

  /// Writes a declaration, and answers where it ends if not at the end of its range.
  private mutating func write(_ declaration: Declaration) -> Int? {
    switch declaration {
    case .package:
      write("package ")
      writePath(module.package.location)
      return nil
    case .imports(let imports):
      if imports.isEmpty {
        write(style.addedImports.map { "import \($0)" }.joined(separator: "\n"))
        return nil
      }
      return write(imports)
    case .rule(let rule):
      write(rule)
      return nil
    }
  }

  /// Writes imports in the order of their paths, each with the comments behind it.
  private mutating func write(_ imports: [Import]) -> Int? {
    var lines: [(import: Import, text: [UInt8])] = []
    let before = output
    for (index, element) in imports.enumerated() {
      output = []
      write("import ")
      writePath(element.location)
      if let alias = element.alias { write(" as \(alias)") }
      let row = source.row(endingAt: element.location.end)
      let next = index + 1 < imports.count ? imports[index + 1].location.offset : source.bytes.count
      while nextComment < source.comments.count, source.comments[nextComment].location.offset < next,
        source.row(source.comments[nextComment].location.offset) <= row, let comment = comment(before: next)
      {
        write(" ")
        write(comment)
      }
      lines.append((element, output))
    }
    output = before
    lines.sort { left, right in
      if left.import.path != right.import.path {
        return left.import.path.lexicographicallyPrecedes(right.import.path) {
          $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
      }
      return (left.import.alias ?? "").utf8.lexicographicallyPrecedes((right.import.alias ?? "").utf8)
    }
    for (index, line) in lines.enumerated() {
      if index > 0 { write("\n") }
      output += line.text
    }
    return imports.last?.location.end
  }

  /// Writes the path that follows the first word of a package or import.
  private mutating func writePath(_ location: Location) {
    var isOperand = false
    for token in source.tokens(in: location.range).dropFirst() {
      let text = source.text(Int(token.start)..<Int(token.end))
      switch token.kind {
      case .as: if !isOperand { return }
      case .string, .rawString:
        let name = StringLiteral.unescape(text.dropFirst().dropLast())
        if token.kind == .string, Self.isPlainName(name) {
          write(".\(name.string)")
        } else {
          write("[")
          write(text)
          write("]")
        }
        continue
      case .dot: break
      case .leftBracket, .rightBracket: continue
      default: break
      }
      isOperand = token.kind == .dot
      write(text)
    }
  }

  /// Whether a string can be written as a name after a dot, and is not better kept in brackets.
  static func isPlainName(_ name: RegoString) -> Bool {
    let bytes = Array(name.utf8)
    guard let first = bytes.first, Lexer.isLetter(first), bytes != [UInt8(ascii: "_")],
      bytes.allSatisfy({ Lexer.isLetter($0) || Lexer.isDigit($0) })
    else { return false }
    return !Token.Kind.word(bytes[...]).isKeyword
  }
}
