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

  init(name: RegoString, labels: ObjectValue?, groups: [PodGroup], policies: [Policy]) {
    self.name = name
    self.labels = (labels ?? ObjectValue()).inserting(Self.nameLabel, .string(name))
    isDeclared = labels != nil
    self.groups = groups
    self.policies = policies
    index = LabelIndex(groups.map(\.labels))
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
  /// Policies of Cilium and Calico, which count as coverage only.
  public internal(set) var foreignPolicies: [ForeignPolicy] = []
  /// What lets connections from outside reach workloads through an ingress controller.
  public internal(set) var gateways: [Gateway] = []
  public internal(set) var services: [RegoString: [Service]] = [:]

  init() {}

  /// All policies, the cluster's first.
  public var policies: [Policy] {
    clusterPolicies + orderedNamespaces.flatMap(\.policies)
  }

  var orderedNamespaces: [NamespaceModel] { namespaces.values.sorted { $0.name < $1.name } }
}
