import Kubernetes
import Rego

/// A namespace with what is in it: immutable, so that a change makes a new one and shares all others.
public final class NamespaceModel: Sendable {
  public let name: RegoString
  /// With `kubernetes.io/metadata.name`, which every namespace carries (since Kubernetes 1.21).
  public let labels: ObjectValue
  /// Whether there is an object of it, and not only objects in it.
  public let isDeclared: Bool
  /// In the order of workloads.
  public let groups: [PodGroup]
  /// The NetworkPolicies, in the order of names.
  public let policies: [Policy]
  let index: LabelIndex

  /// What it was made of.
  let content: NamespaceContent
  /// The policies' rules by direction, each policy that has a say in it.
  let ingressPolicies: [CompiledPolicy]
  let egressPolicies: [CompiledPolicy]
  /// The selectors of namespaces that rules of the policies have, each once.
  let namespaceSelectors: Set<Selector>
  /// What holds all IPv4 addresses of the pods.
  let addressBounds: AddressRange?
  /// Whether there are pods whose addresses are not known, or IPv6.
  let hasOtherAddresses: Bool
  /// The positions of the groups that no NetworkPolicy isolates.
  let openToIngress: [Int]
  let openToEgress: [Int]

  init(name: RegoString, content: NamespaceContent) {
    self.name = name
    self.content = content
    labels = (content.labels ?? ObjectValue()).inserting(Self.nameLabel, .string(name))
    isDeclared = content.labels != nil
    groups = content.groups
    policies = content.policies.values.sorted { $0.reference.name < $1.reference.name }
    index = LabelIndex(groups.map(\.labels))
    ingressPolicies = policies.compactMap { CompiledPolicy(unresolved: $0, .ingress) }
    egressPolicies = policies.compactMap { CompiledPolicy(unresolved: $0, .egress) }
    namespaceSelectors = Set(policies.flatMap(\.namespaceSelectors))
    (addressBounds, hasOtherAddresses) = Self.addresses(groups)
    openToIngress = Self.open(groups, index, ingressPolicies)
    openToEgress = Self.open(groups, index, egressPolicies)
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

  private static func open(_ groups: [PodGroup], _ index: LabelIndex, _ policies: [CompiledPolicy]) -> [Int] {
    var isOpen = Array(repeating: true, count: groups.count)
    for policy in policies {
      let pods = policy.policy.subject.pods
      index.candidates(for: pods.selector) { if pods.matches(groups[$0].labels) { isOpen[$0] = false } }
    }
    return groups.indices.filter { isOpen[$0] }
  }

  private static let nameLabel: Value = "kubernetes.io/metadata.name"
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

/// All that decides which connections are possible, as of one moment.
public struct ClusterModel: Sendable {
  /// By name.
  public internal(set) var namespaces: [RegoString: NamespaceModel] = [:]
  /// The policies that are the cluster's: by tier and priority, then by name.
  public internal(set) var clusterPolicies: [Policy] = []
  var clusterPoliciesByReference: [ObjectReference: Policy] = [:]
  var foreignPoliciesByReference: [ObjectReference: [ForeignPolicy]] = [:]
  var gatewaysByReference: [ObjectReference: Gateway] = [:]
  /// The kinds of policies that the cluster's network enforces; nil for all.
  let enforcedKinds: Set<RegoString>?

  init(enforcedKinds: Set<RegoString>? = nil) { self.enforcedKinds = enforcedKinds }

  /// Policies of Cilium and Calico, which count as coverage only.
  public var foreignPolicies: [ForeignPolicy] {
    foreignPoliciesByReference.sorted { $0.key.description < $1.key.description }.flatMap(\.value)
  }

  /// What lets connections from outside reach workloads through an ingress controller.
  public var gateways: [Gateway] {
    gatewaysByReference.values.sorted { $0.reference.description < $1.reference.description }
  }

  /// All policies, the cluster's first.
  public var policies: [Policy] {
    clusterPolicies + orderedNamespaces.flatMap(\.policies)
  }

  var orderedNamespaces: [NamespaceModel] { namespaces.values.sorted { $0.name < $1.name } }
}
