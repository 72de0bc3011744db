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

  /// - Parameter new: the object after the change; nil where it is deleted.
  public init(_ reference: ObjectReference, new: State?) {
    self.reference = reference
    self.new = new
  }
}

/// A model, what a change makes of it, and what that does to connections.
public struct ModelChange: Sendable {
  public let before: ClusterModel
  public let after: ClusterModel
  private let reference: ObjectReference

  /// - Throws: ``Problem`` where the changed object cannot be understood.
  public init(_ change: ObjectChange, to model: ClusterModel) throws(Problem) {
    before = model
    reference = change.reference
    var builder = ClusterModelBuilder(model)
    builder.remove(change.reference)
    if let new = change.new {
      builder.add(new.object, reference: change.reference, metadata: new.metadata)
      if let problem = builder.problems.first(where: { $0.severity == .error }) { throw problem }
    }
    after = builder.build()
  }

  /// Too many workloads are concerned to compare them all.
  public struct TooMany: Error, Sendable, CustomStringConvertible {
    public let pairs: Int
    public var description: String { "the change concerns more than \(pairs) pairs of workloads" }
  }

  /// The connections that the change adds and removes.
  ///
  /// Where something cannot be told, added is what may be allowed after and was not for certain before, and removed what was for certain
  /// and may not be any more.
  ///
  /// - Throws: ``TooMany`` where more than `limit` pairs would have to be compared.
  public func connections(
    reading: Analysis.Reading = .admission, bounds: Bool = true, limit: Int = 1_000_000
  ) throws(TooMany) -> [ConnectionChange] {
    let old = LiveModel(before, reading: reading, bounds: bounds)
    let new = LiveModel(after, reading: reading, bounds: bounds)
    var comparison = ChangeComparison(old: old, new: new, limit: limit)
    for (workload, directions) in concerned(old, new) {
      for direction in directions {
        try comparison.collect(workload, direction)
      }
    }
    try collectRelabelled(old, new, &comparison)
    return comparison.changes()
  }

  /// Of a namespace whose labels change: its pods with those whose rules ask for the labels.
  private func collectRelabelled(
    _ old: LiveModel, _ new: LiveModel, _ comparison: inout ChangeComparison
  ) throws(TooMany) {
    guard reference.kind.group == "", reference.kind.kind == "Namespace" else { return }
    guard let namespace = before.namespaces[reference.name], let changed = after.namespaces[reference.name]
    else {
      return
    }
    func tells(_ selector: Selector) -> Bool {
      selector.matches(namespace.labels) != selector.matches(changed.labels)
    }
    let others = before.namespaces.values.filter { $0.namespaceSelectors.contains(where: tells) }
    for policy in others.flatMap(\.policies) + before.clusterPolicies {
      for direction in Direction.allCases {
        let peers = policy.rules(direction).flatMap(\.peers.pods).filter { peer in
          if case .matching(let selector) = peer.namespaces { tells(selector) } else { false }
        }
        if peers.isEmpty { continue }
        let partners = changed.groups.filter { group in peers.contains { $0.pods.matches(group.labels) } }
        var subjects: Set<Workload> = []
        old.add(policy.subject, to: &subjects)
        new.add(policy.subject, to: &subjects)
        for subject in subjects {
          for partner in partners {
            try comparison.collect(subject, partner.workload, direction)
          }
        }
      }
    }
  }

  /// The workloads that the change is about, with the directions in which it may change something.
  private func concerned(_ old: LiveModel, _ new: LiveModel) -> [Workload: Set<Direction>] {
    var concerned: [Workload: Set<Direction>] = [:]
    func add(_ workloads: some Sequence<Workload>, _ directions: Set<Direction>) {
      for workload in workloads { concerned[workload, default: []].formUnion(directions) }
    }
    let namespace = reference.namespace ?? "default"
    switch (reference.kind.group.string, reference.kind.kind.string) {
    case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
      let policies = [before, after].compactMap { $0.namespaces[namespace]?.content.policies[reference.name] }
      add(selected(policies, old, new), directions(policies))
    case ("policy.networking.k8s.io", _):
      let policies = [before, after].compactMap { $0.clusterPoliciesByReference[reference] }
      add(selected(policies, old, new), directions(policies))
    case ("", "Namespace"):
      // Policies of the cluster that select its pods by its labels; those that rules name are collected elsewhere.
      guard let namespace = after.namespaces[reference.name] ?? before.namespaces[reference.name] else {
        break
      }
      for policy in before.clusterPolicies {
        guard case .matching(let selector) = policy.subject.namespaces else { continue }
        let labels = [before, after].compactMap { $0.namespaces[reference.name]?.labels }
        if labels.count == 2 && selector.matches(labels[0]) == selector.matches(labels[1]) { continue }
        let pods = namespace.groups.filter { policy.subject.pods.matches($0.labels) }
        add(pods.map(\.workload), directions([policy]))
      }
    default:
      // A pod or a template may move its workload's pods to another workload, as an owner that comes does.
      let groups = [before, after].map { Set($0.namespaces[namespace]?.groups.map(GroupIdentity.init) ?? []) }
      add(groups[0].symmetricDifference(groups[1]).map(\.workload), Set(Direction.allCases))
    }
    return concerned
  }

  private func directions(_ policies: [Policy]) -> Set<Direction> {
    Set(Direction.allCases.filter { direction in policies.contains { $0.affects(direction) } })
  }

  private func selected(_ policies: [Policy], _ old: LiveModel, _ new: LiveModel) -> Set<Workload> {
    var workloads: Set<Workload> = []
    for policy in policies {
      old.add(policy.subject, to: &workloads)
      new.add(policy.subject, to: &workloads)
    }
    return workloads
  }
}

/// A group by what decides about it.
private struct GroupIdentity: Hashable {
  let workload: Workload
  let traits: PodTraits
  let addresses: [Address]
  let isKnown: Bool

  init(_ group: PodGroup) {
    workload = group.workload
    traits = group.traits
    addresses = Array(Set(group.addresses)).sorted { $0.description < $1.description }
    isKnown = group.addresses.count >= group.podCount && group.podCount > 0
  }
}

/// Compares what is allowed before and after, between pairs of workloads.
private struct ChangeComparison {
  private struct Pair: Hashable {
    let source: Workload
    let destination: Workload
  }

  private struct Outside: Hashable {
    let workload: Workload
    let direction: Direction
  }

  /// Workloads whose partners are the same, being alike to all policies.
  private struct Likeness: Hashable {
    let namespace: RegoString
    let traits: PodTraits
    let addresses: [Address]
    let direction: Direction
    let isOld: Bool
  }

  let old: LiveModel
  let new: LiveModel
  let limit: Int
  private var pairs: Set<Pair> = []
  private var outside: Set<Outside> = []
  private var partners: [Likeness: Set<Workload>] = [:]

  init(old: LiveModel, new: LiveModel, limit: Int) {
    self.old = old
    self.new = new
    self.limit = limit
  }

  /// Takes up all that a workload may be connected to in a direction, before or after.
  mutating func collect(_ workload: Workload, _ direction: Direction) throws(ModelChange.TooMany) {
    outside.insert(Outside(workload: workload, direction: direction))
    for (live, isOld) in [(old, true), (new, false)] {
      guard let namespace = live.model.namespaces[workload.namespace] else { continue }
      for group in namespace.groups(of: workload) {
        // Addresses tell pods apart only where blocks are asked about them.
        let likeness = Likeness(
          namespace: namespace.name, traits: group.traits, addresses: group.addresses, direction: direction,
          isOld: isOld)
        let found = partners[likeness] ?? live.partners(of: group, in: namespace, direction)
        partners[likeness] = found
        for partner in found where partner != workload {
          pairs.insert(
            direction == .egress
              ? Pair(source: workload, destination: partner) : Pair(source: partner, destination: workload))
          if pairs.count > limit { throw ModelChange.TooMany(pairs: limit) }
        }
      }
    }
  }

  /// Takes up one pair: a workload, and one that a rule of its policies names.
  mutating func collect(
    _ workload: Workload, _ partner: Workload, _ direction: Direction
  ) throws(ModelChange.TooMany) {
    if workload == partner { return }
    pairs.insert(
      direction == .egress
        ? Pair(source: workload, destination: partner) : Pair(source: partner, destination: workload))
    if pairs.count > limit { throw ModelChange.TooMany(pairs: limit) }
  }

  func changes() -> [ConnectionChange] {
    var changes: [ConnectionChange] = []
    for pair in pairs {
      let before = old.allowed(from: pair.source, to: pair.destination)
      let after = new.allowed(from: pair.source, to: pair.destination)
      add(.workload(pair.source), .workload(pair.destination), before, after, to: &changes)
    }
    for place in outside {
      for range in partition(place).ranges {
        let before = old.allowed(place.direction, of: place.workload, range)
        let after = new.allowed(place.direction, of: place.workload, range)
        let (source, destination): (Endpoint, Endpoint) =
          place.direction == .ingress
          ? (.addresses(range), .workload(place.workload)) : (.workload(place.workload), .addresses(range))
        add(source, destination, before, after, to: &changes)
      }
    }
    return changes.sorted {
      "\($0.source) \($0.destination)".utf8.lexicographicallyPrecedes("\($1.source) \($1.destination)".utf8)
    }
  }

  private func add(
    _ source: Endpoint, _ destination: Endpoint, _ before: (upper: ConnectionSet, lower: ConnectionSet),
    _ after: (upper: ConnectionSet, lower: ConnectionSet), to changes: inout [ConnectionChange]
  ) {
    let added = after.upper.subtracting(before.lower)
    let removed = before.lower.subtracting(after.upper)
    if added.isEmpty && removed.isEmpty { return }
    changes.append(
      ConnectionChange(
        source: source, destination: destination, added: added, removed: removed,
        addedBy: added.isEmpty ? [] : new.rules(from: source, to: destination, added),
        removedBy: removed.isEmpty ? [] : old.rules(from: source, to: destination, removed)))
  }

  /// Addresses that no rule tells apart which decides about the workload, before or after.
  private func partition(_ place: Outside) -> AddressPartition {
    var blocks: [AddressSet] = []
    for live in [old, new] {
      guard let namespace = live.model.namespaces[place.workload.namespace] else { continue }
      for group in namespace.groups(of: place.workload) {
        let profile = live.profile(place.direction, of: group, in: namespace)
        let policies = Array(profile.admin.joined()) + profile.networkPolicies + profile.baseline.joined()
        blocks += policies.flatMap(\.rules).flatMap(\.rule.peers.blocks)
      }
    }
    return AddressPartition(cutBy: blocks)
  }
}
