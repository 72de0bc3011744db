import Kubernetes
import Rego

/// A model with every selector looked up: ready for questions about all of it.
public final class Analysis: Sendable {
  /// How a policy's words about pods' addresses are read.
  public struct Reading: Sendable, Hashable {
    /// Whether an `ipBlock` is about pods whose address lies in it, which the API reference leaves open.
    public var blocksMatchPods: Bool
    /// Whether pods on their node's network count as addresses, which no selector of policies selects.
    public var hostNetworkIsNode: Bool

    public init(blocksMatchPods: Bool, hostNetworkIsNode: Bool) {
      self.blocksMatchPods = blocksMatchPods
      self.hostNetworkIsNode = hostNetworkIsNode
    }

    /// As the suites of connectivity have it: blocks are what is outside, and pods are pods.
    public static let manifests = Reading(blocksMatchPods: false, hostNetworkIsNode: false)
    /// The wider reading, for decisions.
    public static let admission = Reading(blocksMatchPods: true, hostNetworkIsNode: true)
  }

  public let model: ClusterModel
  public let reading: Reading
  /// The groups of all namespaces; positions in it stand for them.
  let groups: [PodGroup]
  let namespaces: [NamespaceModel]
  /// The namespace of each group.
  let namespaceOfGroup: [Int]
  /// The workloads in order, each with its groups.
  let workloads: [(workload: Workload, groups: Range<Int>)]
  /// By group, for connections to it and from it.
  let ingress: [Profile]
  let egress: [Profile]
  let ingressPolicies: [CompiledPolicy]
  let egressPolicies: [CompiledPolicy]
  /// By position in ``ClusterModel/policies``.
  let policies: [Policy]
  let selected: [GroupSet]

  public init(_ model: ClusterModel, reading: Reading = .manifests) {
    self.model = model
    self.reading = reading
    namespaces = model.orderedNamespaces
    var groups: [PodGroup] = []
    var namespaceOfGroup: [Int] = []
    for (index, namespace) in namespaces.enumerated() {
      groups += namespace.groups
      namespaceOfGroup += Array(repeating: index, count: namespace.groups.count)
    }
    self.groups = groups
    self.namespaceOfGroup = namespaceOfGroup
    var workloads: [(Workload, Range<Int>)] = []
    for (position, group) in groups.enumerated() {
      if let last = workloads.last, last.0 == group.workload {
        workloads[workloads.count - 1].1 = last.1.lowerBound..<position + 1
      } else {
        workloads.append((group.workload, position..<position + 1))
      }
    }
    self.workloads = workloads
    var compiler = PolicyCompiler(namespaces: namespaces, groups: groups, reading: reading)
    policies = model.policies
    selected = policies.map { compiler.groups(of: $0.subject) }
    (ingress, ingressPolicies) = compiler.profiles(policies, selected: selected, .ingress)
    (egress, egressPolicies) = compiler.profiles(policies, selected: selected, .egress)
  }

  func profile(_ direction: Direction, of group: Int) -> Profile {
    direction == .ingress ? ingress[group] : egress[group]
  }

  func namespace(ofGroup group: Int) -> NamespaceModel { namespaces[namespaceOfGroup[group]] }

  /// All workloads, in order.
  public var workloadNames: [Workload] { workloads.map(\.workload) }

  /// The workload with a name as `shop/web`, with or without its kind, as `shop/web[Deployment]`.
  public func workload(named text: String) -> Workload? {
    workloads.map(\.workload).first { workload in
      RegoString(workload.description) == RegoString(text)
        || RegoString("\(workload.namespace)/\(workload.name)") == RegoString(text)
    }
  }
}

/// Looks up selectors once each.
private struct PolicyCompiler {
  let namespaces: [NamespaceModel]
  let groups: [PodGroup]
  let reading: Analysis.Reading
  private let firstGroup: [Int]
  private let positionOfNamespace: [RegoString: Int]
  private var known: [PodPeer: GroupSet] = [:]

  init(namespaces: [NamespaceModel], groups: [PodGroup], reading: Analysis.Reading) {
    self.namespaces = namespaces
    self.groups = groups
    self.reading = reading
    var firstGroup: [Int] = []
    var next = 0
    for namespace in namespaces {
      firstGroup.append(next)
      next += namespace.groups.count
    }
    self.firstGroup = firstGroup
    positionOfNamespace = Dictionary(
      uniqueKeysWithValues: namespaces.enumerated().map { ($0.element.name, $0.offset) })
  }

  mutating func groups(of peer: PodPeer) -> GroupSet {
    if let set = known[peer] { return set }
    var set = GroupSet(count: groups.count)
    switch peer.namespaces {
    case .own(let name):
      if let position = positionOfNamespace[name] { add(peer.pods, in: position, to: &set) }
    case .matching(let selector):
      for (position, namespace) in namespaces.enumerated() where selector.matches(namespace.labels) {
        add(peer.pods, in: position, to: &set)
      }
    }
    known[peer] = set
    return set
  }

  private func add(_ pods: Selector, in namespace: Int, to set: inout GroupSet) {
    let first = firstGroup[namespace]
    namespaces[namespace].index.candidates(for: pods.selector) { position in
      let group = groups[first + position]
      if pods.matches(group.labels) && !(reading.hostNetworkIsNode && group.traits.isHostNetwork) {
        set.insert(first + position)
      }
    }
  }

  /// By group, what decides in a direction; and all policies that have a say in it.
  mutating func profiles(
    _ policies: [Policy], selected: [GroupSet], _ direction: Direction
  ) -> (profiles: [Profile], policies: [CompiledPolicy]) {
    var profiles = Array(repeating: Profile(direction), count: groups.count)
    var all: [CompiledPolicy] = []
    for (policy, selected) in zip(policies, selected) where policy.affects(direction) {
      let compiled = compile(policy, direction)
      all.append(compiled)
      selected.forEach { profiles[$0].append(compiled) }
    }
    return (profiles, all)
  }

  private mutating func compile(_ policy: Policy, _ direction: Direction) -> CompiledPolicy {
    let rules = policy.rules(direction).map { rule in
      var certain = GroupSet(count: groups.count)
      for peer in rule.peers.pods { certain.formUnion(groups(of: peer)) }
      var possible = certain
      if !rule.peers.addresses.isEmpty && (rule.peers.addressesMatchPods || reading.blocksMatchPods) {
        addByAddress(rule.peers, certain: &certain, possible: &possible)
      }
      return CompiledRule(
        rule: rule,
        reference: RuleReference(
          policy: policy.reference, direction: direction, index: rule.index, name: rule.name),
        groups: certain, possibleGroups: possible)
    }
    return CompiledPolicy(policy: policy, direction: direction, rules: rules)
  }

  /// The groups whose pods' addresses are in blocks: for certain where all are known to be, or where the blocks are all of IPv4.
  private func addByAddress(_ peers: RulePeers, certain: inout GroupSet, possible: inout GroupSet) {
    for (position, group) in groups.enumerated() {
      switch peers.matchByAddress(group) {
      case .certain:
        certain.insert(position)
        possible.insert(position)
      case .possible: possible.insert(position)
      case .no: continue
      }
    }
  }
}
