import Kubernetes
import Rego

/// Which policies isolate a workload's pods in one direction.
public struct DirectionCoverage: Sendable {
  /// In the order of their names. Empty where none does.
  public let policies: [ObjectReference]
  /// Whether there are pods, or a template, that none isolates.
  public let isComplete: Bool
}

/// Which policies isolate a workload's pods.
public struct WorkloadCoverage: Sendable {
  public let workload: Workload
  /// Whether the pods share their node's network, so that no policy can isolate them.
  public let isHostNetwork: Bool
  public let ingress: DirectionCoverage
  public let egress: DirectionCoverage

  public subscript(direction: Direction) -> DirectionCoverage { direction == .ingress ? ingress : egress }

  /// Whether each of the directions is isolated.
  public func covers(_ directions: Set<Direction>) -> Bool {
    !isHostNetwork && directions.allSatisfy { self[$0].isComplete }
  }
}

extension Analysis {
  /// For each workload the policies that isolate it. AdminNetworkPolicies and their kin never isolate; Cilium's and Calico's do.
  public func coverage() -> [WorkloadCoverage] {
    let foreign = model.foreignPolicies
    return workloads.map { workload, groups in
      WorkloadCoverage(
        workload: workload, isHostNetwork: groups.contains { self.groups[$0].traits.isHostNetwork },
        ingress: coverage(of: groups, .ingress, foreign), egress: coverage(of: groups, .egress, foreign))
    }
  }

  private func coverage(
    of groups: Range<Int>, _ direction: Direction, _ foreign: [ForeignPolicy]
  ) -> DirectionCoverage {
    var all: Set<ObjectReference> = []
    var isComplete = true
    for group in groups {
      let namespace = namespace(ofGroup: group)
      let found =
        profile(direction, of: group).networkPolicies.map(\.policy.reference)
        + Self.references(foreign, isolating: self.groups[group], in: namespace, direction)
      isComplete = isComplete && !found.isEmpty
      all.formUnion(found)
    }
    return DirectionCoverage(
      policies: all.sorted { $0.description.utf8.lexicographicallyPrecedes($1.description.utf8) },
      isComplete: isComplete)
  }

  private static func references(
    _ foreign: [ForeignPolicy], isolating group: PodGroup, in namespace: NamespaceModel,
    _ direction: Direction
  ) -> [ObjectReference] {
    foreign.filter { $0.isolates.contains(direction) && $0.selects(group.labels, in: namespace) }
      .map(\.reference)
  }

  /// The policies of Cilium and Calico that isolate pods of a workload in a direction, in the order of their names. What their rules
  /// allow is not modelled.
  public func unmodelledPolicies(isolating workload: Workload, _ direction: Direction) -> [ObjectReference] {
    let foreign = model.foreignPolicies
    if foreign.isEmpty { return [] }
    let found = (groups(of: workload) ?? 0..<0).flatMap { group in
      Self.references(foreign, isolating: groups[group], in: namespace(ofGroup: group), direction)
    }
    return Set(found).sorted { $0.description.utf8.lexicographicallyPrecedes($1.description.utf8) }
  }
}
