import Kubernetes
import Rego

/// A policy that selects pods, and the directions in which it isolates them.
public struct SelectingPolicy: Sendable, Hashable {
  public let reference: ObjectReference
  /// Empty for AdminNetworkPolicies and their kin, which never isolate.
  public let isolates: Set<Direction>
}

/// A workload that some policy isolated before a change, and none isolates after it.
public struct UncoveredWorkload: Sendable {
  public let workload: Workload
  public let direction: Direction
  /// Those that isolated it, in the order of their names.
  public let policies: [ObjectReference]
}

extension LiveModel {
  /// The policies that select pods, those of Cilium and Calico among them; in the order of their kinds and names.
  func selecting(_ traits: PodTraits, in namespace: NamespaceModel) -> [SelectingPolicy] {
    if !isSelectable(traits) { return [] }
    var found: [SelectingPolicy] = []
    for policy in model.clusterPolicies where policy.subject.selects(traits.labels, in: namespace) {
      found.append(SelectingPolicy(reference: policy.reference, isolates: []))
    }
    for policy in namespace.policies where policy.subject.pods.matches(traits.labels) {
      found.append(SelectingPolicy(reference: policy.reference, isolates: policy.isolates))
    }
    forEachForeignPolicy(of: namespace) { policy in
      if policy.selects(traits.labels, in: namespace) {
        found.append(SelectingPolicy(reference: policy.reference, isolates: policy.isolates))
      }
    }
    return found
  }

  func forEachForeignPolicy(of namespace: NamespaceModel, _ body: (ForeignPolicy) -> Void) {
    for policies in namespace.content.foreignPolicies.values { policies.forEach(body) }
    for policies in model.clusterForeignPolicies.values { policies.forEach(body) }
  }

  /// The policies that isolate all pods of a workload in a direction; nil where some pods are isolated by none.
  fileprivate func isolating(
    _ groups: ArraySlice<PodGroup>, in namespace: NamespaceModel, _ direction: Direction
  ) -> Set<ObjectReference>? {
    var all: Set<ObjectReference> = []
    for group in groups {
      let found = selecting(group.traits, in: namespace).filter { $0.isolates.contains(direction) }
      if found.isEmpty { return nil }
      all.formUnion(found.map(\.reference))
    }
    return all
  }
}

extension ModelChange {
  /// The workloads that the change leaves without a policy which isolates them in a direction, though they are there before and after.
  public func uncovered(reading: Analysis.Reading = .admission) -> [UncoveredWorkload] {
    let old = LiveModel(before, reading: reading)
    let new = LiveModel(after, reading: reading)
    var found: [UncoveredWorkload] = []
    for name in namespacesWithOtherPolicies {
      guard let oldNamespace = before.namespaces[name], let newNamespace = after.namespaces[name] else {
        continue
      }
      for workload in Set(oldNamespace.groups.map(\.workload)) {
        let groups = newNamespace.groups(of: workload)
        if groups.isEmpty { continue }
        for direction in Direction.allCases {
          guard
            let policies = old.isolating(oldNamespace.groups(of: workload), in: oldNamespace, direction),
            new.isolating(groups, in: newNamespace, direction) == nil
          else { continue }
          found.append(
            UncoveredWorkload(
              workload: workload, direction: direction,
              policies: policies.sorted { $0.description.utf8.lexicographicallyPrecedes($1.description.utf8) }
            ))
        }
      }
    }
    return found.sorted {
      $0.workload == $1.workload ? $0.direction.rawValue > $1.direction.rawValue : $0.workload < $1.workload
    }
  }

  /// Where the change may take isolation away: pods' own labels are not looked at.
  private var namespacesWithOtherPolicies: [RegoString] {
    switch reference.key.kind.group {
    case "networking.k8s.io": [reference.namespace ?? "default"]
    case "cilium.io", "projectcalico.org", "crd.projectcalico.org":
      reference.namespace.map { [$0] } ?? Array(before.namespaces.keys)
    // Calico's and Cilium's policies that are the cluster's select by labels of namespaces.
    case "" where reference.kind.kind == "Namespace":
      before.clusterForeignPolicies.isEmpty ? [] : [reference.name]
    default: []
    }
  }
}
