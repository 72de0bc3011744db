import Connectivity
import Rego

/// All that a decision depends on besides its request: immutable, and replaced as a whole.
public final class AdmissionSnapshot: Sendable {
  public let policies: PolicySet
  /// Nil where there is no source of inventory; policies then see an empty one.
  public let inventory: Inventory?
  /// What the inventory's network policies mean; nil where no policy asks, and where there is no source of inventory.
  public var model: ClusterModel? { sharedModel?.model }
  let sharedModel: SharedModel?
  /// The document `data`.
  let data: Value

  /// - Parameter model: the model of the same objects, where whoever has them keeps one; it is else made of the inventory, if some
  ///   policy asks for it.
  public init(policies: PolicySet, inventory: Inventory?, model: ClusterModel? = nil) {
    self.policies = policies
    self.inventory = inventory
    let model = policies.needsModel ? model ?? inventory.map { ClusterModel($0, for: policies) } : nil
    sharedModel = model.map(SharedModel.init)
    data = ["inventory": (inventory ?? .empty).value, "parameters": policies.parameters]
  }

  /// The same snapshot once more, for a thread of its own: the inventory is shared, the policies are not.
  func replica() -> AdmissionSnapshot {
    AdmissionSnapshot(policies: policies.replica(), inventory: inventory, model: model)
  }
}
