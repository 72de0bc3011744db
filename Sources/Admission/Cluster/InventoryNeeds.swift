import Kubernetes
import Rego

/// What of the cluster a policy refers to below `data.inventory`, as far as its text tells.
public struct InventoryNeeds: Sendable, Hashable {
  /// Objects that a reference can lead to. Nil is what it leaves open.
  public struct Reach: Sendable, Hashable {
    /// Such as `networking.k8s.io/v1`.
    public var apiVersion: RegoString?
    public var kind: RegoString?

    public init(apiVersion: RegoString?, kind: RegoString?) {
      self.apiVersion = apiVersion
      self.kind = kind
    }
  }

  public var reaches: Set<Reach> = []
  /// Where a reference stands that can lead to any object; nil where none does.
  public var anywhere: Location?
  /// Whether it reads a member called `status`, of which else only addresses and phase are kept.
  public var readsStatus = false

  /// What a policy needs that reads no inventory.
  public static let none = InventoryNeeds()

  private init() {}

  /// - Parameter modules: the policy's own and the libraries that it refers to.
  public init(of modules: [Module]) {
    for module in modules {
      for one in module.imports where one.path.first == "data" && one.path.dropFirst().first == "inventory" {
        note(one.path.dropFirst(2).map { $0 }, at: one.location)
      }
      // Mentions of `data` that are no reference's head: then any part of it may be read.
      var whole = 0
      // Mentions of `status` but for those that lead to what is kept of it in any case.
      var statuses = 0
      SyntaxWalk.terms(of: module) { term in
        switch term.kind {
        case .string("status"): statuses += 1
        case .reference(let head, let operands):
          let steps = operands.map { operand -> RegoString? in
            if case .string(let key) = operand.kind { key } else { nil }
          }
          for (step, next) in zip(steps, steps.dropFirst()) where step == "status" {
            if let next, KeptFields.ofStatus.contains(next) { statuses -= 1 }
          }
          guard case .variable("data") = head.kind else { return }
          whole -= 1
          switch steps.first {
          case nil, .some(nil): note([], at: term.location)
          case "inventory"??: note(Array(steps.dropFirst()), at: term.location)
          default: break
          }
        case .variable("data"): whole += 1
        default: break
        }
      }
      if whole > 0 { note([], at: module.package.location) }
      if statuses > 0 { readsStatus = true }
    }
  }

  /// Notes a reference by its steps below `data.inventory`: Gatekeeper's `namespace[NS][GROUP_VERSION][KIND]` and
  /// `cluster[GROUP_VERSION][KIND]`.
  private mutating func note(_ steps: [RegoString?], at location: Location) {
    let rest: ArraySlice<RegoString?>
    switch steps.first {
    case "namespace"??: rest = steps.dropFirst(2)
    case "cluster"??: rest = steps.dropFirst(1)
    default:
      anywhere = anywhere ?? location
      return
    }
    let apiVersion = rest.first ?? nil
    let kind = rest.dropFirst().first ?? nil
    if apiVersion == nil, kind == nil {
      anywhere = anywhere ?? location
    } else {
      reaches.insert(Reach(apiVersion: apiVersion, kind: kind))
    }
  }

  public mutating func formUnion(_ other: InventoryNeeds) {
    reaches.formUnion(other.reaches)
    anywhere = anywhere ?? other.anywhere
    readsStatus = readsStatus || other.readsStatus
  }
}

extension InventoryNeeds.Reach: CustomStringConvertible {
  /// `Ingress of any version`.
  public var description: String {
    "\(kind?.string ?? "any kind") of \(apiVersion?.string ?? "any version")"
  }
}
