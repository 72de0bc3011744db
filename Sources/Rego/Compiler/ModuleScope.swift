/// What the names of one module mean beyond its rules' own variables.
struct ModuleScope {
  enum Global {
    /// A path into `data`, without the root.
    case data([RegoString])
    case input([RegoString])
  }

  let package: [RegoString]
  /// Whether variables must not hide `input` and `data`.
  private(set) var forbidsShadowing = false
  private var globals: [String: Global] = [:]

  /// - Parameter rules: the names of all rules of the package, in whichever module they stand.
  init(_ module: Module, rules: Set<String>, isStrict: Bool) {
    self.init(package: module.package.path, imports: module.imports, rules: rules)
    forbidsShadowing = ModuleChecks.forbidsShadowing(module, isStrict: isStrict)
  }

  /// - Parameters:
  ///   - imports: those of one module or query.
  ///   - rules: the names of all rules of the package.
  init(package: [RegoString] = [], imports: [Import] = [], rules: Set<String> = []) {
    self.package = package
    for declaration in imports {
      guard let root = declaration.path.first?.string, let last = declaration.path.last?.string else {
        continue
      }
      let name = declaration.alias ?? last
      switch root {
      case "data": globals[name] = .data(Array(declaration.path.dropFirst()))
      case "input": globals[name] = .input(Array(declaration.path.dropFirst()))
      default: break
      }
    }
    for rule in rules { globals[rule] = .data(package + [RegoString(rule)]) }
    globals["input"] = .input([])
    globals["data"] = .data([])
  }

  func global(_ name: String) -> Global? { globals[name] }
}
