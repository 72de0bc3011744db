/// A compiled set of modules, with the queries that were compiled against it. Immutable; shared by any number of evaluations.
public final class Program: Sendable {
  /// The definitions of one document or function, while they are being compiled.
  struct GroupDraft {
    enum Kind: Sendable {
      case complete
      case partialSet
      case partialObject
      case function
    }

    var path: [RegoString]
    var kind: Kind
    /// Each definition's procedures: the rule and its `else` branches.
    var definitions: [[Definition]] = []
    var fallback: Definition?
    var arity = 0
    /// The value, where it is the same in every evaluation.
    var constant: Value?
    /// Whether the first definition with a result decides, since all definitions have the same constant value.
    var endsEarly = false
    /// Finds the definitions that can hold, where they test the input in one place.
    var index: RuleIndex?
  }

  /// The definitions of one document or function.
  final class Group: Sendable {
    typealias Kind = GroupDraft.Kind

    let path: [RegoString]
    let kind: Kind
    let definitions: [[Definition]]
    let fallback: Definition?
    let arity: Int
    let constant: Value?
    let endsEarly: Bool
    let index: RuleIndex?

    init(_ draft: GroupDraft) {
      path = draft.path
      kind = draft.kind
      definitions = draft.definitions
      fallback = draft.fallback
      arity = draft.arity
      constant = draft.constant
      endsEarly = draft.endsEarly
      index = draft.index
    }
  }

  struct Definition: Sendable {
    var procedure: Int
    var parameterSlots: [Int32]
  }

  /// A place among the virtual documents.
  struct Node: Sendable {
    var path: [RegoString]
    var children: [RegoString: Int] = [:]
    var group: Int?
  }

  enum WithTarget: Sendable {
    case input([RegoString])
    case data([RegoString])
    /// A function or builtin by its number, replaced by a value (the next operand) or by another.
    case builtin(Int, Mock?)
    case function(Int, Mock?)
  }

  enum Mock: Sendable {
    case value(Value)
    case builtin(Int)
    case function(Int)
  }

  /// A compiled query.
  struct Query: Sendable {
    var procedure: Int
    /// The names of the leading columns.
    var variables: [String]
    /// For each expression the column that holds its value; nil where it only holds.
    var captures: [Int?]
    /// The expressions' text ranges.
    var locations: [Location]
  }

  let constants: [Value]
  let groups: [Group]
  let nodes: [Node]
  let procedures: [Procedure]
  let withDescriptors: [[WithTarget]]
  let queries: [Query]
  /// What the instrumentation tells of; empty without it.
  let traceSubjects: [TraceSubject]
  let tables: ProgramTables
  private let reaches: [GroupReach]
  /// What the rules and queries can read of the input.
  public let inputPaths: Set<InputPath>
  /// The same as a shape for the reader of the input.
  public let inputShape: PathShape

  init(
    constants: [Value], groups: [Group], nodes: [Node], procedures: [Procedure], builtins: [Builtin],
    withDescriptors: [[WithTarget]], queries: [Query], reaches: [GroupReach], queryReach: GroupReach,
    traceSubjects: [TraceSubject]
  ) {
    self.constants = constants
    self.groups = groups
    self.nodes = nodes
    self.procedures = procedures
    self.withDescriptors = withDescriptors
    self.queries = queries
    self.traceSubjects = traceSubjects
    self.reaches = reaches
    inputPaths = reaches.reduce(into: queryReach.paths) { $0.formUnion($1.paths) }
    tables = ProgramTables(constants: constants, procedures: procedures, groups: groups, builtins: builtins)
    inputShape = Program.shape(inputPaths)
  }

  private init(copying other: Program) {
    constants = other.constants
    groups = other.groups
    nodes = other.nodes
    procedures = other.procedures
    withDescriptors = other.withDescriptors
    queries = other.queries
    traceSubjects = other.traceSubjects
    reaches = other.reaches
    inputPaths = other.inputPaths
    tables = ProgramTables(
      constants: constants, procedures: procedures, groups: groups,
      builtins: (0..<other.tables.builtinCount).map { other.tables.builtins[$0].declaration })
    inputShape = Program.shape(inputPaths)
  }

  /// The same program once more, with tables of its own.
  ///
  /// Threads that evaluate the same program all the time wait for each other where they count references to it; with one for
  /// each they do not.
  public func replica() -> Program { Program(copying: self) }

  /// What some documents need of an input where some scalars of it, and of the data, are known.
  public func inputShape(
    of entrypoints: [Entrypoint], given known: [InputPath.Scalar: Value]
  ) -> PathShape {
    // Under `with`, rules may see others than these.
    let replaces = withDescriptors.joined().contains { target in
      switch target {
      case .input, .data: true
      case .builtin, .function: false
      }
    }
    let roots = entrypoints.compactMap(\.group)
    if replaces || roots.count < entrypoints.count { return inputShape }
    var paths: Set<InputPath> = []
    var reached = Set(roots)
    var waiting = roots
    while let group = waiting.popLast() {
      paths.formUnion(reaches[group].paths.filter { $0.isReachable(given: known) })
      for mention in reaches[group].mentions
      where mention.isReachable(given: known) && reached.insert(mention.group).inserted {
        waiting.append(mention.group)
      }
    }
    return Program.shape(paths)
  }

  private static func shape(_ paths: Set<InputPath>) -> PathShape {
    var draft = PathShape.Draft()
    for path in paths {
      let steps = path.steps.lazy.map { step -> PathShape.Step in
        switch step {
        case .key(let key): .key(key)
        case .any: .any
        }
      }
      draft.add(steps, isShallow: path.isShallow)
    }
    return draft.shape
  }

  /// The names of the builtins that the program can call.
  public var builtinNames: Set<String> {
    Set((0..<tables.builtinCount).map { tables.builtins[$0].declaration.name })
  }

  /// A document to evaluate.
  public struct Entrypoint: Sendable {
    let group: Int?
    let node: Int?
    let rest: [RegoString]
  }

  /// The document at a path below `data`.
  public func entrypoint(_ path: [RegoString]) -> Entrypoint {
    var node = 0
    var depth = 0
    while depth < path.count, let child = nodes[node].children[path[depth]] {
      node = child
      depth += 1
      if nodes[node].group != nil { break }
    }
    return Entrypoint(group: nodes[node].group, node: node, rest: Array(path[depth...]))
  }

  /// Whether some rule defines the document at a path, or one around or below it.
  public func defines(_ path: [RegoString]) -> Bool {
    let found = entrypoint(path)
    return found.group != nil || found.rest.isEmpty
  }
}
