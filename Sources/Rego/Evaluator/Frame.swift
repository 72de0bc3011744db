/// One running procedure: where its slots and the other parts of its memory are.
struct Frame {
  /// A loop over a collection, or over the keys below a place among documents.
  struct Iteration {
    /// Of an object the keys; of an array none.
    var keys: Place?
    var values: Place?
    var count: Int
    var position: Int
  }

  /// The parts of a comprehension so far.
  struct Collector {
    var elements: [Value] = []
    var keys: [Value] = []
  }

  /// A place among base and virtual documents.
  struct Cursor {
    /// The node of virtual documents; -1 where only a value is left.
    var node: Int
    var value: Place?
  }

  let table: UnsafePointer<ProcedureTable>
  let code: UnsafePointer<Instruction>
  let operands: UnsafePointer<Int32>
  let constants: Place
  let slots: UnsafeMutablePointer<Place>
  /// What the frame's own code computes, which slots point to.
  let cells: UnsafeMutablePointer<Value>
  let iterations: UnsafeMutablePointer<Iteration>
  let cursors: UnsafeMutablePointer<Cursor>
  let collectors: UnsafeMutablePointer<Collector>

  /// How much memory a frame of the procedure needs.
  static func size(cells: Int, slots: Int, iterations: Int, cursors: Int, collectors: Int) -> Int {
    let size =
      cells * MemoryLayout<Value>.stride + slots * MemoryLayout<Place>.stride
      + iterations * MemoryLayout<Iteration>.stride + cursors * MemoryLayout<Cursor>.stride
      + collectors * MemoryLayout<Collector>.stride
    return (size + 15) & ~15
  }

  @inline(__always)
  init(_ table: UnsafePointer<ProcedureTable>, constants: Place, memory: UnsafeMutableRawPointer) {
    self.table = table
    self.constants = constants
    let procedure = table.pointee
    code = procedure.code
    operands = procedure.operands
    cells = memory.assumingMemoryBound(to: Value.self)
    collectors = UnsafeMutableRawPointer(cells + procedure.cellCount).assumingMemoryBound(to: Collector.self)
    slots = UnsafeMutableRawPointer(collectors + procedure.collectorCount).assumingMemoryBound(to: Place.self)
    iterations = UnsafeMutableRawPointer(slots + procedure.slotCount).assumingMemoryBound(to: Iteration.self)
    cursors = UnsafeMutableRawPointer(iterations + procedure.iterationCount).assumingMemoryBound(
      to: Cursor.self)
    if procedure.cellCount > 0 { cells.initialize(repeating: .null, count: procedure.cellCount) }
    if procedure.collectorCount > 0 {
      collectors.initialize(repeating: Collector(), count: procedure.collectorCount)
    }
  }

  /// Lets go of what the frame's own code computed.
  @inline(__always)
  func end() {
    if table.pointee.cellCount > 0 { cells.deinitialize(count: table.pointee.cellCount) }
    if table.pointee.collectorCount > 0 { collectors.deinitialize(count: table.pointee.collectorCount) }
  }

  /// Where an operand's value is.
  @inline(__always)
  func read(_ operand: Int32) -> Place {
    operand >= 0 ? slots[Int(operand)] : constants + Int(~operand)
  }

  /// Where the value of an instruction's operand from its list is.
  @inline(__always)
  func operand(_ position: Int, of instruction: Instruction) -> Place {
    read(operands[Int(instruction.c) + position])
  }

  /// The values of an instruction's list of operands.
  func list(_ instruction: Instruction) -> [Value] {
    let count = Int(instruction.d)
    return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      for position in 0..<count {
        buffer.initializeElement(at: position, to: operand(position, of: instruction).pointee)
      }
      initialized = count
    }
  }

  /// Follows an instruction's operands from a value; nil where that leads nowhere.
  @inline(__always)
  func follow(_ start: Place, _ instruction: Instruction) -> Place? {
    var place = start
    var next = operands + Int(instruction.c)
    let end = next + Int(instruction.d)
    while next < end {
      guard let found = place.lookup(read(next.pointee)) else { return nil }
      place = found
      next += 1
    }
    return place
  }

  /// Keeps what an instruction computed, and points its slot there.
  @inline(__always)
  func set(_ instruction: Instruction, to value: consuming Value) {
    let cell = cells + Int(instruction.cell)
    cell.pointee = value
    slots[Int(instruction.a)] = Place(cell)
  }

  /// Begins a loop over a collection; false where the value is none.
  @inline(__always)
  func begin(_ iteration: Int32, over collection: Place) -> Bool {
    let iteration = iterations + Int(iteration)
    if let object = collection.object {
      iteration.pointee = object._withUnsafeGuaranteedRef {
        Iteration(keys: $0.keys.base, values: $0.values.base, count: $0.keys.count, position: 0)
      }
      return true
    }
    switch collection.pointee {
    case .array(let elements):
      iteration.pointee = Iteration(keys: nil, values: elements.base, count: elements.count, position: 0)
    case .set(let set):
      let elements = set.storage.elements.base
      iteration.pointee = Iteration(
        keys: elements, values: elements, count: set.storage.elements.count, position: 0)
    default: return false
    }
    return true
  }

  /// Takes the next turn of a loop; false where there is none.
  @inline(__always)
  func advance(_ instruction: Instruction) -> Bool {
    let iteration = iterations + Int(instruction.a)
    let position = iteration.pointee.position
    guard position < iteration.pointee.count, let values = iteration.pointee.values else { return false }
    if instruction.b >= 0 {
      if let keys = iteration.pointee.keys {
        slots[Int(instruction.b)] = keys + position
      } else {
        let cell = cells + Int(instruction.cell)
        cell.pointee = .number(.int(position))
        slots[Int(instruction.b)] = Place(cell)
      }
    }
    slots[Int(instruction.c)] = values + position
    iteration.pointee.position = position + 1
    return true
  }
}
