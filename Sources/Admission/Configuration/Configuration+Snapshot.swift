import Kubernetes
import Rego

extension Configuration {
  /// The policies that are selected, compiled.
  ///
  /// - Parameters:
  ///   - hasInventory: whether there is a source of inventory; policies that need one are else not loaded.
  ///   - interner: shared with the inventory.
  ///   - areAll: whether there are no others, as a cluster may have, so that overrides of others are wrong.
  /// - Throws: everything that is wrong with sources and overrides: nothing is quarantined, since files can be mended.
  public func policies(
    hasInventory: Bool, interner: StringInterner, areAll: Bool = true
  ) throws(PolicyProblems) -> PolicySet {
    var problems: [PolicyProblem] = []
    var sources: [PolicySource] = []
    do throws(PolicyProblems) {
      sources += try (builtin ?? .all).sources
    } catch {
      problems += error.problems
    }
    do throws(PolicyProblems) {
      sources += try PolicyLoader.sources(at: policyPaths ?? [])
    } catch {
      problems += error.problems
    }
    let compiler = compiler(hasInventory: hasInventory, interner: interner)
    problems += unknownBuiltins(among: compiler.options.builtins)
    do throws(PolicyProblems) {
      let set = try compiler.compile(
        sources, overrides: problems.isEmpty ? overrides : PolicyOverrides(), areAll: areAll)
      problems += set.problems
      if problems.isEmpty { return set }
    } catch {
      problems += error.problems
    }
    throw PolicyProblems(problems)
  }

  /// What compiles policies as the configuration says.
  public func compiler(hasInventory: Bool, interner: StringInterner) -> PolicyCompiler {
    var compiler = PolicyCompiler(
      dialect: regoVersion, hasInventory: hasInventory, allowedBuiltins: allowedBuiltins ?? [],
      interner: interner)
    compiler.enforcedKinds = enforcedKinds.map { Set($0.map { RegoString($0) }) }
    return compiler
  }

  /// The policies of files, for those of a cluster to be put beside them.
  ///
  /// - Throws: everything that is wrong with sources and overrides.
  public func policyBase(interner: StringInterner) throws(PolicyProblems) -> PolicyAssembly.Base {
    PolicyAssembly.Base(
      policies: try policies(hasInventory: true, interner: interner, areAll: false),
      compiler: compiler(hasInventory: true, interner: interner), overrides: overrides)
  }

  /// Names in `allowedBuiltins` that no builtin has.
  private func unknownBuiltins(among builtins: BuiltinRegistry) -> [PolicyProblem] {
    (allowedBuiltins ?? []).filter { builtins[$0] == nil }.map { name in
      let restricted = builtins.builtins.values.filter(\.isRestricted).map(\.name).sorted()
      return PolicyProblem(
        file: "",
        message:
          "allowedBuiltins: there is no builtin \"\(name)\"; those to allow are \(restricted.joined(separator: ", "))"
      )
    }
  }

  /// The objects of the files that are named; nil where none are.
  ///
  /// - Throws: everything that cannot be read.
  public func inventory(interner: StringInterner) throws(PolicyProblems) -> InventoryBuilder? {
    guard let inventoryPaths, !inventoryPaths.isEmpty else { return nil }
    return try InventoryLoader.builder(of: inventoryPaths, interner: interner)
  }

  /// What reviews are judged by: policies and inventory.
  ///
  /// - Parameters:
  ///   - followsCluster: whether the inventory comes from a cluster, and is none of the snapshot's: it starts empty.
  ///   - interner: for what is compiled and what the inventory holds.
  /// - Throws: everything that is wrong with either.
  public func snapshot(
    followsCluster: Bool = false, interner: StringInterner = StringInterner()
  ) throws(PolicyProblems) -> AdmissionSnapshot {
    var problems: [PolicyProblem] = []
    var set: PolicySet?
    var builder: InventoryBuilder?
    do throws(PolicyProblems) {
      set = try policies(
        hasInventory: followsCluster || inventoryPaths?.isEmpty == false, interner: interner,
        areAll: !followsCluster)
    } catch {
      problems += error.problems
    }
    do throws(PolicyProblems) {
      builder = try inventory(interner: interner)
    } catch {
      problems += error.problems
    }
    guard problems.isEmpty, let set else { throw PolicyProblems(problems) }
    return AdmissionSnapshot(policies: set, inventory: followsCluster ? .empty : builder?.build())
  }
}
