import Kubernetes

/// A rule whose peers have been looked up.
struct CompiledRule: Sendable {
  let rule: PolicyRule
  let reference: RuleReference
  /// The groups that the rule is about for certain.
  let groups: GroupSet
  /// Those that it may be about: with ``groups``, and others where only an unknown address would tell.
  let possibleGroups: GroupSet
}

/// Whether a rule is about a peer.
enum Match: Hashable {
  case no
  /// It cannot be told.
  case possible
  case certain
}

/// The other end of a connection, as a rule sees it.
protocol PeerTest {
  func match(_ rule: CompiledRule) -> Match
}

/// A policy's rules for one direction.
struct CompiledPolicy: Sendable {
  let policy: Policy
  let direction: Direction
  let rules: [CompiledRule]
}

extension CompiledPolicy {
  /// A policy whose peers are looked up when they are asked for; nil where it has no say in the direction.
  init?(unresolved policy: Policy, _ direction: Direction) {
    guard policy.affects(direction) else { return nil }
    self.init(
      policy: policy, direction: direction,
      rules: policy.rules(direction).map { rule in
        CompiledRule(
          rule: rule,
          reference: RuleReference(
            policy: policy.reference, direction: direction, index: rule.index, name: rule.name),
          groups: GroupSet(count: 0), possibleGroups: GroupSet(count: 0))
      })
  }
}

/// All that decides about connections to, or from, pods of a group.
struct Profile: Sendable {
  /// By rank; policies of one rank stand together, since the API leaves their order open.
  var admin: [[CompiledPolicy]] = []
  var networkPolicies: [CompiledPolicy] = []
  var baseline: [[CompiledPolicy]] = []
  /// The policies of Cilium and Calico that isolate the pods.
  var foreign: [ObjectReference] = []
  var foreignRules = ForeignRules.unknown
  let direction: Direction

  init(_ direction: Direction) { self.direction = direction }

  var isEmpty: Bool {
    admin.isEmpty && networkPolicies.isEmpty && baseline.isEmpty && foreign.isEmpty
  }

  /// Adds a policy that comes after those that are there.
  mutating func append(_ policy: CompiledPolicy) {
    switch policy.policy.tier {
    case .admin: Self.append(policy, to: &admin)
    case .networkPolicy: networkPolicies.append(policy)
    case .baseline: Self.append(policy, to: &baseline)
    }
  }

  private static func append(_ policy: CompiledPolicy, to ranks: inout [[CompiledPolicy]]) {
    if let last = ranks.last?.last, last.policy.rank == policy.policy.rank {
      ranks[ranks.count - 1].append(policy)
    } else {
      ranks.append([policy])
    }
  }
}

/// What the rules of Cilium's and Calico's policies, which are not modelled, are taken to allow to pods that these isolate.
enum ForeignRules {
  /// Anything, and nothing for certain.
  case unknown
  /// All: where they are the same before and after a change, and the change is on the other end.
  case all
  /// Nothing beside what NetworkPolicies allow: where they are the same before and after a change of the latter, to which they add what
  /// they allow.
  case nothing
}

/// What becomes of the connections between two ends in one direction.
struct Verdict {
  /// What may be allowed, and what may be denied. Where all is known each is what the other is not.
  var allowed = ConnectionSet.none
  var denied = ConnectionSet.none
}

/// A part of the connections between two ends, and why they are allowed or denied in one direction.
public struct Reason: Sendable, Hashable {
  public enum Cause: Sendable, Hashable {
    /// A rule that matches.
    case rule(RuleReference)
    /// NetworkPolicies select the pods, and no rule of theirs matches.
    case isolation([ObjectReference])
    /// No policy says anything, and pods accept everything.
    case noPolicy
  }

  public let connections: ConnectionSet
  public let isAllowed: Bool
  public let cause: Cause
  /// Admin policies' rules that passed these connections on.
  public let passedBy: [RuleReference]
}

/// One evaluation: from the first tier to the last.
///
/// What a rule matches only possibly stays open for those after it, so that ``Verdict/allowed`` and ``Verdict/denied`` are bounds.
struct Evaluation<Peer: PeerTest> {
  let peer: Peer
  let ports: [ContainerPort]
  /// Nil where nobody asks why.
  private(set) var reasons: [Reason]?
  private var open = ConnectionSet.all
  private var verdict = Verdict()
  private var passedBy: [(RuleReference, ConnectionSet)] = []

  init(_ peer: Peer, ports: [ContainerPort], explaining: Bool = false) {
    self.peer = peer
    self.ports = ports
    reasons = explaining ? [] : nil
  }

  mutating func run(_ profile: Profile) -> Verdict {
    runTier(profile.admin)
    if open.isEmpty { return verdict }
    if !profile.foreign.isEmpty {
      runForeignPolicies(profile)
      return verdict
    }
    if !profile.networkPolicies.isEmpty {
      runNetworkPolicies(profile.networkPolicies)
      return verdict
    }
    runTier(profile.baseline)
    if !open.isEmpty {
      verdict.allowed = verdict.allowed.union(open)
      note(open, isAllowed: true, .noPolicy)
    }
    return verdict
  }

  /// A tier of the cluster's policies. What it passes on stays open.
  private mutating func runTier(_ ranks: [[CompiledPolicy]]) {
    var passed = ConnectionSet.none
    for rank in ranks {
      let start = open
      var decided = ConnectionSet.none
      for policy in rank {
        var rest = start
        for rule in policy.rules {
          if rest.isEmpty { break }
          apply(rule, to: &rest, passed: &passed)
        }
        decided = decided.union(start.subtracting(rest))
      }
      open = start.subtracting(decided)
    }
    open = open.union(passed)
  }

  private mutating func apply(_ rule: CompiledRule, to rest: inout ConnectionSet, passed: inout ConnectionSet)
  {
    var action = rule.rule.action
    var match = Match.certain
    var connections = ConnectionSet.all
    if rule.rule.failsClosed {
      if action == .allow { return }
      action = .deny
    } else {
      match = peer.match(rule)
      if match == .no { return }
      connections = rule.rule.ports.connections(to: ports)
    }
    let hit = rest.intersection(connections)
    if hit.isEmpty { return }
    switch action {
    case .allow:
      verdict.allowed = verdict.allowed.union(hit)
      note(hit, isAllowed: true, .rule(rule.reference))
    case .deny:
      verdict.denied = verdict.denied.union(hit)
      note(hit, isAllowed: false, .rule(rule.reference))
    case .pass:
      passed = passed.union(hit)
      if reasons != nil { passedBy.append((rule.reference, hit)) }
    }
    if match == .certain { rest = rest.subtracting(hit) }
  }

  /// NetworkPolicies add up: what none of them allows is denied to pods that one of them isolates.
  private mutating func runNetworkPolicies(_ policies: [CompiledPolicy]) {
    var certain = ConnectionSet.none
    for policy in policies {
      for rule in policy.rules {
        if reasons == nil && open.isSubset(of: certain) { return }
        let match = peer.match(rule)
        if match == .no { continue }
        let hit = open.intersection(rule.rule.ports.connections(to: ports))
        if hit.isEmpty { continue }
        verdict.allowed = verdict.allowed.union(hit)
        if match == .certain { certain = certain.union(hit) }
        note(hit, isAllowed: true, .rule(rule.reference))
      }
    }
    let rest = open.subtracting(certain)
    if !rest.isEmpty {
      verdict.denied = verdict.denied.union(rest)
      note(rest, isAllowed: false, .isolation(policies.map(\.policy.reference)))
    }
  }

  /// Those of Cilium and Calico have their say after the admin tier, together with NetworkPolicies.
  private mutating func runForeignPolicies(_ profile: Profile) {
    switch profile.foreignRules {
    case .nothing: runNetworkPolicies(profile.networkPolicies)
    case .unknown, .all:
      verdict.allowed = verdict.allowed.union(open)
      if profile.foreignRules == .unknown { verdict.denied = verdict.denied.union(open) }
      guard reasons != nil else { return }
      for policy in profile.foreign {
        note(open, isAllowed: true, .rule(RuleReference(unmodelled: policy, profile.direction)))
      }
    }
  }

  private mutating func note(_ connections: ConnectionSet, isAllowed: Bool, _ cause: Reason.Cause) {
    if reasons == nil { return }
    var passers: [RuleReference] = []
    switch cause {
    case .rule(let rule) where rule.policy.kind.kind == "AdminNetworkPolicy": break
    default: passers = passedBy.filter { !$0.1.intersection(connections).isEmpty }.map(\.0)
    }
    reasons?.append(
      Reason(connections: connections, isAllowed: isAllowed, cause: cause, passedBy: passers))
  }
}
