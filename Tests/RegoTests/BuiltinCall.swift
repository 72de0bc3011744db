import Testing

@testable import Rego

/// One call of a builtin with what it gives; a nil result stands for undefined.
struct BuiltinCase: Sendable, CustomTestStringConvertible {
  let name: String
  let operands: [Value]
  let result: Value?

  init(_ name: String, _ operands: Value..., gives result: Value?) {
    self.name = name
    self.operands = operands
    self.result = result
  }

  var testDescription: String { "\(name)(\(operands.map(\.description).joined(separator: ", ")))" }

  func check() throws {
    let actual = try callBuiltin(name, operands)
    #expect(actual == result, "got \(actual?.description ?? "undefined")")
  }
}

/// A call of a builtin with the error it fails with, without the builtin's name.
struct BuiltinFailure: Sendable, CustomTestStringConvertible {
  let name: String
  let operands: [Value]
  let message: String

  init(_ name: String, _ operands: Value..., fails message: String) {
    self.name = name
    self.operands = operands
    self.message = message
  }

  var testDescription: String { "\(name)(\(operands.map(\.description).joined(separator: ", ")))" }

  func check() {
    #expect(throws: BuiltinError.self) { try callBuiltin(name, operands) }
    #expect(errorText(name, operands) == message)
  }
}

/// Calls a builtin as the evaluator does, but for the check of the operands' types.
func callBuiltin(
  _ name: String, _ operands: [Value],
  context: BuiltinContext = BuiltinContext(nowNanoseconds: 1_700_000_000_123_456_789)
) throws -> Value? {
  let builtin = try #require(BuiltinRegistry.standard[name], "there is a builtin \(name)")
  #expect(builtin.parameters.count == operands.count)
  switch builtin.implementation {
  case .nullary(let body): return try body(context)
  case .unary(let body): return try body(operands[0])
  case .binary(let body): return try body(operands[0], operands[1])
  case .binaryInPlace(let body):
    return try withUnsafePointer(to: operands[0]) { first in
      try withUnsafePointer(to: operands[1]) { try body(first, $0) }
    }
  case .ternary(let body): return try body(operands[0], operands[1], operands[2])
  case .variadic(let body): return try body(operands)
  case .contextual(let body): return try body(context, operands)
  }
}

/// The error of a call as messages word it, without the builtin's name; nil where it succeeds.
func errorText(_ name: String, _ operands: [Value]) -> String? {
  do {
    _ = try callBuiltin(name, operands)
    return nil
  } catch {
    switch error as? BuiltinError {
    case .operand(let position, let message): return "operand \(position) \(message)"
    case .failed(let message): return message
    case .cancelled: return "cancelled"
    case nil: return "\(error)"
    }
  }
}

func decimal(_ text: String) -> Value {
  guard let number = Number(json: text) else { preconditionFailure("no number: \(text)") }
  return .number(number)
}

func set(_ elements: Value...) -> Value { .set(SetValue(elements)) }
