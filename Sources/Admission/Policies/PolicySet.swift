import Connectivity
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
  /// Gatekeeper's constraints, which are asked after the policies.
  public let constraints: ConstraintSet
  let fingerprint: PolicyFingerprint
  /// The kinds of network policies that the cluster's network enforces; nil for all that are known.
  let enforcedKinds: Set<RegoString>?
  /// What tells this set from others: ``PolicyFingerprint/text`` of all that it is made of.
  public let hash: String
  /// The paths of the input that some policy reads, with what it takes to know what the request is.
  let shape: PathShape
  /// The same for requests of one kind and operation, which only some policies may concern; first for any other kind.
  private let shapes: [AdmissionRequest.Operation: [RegoString?: PathShape]]
  /// `data.parameters`.
  let parameters: Value
  /// For each policy the operations that it is asked about.
  private let operations: [[AdmissionRequest.Operation]]
  /// For each policy whether being a candidate for a kind is all that its match asks for.
  private let isMatchedByKind: [Bool]
  private let byKind: [RegoString: [Int]]
  private let forAnyKind: [Int]
  /// For each policy whether it asks for a ``ClusterModel``.
  private let asksForModel: [Bool]

  init(
    policies: [Policy], quarantined: [Unused], notLoaded: [Unused], constraints: ConstraintSet = .empty,
    fingerprint: PolicyFingerprint = PolicyFingerprint(), enforcedKinds: Set<RegoString>? = nil
  ) {
    self.enforcedKinds = enforcedKinds
    self.policies = policies
    self.constraints = constraints
    self.fingerprint = fingerprint
    hash = fingerprint.text
    self.quarantined = quarantined
    self.notLoaded = notLoaded
    let base =
      policies.contains { $0.settings.match.labels != nil }
      ? AdmissionRequest.shape.union(AdmissionRequest.labelShape) : AdmissionRequest.shape
    shape = policies.reduce(base.union(constraints.shape)) {
      $0.union($1.program.inputShape).union(
        NetworkPolicyBuiltins.shape(of: $1.clusterFunctions, forKind: nil))
    }.replica()
    parameters = .object(ObjectValue(policies.map { (.string($0.name), $0.settings.parameterObject) }))
    operations = policies.map(\.operations)
    asksForModel = policies.map { !$0.clusterFunctions.isEmpty }
    isMatchedByKind = policies.map(\.settings.match.isByKindNameAlone)
    forAnyKind = policies.indices.filter { policies[$0].kindNames == nil }
    var byKind: [RegoString: [Int]] = [:]
    for kind in Set(policies.flatMap { $0.kindNames ?? [] }) {
      byKind[kind] = policies.indices.filter { policies[$0].kindNames?.contains(kind) ?? true }
    }
    self.byKind = byKind
    var shapes: [AdmissionRequest.Operation: [RegoString?: PathShape]] = [:]
    for operation in AdmissionRequest.Operation.allCases {
      func union(_ indices: [Int], kind: RegoString?) -> PathShape {
        let base = base.union(constraints.shape(forKind: kind, operation))
        var known: [InputPath.Scalar: Value] = [.input(Self.operationPath): .string(operation.rawValue)]
        if let kind { known[.input(Self.kindPath)] = .string(kind) }
        return indices.filter { policies[$0].operations.contains(operation) }.reduce(base) {
          $0.union(
            policies[$1].program.inputShape(
              of: policies[$1].denials + [policies[$1].warnings].compactMap(\.self),
              given: known.merging(policies[$1].scalarParameters) { known, _ in known })
          ).union(NetworkPolicyBuiltins.shape(of: policies[$1].clusterFunctions, forKind: kind))
        }
      }
      shapes[operation] = [nil: union(forAnyKind, kind: nil).replica()]
      for (kind, indices) in byKind { shapes[operation]?[kind] = union(indices, kind: kind).replica() }
      for kind in constraints.kinds where byKind[kind] == nil {
        shapes[operation]?[kind] = union(forAnyKind, kind: kind).replica()
      }
    }
    self.shapes = shapes
  }

  /// The same set once more, for a thread of its own (see `Program.replica()`).
  func replica() -> PolicySet {
    PolicySet(
      policies: policies.map { $0.replica() }, quarantined: quarantined, notLoaded: notLoaded,
      constraints: constraints.replica(), fingerprint: fingerprint, enforcedKinds: enforcedKinds)
  }

  /// The set without the policies, and the constraints of the templates, that cannot be asked for now, by name, with the reason. It
  /// has the same hash, since it is made of the same sources.
  func withholding(_ reasons: [String: String]) -> PolicySet {
    let withheldTemplates = constraints.templates.filter { reasons[$0.name] != nil }
    let names = policies.map(\.name).filter { reasons[$0] != nil } + withheldTemplates.map(\.name)
    if names.isEmpty { return self }
    return PolicySet(
      policies: policies.filter { reasons[$0.name] == nil }, quarantined: quarantined,
      notLoaded: notLoaded
        + names.map { Unused(name: $0, reasons: [PolicyProblem(file: "", message: reasons[$0] ?? "")]) },
      constraints: constraints.without(templates: Set(withheldTemplates.map(\.name))),
      fingerprint: fingerprint, enforcedKinds: enforcedKinds)
  }

  /// The set of no policies.
  public static let empty = PolicySet(policies: [], quarantined: [], notLoaded: [])

  /// Everything that keeps a policy or library from being used, but for what is not loaded on purpose.
  public var problems: [PolicyProblem] { quarantined.flatMap(\.reasons) }

  /// Whether the policy at a place, a candidate for the request's kind, is asked about the request.
  func isAsked(_ index: Int, about request: AdmissionRequest) -> Bool {
    operations[index].contains(request.operation)
      && (isMatchedByKind[index] || policies[index].settings.match.matches(request))
  }

  /// The places of the policies that may concern a kind.
  func candidates(forKind kind: RegoString) -> [Int] { byKind[kind] ?? forAnyKind }

  /// Whether one of the policies at these places asks for a ``ClusterModel``.
  func askForModel(_ candidates: [Int]) -> Bool {
    for index in candidates where asksForModel[index] { return true }
    return false
  }

  static let kindPath: [RegoString] = ["request", "kind", "kind"]
  static let operationPath: [RegoString] = ["request", "operation"]

  /// The paths of the input that matter for a kind and an operation.
  func shape(forKind kind: RegoString, _ operation: AdmissionRequest.Operation) -> PathShape {
    guard let byKind = shapes[operation] else { return shape }
    return byKind[kind] ?? byKind[nil] ?? shape
  }

  /// The functions `netpol.*` that some policy may call.
  var clusterFunctions: Set<String> { policies.reduce(into: []) { $0.formUnion($1.clusterFunctions) } }

  /// Whether some policy asks for what network policies mean, and so needs a ``ClusterModel``.
  public var needsModel: Bool { !clusterFunctions.isEmpty }

  /// Whether such a model must have the cluster's pods, and not its policies alone.
  public var needsPods: Bool { NetworkPolicyBuiltins.needPods(clusterFunctions) }

  /// Whether some policy reads `data.inventory`.
  public var readsInventory: Bool { policies.contains(where: \.readsInventory) || constraints.readsInventory }
}
