/// The types of what names denote beyond one rule's variables: builtins, functions and virtual documents.
final class TypeEnvironment {
  let tree: RuleTree
  private let registry: BuiltinRegistry
  /// By group; unknown for those that have not been checked.
  private var documents: [StaticType]
  private var signatures: [String: Signature] = [:]

  /// What a call is checked against.
  struct Signature {
    var function: FunctionType
    /// Parameters and result as errors print them.
    var wanted: String
  }

  init(tree: RuleTree, registry: BuiltinRegistry) {
    self.tree = tree
    self.registry = registry
    documents = Array(repeating: .unknown, count: tree.groups.count)
  }

  /// The type of what a builtin takes and gives.
  func signature(ofBuiltin name: String) -> Signature? {
    if let known = signatures[name] { return known }
    guard let builtin = registry[name] else { return nil }
    let function = FunctionType(
      parameters: builtin.parameters.map { StaticType($0.type) }, result: StaticType(builtin.result.type))
    let signature = Signature(function: function, wanted: builtin.operandList(withResult: true))
    signatures[name] = signature
    return signature
  }

  /// The type of what a rule's function takes and gives; nil where one of its definitions is wrong.
  func signature(ofFunction path: [RegoString]) -> Signature? {
    guard let group = tree.find(path)?.group, case .function(let function) = documents[group] else {
      return nil
    }
    return Signature(
      function: function, wanted: "(\(StaticType.list(function.parameters + [function.result])))")
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
    let known = node.children.sorted { $0.key < $1.key }.prefix(64).map { key, child in
      StaticType.Member(key: .string(key), type: extent(child))
    }
    return StaticType.object(known: known, rest: StaticType.Rest(key: .string, value: .any)).bounded
  }
}

extension Builtin {
  /// `(x: number, y: number)`, as errors print what a builtin takes.
  func operandList(withResult: Bool) -> String {
    let operands = parameters + (withResult ? [result] : [])
    return "(" + operands.map { "\($0.name): \(StaticType($0.type))" }.joined(separator: ", ") + ")"
  }
}
