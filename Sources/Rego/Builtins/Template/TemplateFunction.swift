/// The functions that every template has (Go's documentation of package text/template, "Functions").
enum TemplateFunction: String {
  case and, call, eq, ge, gt, html, index, js, le, len, lt, ne, not, or, print, printf, println, slice,
    urlquery

  struct Failure: Error {
    let message: String

    init(_ message: String) { self.message = message }
  }

  enum ParameterType {
    /// Anything, with the type that it is known by.
    case value
    /// Anything, in an interface.
    case any
    case string
  }

  struct Signature {
    var fixed: [ParameterType] = []
    /// The type of any further arguments.
    var variadic: ParameterType?

    func type(at position: Int) -> ParameterType {
      position < fixed.count ? fixed[position] : variadic ?? .value
    }
  }

  var signature: Signature {
    switch self {
    case .and, .or, .call, .index, .slice, .eq: Signature(fixed: [.value], variadic: .value)
    case .html, .js, .urlquery, .print, .println: Signature(variadic: .any)
    case .printf: Signature(fixed: [.string], variadic: .any)
    case .len, .not: Signature(fixed: [.value])
    case .ge, .gt, .le, .lt, .ne: Signature(fixed: [.value, .value])
    }
  }

  /// Calls the function with as many arguments as it takes.
  func call(_ arguments: [TemplateValue], callee: String, _ context: BuiltinContext) throws(BuiltinError)
    -> TemplateValue
  {
    do {
      switch self {
      case .print: return .string(try GoFormat.sprint(arguments.map(TemplateFunction.printable)))
      case .println:
        return .string(try GoFormat.sprint(arguments.map(TemplateFunction.printable), asLine: true))
      case .printf:
        guard case .string(let format)? = arguments[0].content else { return .none }
        return .string(try GoFormat.sprintf(format, arguments.dropFirst().map(TemplateFunction.printable)))
      case .html: return .string(try Escaping.html(TemplateFunction.text(of: arguments)))
      case .js: return .string(try Escaping.javaScript(TemplateFunction.text(of: arguments)))
      case .urlquery: return .string(RegoString(URLQuery.escape(try TemplateFunction.text(of: arguments))))
      default: return try compute(arguments, callee: callee)
      }
    } catch let error as Failure {
      throw .failed(error.message)
    } catch let error as BuiltinError {
      throw error
    } catch {
      throw .failed("\(error)")
    }
  }

  private func compute(_ arguments: [TemplateValue], callee: String) throws(Failure) -> TemplateValue {
    let first = arguments[0]
    let others = arguments.dropFirst()
    switch self {
    case .not: return .bool(!first.isTrue)
    case .len: return .plain(.int(try TemplateFunction.length(first)))
    case .index: return try TemplateFunction.index(first, others)
    case .slice: return try TemplateFunction.slice(first, others)
    case .eq: return .bool(try TemplateComparison.isEqual(first, toAnyOf: others))
    case .ne: return .bool(!(try TemplateComparison.isEqual(first, toAnyOf: others)))
    case .lt: return .bool(try TemplateComparison.isLess(first, arguments[1]))
    case .le: return .bool(try TemplateComparison.isLessOrEqual(first, arguments[1]))
    case .gt: return .bool(!(try TemplateComparison.isLessOrEqual(first, arguments[1])))
    case .ge: return .bool(!(try TemplateComparison.isLess(first, arguments[1])))
    case .call:
      guard let content = first.content else { throw Failure("call of nil") }
      throw Failure("non-function \(callee) of type \(content.typeName)")
    default: return .none
    }
  }

  // MARK: Text

  private static func printable(_ value: TemplateValue) -> GoValue { value.content ?? .null }

  private static func text(of arguments: [TemplateValue]) throws(BuiltinError) -> RegoString {
    try GoFormat.sprint(arguments.map { $0.content ?? .string(RegoString("<no value>")) })
  }

  private enum Escaping {
    static func html(_ text: RegoString) -> RegoString {
      var output: [UInt8] = []
      for byte in text.utf8 {
        switch byte {
        case 0: output.append(contentsOf: "\u{fffd}".utf8)
        case UInt8(ascii: "\""): output.append(contentsOf: "&#34;".utf8)
        case UInt8(ascii: "'"): output.append(contentsOf: "&#39;".utf8)
        case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
        case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
        case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
        default: output.append(byte)
        }
      }
      return RegoString(String(decoding: output, as: UTF8.self))
    }

    static func javaScript(_ text: RegoString) -> RegoString {
      var output = String.UnicodeScalarView()
      for scalar in text.string.unicodeScalars {
        switch scalar {
        case "\\", "'", "\"":
          output.append("\\")
          output.append(scalar)
        case "<", ">", "&", "=": output.append(contentsOf: escape(scalar))
        case _ where scalar.isASCII && scalar.value >= 0x20: output.append(scalar)
        case _ where !scalar.isASCII && GoQuote.isPrintable(scalar): output.append(scalar)
        default: output.append(contentsOf: escape(scalar))
        }
      }
      return RegoString(String(output))
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String.UnicodeScalarView {
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return ("\\u" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits).unicodeScalars
    }
  }

  // MARK: Elements

  private static func length(_ value: TemplateValue) throws(Failure) -> Int {
    switch value.content {
    case .string(let text)?, .jsonNumber(let text)?: return text.utf8Count
    case .slice(let elements)?: return elements.count
    case .map(let object)?: return object.count
    case let other?: throw Failure("len of type \(other.typeName)")
    case nil:
      if case .element = value { throw Failure("len of nil pointer") }
      throw Failure("reflect: call of reflect.Value.Type on zero Value")
    }
  }

  private static func index(_ item: TemplateValue, _ indexes: ArraySlice<TemplateValue>) throws(Failure)
    -> TemplateValue
  {
    var item = item.unwrapped
    if case .none = item { throw Failure("index of untyped nil") }
    for index in indexes {
      guard let content = item.content else { throw Failure("index of nil pointer") }
      switch content {
      case .slice(let elements):
        let offset = try position(index, upTo: elements.count)
        if offset == elements.count { throw Failure("reflect: slice index out of range") }
        item = .element(GoValue(json: elements[elements.startIndex + offset]))
      case .string(let text), .jsonNumber(let text):
        let offset = try position(index, upTo: text.utf8Count)
        if offset == text.utf8Count { throw Failure("reflect: string index out of range") }
        item = .plain(.byte(text.utf8[text.utf8.index(text.utf8.startIndex, offsetBy: offset)]))
      case .map(let object):
        guard let key = index.content else { throw Failure("value is nil; should be of type string") }
        guard case .string(let name) = key else {
          throw Failure("value has type \(key.typeName); should be string")
        }
        item = .element(GoValue(json: object[name] ?? .null))
      default: throw Failure("can't index item of type \(content.typeName)")
      }
    }
    return item
  }

  private static func slice(_ item: TemplateValue, _ indexes: ArraySlice<TemplateValue>) throws(Failure)
    -> TemplateValue
  {
    guard let content = item.content else { throw Failure("slice of untyped nil") }
    if indexes.count > 3 { throw Failure("too many slice indexes: \(indexes.count)") }
    let length: Int
    switch content {
    case .string(let text), .jsonNumber(let text):
      if indexes.count == 3 { throw Failure("cannot 3-index slice a string") }
      length = text.utf8Count
    case .slice(let elements): length = elements.count
    default: throw Failure("can't slice item of type \(content.typeName)")
    }
    var bounds = [0, length]
    for (place, index) in indexes.enumerated() {
      let offset = try position(index, upTo: length)
      if place < bounds.count { bounds[place] = offset } else { bounds.append(offset) }
    }
    for (low, high) in zip(bounds, bounds.dropFirst()) where low > high {
      throw Failure("invalid slice index: \(low) > \(high)")
    }
    switch content {
    case .slice(let elements):
      let start = elements.startIndex
      return .plain(.slice(elements[(start + bounds[0])..<(start + bounds[1])]))
    case .string(let text): return .string(text.slice(bounds[0], bounds[1]))
    case .jsonNumber(let text): return .plain(.jsonNumber(text.slice(bounds[0], bounds[1])))
    default: return .none
    }
  }

  private static func position(_ index: TemplateValue, upTo count: Int) throws(Failure) -> Int {
    let position: Int
    switch index.content {
    case .int(let value)?: position = value
    case .byte(let value)?: position = Int(value)
    case let other?: throw Failure("cannot index slice/array with type \(other.typeName)")
    case nil: throw Failure("cannot index slice/array with nil")
    }
    if position < 0 || position > count { throw Failure("index out of range: \(position)") }
    return position
  }
}
