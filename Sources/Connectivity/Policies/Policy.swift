import Kubernetes
import Rego

/// The way of a connection as seen from the pods that a policy selects.
public enum Direction: String, Sendable, Hashable, CaseIterable {
  case ingress = "Ingress"
  case egress = "Egress"
}

/// What becomes of a connection that a rule matches.
public enum RuleAction: String, Sendable, Hashable {
  case allow = "Allow"
  case deny = "Deny"
  /// The tier's further rules are skipped.
  case pass = "Pass"
}

/// One rule of a policy.
public struct PolicyRule: Sendable, Hashable {
  /// The place among the policy's rules of its direction, from 0.
  public let index: Int
  public let name: RegoString?
  public let action: RuleAction
  public let peers: RulePeers
  public let ports: RulePorts
  /// Whether the rule has a field that is not known. An Allow rule then matches nothing, and any other denies all
  /// (network-policy-api, ClusterNetworkPolicyIngressPeer: "fail closed").
  public var failsClosed = false
}

/// A policy of any kind, read once.
public final class Policy: Sendable {
  /// When a policy is asked (network-policy-api, ClusterNetworkPolicySpec: "Policy tiers are evaluated in the following order").
  public enum Tier: Sendable, Hashable {
    /// Before others; smaller numbers first.
    case admin(priority: Int)
    case networkPolicy
    /// Where neither said anything.
    case baseline(priority: Int)
  }

  public let reference: ObjectReference
  /// Nil where it stands in no file.
  public let location: Location?
  public let tier: Tier
  /// The pods that the policy is about.
  public let subject: PodPeer
  /// The directions in which the policy's pods can be reached by what a rule allows only. Empty but for NetworkPolicies.
  public let isolates: Set<Direction>
  public let ingress: [PolicyRule]
  public let egress: [PolicyRule]

  init(
    reference: ObjectReference, location: Location?, tier: Tier, subject: PodPeer, isolates: Set<Direction>,
    ingress: [PolicyRule], egress: [PolicyRule]
  ) {
    self.reference = reference
    self.location = location
    self.tier = tier
    self.subject = subject
    self.isolates = isolates
    self.ingress = ingress
    self.egress = egress
  }

  public func rules(_ direction: Direction) -> [PolicyRule] { direction == .ingress ? ingress : egress }

  /// Whether two policies say the same.
  func isSame(as other: Policy) -> Bool {
    tier == other.tier && subject == other.subject && isolates == other.isolates && ingress == other.ingress
      && egress == other.egress
  }

  /// Whether two policies say the same in a direction.
  func isSame(as other: Policy, _ direction: Direction) -> Bool {
    tier == other.tier && subject == other.subject
      && isolates.contains(direction) == other.isolates.contains(direction)
      && rules(direction) == other.rules(direction)
  }

  /// Whether the policy has a say in a direction: a NetworkPolicy where it isolates, the others where they have rules.
  public func affects(_ direction: Direction) -> Bool {
    tier == .networkPolicy ? isolates.contains(direction) : !rules(direction).isEmpty
  }
}

/// A rule, by the policy that it is in.
public struct RuleReference: Sendable, Hashable {
  public let policy: ObjectReference
  public let direction: Direction
  /// From 0; -1 for the rules of a policy that are not modelled, together.
  public let index: Int
  public let name: RegoString?

  /// The rules of a policy that are not modelled.
  init(unmodelled policy: ObjectReference, _ direction: Direction) {
    self.init(policy: policy, direction: direction, index: -1, name: nil)
  }

  init(policy: ObjectReference, direction: Direction, index: Int, name: RegoString?) {
    self.policy = policy
    self.direction = direction
    self.index = index
    self.name = name
  }
}

extension RuleReference: CustomStringConvertible {
  /// `NetworkPolicy shop/web ingress[0]`, with the rule's name where it has one.
  public var description: String {
    if index < 0 { return "\(policy), whose rules are not modelled" }
    let place = "\(policy) \(direction.rawValue.lowercased())[\(index)]"
    return if let name { "\(place) \"\(name)\"" } else { place }
  }
}
