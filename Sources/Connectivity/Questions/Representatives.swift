import Kubernetes
import Rego

/// Pods that are not there but that rules speak of: all that have the labels which one peer of a rule asks for.
public struct Representative: Sendable, Hashable {
  public enum Namespaces: Sendable, Hashable {
    case named(RegoString)
    case matching(Selector)
  }

  public let namespaces: Namespaces
  public let pods: Selector

  /// Peers that ask for the same in another order, or by an `In` with one value, are one.
  let key: String
  /// The part of it that is about namespaces.
  let place: String

  private static let metadataName: RegoString = "kubernetes.io/metadata.name"

  init(_ peer: PodPeer) {
    pods = peer.pods
    switch peer.namespaces {
    case .own(let name): namespaces = .named(name)
    case .matching(let selector):
      if let only = selector.selector.requirements.first, selector.selector.requirements.count == 1,
        only.key == Self.metadataName, only.operation == .in, only.values.count == 1, !selector.hasExpressions
      {
        namespaces = .named(only.values[0])
      } else {
        namespaces = .matching(selector)
      }
    }
    switch namespaces {
    case .named(let name): place = "\(Self.metadataName) \(LabelSelector.Operator.in.rawValue) \(name)"
    case .matching(let selector): place = selector.canonical
    }
    key = "\(place)/\(pods.canonical)"
  }

  public static func == (left: Representative, right: Representative) -> Bool {
    left.key.utf8.elementsEqual(right.key.utf8)
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(Array(key.utf8)) }

  /// Whether a pod that is there shows what the representative would: only where plain labels name namespace and pod.
  func isReplaced(by group: PodGroup, in namespace: NamespaceModel) -> Bool {
    if pods.matchesAll || pods.hasExpressions || !pods.matches(group.labels) { return false }
    switch namespaces {
    case .named(let name): return name == namespace.name
    case .matching(let selector):
      return !selector.matchesAll && !selector.hasExpressions && selector.matches(namespace.labels)
    }
  }
}

extension Representative: CustomStringConvertible {
  /// `[namespace with {env=prod}]/[pod with {app=web}]`.
  public var description: String {
    let place =
      switch namespaces {
      case .named(let name): name.string
      case .matching(let selector) where selector.matchesAll: "[all namespaces]"
      case .matching(let selector): "[namespace with {\(selector.text)}]"
      }
    return "\(place)/\(pods.matchesAll ? "[all pods]" : "[pod with {\(pods.text)}]")"
  }
}

extension Selector {
  var hasExpressions: Bool { source["matchExpressions"]?.array?.isEmpty == false }

  /// `app=web,{Key:tier,Operator:In,Values:[a b],}`: labels by their keys, then expressions by theirs.
  var text: String {
    var parts: [String] = []
    for case (.string(let key), .string(let value)) in source["matchLabels"]?.object ?? ObjectValue() {
      parts.append("\(key)=\(value)")
    }
    let expressions = (source["matchExpressions"]?.array ?? []).map { expression in
      let values = (expression["values"]?.array ?? []).compactMap(\.string).joined(separator: " ")
      return
        "{Key:\(expression["key"]?.string ?? ""),Operator:\(expression["operator"]?.string ?? ""),Values:[\(values)],}"
    }
    parts += expressions.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return parts.joined(separator: ",")
  }
}

/// A pod of which nothing is known, or only that it has the labels that one peer asks for.
///
/// A selector is taken to match where it is empty, or asks for the very same; whether it follows from what is asked for is not tried,
/// as the suite has it.
struct RepresentativeTest: PeerTest {
  /// Nil for any pod of the cluster.
  let representative: Representative?
  /// The representatives of each rule's peers, made once.
  let keys: [RuleReference: [Representative]]

  func match(_ rule: CompiledRule) -> Match {
    if rule.rule.peers.isEverything { return .certain }
    for peer in keys[rule.reference] ?? [] {
      if peer.isWholeCluster { return .certain }
      guard let representative else { continue }
      let isInNamespace = peer.isAnywhere || peer.place.utf8.elementsEqual(representative.place.utf8)
      if isInNamespace
        && (peer.pods.matchesAll
          || peer.pods.canonical.utf8.elementsEqual(representative.pods.canonical.utf8))
      {
        return .certain
      }
    }
    return .no
  }
}

extension Representative {
  var isAnywhere: Bool { if case .matching(let selector) = namespaces { selector.matchesAll } else { false } }
  var isWholeCluster: Bool { isAnywhere && pods.matchesAll }
}
