import Connectivity
import Kubernetes
import Rego

/// Makes a ``PolicySet`` of sources: each policy is compiled alone, with the libraries that it refers to.
public struct PolicyCompiler: Sendable {
  /// The dialect that sources must be in; nil for v1 and, where that fails, v0.
  public var dialect: Dialect?
  /// Whether policies that need `data.inventory` will have one.
  public var hasInventory: Bool
  public var options: RegoCompiler.Options
  /// The kinds of network policies that the cluster's network enforces; nil for all that are known.
  public var enforcedKinds: Set<RegoString>?

  /// - Parameter allowedBuiltins: the restricted builtins that policies may use all the same.
  public init(
    dialect: Dialect? = nil, hasInventory: Bool = true, allowedBuiltins: [String] = [],
    builtins: BuiltinRegistry = .policies,
    interner: StringInterner = StringInterner()
  ) {
    self.dialect = dialect
    self.hasInventory = hasInventory
    options = RegoCompiler.Options()
    options.builtins = builtins
    AdmissionRequest.seed(interner)
    options.interner = interner
    for builtin in builtins.builtins.values where builtin.isRestricted {
      if allowedBuiltins.contains(where: { $0.utf8.elementsEqual(builtin.name.utf8) }) { continue }
      options.refusedBuiltins[builtin.name] =
        "policies may use it only where allowedBuiltins in the configuration names it"
    }
  }

  /// Compiles sources, and gives the policies the settings that the configuration file overrides.
  ///
  /// - Parameter areAll: whether these are all the policies there are, so that overrides of others are wrong.
  /// - Throws: what is wrong with the overrides. What is wrong with sources is ``PolicySet/problems``.
  public func compile(
    _ sources: [PolicySource], overrides: PolicyOverrides = PolicyOverrides(), areAll: Bool = true
  ) throws(PolicyProblems) -> PolicySet {
    var compiler = self
    for source in sources { compiler.options.sources[source.path] = source.text }
    return try compiler.policySet(sources, overrides: overrides, areAll: areAll)
  }

  private func policySet(
    _ sources: [PolicySource], overrides: PolicyOverrides, areAll: Bool
  ) throws(PolicyProblems) -> PolicySet {
    var quarantined: [PolicySet.Unused] = []
    var parsed: [Parsed] = []
    for source in Self.withoutCopies(sources) {
      do throws(RegoErrors) {
        parsed.append(Parsed(source, try module(source)))
      } catch {
        quarantined.append(
          Self.unused(source.path, error.errors.map { PolicyProblem($0, file: source.path) }))
      }
    }
    let libraries = parsed.filter(\.isLibrary)
    quarantined += brokenLibraries(libraries)

    var policies: [Policy] = []
    for group in Self.byPackage(parsed.filter { !$0.isLibrary }) {
      do throws(PolicyProblems) {
        if let other = policies.first(where: { $0.name.utf8.elementsEqual(group[0].name.utf8) }) {
          throw PolicyProblems([nameTaken(group[0], by: other)])
        }
        policies.append(try policy(group, libraries: libraries.map(\.module)))
      } catch {
        quarantined.append(Self.unused(group[0].name, error.problems))
      }
    }
    try apply(overrides, to: &policies, quarantined: quarantined.map(\.name), areAll: areAll)
    let isLoaded = { (policy: Policy) in hasInventory || !policy.settings.requiresInventory }
    return PolicySet(
      policies: policies.filter(isLoaded), quarantined: quarantined,
      notLoaded: policies.filter { !isLoaded($0) }.map { Self.withoutInventory($0.name) },
      fingerprint: fingerprint(of: sources, overrides), enforcedKinds: enforcedKinds)
  }

  /// Of what the set is made, whether it compiles or not.
  private func fingerprint(of sources: [PolicySource], _ overrides: PolicyOverrides) -> PolicyFingerprint {
    var fingerprint = PolicyFingerprint()
    fingerprint.add("dialect", dialect?.rawValue ?? "")
    fingerprint.add("inventory", "\(hasInventory)")
    fingerprint.add("refused", options.refusedBuiltins.keys.sorted().joined(separator: ","))
    for source in sources { fingerprint.add(source.path, source.text) }
    fingerprint.add("overrides", overrides.value)
    return fingerprint
  }

  private static func withoutInventory(_ name: String) -> PolicySet.Unused {
    let reason = "it needs the cluster's objects, and there is no source of inventory"
    return PolicySet.Unused(name: name, reasons: [PolicyProblem(file: "", message: reason)])
  }

  private func apply(
    _ overrides: PolicyOverrides, to policies: inout [Policy], quarantined: [String], areAll: Bool
  ) throws(PolicyProblems) {
    var problems: [PolicyProblem] = []
    for index in policies.indices {
      do throws(PolicyProblems) {
        let settings = try overrides.applied(to: policies[index].settings, named: policies[index].name)
        policies[index] = policies[index].with(settings)
      } catch {
        problems += error.problems
      }
    }
    if areAll { problems += overrides.unknown(among: policies.map(\.name) + quarantined) }
    if !problems.isEmpty { throw PolicyProblems(problems) }
  }
}

extension PolicyCompiler {
  private struct Parsed {
    let source: PolicySource
    let module: Module

    init(_ source: PolicySource, _ module: Module) {
      self.source = source
      self.module = module
    }

    var isLibrary: Bool { module.package.path.first == "lib" }
    var name: String { module.package.path.last?.string ?? "" }
  }

  private func module(_ source: PolicySource) throws(RegoErrors) -> Module {
    try RegoParser.module(source.text, file: source.path, dialect: source.isBuiltin ? .v1 : dialect)
  }

  /// The same text twice is one source, so that a folder of examples can be served beside the built-in policies among them.
  private static func withoutCopies(_ sources: [PolicySource]) -> [PolicySource] {
    var texts: Set<RegoString> = []
    return sources.filter { texts.insert(RegoString($0.text)).inserted }
  }

  /// Files that share a package are one policy; in the order of the first of them.
  private static func byPackage(_ parsed: [Parsed]) -> [[Parsed]] {
    var places: [[RegoString]: Int] = [:]
    var groups: [[Parsed]] = []
    for one in parsed {
      if let place = places[one.module.package.path] {
        groups[place].append(one)
      } else {
        places[one.module.package.path] = groups.count
        groups.append([one])
      }
    }
    return groups
  }

  private static func unused(_ name: String, _ problems: [PolicyProblem]) -> PolicySet.Unused {
    var seen: Set<PolicyProblem> = []
    return PolicySet.Unused(name: name, reasons: problems.filter { seen.insert($0).inserted })
  }

  private func nameTaken(_ parsed: Parsed, by other: Policy) -> PolicyProblem {
    let path = (["data"] + other.package.map(\.string)).joined(separator: ".")
    return PolicyProblem(
      parsed.module.package.location,
      "a policy's name is the last part of its package, and \"\(parsed.name)\" is taken by \(path) in "
        + other.files.joined(separator: ", "))
  }

  /// Libraries that do not compile; those that only fail for what they refer to are among them.
  private func brokenLibraries(_ libraries: [Parsed]) -> [PolicySet.Unused] {
    libraries.compactMap { library in
      let analysis = PolicyAnalysis(
        modules: [library.module], libraries: libraries.map(\.module), entrypoints: [])
      do throws(RegoErrors) {
        _ = try RegoCompiler(options).compile(analysis.modules)
        return nil
      } catch {
        return Self.unused(
          library.source.path, error.errors.map { PolicyProblem($0, file: library.source.path) })
      }
    }
  }

  private func policy(_ files: [Parsed], libraries: [Module]) throws(PolicyProblems) -> Policy {
    let modules = files.map(\.module)
    let package = files[0].module.package.path
    var problems: [PolicyProblem] = []
    if files.contains(where: \.source.isBuiltin), files.contains(where: { !$0.source.isBuiltin }) {
      problems.append(
        PolicyProblem(
          modules[files.count - 1].package.location,
          "the package is that of the built-in policy \(files[0].name): rename it, or leave the built-in one out"
        ))
    }
    if package.first == "inventory" || package.first == "parameters" {
      problems.append(
        PolicyProblem(modules[0].package.location, "data.\(package[0]) is not a policy's to define"))
    }
    let rules = RuleShape.rules(of: modules, problems: &problems)
    if rules.isEmpty, problems.isEmpty {
      problems.append(
        PolicyProblem(
          modules[0].package.location,
          "the package defines none of deny, violation and warn; a library's package lies under lib"))
    }
    let settings = settings(of: modules, problems: &problems)
    let analysis = PolicyAnalysis(modules: modules, libraries: libraries, entrypoints: rules.map(\.rawValue))
    problems += analysis.missingLibraries
    var program: Program?
    do throws(RegoErrors) {
      program = try RegoCompiler(options).compile(analysis.modules)
    } catch {
      problems += error.errors.map { PolicyProblem($0, file: files[0].source.path) }
    }
    guard let program, problems.isEmpty else { throw PolicyProblems(problems) }
    func entrypoint(_ rule: Policy.Rule) -> Program.Entrypoint {
      program.entrypoint(package + [RegoString(rule.rawValue)])
    }
    return Policy(
      name: files[0].name, package: package, files: files.map(\.source.path),
      isBuiltin: files.contains(where: \.source.isBuiltin), settings: settings,
      readsInventory: analysis.readsInventory, inventoryNeeds: analysis.inventoryNeeds,
      rules: rules.map(\.rawValue), testedKinds: analysis.kinds,
      mentionsOperation: analysis.mentionsOperation, program: program,
      denials: rules.filter { $0 != .warn }.map(entrypoint),
      warnings: rules.contains(.warn) ? entrypoint(.warn) : nil)
  }

  private func settings(of modules: [Module], problems: inout [PolicyProblem]) -> PolicySettings {
    let annotations = modules.flatMap(\.annotations).filter {
      $0.scope == "package" || $0.scope == "subpackages"
    }
    guard let own = annotations.first else { return PolicySettings() }
    for other in annotations.dropFirst() {
      problems.append(PolicyProblem(other.location, "the package has annotations in another place already"))
    }
    do throws(SettingError) {
      return try PolicySettings(annotations: own.value)
    } catch {
      problems.append(PolicyProblem(own.location, error.description))
      return PolicySettings()
    }
  }
}
