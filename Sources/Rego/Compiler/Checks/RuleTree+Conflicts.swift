// Rules that cannot stand together (OPA documentation, "Errors": conflicting rules).

extension RuleTree {
  /// Reports rules of one name that differ in kind or arity, several defaults, and rules in the way of others.
  ///
  /// To be asked before rules below ones with variables in their heads are absorbed.
  func checkConflicts(modules: [Module], errors: inout [RegoError]) {
    checkConflicts(root, &errors)
    var packages: [[RegoString]: [Int]] = [:]
    for (index, module) in modules.enumerated() { packages[module.package.path, default: []].append(index) }
    for module in modules {
      for rule in module.rules { checkPackages(rule, of: module, modules: modules, packages, &errors) }
    }
  }

  private func checkConflicts(_ node: Node, _ errors: inout [RegoError]) {
    defer {
      for key in node.children.keys.sorted() {
        if let child = node.children[key] { checkConflicts(child, &errors) }
      }
    }
    guard let first = node.definitions.first, let last = node.definitions.last else { return }
    let name = RuleTree.name(node.path) + last.suffix.map { "[\($0)]" }.joined()
    let below = node.definitions.contains { $0.suffix.isEmpty } ? documents(below: node) : []
    let defaults = node.definitions.filter(\.rule.isDefault)
    if !below.isEmpty {
      let names = below.map(RuleTree.name).joined(separator: " ")
      errors.append(
        RegoError(.type, "rule \(name) conflicts with [\(names)]", at: first.rule.location))
    } else if Set(node.definitions.map { Shape($0) }).count > 1 {
      errors.append(RegoError(.type, "conflicting rules \(name) found", at: first.rule.location))
    } else if defaults.count > 1 {
      let places = defaults.map { RuleTree.place($0.rule.location) }.joined(separator: ", ")
      errors.append(
        RegoError(
          .type, "multiple default rules \(name) found at \(places)", at: defaults[0].rule.location))
    }
  }

  /// What makes a rule incompatible with others of its name.
  private struct Shape: Hashable {
    let isSet: Bool
    let isComplete: Bool
    let arity: Int

    init(_ definition: Definition) {
      isSet = definition.rule.head.key != nil
      isComplete = !isSet && definition.suffix.isEmpty
      arity = definition.rule.head.arguments?.count ?? 0
    }
  }

  /// The paths of the rules below a node, without those that lie below others.
  private func documents(below node: Node) -> [[RegoString]] {
    node.children.keys.sorted().flatMap { key -> [[RegoString]] in
      guard let child = node.children[key] else { return [] }
      return child.definitions.isEmpty ? documents(below: child) : [child.path]
    }
  }

  /// A rule and a package cannot have the same path.
  private func checkPackages(
    _ rule: Rule, of module: Module, modules: [Module], _ packages: [[RegoString]: [Int]],
    _ errors: inout [RegoError]
  ) {
    var path = module.package.path
    for (position, term) in rule.head.reference.enumerated() {
      switch term.kind {
      case .variable(let name) where position == 0: path.append(RegoString(name))
      case .string(let name): path.append(name)
      default: return
      }
    }
    for index in packages[path] ?? [] {
      let package = modules[index].package.path
      let name = RuleTree.name(Array(path.dropFirst(module.package.path.count))).dropFirst(5)
      errors.append(
        RegoError(
          .type,
          "package \(RuleTree.name(package).dropFirst(5)) conflicts with rule \(name) defined at \(RuleTree.place(rule.location))",
          at: module.package.location))
    }
  }

  /// `file:line`, as OPA names a place within a message.
  private static func place(_ location: Location) -> String {
    location.file.isEmpty ? "\(location.line):\(location.column)" : "\(location.file):\(location.line)"
  }
}
