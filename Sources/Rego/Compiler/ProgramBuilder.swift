/// Collects what the procedures of a program share: constants, groups, nodes, builtins and modifiers.
final class ProgramBuilder {
  let tree: RuleTree
  let registry: BuiltinRegistry
  let options: RegoCompiler.Options
  /// Builtins that some `with` replaces: their calls are never turned into an instruction of their own.
  var mockedBuiltins: Set<String> = []

  private(set) var constants: [Value] = []
  private var constantIndex: [Value: Int32] = [:]
  private(set) var builtins: [Builtin] = []
  private var builtinIndex: [String: Int32] = [:]
  private(set) var nodes: [Program.Node] = []
  private var nodeIndexes: [ObjectIdentifier: Int32] = [:]
  private(set) var withDescriptors: [[Program.WithTarget]] = []
  var procedures: [Procedure] = []
  /// What instrumentation tells of.
  var traceSubjects: [TraceSubject] = []

  init(tree: RuleTree, registry: BuiltinRegistry, options: RegoCompiler.Options) {
    self.tree = tree
    self.registry = registry
    self.options = options
    addNode(tree.root)
  }

  @discardableResult
  private func addNode(_ node: RuleTree.Node) -> Int {
    let index = nodes.count
    nodes.append(Program.Node(path: node.path, group: node.group))
    nodeIndexes[ObjectIdentifier(node)] = Int32(index)
    for (key, child) in node.children { nodes[index].children[key] = addNode(child) }
    return index
  }

  func nodeIndex(_ node: RuleTree.Node) -> Int32 { nodeIndexes[ObjectIdentifier(node)] ?? 0 }

  func hasChild(_ node: RuleTree.Node, _ key: Value) -> Bool {
    if case .string(let key) = key { node.children[key] != nil } else { false }
  }

  func constant(_ value: Value) -> Int32 {
    if let index = constantIndex[value] { return index }
    let index = Int32(constants.count)
    let interned = options.interner.intern(value)
    constants.append(interned)
    constantIndex[interned] = index
    return index
  }

  func builtin(_ name: String) -> Int32 {
    if let index = builtinIndex[name] { return index }
    guard let builtin = registry[name] else { return 0 }
    let index = Int32(builtins.count)
    builtins.append(builtin)
    builtinIndex[name] = index
    return index
  }

  func functionGroup(_ path: [RegoString]) -> Int32 { Int32(tree.find(path)?.group ?? 0) }

  func withDescriptor(_ targets: [Program.WithTarget]) -> Int32 {
    withDescriptors.append(targets)
    return Int32(withDescriptors.count - 1)
  }

  func withTarget(_ modifier: CoreWith) -> Program.WithTarget {
    let mock: Program.Mock? =
      switch modifier.replacement {
      case .term: nil
      case .builtin(let name): .builtin(Int(builtin(name)))
      case .function(let path): .function(Int(functionGroup(path)))
      }
    switch modifier.target {
    case .input(let path): return .input(path)
    case .data(let path): return .data(path)
    case .builtin(let name): return .builtin(Int(builtin(name)), mock)
    case .function(let path): return .function(Int(functionGroup(path)), mock)
    }
  }
}

extension StringInterner {
  /// The value with its strings interned.
  public func intern(_ value: Value) -> Value {
    switch value {
    case .string(let string): return .string(intern(string))
    case .array(let elements): return .array(elements.map(intern))
    case .set(let set): return .set(SetValue(sorted: set.elements.map(intern)))
    case .object(let object):
      return .object(ObjectValue(sortedKeys: object.keys.map(intern), values: object.values.map(intern)))
    default: return value
    }
  }
}
