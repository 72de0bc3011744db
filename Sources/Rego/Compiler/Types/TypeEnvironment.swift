/// The types of what names denote beyond one rule's variables: builtins, functions and virtual documents.
final class TypeEnvironment {
  let tree: RuleTree
  private let registry: BuiltinRegistry
  /// The texts of the modules, where they are known: errors name what has no name as the source does.
  private let sources: [String: String]
  /// By group; unknown for those that have not been checked.
  private var documents: [StaticType]
  private var signatures: [String: Signature] = [:]
  /// The types of everything below paths that have been asked for: what depends on them is checked after all that lies there.
  private var extents: [ObjectIdentifier: StaticType] = [:]

  /// What a call is checked against.
  struct Signature {
    let function: FunctionType
    fileprivate let builtin: Builtin?

    /// Parameters and result as errors print them.
    var wanted: String {
      builtin?.operandList(withResult: true)
        ?? "(\(StaticType.list(function.parameters + [function.result])))"
    }
  }

  init(tree: RuleTree, options: RegoCompiler.Options) {
    self.tree = tree
    registry = options.builtins
    sources = options.sources
    documents = Array(repeating: .unknown, count: tree.groups.count)
  }

  /// What the source has at a place, where that is short and on one line.
  func text(at location: Location) -> String? {
    guard (1...60).contains(location.length), let source = sources[location.file] else { return nil }
    let bytes = source.utf8.dropFirst(location.offset).prefix(location.length)
    if bytes.contains(where: { $0 < 0x20 }) { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The type of what a builtin takes and gives.
  func signature(ofBuiltin name: String) -> Signature? {
    if let known = signatures[name] { return known }
    guard let builtin = registry[name] else { return nil }
    let function = FunctionType(
      parameters: builtin.parameters.map { StaticType($0.type) }, result: StaticType(builtin.result.type))
    let signature = Signature(function: function, builtin: builtin)
    signatures[name] = signature
    return signature
  }

  /// The type of what a rule's function takes and gives; nil where one of its definitions is wrong.
  func signature(ofFunction path: [RegoString]) -> Signature? {
    guard let group = tree.find(path)?.group, case .function(let function) = documents[group] else {
      return nil
    }
    return Signature(function: function, builtin: nil)
  }

  /// The type of the document or function that a group makes.
  func document(_ group: Int) -> StaticType { documents[group] == .unknown ? .any : documents[group] }

  func define(_ group: Int, _ type: StaticType) { documents[group] = type.known.bounded }

  /// The type of everything below a path: documents that no rule makes can lie there too.
  func extent(_ node: RuleTree.Node) -> StaticType {
    if let group = node.group {
      let type = document(group)
      if case .function = type { return .any }
      return type
    }
    let place = ObjectIdentifier(node)
    if let known = extents[place] { return known }
    let known = node.children.sorted { $0.key < $1.key }.prefix(64).map { key, child in
      StaticType.Member(key: .string(key), type: extent(child))
    }
    let rest = StaticType.Rest(key: .string, value: .any)
    let type = StaticType.object(known: known, rest: rest).bounded
    extents[place] = type
    return type
  }
}

extension Builtin {
  /// `(x: number, y: number)`, as errors print what a builtin takes.
  func operandList(withResult: Bool) -> String {
    let operands = parameters + (withResult ? [result] : [])
    return "(" + operands.map { "\($0.name): \(StaticType($0.type))" }.joined(separator: ", ") + ")"
  }
}
