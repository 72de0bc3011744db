/// Writes a module; its extensions write its parts.
///
/// Comments are written only where lines end or begin, so that none can swallow what follows. A comment inside of something that is
/// written on one line ends that line.
struct ModulePrinter {
  /// What parts two lines.
  enum Break {
    /// The first line after an opening bracket.
    case open
    /// Statements: one blank line stays.
    case statement
    /// Elements of a list.
    case element
    /// The line of a closing bracket.
    case close
  }

  let module: Module
  let source: FormattedSource
  let style: FormatStyle
  /// The names that the module gives a meaning, so that `plus(1, 2)` might not be `1 + 2`.
  let ownNames: Set<String>
  var output: [UInt8] = []
  var indentation = 0
  private(set) var nextComment = 0

  init(_ module: Module, _ source: FormattedSource, _ style: FormatStyle) {
    self.module = module
    self.source = source
    self.style = style
    var names = Set(module.imports.compactMap { $0.alias ?? $0.path.last?.string })
    for rule in module.rules {
      if case .variable(let name) = rule.head.reference.first?.kind { names.insert(name) }
    }
    ownNames = names
  }

  mutating func write(_ text: String) { output += text.utf8 }

  mutating func write(_ bytes: ArraySlice<UInt8>) { output += bytes }

  // MARK: Lines

  /// Ends the line, and begins that of what stands at `start` with the comments before it on lines of their own.
  ///
  /// - Parameter end: where in the source that ends which was written last.
  mutating func breakLine(after end: Int, before start: Int, _ kind: Break) {
    endLine(after: end, before: start)
    writeComments(after: source.row(endingAt: end), before: start, kind)
    if kind == .close { indentation -= 1 }
    startLine()
  }

  /// Ends the line with the comments that stand inside of or behind what was written last.
  mutating func endLine(after end: Int, before start: Int) {
    let row = source.row(endingAt: end)
    while nextComment < source.comments.count {
      let offset = source.comments[nextComment].location.offset
      guard offset < end || source.row(offset) == row, let comment = comment(before: start) else { break }
      write(" ")
      write(comment)
    }
    write("\n")
  }

  /// Writes the comments before a place on lines of their own, with one blank line where the source has some.
  mutating func writeComments(after row: Int, before start: Int, _ kind: Break) {
    var previous = row
    var isFirst = true
    while let comment = comment(before: start) {
      let row = source.row(comment.location.offset)
      if isFirst ? kind == .statement && row - previous > 1 : separates(comment, row - previous) {
        write("\n")
      }
      startLine()
      write(comment)
      write("\n")
      previous = row
      isFirst = false
    }
    let hasGap = source.row(start) - previous > 1
    switch kind {
    case .statement: if hasGap { write("\n") }
    case .open, .element: if hasGap && !isFirst { write("\n") }
    case .close: break
    }
  }

  /// Whether a blank line comes before a comment that follows another by as many rows.
  ///
  /// A comment that is indented ends the annotations above it; without indentation only a blank line does.
  private func separates(_ comment: Comment, _ rows: Int) -> Bool {
    if rows > 1 { return true }
    guard indentation == 0, comment.location.column > 1 else { return false }
    return module.annotations.contains {
      source.row(endingAt: $0.location.end) + 1 == source.row(comment.location.offset)
    }
  }

  mutating func startLine() {
    for _ in 0..<indentation { output.append(UInt8(ascii: "\t")) }
  }

  /// Whether a comment stands in a range and has not been written.
  func hasComment(in range: Range<Int>) -> Bool {
    var index = nextComment
    while index < source.comments.count, source.comments[index].location.offset < range.upperBound {
      if range.contains(source.comments[index].location.offset) { return true }
      index += 1
    }
    return false
  }

  /// The next comment, if it stands before a place; it counts as written.
  mutating func comment(before offset: Int) -> Comment? {
    guard nextComment < source.comments.count, source.comments[nextComment].location.offset < offset else {
      return nil
    }
    nextComment += 1
    return source.comments[nextComment - 1]
  }

  /// Takes comments back that were written after as many had been.
  mutating func rewind(to count: Int) { nextComment = count }

  mutating func write(_ comment: Comment) {
    output.append(UInt8(ascii: "#"))
    let blanks: Set<UInt8> = [0x20, 0x09, 0x0d, 0x0b, 0x0c]
    var text = Array(comment.text.utf8)[...]
    while let last = text.last, blanks.contains(last) { text.removeLast() }
    output += text
  }
}
