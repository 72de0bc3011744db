/// What a procedure's frame needs to know, in one piece without references to count.
struct ProcedureTable {
  let code: UnsafePointer<Instruction>
  let operands: UnsafePointer<Int32>
  let slotCount: Int
  let cellCount: Int
  let iterationCount: Int
  let collectorCount: Int
  let cursorCount: Int
  let frameSize: Int
  /// Whether it changes what is seen by `with`.
  let modifiesScope: Bool
}

/// A group of definitions likewise.
struct GroupTable {
  let kind: Program.Group.Kind
  let endsEarly: Bool
  let chains: UnsafePointer<ChainTable>
  let chainCount: Int
  let fallback: UnsafePointer<DefinitionTable>?
  let constant: Place?
  /// Whether the group has a rule index.
  let isIndexed: Bool
}

/// A definition and its `else` branches.
struct ChainTable {
  let definitions: UnsafePointer<DefinitionTable>
  let count: Int
}

struct DefinitionTable {
  let procedure: Int
  let parameterSlots: UnsafePointer<Int32>
  let parameterCount: Int
}

/// A program's parts where an evaluation reaches them through addresses: with a program for each policy and many threads,
/// counting references to what all of them share would be most of the work.
final class ProgramTables: @unchecked Sendable {
  // Sendable: filled by init, never changed, and freed when the last owner is gone.
  let constants: Place
  let procedures: UnsafePointer<ProcedureTable>
  let groups: UnsafePointer<GroupTable>
  let builtins: UnsafePointer<CompiledBuiltin>
  private var blocks: [UnsafeMutableRawPointer] = []
  private let constantStorage: UnsafeMutablePointer<Value>
  private let constantCount: Int
  private let builtinStorage: UnsafeMutablePointer<CompiledBuiltin>
  let builtinCount: Int

  init(constants: [Value], procedures: [Procedure], groups: [Program.Group], builtins: [Builtin]) {
    var blocks: [UnsafeMutableRawPointer] = []
    /// A copy that stays where it is; of trivial elements, so that freeing it is all there is to do.
    func copy<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
      let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
      memory.initialize(from: elements, count: elements.count)
      blocks.append(UnsafeMutableRawPointer(memory))
      return UnsafePointer(memory)
    }
    // A group's constant is one more.
    let all = constants + groups.compactMap(\.constant)
    constantStorage = .allocate(capacity: max(all.count, 1))
    constantStorage.initialize(from: all, count: all.count)
    constantCount = all.count
    self.constants = Place(constantStorage)
    builtinStorage = .allocate(capacity: max(builtins.count, 1))
    builtinStorage.initialize(from: builtins.map(CompiledBuiltin.init), count: builtins.count)
    builtinCount = builtins.count
    self.builtins = UnsafePointer(builtinStorage)
    self.procedures = copy(
      procedures.map { procedure in
        ProcedureTable(
          code: copy(procedure.code), operands: copy(procedure.operands), slotCount: procedure.slotCount,
          cellCount: procedure.cellCount, iterationCount: procedure.iterationCount,
          collectorCount: procedure.collectorCount, cursorCount: procedure.cursorCount,
          frameSize: Frame.size(
            cells: procedure.cellCount, slots: procedure.slotCount, iterations: procedure.iterationCount,
            cursors: procedure.cursorCount, collectors: procedure.collectorCount),
          modifiesScope: procedure.withCount > 0)
      })
    func table(_ definitions: [Program.Definition]) -> UnsafePointer<DefinitionTable> {
      copy(
        definitions.map {
          DefinitionTable(
            procedure: $0.procedure, parameterSlots: copy($0.parameterSlots),
            parameterCount: $0.parameterSlots.count)
        })
    }
    var next = constants.count
    var tables: [GroupTable] = []
    for group in groups {
      var constant: Place?
      if group.constant != nil {
        constant = Place(constantStorage + next)
        next += 1
      }
      tables.append(
        GroupTable(
          kind: group.kind, endsEarly: group.endsEarly,
          chains: copy(group.definitions.map { ChainTable(definitions: table($0), count: $0.count) }),
          chainCount: group.definitions.count, fallback: group.fallback.map { table([$0]) },
          constant: constant,
          isIndexed: group.index != nil))
    }
    self.groups = copy(tables)
    self.blocks = blocks
  }

  deinit {
    constantStorage.deinitialize(count: constantCount)
    constantStorage.deallocate()
    builtinStorage.deinitialize(count: builtinCount)
    builtinStorage.deallocate()
    for block in blocks { block.deallocate() }
  }
}
