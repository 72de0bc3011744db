import Kubernetes
import Rego

/// A compiled policy with its settings.
public struct Policy: Sendable {
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
  public internal(set) var settings: PolicySettings
  /// Whether it reads `data.inventory`.
  public let readsInventory: Bool
  /// The rules of ``Rule`` that it defines.
  public let rules: [String]
  /// The kinds that its rules test for; nil where they may hold for any.
  let testedKinds: Set<RegoString>?
  let mentionsOperation: Bool
  let program: Program
  /// What can refuse a request: `deny` and `violation`.
  let denials: [Program.Entrypoint]
  let warnings: Program.Entrypoint?

  /// The operations that it is asked about: those that `match` lists; otherwise all of them where the policy mentions
  /// `operation` or `oldObject`, and CREATE and UPDATE where it does not, since on DELETE there is no object.
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
}
