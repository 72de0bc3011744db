import Connectivity
import Kubernetes
import Rego

/// An object that came, changed or went.
public struct InventoryChange: Sendable {
  public let reference: ObjectReference
  /// Nil where it is gone.
  public let object: Value?

  public init(_ reference: ObjectReference, object: Value?) {
    self.reference = reference
    self.object = object
  }
}

extension ClusterModel {
  /// The model of an inventory's objects, as far as policies ask for one. What of them cannot be understood is left out, and
  /// remembered as such.
  public init(_ inventory: Inventory, for policies: PolicySet) {
    self.init(
      inventory: inventory.value, withPods: policies.needsPods, enforcedKinds: policies.enforcedKinds)
  }

  /// The model of a document that has the shape of `data.inventory`.
  ///
  /// - Parameters:
  ///   - withPods: false for policies and namespaces alone.
  ///   - enforcedKinds: the kinds of policies that count; nil for all.
  public init(inventory: Value, withPods: Bool = true, enforcedKinds: Set<RegoString>? = nil) {
    var builder = ClusterModelBuilder(enforcedKinds: enforcedKinds, isLive: true)
    for case (.string(let namespace), let versions) in inventory["namespace"]?.object ?? ObjectValue() {
      builder.set(versions, in: namespace, withPods: withPods)
    }
    if let versions = inventory["cluster"] { builder.set(versions, in: nil, withPods: withPods) }
    self = builder.build()
  }

  /// The model after some changes of objects, for the same policies.
  ///
  /// It costs what the namespaces hold in which a change decides something, however many changes there are in each; others, and
  /// changes that decide nothing, such as most of a pod's status, cost next to nothing. Whoever follows a cluster applies many at once.
  public func applying(_ changes: some Sequence<InventoryChange>, for policies: PolicySet) -> ClusterModel {
    var builder = ClusterModelBuilder(self)
    let withPods = policies.needsPods
    for change in changes {
      let kind = change.reference.kind
      guard ClusterModelBuilder.decides(kind), withPods || KindTable.builtin[kind]?.podTemplatePath == nil
      else { continue }
      if let object = change.object, let metadata = try? ObjectMetadata(of: object) {
        builder.set(object, reference: change.reference, metadata: metadata)
      } else {
        builder.remove(change.reference)
      }
    }
    return builder.build()
  }
}

extension ClusterModelBuilder {
  fileprivate mutating func set(_ versions: Value, in namespace: RegoString?, withPods: Bool) {
    for case (.string(let version), let kinds) in versions.object ?? ObjectValue() {
      for case (.string(let kindName), let objects) in kinds.object ?? ObjectValue() {
        guard let kind = GroupVersionKind(apiVersion: version, kind: kindName), Self.decides(kind),
          withPods || KindTable.builtin[kind]?.podTemplatePath == nil
        else { continue }
        for case (.string(let name), let object) in objects.object ?? ObjectValue() {
          // What has no readable metadata is no object of an API server.
          guard let metadata = try? ObjectMetadata(of: object) else { continue }
          set(
            object, reference: ObjectReference(kind: kind, namespace: namespace, name: name),
            metadata: metadata)
        }
      }
    }
  }
}
