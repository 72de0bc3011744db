import BigInt
import CWorkBudget

/// Formats text as Go's `fmt.Sprintf` does (Go's documentation of package fmt).
struct GoFormat {
  struct Flags {
    var minus = false
    var plus = false
    var sharp = false
    var space = false
    var zero = false
    /// `+` and `#` of `%v`, which mean another thing there.
    var plusV = false
    var sharpV = false
    var width: Int?
    var precision: Int?
  }

  /// Go refuses widths and precisions beyond this.
  private static let largestNumber = 1_000_000

  private let format: [UInt8]
  private let arguments: [GoValue]
  private var position = 0
  private var argument = 0
  private var hasReordered = false
  private var isArgumentValid = true
  private var afterIndex = false
  var flags = Flags()
  var output: [UInt8] = []

  private init(format: RegoString = RegoString(""), arguments: [GoValue]) {
    self.format = Array(format.utf8)
    self.arguments = arguments
  }

  static func sprintf(_ format: RegoString, _ arguments: [GoValue]) throws(BuiltinError) -> RegoString {
    var printer = GoFormat(format: format, arguments: arguments)
    try printer.run()
    return RegoString(String(decoding: printer.output, as: UTF8.self))
  }

  /// Prints values one after another: with spaces between them where both are no strings, or as a line.
  static func sprint(_ values: [GoValue], asLine: Bool = false) throws(BuiltinError) -> RegoString {
    var printer = GoFormat(arguments: values)
    var previousIsString = true
    for (position, value) in values.enumerated() {
      if position > 0, asLine || (!previousIsString && !value.isString) { printer.write(" ") }
      printer.print(value, verb: "v")
      if printer.isFull { throw .cancelled }
      previousIsString = value.isString
    }
    if asLine { printer.write("\n") }
    return RegoString(String(decoding: printer.output, as: UTF8.self))
  }

  /// Whether no more can be written: the text is too long, or the evaluation's time is over.
  var isFull: Bool { output.count > BuiltinLimits.stringBytes || !work_budget_take(1) }

  private mutating func run() throws(BuiltinError) {
    while position < format.count {
      let start = position
      while position < format.count, format[position] != UInt8(ascii: "%") { position += 1 }
      output.append(contentsOf: format[start..<position])
      if position == format.count { break }
      position += 1
      flags = Flags()
      isArgumentValid = true
      afterIndex = false
      readFlags()
      readIndex()
      readWidth()
      readPrecision()
      if !afterIndex { readIndex() }
      guard let verb = readVerb() else {
        write("%!(NOVERB)")
        break
      }
      print(verb)
      if isFull { throw .cancelled }
    }
    if !hasReordered, argument < arguments.count {
      flags = Flags()
      write("%!(EXTRA ")
      for (offset, extra) in arguments[argument...].enumerated() {
        if offset > 0 { write(", ") }
        if case .null = extra {
          write("<nil>")
        } else {
          write("\(extra.typeName)=")
          print(extra, verb: "v")
        }
        if isFull { throw .cancelled }
      }
      write(")")
    }
  }

  private mutating func print(_ verb: Unicode.Scalar) {
    if verb == "%" {
      write("%")
    } else if !isArgumentValid {
      write("%!\(verb)(BADINDEX)")
    } else if argument >= arguments.count {
      write("%!\(verb)(MISSING)")
    } else {
      if verb == "v" {
        flags.sharpV = flags.sharp
        flags.sharp = false
        flags.plusV = flags.plus
        flags.plus = false
      }
      print(arguments[argument], verb: verb)
      argument += 1
    }
  }
}

// MARK: Reading the format

extension GoFormat {
  private func next(is byte: UInt8) -> Bool { position < format.count && format[position] == byte }

  private mutating func readFlags() {
    while position < format.count {
      switch format[position] {
      case UInt8(ascii: "#"): flags.sharp = true
      case UInt8(ascii: "0"): flags.zero = true
      case UInt8(ascii: "+"): flags.plus = true
      case UInt8(ascii: "-"): flags.minus = true
      case UInt8(ascii: " "): flags.space = true
      default: return
      }
      position += 1
    }
  }

  /// Reads `[n]`, the number of the argument to use next.
  private mutating func readIndex() {
    guard next(is: UInt8(ascii: "[")) else {
      afterIndex = false
      return
    }
    hasReordered = true
    guard format.count - position >= 3, let close = format[position...].firstIndex(of: UInt8(ascii: "]"))
    else {
      isArgumentValid = false
      afterIndex = false
      position += 1
      return
    }
    let text = String(decoding: format[(position + 1)..<close], as: UTF8.self)
    position = close + 1
    let isNumber =
      !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isNumber, let number = Int(text), number <= GoFormat.largestNumber else {
      isArgumentValid = false
      afterIndex = false
      return
    }
    afterIndex = true
    if number >= 1, number <= arguments.count { argument = number - 1 } else { isArgumentValid = false }
  }

  /// Reads decimal digits; nil where there are none. A number that is too large ends the format.
  private mutating func readNumber() -> Int? {
    var number: Int?
    while position < format.count, case let digit = format[position], digit >= 0x30, digit <= 0x39 {
      if let number, number > GoFormat.largestNumber {
        position = format.count
        return nil
      }
      number = (number ?? 0) * 10 + Int(digit - 0x30)
      position += 1
    }
    return number
  }

  /// The next argument as a width or precision; nil where it is no integer of a sensible size.
  private mutating func takeIntegerArgument() -> Int? {
    guard argument < arguments.count else { return nil }
    defer { argument += 1 }
    guard case .int(let value) = arguments[argument], value.magnitude <= GoFormat.largestNumber else {
      return nil
    }
    return value
  }

  private mutating func readWidth() {
    if next(is: UInt8(ascii: "*")) {
      position += 1
      flags.width = takeIntegerArgument()
      if let width = flags.width {
        if width < 0 {
          flags.width = -width
          flags.minus = true
          flags.zero = false
        }
      } else {
        write("%!(BADWIDTH)")
      }
      afterIndex = false
    } else {
      flags.width = readNumber()
      if afterIndex, flags.width != nil { isArgumentValid = false }
    }
  }

  private mutating func readPrecision() {
    guard next(is: UInt8(ascii: ".")) else { return }
    position += 1
    if afterIndex { isArgumentValid = false }
    readIndex()
    if next(is: UInt8(ascii: "*")) {
      position += 1
      flags.precision = takeIntegerArgument()
      if let precision = flags.precision, precision < 0 { flags.precision = nil }
      if flags.precision == nil { write("%!(BADPREC)") }
      afterIndex = false
    } else {
      flags.precision = readNumber() ?? 0
    }
  }

  private mutating func readVerb() -> Unicode.Scalar? {
    guard position < format.count else { return nil }
    let first = format[position]
    let length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    let end = min(position + length, format.count)
    defer { position = end }
    return String(decoding: format[position..<end], as: UTF8.self).unicodeScalars.first
  }
}
