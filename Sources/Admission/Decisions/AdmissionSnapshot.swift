import Rego

/// All that a decision depends on besides its request: immutable, and replaced as a whole.
public final class AdmissionSnapshot: Sendable {
  public let policies: PolicySet
  /// Nil where there is no source of inventory; policies then see an empty one.
  public let inventory: Inventory?
  /// The document `data`.
  let data: Value

  public init(policies: PolicySet, inventory: Inventory?) {
    self.policies = policies
    self.inventory = inventory
    data = ["inventory": (inventory ?? .empty).value, "parameters": policies.parameters]
  }

  /// The same snapshot once more, for a thread of its own: the inventory is shared, the policies are not.
  func replica() -> AdmissionSnapshot {
    AdmissionSnapshot(policies: policies.replica(), inventory: inventory)
  }
}
