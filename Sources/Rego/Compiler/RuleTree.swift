/// The virtual documents of a set of modules, by path.
///
/// Rules whose heads hold variables beyond the name (`p[x].q := 1`) belong to the group at their constant prefix; a group
/// with such rules absorbs those below it, so that every document has one group that computes it.
final class RuleTree {
  final class Node {
    let path: [RegoString]
    var children: [RegoString: Node] = [:]
    var definitions: [Definition] = []
    /// The place among the groups, for a node that has definitions.
    var group: Int?
    /// Whether a module has this path as its package.
    var isPackage = false

    init(path: [RegoString]) {
      self.path = path
    }
  }

  /// A rule as parsed, with the module it stands in.
  struct Definition {
    let rule: Rule
    let module: Int
    /// What follows the group's path in the head: nothing, but for partial objects.
    var suffix: [Term]
  }

  let root = Node(path: [])
  private(set) var groups: [Node] = []

  init(modules: [Module], errors: inout [RegoError]) {
    for (index, module) in modules.enumerated() {
      let package = node(module.package.path)
      package.isPackage = true
      for rule in module.rules { insert(rule, package: module.package.path, module: index) }
    }
    checkConflicts(modules: modules, errors: &errors)
    absorb(root)
    number(root)
  }

  /// The node at a path, made where it is missing.
  private func node(_ path: some Sequence<RegoString>) -> Node {
    var node = root
    for part in path {
      if let child = node.children[part] {
        node = child
      } else {
        let child = Node(path: node.path + [part])
        node.children[part] = child
        node = child
      }
    }
    return node
  }

  /// The node at a path, where there is one.
  func find(_ path: some Sequence<RegoString>) -> Node? {
    var node = root
    for part in path {
      guard let child = node.children[part] else { return nil }
      node = child
    }
    return node
  }

  private func insert(_ rule: Rule, package: [RegoString], module: Int) {
    var path = package
    var suffix: [Term] = []
    for (position, term) in rule.head.reference.enumerated() {
      if position == 0, case .variable(let name) = term.kind {
        path.append(RegoString(name))
      } else if suffix.isEmpty, case .string(let name) = term.kind {
        path.append(name)
      } else {
        suffix.append(term)
      }
    }
    var rule = rule
    // `f() := x` is a rule that can be written as a call (OPA documentation, "Functions").
    if rule.head.arguments?.isEmpty == true { rule.head.arguments = nil }
    node(path).definitions.append(Definition(rule: rule, module: module, suffix: suffix))
  }

  private func absorb(_ node: Node) {
    if node.definitions.contains(where: { !$0.suffix.isEmpty }) {
      for child in node.children.values { move(child, to: node, prefix: []) }
      node.children = [:]
    }
    for child in node.children.values { absorb(child) }
  }

  private func move(_ node: Node, to target: Node, prefix: [Term]) {
    let prefix = prefix + [Term(.string(node.path[node.path.count - 1]))]
    for definition in node.definitions {
      var definition = definition
      definition.suffix = prefix + definition.suffix
      target.definitions.append(definition)
    }
    for child in node.children.values { move(child, to: target, prefix: prefix) }
  }

  private func number(_ node: Node) {
    if !node.definitions.isEmpty {
      node.group = groups.count
      groups.append(node)
    }
    for key in node.children.keys.sorted() {
      if let child = node.children[key] { number(child) }
    }
  }

  /// `data.a.b`, with brackets where a part is no name.
  static func name(_ path: [RegoString]) -> String {
    path.reduce("data") { name, part in
      isName(part) ? "\(name).\(part.string)" : "\(name)[\(GoQuote.quote(part))]"
    }
  }

  /// Whether a string can stand after a dot.
  static func isName(_ part: RegoString) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { byte == 95 || (byte | 32 >= 97 && byte | 32 <= 122) }
    let bytes = Array(part.utf8)
    return bytes.first.map(isLetter) ?? false && bytes.allSatisfy { isLetter($0) || (48...57).contains($0) }
  }
}
