import Rego

/// What the text of a policy tells about what it reads, and about the requests that it wants to be asked about.
struct PolicyAnalysis {
  /// The policy's own files and the libraries that it refers to.
  let modules: [Module]
  /// Complaints about references to libraries that are not there, which Rego would take for undefined.
  let missingLibraries: [PolicyProblem]
  /// Whether it mentions `operation` or `oldObject`; a policy that does knows about deletions, one that does not knows objects alone.
  let mentionsOperation: Bool
  /// Whether it reads `data.inventory`.
  let readsInventory: Bool
  /// What it refers to there.
  let inventoryNeeds: InventoryNeeds
  /// The kinds outside of which no rule of it can hold; nil where there may be others.
  let kinds: Set<RegoString>?

  /// - Parameters:
  ///   - modules: the policy's own files.
  ///   - libraries: every library; those that the policy refers to count as its own.
  ///   - entrypoints: the names of the rules that are asked.
  init(modules: [Module], libraries: [Module], entrypoints: [String]) {
    var reached: [Module] = []
    var pending = modules
    var rest = libraries.filter { library in !modules.contains { $0.location.file == library.location.file } }
    var missing: [PolicyProblem] = []
    var readsInventory = false
    while let module = pending.popLast() {
      reached.append(module)
      for (path, location) in Self.dataPaths(in: module) {
        if path.isEmpty || path[0] == "inventory" { readsInventory = true }
        func concerns(_ library: Module) -> Bool {
          library.package.path.starts(with: path) || path.starts(with: library.package.path)
        }
        if path.count > 1, path[0] == "lib", !libraries.contains(where: concerns) {
          let name = path.map(\.string).joined(separator: ".")
          missing.append(PolicyProblem(location, "no library defines data.\(name)"))
        }
        pending += rest.filter(concerns)
        rest.removeAll(where: concerns)
      }
    }
    self.modules = reached
    missingLibraries = missing
    self.readsInventory = readsInventory
    inventoryNeeds = readsInventory ? InventoryNeeds(of: reached) : .none
    mentionsOperation = reached.contains(where: Self.mentionsOperation)
    var guards = KindGuards(modules: modules)
    kinds = guards.kinds(ofRules: entrypoints)
  }

  private static func mentionsOperation(_ module: Module) -> Bool {
    var found = module.imports.contains { $0.path.contains("operation") || $0.path.contains("oldObject") }
    SyntaxWalk.terms(of: module) { term in
      if case .string(let name) = term.kind, name == "operation" || name == "oldObject" { found = true }
    }
    return found
  }

  /// The paths below `data` to which a module refers, as far as they are constant.
  private static func dataPaths(in module: Module) -> [([RegoString], Location)] {
    var paths = module.imports.filter { $0.path.first == "data" }.map {
      (Array($0.path.dropFirst()), $0.location)
    }
    SyntaxWalk.terms(of: module) { term in
      guard case .reference(let head, let operands) = term.kind, case .variable("data") = head.kind else {
        return
      }
      var path: [RegoString] = []
      for operand in operands {
        guard case .string(let name) = operand.kind else { break }
        path.append(name)
      }
      paths.append((path, term.location))
    }
    return paths
  }
}

/// Finds the kinds outside of which rules cannot hold, from conditions such as `input.request.kind.kind == "Pod"`.
private struct KindGuards {
  private let rules: [String: [Rule]]
  private var known: [String: Set<RegoString>?] = [:]
  private var inProgress: Set<String> = []
  /// Through how many rules kinds are looked for: each takes stack.
  private static let maximumDepth = 100

  init(modules: [Module]) {
    var rules: [String: [Rule]] = [:]
    for rule in modules.flatMap(\.rules) {
      if case .variable(let name)? = rule.head.reference.first?.kind { rules[name, default: []].append(rule) }
    }
    self.rules = rules
  }

  /// The kinds of all of these rules together; nil where one of them can hold for any kind.
  mutating func kinds(ofRules names: [String]) -> Set<RegoString>? {
    var all: Set<RegoString> = []
    for name in names {
      guard let kinds = kinds(ofRule: name) else { return nil }
      all.formUnion(kinds)
    }
    return all
  }

  private mutating func kinds(ofRule name: String) -> Set<RegoString>? {
    if let known = known[name] { return known }
    // Who guards by kinds does so within a few rules; what is further away may hold for any kind.
    guard inProgress.count < Self.maximumDepth, let definitions = rules[name],
      inProgress.insert(name).inserted
    else { return nil }
    defer { inProgress.remove(name) }
    var all: Set<RegoString>? = []
    for definition in definitions {
      var branch: Rule? = definition
      while let rule = branch {
        let isUnconditional = rule.isDefault || rule.head.arguments != nil
        guard !isUnconditional, let kinds = kinds(of: rule.body) else {
          known[name] = .some(nil)
          return nil
        }
        all?.formUnion(kinds)
        branch = rule.elseBranch.first
      }
    }
    known[name] = all
    return all
  }

  /// The kinds outside of which a conjunction cannot hold.
  private mutating func kinds(of body: Body) -> Set<RegoString>? {
    var result: Set<RegoString>?
    let locals = Self.declaredNames(in: body)
    for expression in body.expressions where !expression.isNegated && expression.withModifiers.isEmpty {
      guard let kinds = kinds(of: expression, locals: locals) else { continue }
      result = result?.intersection(kinds) ?? kinds
    }
    return result
  }

  private mutating func kinds(of expression: Expression, locals: Set<String>) -> Set<RegoString>? {
    switch expression.kind {
    case .term(let term), .someIn(_, _, let term):
      if case .variable(let name) = term.kind, !locals.contains(name) { return kinds(ofRule: name) }
      if case .call(let callee, let arguments) = term.kind { return Self.kinds(comparing: callee, arguments) }
      return nil
    case .call(let callee, let arguments):
      return Self.kinds(comparing: callee, arguments)
    default: return nil
    }
  }

  private static func kinds(comparing callee: Term, _ arguments: [Term]) -> Set<RegoString>? {
    guard arguments.count == 2 else { return nil }
    switch "\(callee)" {
    case "equal", "eq":
      for (kind, other) in [(arguments[0], arguments[1]), (arguments[1], arguments[0])] where isKind(kind) {
        if case .string(let name) = other.kind { return [name] }
      }
      return nil
    case #"internal["member_2"]"# where isKind(arguments[0]):
      switch arguments[1].kind {
      case .set(let terms), .array(let terms):
        var names: Set<RegoString> = []
        for term in terms {
          guard case .string(let name) = term.kind else { return nil }
          names.insert(name)
        }
        return names
      default: return nil
      }
    default: return nil
    }
  }

  /// Whether a term is `input.request.kind.kind`.
  private static func isKind(_ term: Term) -> Bool {
    guard case .reference(let head, let operands) = term.kind, case .variable("input") = head.kind else {
      return false
    }
    let path = operands.map { if case .string(let name) = $0.kind { name } else { RegoString("") } }
    return path == ["request", "kind", "kind"]
  }

  /// The names that a body declares for itself, which hide rules of the same name.
  private static func declaredNames(in body: Body) -> Set<String> {
    var names: Set<String> = []
    func declare(_ term: Term?) {
      if case .variable(let name)? = term?.kind { names.insert(name) }
    }
    for expression in body.expressions {
      switch expression.kind {
      case .someDeclaration(let variables): variables.forEach(declare)
      case .someIn(let key, let value, _):
        declare(key)
        declare(value)
      case .call(let callee, let arguments) where "\(callee)" == "assign": declare(arguments.first)
      default: break
      }
    }
    return names
  }
}
