import Connectivity
import Kubernetes
import Rego
import Testing

/// A cluster small enough to be judged connection by connection, in words of its own.
struct SmallCluster {
  enum Operator: String, CaseIterable { case In, NotIn, Exists, DoesNotExist }

  struct Requirement {
    var key: String
    var operation: Operator
    var values: [String]
  }

  struct Selector {
    var labels: [String: String] = [:]
    var expressions: [Requirement] = []
  }

  struct Port {
    var name: String
    var transport: String
    var number: Int
  }

  struct Pod {
    var namespace: String
    var name: String
    var labels: [String: String]
    var ports: [Port]
    var address: UInt32
  }

  struct Block {
    var base: UInt32
    var length: Int
  }

  enum Peer {
    /// Of a NetworkPolicy; one of the two at least.
    case selectors(namespaces: Selector?, pods: Selector?)
    case ipBlock(Block, except: [Block])
    case namespaces(Selector)
    case pods(namespaces: Selector, pods: Selector)
    case networks([Block])
  }

  enum RulePort {
    /// A NetworkPolicy's: without a port all of the protocol.
    case any(String?)
    case number(String?, Int)
    case range(String?, Int, Int)
    case name(String?, String)
  }

  struct Rule {
    var action = "Allow"
    var peers: [Peer]
    var ports: [RulePort]
  }

  enum Kind { case network, admin, baseline, clusterAdmin, clusterBaseline }

  struct Policy {
    var kind: Kind
    var namespace = ""
    var name: String
    var priority = 0
    /// A NetworkPolicy's podSelector, or an admin policy's subject.
    var subjectNamespaces = Selector()
    var subjectPods = Selector()
    var types: [String] = []
    var ingress: [Rule] = []
    var egress: [Rule] = []
    /// Of a ClusterNetworkPolicy: whether ports are written as `protocols`.
    var usesProtocols = false
  }

  var namespaces: [String: [String: String]] = [:]
  var pods: [Pod] = []
  var policies: [Policy] = []
}

// The objects of the cluster.

extension SmallCluster {
  /// As the library reads it.
  func model() throws -> ClusterModel {
    var builder = ClusterModelBuilder()
    for object in objects {
      let (value, reference, metadata) = try Self.read(object)
      builder.add(value, reference: reference, metadata: metadata)
    }
    if let problem = builder.problems.first(where: { $0.severity == .error }) { throw problem }
    return builder.build()
  }

  /// An object as the API server shows it.
  static func read(_ object: Value) throws -> (Value, ObjectReference, ObjectMetadata) {
    let value = try ManifestNormalizer().normalize(object)
    let metadata = try ObjectMetadata(of: value)
    let kind = try #require(
      GroupVersionKind(
        apiVersion: RegoString(value["apiVersion"]?.string ?? ""),
        kind: RegoString(value["kind"]?.string ?? "")))
    let reference = ObjectReference(kind: kind, namespace: metadata.namespace, name: metadata.displayName)
    return (value, reference, metadata)
  }

  private var objects: [Value] {
    namespaces.keys.map(namespace) + pods.map(\.value) + policies.map(\.value)
  }

  func namespace(_ name: String) -> Value {
    Self.object([
      "apiVersion": "v1", "kind": "Namespace",
      "metadata": Self.object([
        "name": .string(name), "labels": Self.strings(namespaces[name] ?? [:]),
      ]),
    ])
  }

  static func object(_ members: [String: Value]) -> Value {
    .object(ObjectValue(members.map { (Value.string($0.key), $0.value) }))
  }

  static func strings(_ map: [String: String]) -> Value { object(map.mapValues { .string($0) }) }

  static func number(_ number: Int) -> Value { .number(.int(number)) }
}

extension SmallCluster.Pod {
  var value: Value {
    let ports = ports.map { port in
      SmallCluster.object([
        "name": .string(port.name), "protocol": .string(port.transport),
        "containerPort": SmallCluster.number(port.number),
      ])
    }
    return SmallCluster.object([
      "apiVersion": "v1", "kind": "Pod",
      "metadata": SmallCluster.object([
        "name": .string(name), "namespace": .string(namespace), "labels": SmallCluster.strings(labels),
      ]),
      "spec": SmallCluster.object([
        "containers": .array([
          SmallCluster.object(["name": "c", "image": "i", "ports": .array(ports)])
        ])
      ]),
      "status": SmallCluster.object([
        "podIPs": .array([SmallCluster.object(["ip": .string(SmallCluster.text(address))])])
      ]),
    ])
  }
}

extension SmallCluster {
  static func text(_ address: UInt32) -> String {
    [24, 16, 8, 0].map { "\(address >> $0 & 255)" }.joined(separator: ".")
  }
}

extension SmallCluster.Block {
  var value: Value { .string("\(SmallCluster.text(base))/\(length)") }
}

extension SmallCluster.Selector {
  var value: Value {
    var members: [String: Value] = [:]
    if !labels.isEmpty { members["matchLabels"] = SmallCluster.strings(labels) }
    if !expressions.isEmpty {
      members["matchExpressions"] = .array(
        expressions.map { expression in
          SmallCluster.object([
            "key": .string(expression.key), "operator": .string(expression.operation.rawValue),
            "values": .array(expression.values.map { .string($0) }),
          ])
        })
    }
    return SmallCluster.object(members)
  }
}

extension SmallCluster.Policy {
  private var isNetworkPolicy: Bool { kind == .network }

  var value: Value {
    var spec: [String: Value] = [:]
    if !ingress.isEmpty { spec["ingress"] = .array(ingress.map { rule($0, peers: "from") }) }
    if !egress.isEmpty { spec["egress"] = .array(egress.map { rule($0, peers: "to") }) }
    var metadata: [String: Value] = ["name": .string(name)]
    if isNetworkPolicy {
      metadata["namespace"] = .string(namespace)
      spec["podSelector"] = subjectPods.value
      if !types.isEmpty { spec["policyTypes"] = .array(types.map { .string($0) }) }
    } else {
      spec["subject"] = SmallCluster.object([
        "pods": SmallCluster.object([
          "namespaceSelector": subjectNamespaces.value, "podSelector": subjectPods.value,
        ])
      ])
      if kind != .baseline { spec["priority"] = SmallCluster.number(priority) }
      if kind == .clusterAdmin { spec["tier"] = "Admin" }
      if kind == .clusterBaseline { spec["tier"] = "Baseline" }
    }
    let (version, name): (String, String) =
      switch kind {
      case .network: ("networking.k8s.io/v1", "NetworkPolicy")
      case .admin: ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy")
      case .baseline: ("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy")
      case .clusterAdmin, .clusterBaseline: ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy")
      }
    return SmallCluster.object([
      "apiVersion": .string(version), "kind": .string(name), "metadata": SmallCluster.object(metadata),
      "spec": SmallCluster.object(spec),
    ])
  }

  private func rule(_ rule: SmallCluster.Rule, peers name: String) -> Value {
    var members: [String: Value] = [:]
    if !rule.peers.isEmpty { members[name] = .array(rule.peers.map(\.value)) }
    if !rule.ports.isEmpty {
      members[usesProtocols ? "protocols" : "ports"] = .array(rule.ports.map(port))
    }
    if !isNetworkPolicy {
      let isCluster = kind == .clusterAdmin || kind == .clusterBaseline
      members["action"] = .string(isCluster && rule.action == "Allow" ? "Accept" : rule.action)
    }
    return SmallCluster.object(members)
  }

  private func port(_ port: SmallCluster.RulePort) -> Value {
    func object(_ transport: String?, _ members: [String: Value]) -> Value {
      var members = members
      if let transport { members["protocol"] = .string(transport) }
      return SmallCluster.object(members)
    }
    func number(_ number: Int) -> Value { SmallCluster.number(number) }
    if isNetworkPolicy {
      switch port {
      case .any(let transport): return object(transport, [:])
      case .number(let transport, let port): return object(transport, ["port": number(port)])
      case .range(let transport, let start, let end):
        return object(transport, ["port": number(start), "endPort": number(end)])
      case .name(let transport, let name): return object(transport, ["port": .string(name)])
      }
    }
    if usesProtocols {
      func wrapped(_ transport: String?, _ members: [String: Value]) -> Value {
        SmallCluster.object([(transport ?? "TCP").lowercased(): SmallCluster.object(members)])
      }
      switch port {
      case .any(let transport): return wrapped(transport, [:])
      case .number(let transport, let port):
        return wrapped(transport, ["destinationPort": SmallCluster.object(["number": number(port)])])
      case .range(let transport, let start, let end):
        let range = SmallCluster.object(["start": number(start), "end": number(end)])
        return wrapped(transport, ["destinationPort": SmallCluster.object(["range": range])])
      case .name(_, let name): return SmallCluster.object(["destinationNamedPort": .string(name)])
      }
    }
    switch port {
    case .any(let transport):
      return SmallCluster.object(["portRange": object(transport, ["start": number(1), "end": number(65535)])])
    case .number(let transport, let port):
      return SmallCluster.object(["portNumber": object(transport, ["port": number(port)])])
    case .range(let transport, let start, let end):
      return SmallCluster.object([
        "portRange": object(transport, ["start": number(start), "end": number(end)])
      ])
    case .name(_, let name): return SmallCluster.object(["namedPort": .string(name)])
    }
  }
}

extension SmallCluster.Peer {
  var value: Value {
    switch self {
    case .selectors(let namespaces, let pods):
      var members: [String: Value] = [:]
      if let namespaces { members["namespaceSelector"] = namespaces.value }
      if let pods { members["podSelector"] = pods.value }
      return SmallCluster.object(members)
    case .ipBlock(let block, let except):
      return SmallCluster.object([
        "ipBlock": SmallCluster.object(["cidr": block.value, "except": .array(except.map(\.value))])
      ])
    case .namespaces(let selector): return SmallCluster.object(["namespaces": selector.value])
    case .pods(let namespaces, let pods):
      return SmallCluster.object([
        "pods": SmallCluster.object(["namespaceSelector": namespaces.value, "podSelector": pods.value])
      ])
    case .networks(let blocks):
      return SmallCluster.object(["networks": .array(blocks.map(\.value))])
    }
  }
}
