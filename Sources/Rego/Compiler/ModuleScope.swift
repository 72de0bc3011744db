/// What the names of one module mean beyond its rules' own variables.
struct ModuleScope {
  enum Global {
    /// A path into `data`, without the root.
    case data([RegoString])
    case input([RegoString])
  }

  let package: [RegoString]
  private var globals: [String: Global] = [:]

  /// - Parameter rules: the names of all rules of the package, in whichever module they stand.
  init(_ module: Module, rules: Set<String>) {
    package = module.package.path
    for declaration in module.imports {
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

  /// For a query: `input`, `data` and the names a package would give it.
  init(package: [RegoString] = [], rules: Set<String> = []) {
    self.package = package
    for rule in rules { globals[rule] = .data(package + [RegoString(rule)]) }
    globals["input"] = .input([])
    globals["data"] = .data([])
  }

  func global(_ name: String) -> Global? { globals[name] }
}
