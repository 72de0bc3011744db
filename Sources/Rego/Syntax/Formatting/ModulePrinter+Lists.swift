// Lists in brackets, and comprehensions. The source's lines decide what stands on one line.

extension ModulePrinter {
  enum Element {
    case element(Term)
    case argument(Term)
    case pair(Term, Term)

    fileprivate var range: Range<Int> {
      switch self {
      case .element(let term), .argument(let term): term.location.range
      case .pair(let key, let value): key.location.offset..<value.location.end
      }
    }
  }

  /// Writes a list, on one line where all elements begin on the row of the first, and else with as many lines as rows.
  mutating func writeList(_ open: String, _ elements: [Element], _ close: String, in range: Range<Int>) {
    let ranges = elements.map {
      source.withParentheses($0.range, in: range.lowerBound + 1..<range.upperBound - 1)
    }
    write(open)
    guard isBroken(elements, ranges, in: range) else {
      for (index, element) in elements.enumerated() {
        if index > 0 { write(", ") }
        write(element)
      }
      return write(close)
    }
    indentation += 1
    var end = range.lowerBound + 1
    for (index, element) in elements.enumerated() {
      if index > 0 { write(",") }
      if index == 0 || source.row(ranges[index].lowerBound) > source.row(ranges[index - 1].lowerBound) {
        breakLine(after: end, before: ranges[index].lowerBound, index == 0 ? .open : .element)
      } else {
        write(" ")
      }
      write(element)
      end = ranges[index].upperBound
    }
    if !elements.isEmpty { write(",") }
    breakLine(after: end, before: range.upperBound - 1, .close)
    write(close)
  }

  private mutating func write(_ element: Element) {
    switch element {
    case .element(let term): write(term, .element)
    case .argument(let term): write(term, .argument)
    case .pair(let key, let value):
      write(key, .element)
      write(": ")
      write(value, .element)
    }
  }

  private func isBroken(_ elements: [Element], _ ranges: [Range<Int>], in range: Range<Int>) -> Bool {
    guard let first = ranges.first, let last = ranges.last else { return hasComment(in: range) }
    let row = source.row(first.lowerBound)
    if source.row(ranges.last?.lowerBound ?? 0) > row { return true }
    var isCall = false
    if case .argument = elements[0] { isCall = true }
    // Unlike the arguments of a call, elements stay below their bracket.
    if !isCall, row > source.row(range.lowerBound) { return true }
    var end = range.lowerBound
    for element in ranges {
      if hasComment(in: end..<max(end, element.lowerBound)) { return true }
      end = element.upperBound
    }
    // A comment behind the arguments of a call can as well stand behind the call.
    let start = isCall ? source.lineEnd(from: last.upperBound) : end
    return hasComment(in: start..<max(start, range.upperBound))
  }

  // MARK: Comprehensions

  /// Writes a comprehension, on one line where its body begins on the row of the bracket.
  mutating func writeComprehension(
    _ open: String, _ close: String, _ location: Location, _ body: Body,
    head: (inout ModulePrinter) -> Void
  ) {
    let bar = source.token(before: body.location.offset).map { Int($0.end) } ?? location.offset
    write(open)
    head(&self)
    write(" |")
    if isOnRow(source.row(location.offset), body, in: bar..<location.end) {
      write(" ")
      writeOnOneLine(body)
    } else {
      writeBlock(body, opensAt: bar, closesAt: location.end - 1)
    }
    write(close)
  }
}
