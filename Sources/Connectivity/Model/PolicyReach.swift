import Kubernetes
import Rego

/// Whom a namespace's policies of one direction can be about, beyond the namespace itself.
struct PolicyReach: Sendable, Equatable {
  /// The selectors of namespaces that rules have.
  private(set) var selectors: Set<Selector> = []
  /// The addresses of rules.
  private(set) var blocks: Set<AddressSet> = []
  /// Whether anybody may be meant: some pods are open, or some rule is about everything.
  private(set) var isOpen: Bool

  init(_ policies: [CompiledPolicy], isOpen: Bool) {
    self.isOpen = isOpen
    for policy in policies {
      for rule in policy.policy.rules(policy.direction) {
        if rule.peers.isEverything { self.isOpen = true }
        for peer in rule.peers.pods {
          if case .matching(let selector) = peer.namespaces { selectors.insert(selector) }
        }
        if !rule.peers.addresses.isEmpty { blocks.insert(rule.peers.addresses) }
      }
    }
  }
}

/// The namespaces by the reach of their policies of one direction, so that who may be meant is found without asking each.
struct ReachIndex: Sendable {
  private(set) var bySelector: [Selector: Set<RegoString>] = [:]
  private(set) var byBlock: [AddressSet: Set<RegoString>] = [:]
  private(set) var open: Set<RegoString> = []

  mutating func replace(_ namespace: RegoString, _ old: PolicyReach?, with new: PolicyReach?) {
    if old == new { return }
    Self.update(&bySelector, namespace, old?.selectors ?? [], new?.selectors ?? [])
    Self.update(&byBlock, namespace, old?.blocks ?? [], new?.blocks ?? [])
    if new?.isOpen ?? false { open.insert(namespace) } else { open.remove(namespace) }
  }

  private static func update<Key: Hashable>(
    _ index: inout [Key: Set<RegoString>], _ namespace: RegoString, _ old: Set<Key>, _ new: Set<Key>
  ) {
    for key in old where !new.contains(key) {
      index[key]?.remove(namespace)
      if index[key]?.isEmpty ?? false { index[key] = nil }
    }
    for key in new where !old.contains(key) { index[key, default: []].insert(namespace) }
  }

  /// The namespaces whose policies may be about pods of a group.
  func namespaces(for group: PodGroup, in namespace: NamespaceModel, blocksMatchPods: Bool) -> Set<RegoString>
  {
    var found = open
    found.insert(namespace.name)
    for (selector, namespaces) in bySelector where selector.matches(namespace.labels) {
      found.formUnion(namespaces)
    }
    if blocksMatchPods {
      for (block, namespaces) in byBlock where group.addresses.contains(where: block.contains) {
        found.formUnion(namespaces)
      }
    }
    return found
  }
}
