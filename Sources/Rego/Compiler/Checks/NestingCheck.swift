/// Finds how deeply the values of rules can be nested by the rules themselves, whatever the input and the data are: comparing, writing
/// and letting go of values takes stack for each level.
struct NestingCheck {
  /// How deeply values may be nested by rules.
  static let maximumDepth = 1_000

  private let tree: RuleTree
  private let builtins: BuiltinRegistry
  /// By group how many levels its document may add to those of what it is made of.
  private var depths: [Int]
  /// The same of the locals of the rule that is looked at.
  private var locals: [Int: Int] = [:]
  /// How many levels the replacements of the `with` around may add to the input and the data.
  private var replaced = 0

  init(tree: RuleTree, builtins: BuiltinRegistry) {
    self.tree = tree
    self.builtins = builtins
    depths = Array(repeating: 0, count: tree.groups.count)
  }

  /// Looks at a definition of a group; those of the groups that it mentions have been looked at.
  ///
  /// - Parameter groups: the groups that a reference into the data can denote.
  /// - Returns: whether its values may be nested too deeply.
  mutating func exceeds(_ rule: CoreRule, of group: Int, groups: ([CoreTerm]) -> [Int]) -> Bool {
    locals = [:]
    replaced = 0
    visit(rule.body, groups)
    let deepest = locals.values.max() ?? 0
    let output =
      switch rule.output {
      case .value(let term): depth(term)
      case .element(let term): depth(term) + 1
      }
    depths[group] = max(depths[group], output + rule.suffix.count)
    return max(deepest, depths[group]) > Self.maximumDepth
  }

  private func depth(_ term: CoreTerm) -> Int {
    switch term {
    case .local(let local): locals[local] ?? 0
    case .constant(let value): Self.depth(value)
    case .array(let elements), .set(let elements): 1 + (elements.map(depth).max() ?? 0)
    case .object(let pairs): 1 + (pairs.map { max(depth($0.key), depth($0.value)) }.max() ?? 0)
    }
  }

  private static func depth(_ value: Value) -> Int {
    switch value {
    case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
    case .set(let set): 1 + (set.elements.map(depth).max() ?? 0)
    case .object(let object): 1 + (object.map { max(depth($0), depth($1)) }.max() ?? 0)
    default: 0
    }
  }

  private mutating func bind(_ pattern: CoreTerm, _ depth: Int) {
    pattern.forEachLocal { locals[$0] = max(locals[$0] ?? 0, depth) }
  }

  private mutating func unify(_ left: CoreTerm, _ right: CoreTerm) {
    if case .array(let left) = left, case .array(let right) = right, left.count == right.count {
      for (left, right) in zip(left, right) { unify(left, right) }
      return
    }
    let (ofLeft, ofRight) = (depth(left), depth(right))
    bind(left, ofRight)
    bind(right, ofLeft)
  }

  private mutating func visit(_ body: CoreBody, _ groups: ([CoreTerm]) -> [Int]) {
    for statement in body.statements { visit(statement, groups) }
  }

  private mutating func visit(_ statement: CoreStatement, _ groups: ([CoreTerm]) -> [Int]) {
    switch statement.kind {
    case .unify(let left, let right): unify(left, right)
    case .truthy, .print: break
    case .reference(let reference, let output):
      let found = depth(reference, groups)
      // What is matched with variable operands is a key.
      for operand in reference.operands { bind(operand, found) }
      if let output { bind(output, max(0, found - reference.operands.count)) }
    case .call(let callee, let operands, let output):
      guard let output else { return }
      let deepest = operands.map(depth).max() ?? 0
      switch callee {
      case .function(let path):
        bind(output, deepest + replaced + (tree.find(path)?.group.map { depths[$0] } ?? 0))
      case .builtin(let name): bind(output, isScalar(name) ? 0 : deepest + 2)
      }
    case .not(let body): visit(body, groups)
    case .with(let modifiers, let body):
      let outer = replaced
      for modifier in modifiers { replaced = max(replaced, outer + depth(modifier)) }
      visit(body, groups)
      replaced = outer
    case .comprehension(_, let head, let body, let output):
      visit(body, groups)
      bind(.local(output), 1 + (head.map(depth).max() ?? 0))
    case .every(let key, let value, let domain, let body):
      let found = depth(domain)
      if let key { bind(.local(key), found) }
      bind(.local(value), found)
      visit(body, groups)
    case .someIn(let key, let value, let collection):
      let found = max(0, depth(collection) - 1)
      if let key { bind(key, found) }
      bind(value, found)
    }
  }

  private func depth(_ modifier: CoreWith) -> Int {
    let path =
      switch modifier.target {
      case .input(let path), .data(let path): path.count
      case .builtin, .function: 0
      }
    switch modifier.replacement {
    case .term(let term): return path + depth(term)
    case .function(let path): return tree.find(path)?.group.map { depths[$0] } ?? 0
    case .builtin: return 2
    }
  }

  /// How deeply the document is nested that a reference reaches into.
  private func depth(_ reference: CoreReference, _ groups: ([CoreTerm]) -> [Int]) -> Int {
    switch reference.head {
    case .local(let local): locals[local] ?? 0
    case .input: replaced + reference.operands.count
    case .data:
      replaced + (groups(reference.operands).map { depths[$0] + tree.groups[$0].path.count }.max() ?? 0)
    }
  }

  private func isScalar(_ name: String) -> Bool {
    switch builtins[name]?.result.type {
    case .string, .number, .boolean: true
    default: false
    }
  }
}
