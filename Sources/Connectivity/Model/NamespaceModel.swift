import Kubernetes
import Rego

/// A namespace with what is in it: immutable, so that a change makes a new one and shares all others.
public final class NamespaceModel: Sendable {
  public let name: RegoString
  /// With `kubernetes.io/metadata.name`, which every namespace carries (since Kubernetes 1.21).
  public let labels: ObjectValue
  /// Whether there is an object of it, and not only objects in it.
  public let isDeclared: Bool
  /// The NetworkPolicies, in the order of names.
  public let policies: [Policy]
  let pods: NamespacePods

  /// What it was made of.
  let content: NamespaceContent
  /// The policies' rules by direction, each policy that has a say in it.
  let ingressPolicies: [CompiledPolicy]
  let egressPolicies: [CompiledPolicy]
  /// What the policies' rules ask for, and whether some pods are open to all.
  let ingressReach: PolicyReach
  let egressReach: PolicyReach
  /// The positions of the groups that no NetworkPolicy isolates.
  let openToIngress: [Int]
  let openToEgress: [Int]

  /// In the order of workloads.
  public var groups: [PodGroup] { pods.groups }
  var index: LabelIndex { pods.index }

  /// - Parameters:
  ///   - pods: those of the content, where they are known already.
  ///   - policies: another model whose policies are those of the content.
  init(
    name: RegoString, content: NamespaceContent, pods: NamespacePods? = nil,
    policies known: NamespaceModel? = nil
  ) {
    self.name = name
    self.content = content
    labels = (content.labels ?? ObjectValue()).inserting(Self.nameLabel, .string(name))
    isDeclared = content.labels != nil
    let pods = pods ?? NamespacePods(content.groups)
    self.pods = pods
    policies = known?.policies ?? content.policies.values.sorted { $0.reference.name < $1.reference.name }
    ingressPolicies =
      known?.ingressPolicies ?? policies.compactMap { CompiledPolicy(unresolved: $0, .ingress) }
    egressPolicies = known?.egressPolicies ?? policies.compactMap { CompiledPolicy(unresolved: $0, .egress) }
    openToIngress = pods.open(to: ingressPolicies)
    openToEgress = pods.open(to: egressPolicies)
    ingressReach = PolicyReach(ingressPolicies, isOpen: !openToIngress.isEmpty || pods.hasHostNetwork)
    egressReach = PolicyReach(egressPolicies, isOpen: !openToEgress.isEmpty || pods.hasHostNetwork)
  }

  private static let nameLabel: Value = "kubernetes.io/metadata.name"

  func policies(_ direction: Direction) -> [CompiledPolicy] {
    direction == .ingress ? ingressPolicies : egressPolicies
  }

  func reach(_ direction: Direction) -> PolicyReach { direction == .ingress ? ingressReach : egressReach }

  func open(_ direction: Direction) -> [Int] { direction == .ingress ? openToIngress : openToEgress }

  func groups(of workload: Workload) -> ArraySlice<PodGroup> { pods.groups(of: workload) }
}

/// Workloads of a namespace whose pods are alike but for their addresses.
struct WorkloadClass: Sendable {
  /// The positions of each workload's groups; not empty.
  fileprivate(set) var members: [Range<Int>]

  fileprivate static func classes(of groups: [PodGroup]) -> [WorkloadClass] {
    var classes: [WorkloadClass] = []
    var positions: [[PodTraits]: Int] = [:]
    var start = 0
    while start < groups.count {
      var end = start + 1
      while end < groups.count && groups[end].workload == groups[start].workload { end += 1 }
      let position = positions[groups[start..<end].map(\.traits), default: classes.count]
      if position == classes.count {
        positions[groups[start..<end].map(\.traits)] = position
        classes.append(WorkloadClass(members: []))
      }
      classes[position].members.append(start..<end)
      start = end
    }
    return classes
  }
}

extension NamespacePods {
  /// The groups of a workload; they stand together.
  func groups(of workload: Workload) -> ArraySlice<PodGroup> {
    var low = 0
    var high = groups.count
    while low < high {
      let middle = (low + high) / 2
      if groups[middle].workload < workload { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < groups.count && groups[end].workload == workload { end += 1 }
    return groups[low..<end]
  }
}

/// The pods of a namespace.
final class NamespacePods: Sendable {
  /// In the order of workloads.
  let groups: [PodGroup]
  let index: LabelIndex
  /// What holds all IPv4 addresses of the pods.
  let addressBounds: AddressRange?
  /// Whether there are pods whose addresses are not known, or IPv6.
  let hasOtherAddresses: Bool
  let hasHostNetwork: Bool
  /// Each workload is in one.
  let classes: [WorkloadClass]

  init(_ groups: [PodGroup]) {
    self.groups = groups
    classes = WorkloadClass.classes(of: groups)
    index = LabelIndex(groups.map(\.labels))
    (addressBounds, hasOtherAddresses) = Self.addresses(groups)
    hasHostNetwork = groups.contains(where: \.traits.isHostNetwork)
  }

  private static func addresses(_ groups: [PodGroup]) -> (bounds: AddressRange?, hasOthers: Bool) {
    var bounds: IntervalSet<UInt32>.Interval?
    var hasOthers = false
    for group in groups {
      hasOthers = hasOthers || group.addresses.count < max(group.podCount, 1)
      for address in group.addresses {
        guard case .v4(let value) = address else {
          hasOthers = true
          continue
        }
        bounds = .init(min(bounds?.lower ?? value, value), max(bounds?.upper ?? value, value))
      }
    }
    return (bounds.map(AddressRange.v4), hasOthers)
  }

  /// Whether some block may be about some of the pods.
  func mayHaveAddresses(in peers: RulePeers) -> Bool {
    hasOtherAddresses || addressBounds.map { peers.addresses.overlaps($0) } ?? false
  }

  /// The positions of the groups that none of these policies selects.
  fileprivate func open(to policies: [CompiledPolicy]) -> [Int] {
    var isOpen = Array(repeating: true, count: groups.count)
    for policy in policies {
      let pods = policy.policy.subject.pods
      index.candidates(for: pods.selector) { if pods.matches(groups[$0].labels) { isOpen[$0] = false } }
    }
    return groups.indices.filter { isOpen[$0] }
  }
}

/// The positions of objects by their labels, so that a selector looks at those only that can match.
struct LabelIndex: Sendable {
  private struct Pair: Hashable {
    let key: RegoString
    let value: RegoString
  }

  private let positions: [Pair: [Int32]]
  private let count: Int

  init(_ labels: [ObjectValue]) {
    var positions: [Pair: [Int32]] = [:]
    for (position, labels) in labels.enumerated() {
      for case (.string(let key), .string(let value)) in labels {
        positions[Pair(key: key, value: value), default: []].append(Int32(position))
      }
    }
    self.positions = positions
    count = labels.count
  }

  /// Calls `body` with the positions that can match a selector, each once: those with one of the values of its rarest equality.
  func candidates(for selector: LabelSelector, _ body: (Int) -> Void) {
    var fewest: [[Int32]]?
    var number = count
    for requirement in selector.requirements where requirement.operation == .in {
      let lists = requirement.values.map { positions[Pair(key: requirement.key, value: $0)] ?? [] }
      let total = lists.reduce(0) { $0 + $1.count }
      if fewest == nil || total < number {
        fewest = lists
        number = total
      }
    }
    if let fewest {
      for list in fewest { for position in list { body(Int(position)) } }
    } else {
      for position in 0..<count { body(position) }
    }
  }
}
