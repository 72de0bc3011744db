import Rego

/// The modules and base documents that `--data` names, loaded as OPA does (OPA documentation, "CLI", `--data`): files merge at the root,
/// or below the prefix in `PREFIX:PATH`; of a folder, `.rego` files are modules and data files load under the names of their folders.
struct EvaluationDocuments {
  /// What is wrong: with a file, or within a module.
  enum Problem: Error {
    case file(InputProblem)
    case rego(RegoError)
  }

  /// The dialect of the modules; nil for whichever each is written in.
  let dialect: Dialect?
  /// Where the data's strings are looked up, so that those that repeat are held once.
  let interner: StringInterner
  private(set) var modules: [Module] = []
  /// The texts of the modules by the names of their files.
  private(set) var sources: [String: String] = [:]
  private(set) var data: Value = .object(ObjectValue())
  var problems: [Problem] = []
  /// The roots of the bundles so far.
  var bundleRoots: [(bundle: String, roots: [[String]])] = []

  /// Is told how long parsing takes.
  private let record: EvaluationRecord?

  init(dialect: Dialect?, interner: StringInterner = StringInterner(), record: EvaluationRecord? = nil) {
    self.record = record
    self.dialect = dialect
    self.interner = interner
  }

  /// Loads a file or a folder.
  ///
  /// - Parameter isWanted: which of a folder's files to load, by their paths.
  mutating func load(_ argument: String, isWanted: (String) -> Bool = { _ in true }) {
    let (prefix, path) = Self.splitPrefix(argument)
    if InputFile.isDirectory(path) {
      do throws(InputProblem) {
        for entry in try FileTree.files(below: path) where isWanted(entry.path) {
          if entry.path.hasSuffix(".rego") {
            loadModule(entry.path)
          } else if DocumentReader.isDataFile(entry.path) {
            loadData(entry.path, under: prefix + entry.folders)
          }
        }
      } catch {
        problems.append(.file(error))
      }
    } else if path.hasSuffix(".rego") {
      loadModule(path)
    } else {
      loadData(path, under: prefix)
    }
  }

  /// `a.b:PATH` puts what is in PATH under `data.a.b`.
  private static func splitPrefix(_ argument: String) -> (prefix: [String], path: String) {
    guard let colon = argument.firstIndex(of: ":") else { return ([], argument) }
    let prefix = argument[..<colon]
    if prefix.isEmpty || prefix.contains("/") { return ([], argument) }
    return (prefix.split(separator: ".").map(String.init), String(argument[argument.index(after: colon)...]))
  }

  private mutating func loadModule(_ path: String) {
    // A file that is named twice is one module.
    if sources[path] != nil { return }
    do throws(InputProblem) {
      try add(module: try InputFile.text(try InputFile.read(path), name: path), file: path, dialect: dialect)
    } catch {
      problems.append(.file(error))
    }
  }

  /// Adds the module that a text is.
  mutating func add(module text: String, file: String, dialect: Dialect?) throws(InputProblem) {
    sources[file] = text
    do throws(RegoErrors) {
      modules.append(try parse(text, file: file, dialect: dialect))
    } catch {
      problems += error.errors.map(Problem.rego)
    }
  }

  private func parse(_ text: String, file: String, dialect: Dialect?) throws(RegoErrors) -> Module {
    guard let record else { return try RegoParser.module(text, file: file, dialect: dialect) }
    return try record.time("rego_module_parse") { () throws(RegoErrors) in
      try RegoParser.module(text, file: file, dialect: dialect)
    }
  }

  private mutating func loadData(_ path: String, under folders: [String]) {
    do throws(InputProblem) {
      let value = try DocumentReader.value(
        try InputFile.read(path), name: InputFile.name(path), interner: interner)
      try add(data: value, file: path, under: folders)
    } catch {
      problems.append(.file(error))
    }
  }

  /// Adds a document below a path of `data`.
  mutating func add(data value: Value, file: String, under folders: [String]) throws(InputProblem) {
    guard folders.isEmpty == false || value.object != nil else {
      throw InputProblem(
        file: file, problem: "the root of the data must be an object, but this is of type \(value.typeName)")
    }
    let placed = folders.reversed().reduce(value) { .object(ObjectValue([(.string($1), $0)])) }
    guard let merged = Self.merge(data, placed) else {
      throw InputProblem(file: file, problem: "merge error: it sets a value that another file has set")
    }
    data = merged
  }

  /// Both objects in one; nil where they have different values for the same path.
  private static func merge(_ old: Value, _ new: Value) -> Value? {
    guard let old = old.object, let new = new.object else { return old == new ? old : nil }
    // Of equal keys the last counts: what is merged comes after what there was.
    var pairs = Array(old)
    for (key, value) in new {
      guard let existing = old[key] else {
        pairs.append((key, value))
        continue
      }
      guard let merged = merge(existing, value) else { return nil }
      pairs.append((key, merged))
    }
    return .object(ObjectValue(pairs))
  }

  /// Rules at a path where there is data too: which of them counts would be a matter of luck.
  func conflicts() -> [RegoError] {
    let errors = modules.flatMap { module in
      module.rules.compactMap { rule -> RegoError? in
        let path = module.package.path + Self.constantPath(rule.head)
        var place = data
        for key in path {
          guard let next = place.object?[key] else { return nil }
          place = next
        }
        let name = path.map(\.string).joined(separator: "/")
        return RegoError(.compile, "conflicting rule for data path \(name) found", at: rule.location)
      }
    }
    return RegoErrors(errors).quoting(sources).errors
  }

  /// What a head's reference says of its path before the first variable.
  private static func constantPath(_ head: Head) -> [RegoString] {
    var path: [RegoString] = []
    for (position, term) in head.reference.enumerated() {
      switch term.kind {
      case .variable(let name) where position == 0: path.append(RegoString(name))
      case .string(let name): path.append(name)
      default: return path
      }
    }
    return path
  }
}
