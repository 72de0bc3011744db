import Kubernetes
import Rego

/// Compares what is allowed before and after a change.
///
/// Workloads that are alike to all policies are compared once, and only where they differ told one by one.
struct ChangeComparison {
  /// Workloads that are alike before, and alike after.
  private final class Alike {
    struct Member {
      let workload: Workload
      let old: ArraySlice<PodGroup>
      let new: ArraySlice<PodGroup>
    }

    let oldNamespace: NamespaceModel?
    let newNamespace: NamespaceModel?
    var members: [Member]
    /// What decides about them, which is the same for all members; looked up once.
    var profiles: [Direction: (old: [Profile], new: [Profile])] = [:]

    init(_ oldNamespace: NamespaceModel?, _ newNamespace: NamespaceModel?, members: [Member] = []) {
      self.oldNamespace = oldNamespace
      self.newNamespace = newNamespace
      self.members = members
    }
  }

  /// One of some alike workloads, with what decides about its connections of a direction.
  private struct Sides {
    let old: [Side]
    let new: [Side]

    var all: [Side] { old + new }

    /// Whether the pods are before what they are after, to all who select them.
    var areSame: Bool {
      !old.isEmpty && old.count == new.count
        && zip(old, new).allSatisfy {
          $0.group.traits == $1.group.traits
            && ($0.namespace === $1.namespace || $0.namespace.labels == $1.namespace.labels)
            && $0.profile.foreign == $1.profile.foreign
        }
    }

    /// Whether the same policies of the modelled kinds decide.
    var haveSamePolicies: Bool {
      zip(old, new).allSatisfy { old, new in
        old.profile.policies.elementsEqual(new.profile.policies) { $0.policy === $1.policy }
      }
    }

    func assuming(_ rules: ForeignRules) -> Sides {
      func assuming(_ sides: [Side]) -> [Side] {
        sides.map { side in
          var profile = side.profile
          profile.foreignRules = rules
          return Side(group: side.group, namespace: side.namespace, profile: profile)
        }
      }
      return Sides(old: assuming(old), new: assuming(new))
    }
  }

  private struct Pair: Hashable {
    let source: Endpoint
    let destination: Endpoint
  }

  private let old: LiveModel
  private let new: LiveModel
  /// Whether the change is one of what a policy of Cilium or Calico says.
  private let isForeign: Bool
  private let limit: Int
  private let isCancelled: () -> Bool
  private var changes: [ConnectionChange] = []
  private var told: Set<Pair> = []
  private var comparisons = 0
  private var partners: [RegoString: [Alike]] = [:]
  /// The workloads that have been compared with all others in a direction.
  private var done: [Direction: Set<Workload>] = [:]

  init(
    old: LiveModel, new: LiveModel, isForeign: Bool, limit: Int, isCancelled: @escaping () -> Bool
  ) {
    self.old = old
    self.new = new
    self.isForeign = isForeign
    self.limit = limit
    self.isCancelled = isCancelled
  }

  var sortedChanges: [ConnectionChange] {
    changes.sorted { left, right in
      left.source == right.source ? left.destination < right.destination : left.source < right.source
    }
  }

  mutating func compare(_ concern: Concern) throws(ModelChange.Interruption) {
    let direction = concern.direction
    for own in alike(concern.workloads, in: concern.namespace) {
      let sides = sides(own, 0, direction)
      var names: Set<RegoString> = []
      if let only = concern.partners {
        names = [only]
      } else {
        try compareOutside(own, sides, direction)
        for side in together(sides.old, own.members.map(\.old)) {
          names.formUnion(old.partnerNamespaces(of: side, direction))
        }
        for side in together(sides.new, own.members.map(\.new)) {
          names.formUnion(new.partnerNamespaces(of: side, direction))
        }
      }
      for name in names {
        let all = partners[name] ?? alike(in: name)
        partners[name] = all
        for partners in all where !isDone(partners, direction.opposite) {
          try compare(own, partners, direction)
        }
      }
    }
    if concern.partners == nil { done[direction, default: []].formUnion(concern.workloads) }
  }

  /// Whether the connections of these have been compared from their own end.
  private func isDone(_ alike: Alike, _ direction: Direction) -> Bool {
    guard let done = done[direction] else { return false }
    return alike.members.allSatisfy { done.contains($0.workload) }
  }

  // MARK: Who is alike

  private func alike(_ workloads: Set<Workload>, in name: RegoString) -> [Alike] {
    struct Likeness: Hashable {
      let old: [PodTraits]
      let new: [PodTraits]
    }
    let oldNamespace = old.model.namespaces[name]
    let newNamespace = new.model.namespaces[name]
    var found: [Likeness: Alike] = [:]
    for workload in workloads {
      let member = Alike.Member(
        workload: workload, old: oldNamespace?.groups(of: workload) ?? [],
        new: newNamespace?.groups(of: workload) ?? [])
      let likeness = Likeness(old: member.old.map(\.traits), new: member.new.map(\.traits))
      let alike = found[likeness] ?? Alike(oldNamespace, newNamespace)
      alike.members.append(member)
      found[likeness] = alike
    }
    return Array(found.values)
  }

  /// All workloads of a namespace.
  private func alike(in name: RegoString) -> [Alike] {
    let oldNamespace = old.model.namespaces[name]
    let newNamespace = new.model.namespaces[name]
    guard let oldNamespace, let newNamespace, oldNamespace.pods === newNamespace.pods else {
      let groups = (oldNamespace?.groups ?? []) + (newNamespace?.groups ?? [])
      return alike(Set(groups.map(\.workload)), in: name)
    }
    let groups = oldNamespace.pods.groups
    return oldNamespace.pods.classes.map { alike in
      Alike(
        oldNamespace, newNamespace,
        members: alike.members.map { range in
          Alike.Member(
            workload: groups[range.lowerBound].workload, old: groups[range], new: groups[range])
        })
    }
  }

  private func sides(_ alike: Alike, _ position: Int, _ direction: Direction) -> Sides {
    let member = alike.members[position]
    let profiles =
      alike.profiles[direction] ?? (
        alike.oldNamespace.map { old.profiles(direction, of: member.old, in: $0) } ?? [],
        alike.newNamespace.map { new.profiles(direction, of: member.new, in: $0) } ?? []
      )
    alike.profiles[direction] = profiles
    func sides(_ groups: ArraySlice<PodGroup>, _ namespace: NamespaceModel?, _ profiles: [Profile]) -> [Side]
    {
      guard let namespace else { return [] }
      return zip(groups, profiles).map { Side(group: $0, namespace: namespace, profile: $1) }
    }
    return Sides(
      old: sides(member.old, alike.oldNamespace, profiles.old),
      new: sides(member.new, alike.newNamespace, profiles.new))
  }

  /// The sides of one workload, with the addresses of all that are alike: a block of others may be about any of them.
  private func together(_ sides: [Side], _ members: [ArraySlice<PodGroup>]) -> [Side] {
    sides.enumerated().map { position, side in
      var group = side.group
      group.addresses = members.flatMap { groups in
        groups.count > position ? groups[groups.startIndex + position].addresses : []
      }
      return Side(group: group, namespace: side.namespace, profile: side.profile)
    }
  }

  /// Parts of alike workloads between which no block of some rules tells.
  private func parts(_ alike: Alike, toldApartBy rules: [CompiledRule]) -> [[Int]] {
    let pods = [alike.oldNamespace?.pods, alike.newNamespace?.pods].compactMap(\.self)
    let rules = rules.filter { rule in
      rule.rule.peers.areAboutPodsByAddress(old.reading)
        && pods.contains { $0.mayHaveAddresses(in: rule.rule.peers) }
    }
    if rules.isEmpty || alike.members.count == 1 { return [Array(alike.members.indices)] }
    var parts: [[Match]: [Int]] = [:]
    for (position, member) in alike.members.enumerated() {
      let groups =
        member.old
        + (member.old.startIndex == member.new.startIndex && member.old.count == member.new.count
          && alike.oldNamespace?.pods === alike.newNamespace?.pods ? [] : member.new)
      let key = groups.flatMap { group in rules.map { $0.rule.peers.matchByAddress(group) } }
      parts[key, default: []].append(position)
    }
    return Array(parts.values)
  }

  // MARK: Comparing

  private mutating func compare(
    _ own: Alike, _ partners: Alike, _ direction: Direction
  ) throws(ModelChange.Interruption) {
    let ownRules = sides(own, 0, direction).all.flatMap(\.profile.rules)
    let partnerRules = sides(partners, 0, direction.opposite).all.flatMap(\.profile.rules)
    for part in parts(own, toldApartBy: partnerRules) {
      let sides = sides(own, part[0], direction)
      for others in parts(partners, toldApartBy: ownRules) {
        comparisons += 1
        if comparisons & 0x3f == 0, isCancelled() { throw .cancelled }
        let (sides, otherSides) = assuming(sides, self.sides(partners, others[0], direction.opposite))
        let before = old.allowed(direction, of: sides.old, with: otherSides.old)
        let after = new.allowed(direction, of: sides.new, with: otherSides.new)
        let added = after.upper.subtracting(before.lower)
        let removed = removed(before, after, sides, otherSides)
        if added.isEmpty && removed.isEmpty { continue }
        let addedBy = added.isEmpty ? [] : new.rules(direction, of: sides.new, with: otherSides.new, added)
        let removedBy =
          removed.isEmpty ? [] : old.rules(direction, of: sides.old, with: otherSides.old, removed)
        for position in part {
          for other in others {
            try tell(
              own.members[position].workload, partners.members[other].workload, direction, added, removed,
              addedBy, removedBy)
          }
        }
      }
    }
  }

  // MARK: Rules that are not modelled

  /// Two ends with what the rules of Cilium's and Calico's policies are taken to allow them, so that what is added before and after is not
  /// less than what is added in truth, and no more than it takes.
  ///
  /// With F for these rules, N for NetworkPolicies and B for the other end: `(F ∪ N₂) ∩ B` without `(F ∪ N₁) ∩ B` is within `N₂` without
  /// `N₁`, whatever F is, and within B only as far as that is known.
  private func assuming(_ own: Sides, _ other: Sides? = nil) -> (own: Sides, other: Sides) {
    let none = Sides(old: [], new: [])
    guard own.all.contains(where: \.hasForeign) || other?.all.contains(where: \.hasForeign) ?? false else {
      return (own, other ?? none)
    }
    // Which pods these rules are about changes with labels.
    guard !isForeign, own.areSame, other?.areSame ?? true else { return (own, other ?? none) }
    let isOwnUnchanged = own.haveSamePolicies
    let isOtherUnchanged = other?.haveSamePolicies ?? true
    if !isOwnUnchanged && !isOtherUnchanged { return (own, other ?? none) }
    return (
      own.assuming(isOwnUnchanged ? .all : .nothing),
      (other ?? none).assuming(isOtherUnchanged ? .all : .nothing)
    )
  }

  /// What is removed for certain.
  private func removed(
    _ before: (upper: ConnectionSet, lower: ConnectionSet),
    _ after: (upper: ConnectionSet, lower: ConnectionSet),
    _ sides: Sides...
  ) -> ConnectionSet {
    // What was taken to be allowed may not have been.
    if sides.contains(where: { $0.old.contains { $0.profile.foreignRules == .all && $0.hasForeign } }) {
      return .none
    }
    return before.lower.subtracting(after.upper)
  }

  private mutating func tell(
    _ workload: Workload, _ partner: Workload, _ direction: Direction, _ added: ConnectionSet,
    _ removed: ConnectionSet, _ addedBy: [RuleReference], _ removedBy: [RuleReference]
  ) throws(ModelChange.Interruption) {
    if workload == partner { return }
    try tell(
      ConnectionChange(
        source: .workload(direction == .ingress ? partner : workload),
        destination: .workload(direction == .ingress ? workload : partner), added: added, removed: removed,
        addedBy: addedBy, removedBy: removedBy))
  }

  private mutating func tell(_ change: ConnectionChange) throws(ModelChange.Interruption) {
    guard told.insert(Pair(source: change.source, destination: change.destination)).inserted else { return }
    if changes.count == limit { throw .tooMany(limit: limit) }
    changes.append(change)
    if changes.count & 0xfff == 0, isCancelled() { throw .cancelled }
  }

  /// The outside, cut where a rule which decides about the workloads, before or after, tells addresses apart.
  private mutating func compareOutside(
    _ own: Alike, _ sides: Sides, _ direction: Direction
  ) throws(ModelChange.Interruption) {
    let blocks = sides.all.flatMap { $0.profile.rules.flatMap(\.rule.peers.blocks) }
    // Where a rule has blocks IPv6 may fare otherwise than IPv4, though none names any: 0.0.0.0/0 leaves all of it out. Lists have it only where a block names some.
    let partition = AddressPartition(cutBy: blocks, alwaysV6: old.bounds && !blocks.isEmpty)
    let (sides, _) = assuming(sides)
    for range in partition.ranges {
      let before = old.allowed(direction, of: sides.old, with: range)
      let after = new.allowed(direction, of: sides.new, with: range)
      let added = after.upper.subtracting(before.lower)
      let removed = removed(before, after, sides)
      if added.isEmpty && removed.isEmpty { continue }
      let addedBy = added.isEmpty ? [] : new.rules(direction, of: sides.new, with: range, added)
      let removedBy = removed.isEmpty ? [] : old.rules(direction, of: sides.old, with: range, removed)
      for member in own.members {
        let end = Endpoint.workload(member.workload)
        try tell(
          ConnectionChange(
            source: direction == .ingress ? .addresses(range) : end,
            destination: direction == .ingress ? end : .addresses(range), added: added, removed: removed,
            addedBy: addedBy, removedBy: removedBy))
      }
    }
  }
}
