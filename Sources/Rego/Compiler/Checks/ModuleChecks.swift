/// What is wrong with a module's imports and names, whatever its rules say.
struct ModuleChecks {
  /// Whether the rules of v1 apply to modules of v0 too.
  let isStrict: Bool
  private(set) var errors: [RegoError] = []
  /// Whether a document's path has more parts than it may have.
  private(set) var hasLongPaths = false

  init(isStrict: Bool) { self.isStrict = isStrict }

  /// Whether a module must not hide documents and imports by names of its own.
  static func forbidsShadowing(_ module: Module, isStrict: Bool) -> Bool {
    isStrict || module.dialect == .v1
  }

  mutating func check(_ module: Module) {
    checkPaths(of: module)
    guard ModuleChecks.forbidsShadowing(module, isStrict: isStrict) else { return }
    var seen: [RegoString: Import] = [:]
    for declaration in module.imports {
      guard let name = declaration.name else { continue }
      if let earlier = seen[name] {
        errors.append(
          RegoError(.compile, "import must not shadow \(earlier.text)", at: declaration.location))
      } else {
        seen[name] = declaration
      }
    }
    for rule in module.rules { check(rule) }
  }

  /// How many parts the path of a document may have: the tree of documents is walked down by recursion.
  static let maximumPathLength = 200

  private mutating func checkPaths(of module: Module) {
    let length = module.package.path.count
    if length > Self.maximumPathLength {
      note("the package's path", tooLongAt: module.package.location)
      return
    }
    for rule in module.rules where length + rule.head.reference.count > Self.maximumPathLength {
      note("the rule's path", tooLongAt: rule.head.location)
    }
  }

  private mutating func note(_ path: String, tooLongAt location: Location) {
    hasLongPaths = true
    errors.append(
      RegoError(.compile, "\(path) has more than \(Self.maximumPathLength) parts", at: location))
  }

  private mutating func check(_ rule: Rule) {
    if case .variable(let name)? = rule.head.reference.first?.kind, ModuleChecks.isRoot(name) {
      errors.append(
        RegoError(
          .compile, "rules must not shadow \(name) (use a different rule name)", at: rule.location))
    }
    for argument in rule.head.arguments ?? [] {
      if case .variable(let name) = argument.kind, ModuleChecks.isRoot(name) {
        errors.append(
          RegoError(
            .compile, "args must not shadow \(name) (use a different variable name)", at: argument.location))
      }
    }
  }

  /// Whether a name is that of one of the two root documents.
  static func isRoot(_ name: String) -> Bool {
    name.utf8.elementsEqual("input".utf8) || name.utf8.elementsEqual("data".utf8)
  }
}

extension Import {
  /// The name by which the module calls what it imports; nil for the imports of `rego` and `future`, which only change the
  /// language.
  var name: RegoString? {
    guard path.first == "data" || path.first == "input" else { return nil }
    return alias.map { RegoString($0) } ?? path.last
  }

  /// The import as the source has it.
  var text: String {
    var text = "import " + (path.first?.string ?? "")
    for part in path.dropFirst() {
      text += RuleTree.isName(part) ? ".\(part.string)" : "[\(GoQuote.quote(part))]"
    }
    return alias.map { "\(text) as \($0)" } ?? text
  }
}
