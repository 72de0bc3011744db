import Kubernetes
import Rego

/// What has been read of a namespace's objects: kept beside the model, so that a change of one object makes its namespace anew and no other.
struct NamespaceContent: Sendable {
  /// Nil where there is no object of the namespace.
  var labels: ObjectValue?
  /// Objects that make pods.
  var workloads: [Workload: WorkloadObject] = [:]
  /// By name.
  var pods: [RegoString: WorkloadObject] = [:]
  var policies: [RegoString: Policy] = [:]
  var services: [RegoString: Service] = [:]
  /// Policies of Cilium and Calico, by ``ObjectReference/key``.
  var foreignPolicies: [ObjectReference: [ForeignPolicy]] = [:]
  /// By ``ObjectReference/key``.
  var gateways: [ObjectReference: Gateway] = [:]
  /// What objects that decide something could not be read for, by ``ObjectReference/key``.
  var misread: [ObjectReference: Problem] = [:]

  var isEmpty: Bool {
    labels == nil && workloads.isEmpty && pods.isEmpty && policies.isEmpty && services.isEmpty
      && foreignPolicies.isEmpty && gateways.isEmpty && misread.isEmpty
  }

  /// Pods and templates by workload: a pod belongs to the topmost of its owners of which there is an object.
  var groups: [PodGroup] {
    struct Key: Hashable {
      let workload: Workload
      let traits: PodTraits
    }
    var groups: [Key: PodGroup] = [:]
    for object in workloads.values {
      let key = Key(workload: top(object.own), traits: object.traits)
      if groups[key] == nil {
        groups[key] = PodGroup(
          workload: key.workload, traits: object.traits, addresses: [], podCount: 0, example: object.own.name)
      }
    }
    for object in pods.values {
      let key = Key(workload: workload(of: object), traits: object.traits)
      groups[
        key,
        default: PodGroup(
          workload: key.workload, traits: object.traits, addresses: [], podCount: 0, example: object.own.name)
      ].add(object)
    }
    return groups.values.sorted { left, right in
      left.workload == right.workload
        ? Value.object(left.labels).compare(.object(right.labels)) < 0 : left.workload < right.workload
    }
  }

  /// The workload that a pod of the namespace belongs to.
  func workload(of pod: WorkloadObject) -> Workload {
    guard let owner = pod.owner else { return top(pod.own) }
    return top(deployment(of: owner, pod) ?? owner)
  }

  /// The Deployment of a ReplicaSet that has not been read: a controller makes its pods as soon as it is there, and what is said of them must
  /// not depend on which of the two is seen first. It is named for the Deployment and for a hash, which the pods carry as a label
  /// (Kubernetes documentation, "Deployments", "Pod-template-hash label").
  private func deployment(of owner: Workload, _ pod: WorkloadObject) -> Workload? {
    guard owner.kind == Self.replicaSet, workloads[owner] == nil,
      case .string(let hash)? = pod.traits.labels[Self.hash], hash.utf8Count > 0
    else { return nil }
    let suffix = "-\(hash)"
    let name = owner.name.string
    guard name.hasSuffix(suffix) else { return nil }
    let deployment = Workload(
      namespace: owner.namespace, name: RegoString(String(name.dropLast(suffix.count))), kind: Self.deployment
    )
    return workloads[deployment] == nil ? nil : deployment
  }

  private static let replicaSet: RegoString = "ReplicaSet"
  private static let deployment: RegoString = "Deployment"
  private static let hash: Value = "pod-template-hash"

  private func top(_ workload: Workload) -> Workload {
    var top = workload
    // Owners of owners end, but what is written need not.
    for _ in 0..<8 {
      guard let owner = workloads[top]?.owner, workloads[owner] != nil else { break }
      top = owner
    }
    return top
  }
}

extension PodGroup {
  fileprivate mutating func add(_ pod: WorkloadObject) {
    addresses += pod.addresses
    podCount += 1
  }
}
