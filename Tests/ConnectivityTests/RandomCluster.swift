/// A generator whose numbers are those of its seed, so that what fails can be done again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension SmallCluster {
  static let keys = ["app", "tier", "env"]
  static let values = ["a", "b", "c"]
  static let transports = ["TCP", "UDP", "SCTP"]
  static let portNames = ["http", "dns", "metrics"]
  /// Few, so that rules meet; with both ends of what there is.
  static let ports = [1, 53, 79, 80, 81, 8080, 65534, 65535]

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for index in 0..<Int.random(in: 1...3, using: &random) {
      let name = "ns\(index)"
      namespaces[name] = Self.labels(&random).merging(["kubernetes.io/metadata.name": name]) { $1 }
    }
    let names = namespaces.keys.sorted()
    for index in 0..<Int.random(in: 1...5, using: &random) {
      pods.append(
        Pod(
          namespace: names.randomElement(using: &random) ?? "ns0", name: "pod\(index)",
          labels: Self.labels(&random), ports: Self.containerPorts(&random),
          address: 10 << 24 | UInt32(index) << 16 | UInt32.random(in: 0...255, using: &random)))
    }
    for index in 0..<Int.random(in: 0...4, using: &random) {
      policies.append(
        Self.networkPolicy("np\(index)", in: names.randomElement(using: &random) ?? "ns0", &random))
    }
    for priority in 0..<Int.random(in: 0...3, using: &random) {
      let kind: Kind = Bool.random(using: &random) ? .admin : .clusterAdmin
      // The later ones come first by priority, so that the order of names is not that of precedence.
      policies.append(Self.adminPolicy(kind, "admin\(priority)", priority: 900 - priority, &random))
    }
    for priority in 0..<Int.random(in: 0...2, using: &random) {
      let kind: Kind = priority == 0 && Bool.random(using: &random) ? .baseline : .clusterBaseline
      let name = kind == .baseline ? "default" : "baseline\(priority)"
      policies.append(Self.adminPolicy(kind, name, priority: 20 - priority, &random))
    }
  }

  static func labels(_ random: inout SeededGenerator) -> [String: String] {
    var labels: [String: String] = [:]
    for key in keys where Int.random(in: 0...2, using: &random) > 0 {
      labels[key] = values.randomElement(using: &random)
    }
    return labels
  }

  static func containerPorts(_ random: inout SeededGenerator) -> [Port] {
    portNames.filter { _ in Bool.random(using: &random) }.map { name in
      Port(
        name: name, transport: transports.randomElement(using: &random) ?? "TCP",
        number: ports.randomElement(using: &random) ?? 80)
    }
  }

  private static func selector(_ random: inout SeededGenerator, isNamespace: Bool = false) -> Selector {
    var selector = Selector()
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let key = keys.randomElement(using: &random) ?? "app"
      switch Int.random(in: 0...(isNamespace ? 4 : 3), using: &random) {
      case 0, 1: selector.labels[key] = values.randomElement(using: &random)
      case 4: selector.labels["kubernetes.io/metadata.name"] = "ns\(Int.random(in: 0...3, using: &random))"
      default:
        let operation = Operator.allCases.randomElement(using: &random) ?? .In
        let needsValues = operation == .In || operation == .NotIn
        selector.expressions.append(
          Requirement(
            key: key, operation: operation,
            values: needsValues
              ? Array(values.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))) : []
          ))
      }
    }
    return selector
  }

  private static func block(_ random: inout SeededGenerator) -> Block {
    let length = [0, 8, 15, 16, 24, 31, 32].randomElement(using: &random) ?? 8
    let base = (Bool.random(using: &random) ? 10 : 11) << 24 | UInt32.random(in: 0...3, using: &random) << 16
    return Block(base: length == 0 ? 0 : base & (UInt32.max << UInt32(32 - length)), length: length)
  }

  private static func transport(_ random: inout SeededGenerator) -> String? {
    Int.random(in: 0...3, using: &random) == 0 ? nil : transports.randomElement(using: &random)
  }

  private static func rulePorts(_ random: inout SeededGenerator) -> [RulePort] {
    (0..<max(0, Int.random(in: -1...2, using: &random))).map { _ in
      let transport = transport(&random)
      let number = ports.randomElement(using: &random) ?? 80
      switch Int.random(in: 0...4, using: &random) {
      case 0: return .any(transport)
      case 1, 2: return .number(transport, number)
      case 3:
        let other = ports.randomElement(using: &random) ?? 80
        let (start, end) = (min(number, other), max(number, other))
        // A ClusterNetworkPolicy's range must not be a single port.
        return start == end ? .number(transport, start) : .range(transport, start, end)
      default: return .name(transport, portNames.randomElement(using: &random) ?? "http")
      }
    }
  }

  static func networkPolicy(_ name: String, in namespace: String, _ random: inout SeededGenerator)
    -> Policy
  {
    var policy = Policy(kind: .network, namespace: namespace, name: name)
    policy.subjectPods = selector(&random)
    policy.types = [[], ["Ingress"], ["Egress"], ["Ingress", "Egress"]].randomElement(using: &random) ?? []
    func rules(_ random: inout SeededGenerator) -> [Rule] {
      (0..<Int.random(in: 0...2, using: &random)).map { _ in
        let peers = (0..<Int.random(in: 0...2, using: &random)).map { _ -> Peer in
          switch Int.random(in: 0...3, using: &random) {
          case 0:
            let outer = block(&random)
            let inner = Block(base: outer.base, length: min(outer.length + 4, 32))
            return .ipBlock(outer, except: outer.length < 32 && Bool.random(using: &random) ? [inner] : [])
          case 1: return .selectors(namespaces: selector(&random, isNamespace: true), pods: nil)
          case 2: return .selectors(namespaces: nil, pods: selector(&random))
          default:
            return .selectors(namespaces: selector(&random, isNamespace: true), pods: selector(&random))
          }
        }
        return Rule(peers: peers, ports: rulePorts(&random))
      }
    }
    policy.ingress = rules(&random)
    policy.egress = rules(&random)
    return policy
  }

  static func adminPolicy(
    _ kind: Kind, _ name: String, priority: Int, _ random: inout SeededGenerator
  ) -> Policy {
    var policy = Policy(kind: kind, name: name, priority: priority)
    policy.subjectNamespaces = selector(&random, isNamespace: true)
    policy.subjectPods = selector(&random)
    policy.usesProtocols = (kind == .clusterAdmin || kind == .clusterBaseline) && Bool.random(using: &random)
    let actions = kind == .baseline ? ["Allow", "Deny"] : ["Allow", "Deny", "Pass"]
    func rules(isEgress: Bool, _ random: inout SeededGenerator) -> [Rule] {
      (0..<Int.random(in: 0...3, using: &random)).map { _ in
        let peers = (0..<Int.random(in: 1...2, using: &random)).map { _ -> Peer in
          switch Int.random(in: 0...(isEgress ? 2 : 1), using: &random) {
          case 0: return .namespaces(selector(&random, isNamespace: true))
          case 1: return .pods(namespaces: selector(&random, isNamespace: true), pods: selector(&random))
          default: return .networks([block(&random)])
          }
        }
        return Rule(
          action: actions.randomElement(using: &random) ?? "Deny", peers: peers, ports: rulePorts(&random))
      }
    }
    policy.ingress = rules(isEgress: false, &random)
    policy.egress = rules(isEgress: true, &random)
    return policy
  }
}
