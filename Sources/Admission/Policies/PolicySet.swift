import Kubernetes
import Rego

/// The policies of a server: compiled, with their settings, and found quickly by the kind of a request.
public struct PolicySet: Sendable {
  /// A policy that is known but not asked, and why.
  public struct Unused: Sendable, Hashable {
    /// The policy's name; the file's path where not even that is known.
    public let name: String
    public let reasons: [PolicyProblem]
  }

  /// In the order in which they are evaluated.
  public let policies: [Policy]
  /// Policies and libraries that do not compile.
  public let quarantined: [Unused]
  /// Policies that lack something to judge by, such as the inventory.
  public let notLoaded: [Unused]
  /// The paths of the input that some policy reads, with what it takes to know what the request is.
  let shape: PathShape
  /// The same for requests of one kind and operation, which only some policies may concern; first for any other kind.
  private let shapes: [AdmissionRequest.Operation: [RegoString?: PathShape]]
  /// `data.parameters`.
  let parameters: Value
  /// For each policy the operations that it is asked about.
  private let operations: [[AdmissionRequest.Operation]]
  private let byKind: [RegoString: [Int]]
  private let forAnyKind: [Int]

  init(policies: [Policy], quarantined: [Unused], notLoaded: [Unused]) {
    self.policies = policies
    self.quarantined = quarantined
    self.notLoaded = notLoaded
    let base =
      policies.contains { $0.settings.match.labels != nil }
      ? AdmissionRequest.shape.union(AdmissionRequest.labelShape) : AdmissionRequest.shape
    shape = policies.reduce(base) { $0.union($1.program.inputShape) }.replica()
    parameters = .object(ObjectValue(policies.map { (.string($0.name), $0.settings.parameterObject) }))
    operations = policies.map(\.operations)
    forAnyKind = policies.indices.filter { policies[$0].kindNames == nil }
    var byKind: [RegoString: [Int]] = [:]
    for kind in Set(policies.flatMap { $0.kindNames ?? [] }) {
      byKind[kind] = policies.indices.filter { policies[$0].kindNames?.contains(kind) ?? true }
    }
    self.byKind = byKind
    var shapes: [AdmissionRequest.Operation: [RegoString?: PathShape]] = [:]
    for operation in AdmissionRequest.Operation.allCases {
      func union(_ indices: [Int], kind: RegoString?) -> PathShape {
        var known: [InputPath.Scalar: Value] = [.input(Self.operationPath): .string(operation.rawValue)]
        if let kind { known[.input(Self.kindPath)] = .string(kind) }
        return indices.filter { policies[$0].operations.contains(operation) }.reduce(base) {
          $0.union(
            policies[$1].program.inputShape(
              of: policies[$1].denials + [policies[$1].warnings].compactMap(\.self),
              given: known.merging(policies[$1].scalarParameters) { known, _ in known }))
        }
      }
      shapes[operation] = [nil: union(forAnyKind, kind: nil).replica()]
      for (kind, indices) in byKind { shapes[operation]?[kind] = union(indices, kind: kind).replica() }
    }
    self.shapes = shapes
  }

  /// The same set once more, for a thread of its own (see `Program.replica()`).
  func replica() -> PolicySet {
    PolicySet(policies: policies.map { $0.replica() }, quarantined: quarantined, notLoaded: notLoaded)
  }

  /// The set of no policies.
  public static let empty = PolicySet(policies: [], quarantined: [], notLoaded: [])

  /// Everything that keeps a policy or library from being used, but for what is not loaded on purpose.
  public var problems: [PolicyProblem] { quarantined.flatMap(\.reasons) }

  /// Whether the policy at a place is asked about a request.
  func isAsked(_ index: Int, about request: AdmissionRequest) -> Bool {
    operations[index].contains(request.operation) && policies[index].settings.match.matches(request)
  }

  /// The places of the policies that may concern a kind.
  func candidates(forKind kind: RegoString) -> [Int] { byKind[kind] ?? forAnyKind }

  static let kindPath: [RegoString] = ["request", "kind", "kind"]
  static let operationPath: [RegoString] = ["request", "operation"]

  /// The paths of the input that matter for a kind and an operation.
  func shape(forKind kind: RegoString, _ operation: AdmissionRequest.Operation) -> PathShape {
    guard let byKind = shapes[operation] else { return shape }
    return byKind[kind] ?? byKind[nil] ?? shape
  }

  /// Whether some policy reads `data.inventory`.
  public var readsInventory: Bool { policies.contains(where: \.readsInventory) }
}
