import Kubernetes
import Rego

/// Whether a connection is allowed: what `netpol.can_connect` is asked.
struct ConnectionQuestion {
  private enum End {
    case pods([PodGroup], NamespaceModel)
    case address(Address)
  }

  private let model: ClusterModel
  private let source: End
  private let destination: End
  private let port: Value
  private let transport: TransportProtocol

  init(_ operands: [Value], _ question: ClusterQuestion) throws(BuiltinError) {
    model = try question.after
    source = try Self.end(operands[0], question, model)
    destination = try Self.end(operands[1], question, model)
    port = operands[2]
    guard let transport = operands[3].string.flatMap(TransportProtocol.init) else {
      throw .failed("the protocol must be TCP, UDP or SCTP")
    }
    self.transport = transport
  }

  private static func end(
    _ operand: Value, _ question: ClusterQuestion, _ model: ClusterModel
  ) throws(BuiltinError) -> End {
    guard let text = Self.name(operand) else {
      let (object, namespace) = try NetworkPolicyBuiltins.pods(operand, question)
      return .pods([object.group], namespace)
    }
    if let address = Address(text.string) {
      for namespace in model.namespaces.values {
        let group = namespace.groups.first { $0.addresses.contains(address) && !$0.traits.isHostNetwork }
        if let group { return .pods([group], namespace) }
      }
      return .address(address)
    }
    let bytes = text.utf8
    guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else {
      throw .failed(
        "\"\(text)\" is neither an address nor a workload as NAMESPACE/NAME or NAMESPACE/NAME[KIND]")
    }
    let namespace = try model.namespace(RegoString(String(Substring(bytes[..<slash]))))
    let found = Set(namespace.groups.map(\.workload)).filter { workload in
      RegoString("\(workload.namespace)/\(workload.name)") == text || RegoString(workload.description) == text
    }
    guard let workload = found.first else { throw .failed("there is no workload \(text)") }
    if found.count > 1 {
      throw .failed("\(text) may be \(found.map(\.description).sorted().joined(separator: " or "))")
    }
    return .pods(Array(namespace.groups(of: workload)), namespace)
  }

  /// The text that names an end: a string, or an end as other functions write it. Nil for an object that makes pods.
  private static func name(_ operand: Value) -> RegoString? {
    if case .string(let text) = operand { return text }
    guard operand["metadata"] == nil, case .string(let namespace)? = operand["namespace"],
      case .string(let name)? = operand["name"]
    else { return nil }
    if case .string(let kind)? = operand["kind"] { return RegoString("\(namespace)/\(name)[\(kind)]") }
    return RegoString("\(namespace)/\(name)")
  }

  func answer() throws(BuiltinError) -> Bool {
    let live = LiveModel(model)
    var isPossible = false
    switch (source, destination) {
    case (.address, .address): throw .failed("neither end is a workload, so that no policy has a say")
    case (.pods(let sources, let namespace), .address(let address)):
      for side in live.sides(of: sources, in: namespace, .egress) {
        let wanted = try connections(to: [])
        let found = live.allowed(.egress, of: [side], with: AddressRange(address))
        if wanted.isSubset(of: found.lower) { return true }
        isPossible = isPossible || wanted.isSubset(of: found.upper)
      }
    case (.address(let address), .pods(let destinations, let namespace)):
      for side in live.sides(of: destinations, in: namespace, .ingress) {
        let wanted = try connections(to: side.group.traits.ports)
        if wanted.isEmpty { continue }
        let found = live.allowed(.ingress, of: [side], with: AddressRange(address))
        if wanted.isSubset(of: found.lower) { return true }
        isPossible = isPossible || wanted.isSubset(of: found.upper)
      }
    case (.pods(let sources, let sourceNamespace), .pods(let destinations, let destinationNamespace)):
      let outgoing = live.sides(of: sources, in: sourceNamespace, .egress)
      for side in live.sides(of: destinations, in: destinationNamespace, .ingress) {
        let wanted = try connections(to: side.group.traits.ports)
        if wanted.isEmpty { continue }
        for other in outgoing {
          let found = live.allowed(.ingress, of: [side], with: [other])
          if wanted.isSubset(of: found.lower) { return true }
          isPossible = isPossible || wanted.isSubset(of: found.upper)
        }
      }
    }
    if isPossible {
      throw .failed("it cannot be told: a policy decides by something that is not modelled, or not known")
    }
    return false
  }

  /// The connections that are asked about, to pods with some ports; none where a name is asked for that they do not have.
  private func connections(to ports: [ContainerPort]) throws(BuiltinError) -> ConnectionSet {
    if case .string(let name) = port {
      if case .address = destination { throw .failed("an address has no port named \(name)") }
      if case .pods(let groups, _) = destination,
        !groups.contains(where: { $0.traits.ports.contains { $0.name == name && $0.transport == transport } })
      {
        throw .failed("the destination has no \(transport.rawValue) port named \(name)")
      }
      return ports.filter { $0.name == name && $0.transport == transport }.reduce(.none) {
        $0.union($1.connections)
      }
    }
    guard let number = port.int.flatMap(UInt16.init(exactly:)), number > 0 else {
      throw .failed("the port must be a number from 1 to 65535, or a name, but is \(port.json)")
    }
    return ConnectionSet(transport, PortSet(number, number))
  }
}
