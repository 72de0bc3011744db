/// One step of a compiled body.
///
/// Operands `a` to `d` are slots of the frame, or where a value is read and the number is negative, constants (`~index`).
/// A step that does not succeed goes on at `fail`, which is the next turn of the innermost loop around it. What a step computes,
/// and does not only find, is kept in the frame's cell of its own.
struct Instruction: Sendable {
  enum Operation: UInt8, Sendable {
    // Control
    case jump
    case end
    // Values: a is the destination
    case move
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
    case observe

    /// Whether the instruction needs a cell for what it computes.
    var computes: Bool {
      switch self {
      case .makeArray, .makeSet, .makeObject, .collectEnd, .callBuiltin, .callFunction, .cursorScanBegin,
        .cursorValue, .scanNext:
        true
      default: false
      }
    }
  }

  var operation: Operation
  var a: Int32 = 0
  var b: Int32 = 0
  var c: Int32 = 0
  var d: Int32 = 0
  var fail: Int32 = 0
  var cell: Int32 = 0
}

/// The code of one definition or query; nested bodies are inlined.
final class Procedure: Sendable {
  let code: [Instruction]
  /// The place in the source of each instruction.
  let locations: [Location]
  /// Operands of instructions that take a list of them.
  let operands: [Int32]
  let slotCount: Int
  let cellCount: Int
  let iterationCount: Int
  let collectorCount: Int
  let cursorCount: Int
  let withCount: Int

  init(_ draft: ProcedureDraft) {
    code = draft.code
    locations = draft.locations
    operands = draft.operands
    slotCount = draft.slotCount
    cellCount = draft.cellCount
    iterationCount = draft.iterationCount
    collectorCount = draft.collectorCount
    cursorCount = draft.cursorCount
    withCount = draft.withCount
  }
}

/// A procedure while it is being generated.
struct ProcedureDraft {
  var code: [Instruction] = []
  var locations: [Location] = []
  var operands: [Int32] = []
  var slotCount = 0
  var cellCount = 0
  var iterationCount = 0
  var collectorCount = 0
  var cursorCount = 0
  var withCount = 0
}
