import Connectivity
import Kubernetes
import Rego

/// A compiled policy with its settings. A class, since decisions ask it for one thing or another and none copies it.
public final class Policy: Sendable {
  /// The rules by which a policy speaks.
  enum Rule: String, CaseIterable {
    case deny
    case violation
    case warn
  }

  /// The last part of the package: how the configuration, messages and metrics call the policy.
  public let name: String
  /// The package, below `data`.
  public let package: [RegoString]
  /// The files that define it.
  public let files: [String]
  public let isBuiltin: Bool
  public let settings: PolicySettings
  /// Whether it reads `data.inventory`.
  public let readsInventory: Bool
  /// What it refers to there.
  public let inventoryNeeds: InventoryNeeds
  /// The rules of ``Rule`` that it defines.
  public let rules: [String]
  /// The kinds that its rules test for; nil where they may hold for any.
  let testedKinds: Set<RegoString>?
  let mentionsOperation: Bool
  let program: Program
  /// The functions `netpol.*` that it may call.
  let clusterFunctions: Set<String>
  /// What can refuse a request: `deny` and `violation`.
  let denials: [Program.Entrypoint]
  let warnings: Program.Entrypoint?

  init(
    name: String, package: [RegoString], files: [String], isBuiltin: Bool, settings: PolicySettings,
    readsInventory: Bool, inventoryNeeds: InventoryNeeds, rules: [String], testedKinds: Set<RegoString>?,
    mentionsOperation: Bool,
    program: Program, denials: [Program.Entrypoint], warnings: Program.Entrypoint?
  ) {
    self.name = name
    self.package = package
    self.files = files
    self.isBuiltin = isBuiltin
    self.settings = settings
    self.readsInventory = readsInventory
    self.inventoryNeeds = inventoryNeeds
    self.rules = rules
    self.testedKinds = testedKinds
    self.program = program
    clusterFunctions = NetworkPolicyBuiltins.functions(among: program.builtinNames)
    self.mentionsOperation = mentionsOperation || NetworkPolicyBuiltins.judgeRequests(clusterFunctions)
    self.denials = denials
    self.warnings = warnings
  }

  /// The same policy with other settings.
  func with(_ settings: PolicySettings) -> Policy {
    Policy(
      name: name, package: package, files: files, isBuiltin: isBuiltin, settings: settings,
      readsInventory: readsInventory, inventoryNeeds: inventoryNeeds, rules: rules, testedKinds: testedKinds,
      mentionsOperation: mentionsOperation, program: program, denials: denials, warnings: warnings)
  }

  /// The same policy once more, for a thread of its own (see `Program.replica()`).
  func replica() -> Policy {
    Policy(
      name: String(decoding: Array(name.utf8), as: UTF8.self), package: package, files: files,
      isBuiltin: isBuiltin, settings: settings, readsInventory: readsInventory,
      inventoryNeeds: inventoryNeeds, rules: rules,
      testedKinds: testedKinds, mentionsOperation: mentionsOperation, program: program.replica(),
      denials: denials, warnings: warnings)
  }

  /// The operations that it is asked about: those that `match` lists; otherwise all of them where the policy mentions
  /// `operation` or `oldObject`, or hands the request to `netpol.changes` and its kin; and CREATE and UPDATE where it does not, since on DELETE there is no object.
  public var operations: [AdmissionRequest.Operation] {
    settings.match.operations
      ?? (mentionsOperation ? AdmissionRequest.Operation.allCases : [.create, .update])
  }

  /// The kinds that it is asked about, as the start-up report prints them; nil for every kind.
  public var kinds: [String]? {
    if let kinds = settings.match.kinds {
      return kinds.filter { testedKinds?.contains($0.name) ?? true }.map(\.description)
    }
    return testedKinds?.sorted().map(\.string)
  }

  /// The names of the kinds that it is asked about; nil for every kind.
  var kindNames: Set<RegoString>? {
    guard let matched = settings.match.kinds.map({ Set($0.map(\.name)) }) else { return testedKinds }
    return testedKinds.map(matched.intersection) ?? matched
  }

  /// The parameters that are scalars, by where Rego reads them.
  var scalarParameters: [InputPath.Scalar: Value] {
    // Rules could define them too.
    guard case .object(let parameters) = settings.parameterObject, !program.defines(["parameters"]) else {
      return [:]
    }
    var scalars: [InputPath.Scalar: Value] = [:]
    for case (.string(let key), let value) in parameters {
      switch value {
      case .null, .boolean, .number, .string:
        scalars[.data(["parameters", RegoString(name), key])] = value
      case .array, .object, .set: break
      }
    }
    return scalars
  }
}
