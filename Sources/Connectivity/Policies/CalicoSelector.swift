import Rego

/// A selector in Calico's own language, such as `role == 'db' && has(tier)` (Calico documentation, "Selectors").
struct CalicoSelector: Sendable, Equatable {
  private indirect enum Expression: Sendable, Equatable {
    case all
    case global
    case has(RegoString)
    case compare(RegoString, Comparison, RegoString)
    case member(RegoString, [RegoString], isIn: Bool)
    case not(Expression)
    case and(Expression, Expression)
    case or(Expression, Expression)
  }

  private enum Comparison: Sendable { case equal, unequal, contains, startsWith, endsWith }

  private let expression: Expression

  /// - Throws: `Misfit` where the text is no selector. An empty one is `all()`.
  init(_ text: String) throws {
    var parser = Parser(text)
    try parser.skipSpace()
    expression = parser.isAtEnd ? .all : try parser.disjunction(depth: 0)
    if !parser.isAtEnd { throw parser.misfit }
  }

  static let everything = CalicoSelector(expression: .all)

  private init(expression: Expression) { self.expression = expression }

  func matches(_ labels: ObjectValue) -> Bool { Self.holds(expression, labels) }

  private static func holds(_ expression: Expression, _ labels: ObjectValue) -> Bool {
    func value(_ key: RegoString) -> RegoString? {
      if case .string(let value)? = labels[key] { value } else { nil }
    }
    switch expression {
    case .all: return true
    // Of what is in no namespace: pods never are.
    case .global: return false
    case .has(let key): return value(key) != nil
    case .compare(let key, let comparison, let wanted):
      guard let found = value(key) else { return comparison == .unequal }
      switch comparison {
      case .equal: return found == wanted
      case .unequal: return found != wanted
      case .contains: return Self.contains(Array(found.utf8), Array(wanted.utf8))
      case .startsWith: return found.utf8.starts(with: wanted.utf8)
      case .endsWith: return found.utf8.reversed().starts(with: wanted.utf8.reversed())
      }
    case .member(let key, let values, let isIn):
      guard let found = value(key) else { return !isIn }
      return values.contains(found) == isIn
    case .not(let inner): return !holds(inner, labels)
    case .and(let left, let right): return holds(left, labels) && holds(right, labels)
    case .or(let left, let right): return holds(left, labels) || holds(right, labels)
    }
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    part.isEmpty
      || text.count >= part.count
        && (0...text.count - part.count).contains { text[$0...].starts(with: part) }
  }

  private struct Parser {
    let bytes: [UInt8]
    var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position == bytes.count }

    var misfit: Misfit { Misfit(": it is no selector from its byte \(position + 1) on") }

    mutating func skipSpace() throws {
      while position < bytes.count, [9, 10, 13, 32].contains(bytes[position]) { position += 1 }
    }

    mutating func take(_ token: String) throws -> Bool {
      guard bytes[position...].starts(with: token.utf8) else { return false }
      position += token.utf8.count
      try skipSpace()
      return true
    }

    mutating func disjunction(depth: Int) throws -> Expression {
      // The text comes from whoever writes policies.
      if depth > 32 { throw Misfit(": it is nested too deeply") }
      var left = try conjunction(depth: depth)
      while try take("||") { left = .or(left, try conjunction(depth: depth)) }
      return left
    }

    mutating func conjunction(depth: Int) throws -> Expression {
      var left = try operation(depth: depth)
      while try take("&&") { left = .and(left, try operation(depth: depth)) }
      return left
    }

    mutating func operation(depth: Int) throws -> Expression {
      if depth > 32 { throw Misfit(": it is nested too deeply") }
      if try take("!") { return .not(try operation(depth: depth + 1)) }
      if try take("(") {
        let inner = try disjunction(depth: depth + 1)
        guard try take(")") else { throw misfit }
        return inner
      }
      if try take("all()") { return .all }
      if try take("global()") { return .global }
      if try take("has(") {
        let key = try label()
        guard try take(")") else { throw misfit }
        return .has(key)
      }
      return try comparison(of: try label())
    }

    mutating func comparison(of key: RegoString) throws -> Expression {
      if try take("==") { return .compare(key, .equal, try literal()) }
      if try take("!=") { return .compare(key, .unequal, try literal()) }
      if try take("not in") { return .member(key, try literals(), isIn: false) }
      if try take("in") { return .member(key, try literals(), isIn: true) }
      if try take("contains") { return .compare(key, .contains, try literal()) }
      if try take("starts with") { return .compare(key, .startsWith, try literal()) }
      if try take("ends with") { return .compare(key, .endsWith, try literal()) }
      throw misfit
    }

    mutating func label() throws -> RegoString {
      let start = position
      while position < bytes.count, Self.isLabelByte(bytes[position]) { position += 1 }
      if start == position { throw misfit }
      let text = RegoString(String(decoding: bytes[start..<position], as: UTF8.self))
      try skipSpace()
      return text
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "._/-".utf8.contains(byte)
      }
    }

    mutating func literal() throws -> RegoString {
      guard position < bytes.count,
        bytes[position] == UInt8(ascii: "'") || bytes[position] == UInt8(ascii: "\"")
      else { throw misfit }
      let quote = bytes[position]
      guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { throw misfit }
      let text = RegoString(String(decoding: bytes[(position + 1)..<end], as: UTF8.self))
      position = end + 1
      try skipSpace()
      return text
    }

    mutating func literals() throws -> [RegoString] {
      guard try take("{") else { throw misfit }
      var values: [RegoString] = []
      while true {
        values.append(try literal())
        if try take("}") { return values }
        guard try take(",") else { throw misfit }
      }
    }
  }
}
