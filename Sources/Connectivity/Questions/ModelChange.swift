import Kubernetes
import Rego

/// What one change of an object opens or closes between two ends.
public struct ConnectionChange: Sendable, Hashable {
  public let source: Endpoint
  public let destination: Endpoint
  public let added: ConnectionSet
  public let removed: ConnectionSet
  /// The rules that allow what is added, as the cluster is after the change.
  public let addedBy: [RuleReference]
  /// The rules that allowed what is removed.
  public let removedBy: [RuleReference]
}

/// An object as it was and as it will be: nil before it is created and after it is deleted.
public struct ObjectChange: Sendable {
  public struct State: Sendable {
    public let object: Value
    public let metadata: ObjectMetadata

    public init(object: Value, metadata: ObjectMetadata) {
      self.object = object
      self.metadata = metadata
    }
  }

  public let reference: ObjectReference
  public let new: State?
  /// What takes the place of the model's own before the change; nil where the model's own is taken.
  let old: State??

  /// - Parameter new: the object after the change; nil where it is deleted. Before, it is what the model has.
  public init(_ reference: ObjectReference, new: State?) {
    self.reference = reference
    self.new = new
    old = nil
  }

  /// A change of which is known what the object is before it, whatever the model has.
  public init(_ reference: ObjectReference, old: State?, new: State?) {
    self.reference = reference
    self.new = new
    self.old = .some(old)
  }
}

/// A model, and what a change makes of it. Both share every namespace but the changed object's.
public struct ModelChange: Sendable {
  public let before: ClusterModel
  public let after: ClusterModel
  let reference: ObjectReference
  /// What the changed object has that is not modelled, or is not known.
  public let warnings: [Problem]

  /// - Throws: ``Problem`` where the changed object cannot be understood.
  public init(_ change: ObjectChange, to model: ClusterModel) throws(Problem) {
    reference = change.reference
    if let old = change.old {
      // What was there and cannot be understood stays in the model as such.
      before = Self.model(model, with: old, at: change.reference).build()
    } else {
      before = model
    }
    let builder = Self.model(before, with: change.new, at: change.reference)
    if let problem = builder.problems.first(where: { $0.severity == .error }) { throw problem }
    warnings = builder.problems
    after = builder.build()
  }

  /// The change that changes nothing.
  public init(nothingIn model: ClusterModel, reference: ObjectReference) {
    before = model
    after = model
    self.reference = reference
    warnings = []
  }

  private static func model(
    _ model: ClusterModel, with state: ObjectChange.State?, at reference: ObjectReference
  ) -> ClusterModelBuilder {
    var builder = ClusterModelBuilder(model)
    if let state {
      builder.set(state.object, reference: reference, metadata: state.metadata)
    } else {
      builder.remove(reference)
    }
    return builder
  }

  /// Why there is no answer.
  public enum Interruption: Error, Sendable, Hashable, CustomStringConvertible {
    /// More connections change than are to be told.
    case tooMany(limit: Int)
    case cancelled

    public var description: String {
      switch self {
      case .tooMany(let limit): "more than \(limit) connections change"
      case .cancelled: "there was no time left"
      }
    }
  }

  /// The connections that the change adds and removes, in the order of their sources and destinations.
  ///
  /// Where something cannot be told, added is what may be allowed after and was not for certain before, and removed what was for certain
  /// and may not be any more.
  ///
  /// - Parameter isCancelled: asked now and then whether to give up.
  /// - Throws: ``Interruption`` where more than `limit` connections change, or where it was told to give up.
  public func connections(
    reading: Analysis.Reading = .admission, bounds: Bool = true, limit: Int = 1_000_000,
    isCancelled: () -> Bool = { false }
  ) throws(Interruption) -> [ConnectionChange] {
    if isCancelled() { throw .cancelled }
    let old = LiveModel(before, reading: reading, bounds: bounds)
    let new = LiveModel(after, reading: reading, bounds: bounds)
    return try withoutActuallyEscaping(isCancelled) { (isCancelled) throws(Interruption) in
      var comparison = ChangeComparison(
        old: old, new: new, isForeign: ForeignPolicy.groups.contains(reference.kind.group), limit: limit,
        isCancelled: isCancelled)
      for concern in concerns() { try comparison.compare(concern) }
      return comparison.sortedChanges
    }
  }
}

/// Workloads of one namespace about whose connections of a direction a change may say something.
struct Concern {
  let namespace: RegoString
  let direction: Direction
  let workloads: Set<Workload>
  /// The only namespace with which connections may change; nil for all, and for the outside.
  var partners: RegoString?
}

extension ModelChange {
  /// What the change is about.
  func concerns() -> [Concern] {
    let namespace = reference.namespace ?? "default"
    let key = reference.key
    switch (key.kind.group.string, key.kind.kind.string) {
    case ("networking.k8s.io", "NetworkPolicy"):
      return concerns(selectedBy: both { $0.namespaces[namespace]?.content.policies[reference.name] })
    case ("policy.networking.k8s.io", _):
      return concerns(selectedBy: both { $0.clusterPoliciesByKey[key] })
    case (let group, _) where ForeignPolicy.groups.contains(RegoString(group)):
      return concernsOfForeignPolicy()
    case ("", "Namespace"): return concernsOfNamespace()
    default:
      guard KindTable.builtin[reference.kind]?.podTemplatePath != nil else { return [] }
      // A pod or a template may move its workload's pods to another workload, as an owner that comes does.
      let old = before.namespaces[namespace]
      let new = after.namespaces[namespace]
      if old?.pods === new?.pods { return [] }
      let workloads = Self.unequal(old?.groups ?? [], new?.groups ?? [])
      return Direction.allCases.map { Concern(namespace: namespace, direction: $0, workloads: workloads) }
    }
  }

  /// What the two models have, where they differ.
  private func both(_ part: (ClusterModel) -> Policy?) -> [Policy] {
    let old = part(before)
    let new = part(after)
    return old === new ? [] : [old, new].compactMap(\.self)
  }

  private func concerns(selectedBy policies: [Policy]) -> [Concern] {
    var workloads: Set<Workload> = []
    for live in [LiveModel(before), LiveModel(after)] {
      for policy in policies { live.add(policy.subject, to: &workloads) }
    }
    return concerns(
      workloads,
      Direction.allCases.filter { way in
        policies.contains { $0.affects(way) }
          && !(policies.count == 2 && policies[0].isSame(as: policies[1], way))
      })
  }

  private func concerns(
    _ workloads: Set<Workload>, _ directions: [Direction], partners: RegoString? = nil
  ) -> [Concern] {
    Dictionary(grouping: workloads, by: \.namespace).flatMap { namespace, workloads in
      directions.map {
        Concern(namespace: namespace, direction: $0, workloads: Set(workloads), partners: partners)
      }
    }
  }

  /// Of a policy of Cilium or Calico: all that it selects, since a policy which isolates nothing may allow something to those which others
  /// isolate.
  private func concernsOfForeignPolicy() -> [Concern] {
    let key = reference.key
    var workloads: Set<Workload> = []
    for model in [before, after] {
      let policies: [ForeignPolicy]
      let namespaces: [NamespaceModel]
      if let name = reference.namespace {
        policies = model.namespaces[name]?.content.foreignPolicies[key] ?? []
        namespaces = [model.namespaces[name]].compactMap(\.self)
      } else {
        policies = model.clusterForeignPolicies[key] ?? []
        namespaces = Array(model.namespaces.values)
      }
      for policy in policies {
        for namespace in namespaces {
          for group in namespace.groups where policy.selects(group.labels, in: namespace) {
            workloads.insert(group.workload)
          }
        }
      }
    }
    return concerns(workloads, Direction.allCases)
  }

  /// Of a namespace whose labels change: its pods where policies of the cluster select them by the labels, and whoever has a rule that
  /// asks for them.
  private func concernsOfNamespace() -> [Concern] {
    let name = reference.name
    guard let old = before.namespaces[name], let new = after.namespaces[name], old.labels != new.labels else {
      return []
    }
    func tells(_ selector: Selector) -> Bool { selector.matches(old.labels) != selector.matches(new.labels) }
    func tells(_ peer: PodPeer) -> Bool {
      if case .matching(let selector) = peer.namespaces { tells(selector) } else { false }
    }
    var concerns: [Concern] = []
    let all = Set(new.groups.map(\.workload))
    for direction in Direction.allCases {
      let policies = before.clusterPolicies(direction)
      if policies.contains(where: { tells($0.policy.subject) }) {
        concerns.append(Concern(namespace: name, direction: direction, workloads: all))
      }
      var naming: [Policy] = policies.map(\.policy)
      for (selector, namespaces) in before.index(direction).bySelector where tells(selector) {
        naming += namespaces.flatMap { before.namespaces[$0]?.policies ?? [] }
      }
      let live = [LiveModel(before), LiveModel(after)]
      var subjects: Set<Workload> = []
      for policy in naming
      where policy.rules(direction).contains(where: { $0.peers.pods.contains(where: tells) }) {
        for live in live { live.add(policy.subject, to: &subjects) }
      }
      concerns += self.concerns(subjects, [direction], partners: name)
    }
    return concerns
  }
}

extension ModelChange {
  /// The workloads whose groups differ in something that decides; both lists are in the order of workloads.
  fileprivate static func unequal(_ old: [PodGroup], _ new: [PodGroup]) -> Set<Workload> {
    var workloads: Set<Workload> = []
    var position = 0
    var other = 0
    /// Where the groups of the workload at a place end.
    func end(_ groups: [PodGroup], _ start: Int) -> Int {
      var end = start + 1
      while end < groups.count && groups[end].workload == groups[start].workload { end += 1 }
      return end
    }
    while position < old.count || other < new.count {
      if other == new.count || position < old.count && old[position].workload < new[other].workload {
        workloads.insert(old[position].workload)
        position += 1
      } else if position == old.count || new[other].workload < old[position].workload {
        workloads.insert(new[other].workload)
        other += 1
      } else {
        let ends = (end(old, position), end(new, other))
        if !old[position..<ends.0].elementsEqual(new[other..<ends.1], by: { $0.isSame(as: $1) }) {
          workloads.insert(old[position].workload)
        }
        (position, other) = ends
      }
    }
    return workloads
  }
}

extension PodGroup {
  /// Whether two are the same to policies.
  fileprivate func isSame(as other: PodGroup) -> Bool {
    func isKnown(_ group: PodGroup) -> Bool {
      group.addresses.count >= group.podCount && group.podCount > 0
    }
    return traits == other.traits && isKnown(self) == isKnown(other)
      && (addresses == other.addresses || Set(addresses) == Set(other.addresses))
  }
}
