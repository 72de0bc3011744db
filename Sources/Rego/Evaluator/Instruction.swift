/// One step of a compiled body.
///
/// Operands `a` to `d` are slots of the frame, or where a value is read and the number is negative, constants (`~index`).
/// A step that does not succeed goes on at `fail`, which is the next turn of the innermost loop around it.
struct Instruction: Sendable {
  enum Operation: UInt8, Sendable {
    // Control
    case jump
    case end
    // Values: a is the destination
    case move
    case input
    case path
    case inputPath
    case dataPath
    case makeArray
    case makeSet
    case makeObject
    case element
    case member
    // Tests
    case truthy
    case equal
    case notEqual
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
    case isArray
    case isObject
    case contains
    // Loops
    case scanBegin
    case scanNext
    // Comprehensions
    case collectBegin
    case collectElement
    case collectPair
    case collectEnd
    // Calls and documents
    case callBuiltin
    case callFunction
    case rule
    case cursorBegin
    case cursorStep
    case cursorScanBegin
    case cursorScanNext
    case cursorValue
    // Modifiers
    case withPush
    case withResume
    case withPop
    case print
    // Results
    case yieldValue
    case yieldElement
    case yieldEntry
    case yieldRow
    // Instrumentation, emitted only on request
    case enter
  }

  var operation: Operation
  var a: Int32 = 0
  var b: Int32 = 0
  var c: Int32 = 0
  var d: Int32 = 0
  var fail: Int32 = 0
}

/// The code of one definition or query; nested bodies are inlined.
struct Procedure: Sendable {
  var code: [Instruction] = []
  /// The place in the source of each instruction.
  var locations: [Location] = []
  /// Operands of instructions that take a list of them.
  var operands: [Int32] = []
  var slotCount = 0
  var iterationCount = 0
  var collectorCount = 0
  var cursorCount = 0
  var withCount = 0
}
