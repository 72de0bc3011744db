import Kubernetes
import Rego

/// A workload as connections name it: pods that one object makes, or a pod that none makes.
public struct Workload: Sendable, Hashable {
  public let namespace: RegoString
  public let name: RegoString
  public let kind: RegoString

  public init(namespace: RegoString, name: RegoString, kind: RegoString) {
    self.namespace = namespace
    self.name = name
    self.kind = kind
  }
}

extension Workload: CustomStringConvertible {
  /// `shop/web[Deployment]`.
  public var description: String { "\(namespace)/\(name)[\(kind)]" }
}

extension Workload: Comparable {
  public static func < (left: Workload, right: Workload) -> Bool {
    (left.namespace, left.name, left.kind) < (right.namespace, right.name, right.kind)
  }
}

/// What policies can tell about pods: two pods of a workload for which this is equal are alike to every policy.
public struct PodTraits: Sendable, Hashable {
  public let labels: ObjectValue
  /// Of all containers that run beside each other.
  public let ports: [ContainerPort]
  /// Whether the pods share their node's network; what they send has the node's address.
  public let isHostNetwork: Bool

  public static func == (left: PodTraits, right: PodTraits) -> Bool {
    left.labels == right.labels && left.ports == right.ports && left.isHostNetwork == right.isHostNetwork
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(Value.object(labels))
    hasher.combine(ports)
  }
}

/// Pods of one workload that no policy can tell apart, but for their addresses.
public struct PodGroup: Sendable {
  public let workload: Workload
  public let traits: PodTraits
  /// Those that are known. A template's pods have none yet.
  public internal(set) var addresses: [Address]
  /// How many pods there are; 0 for a template alone.
  public internal(set) var podCount: Int
  /// The first pod's name, for messages; the workload's for a template.
  public let example: RegoString

  public var labels: ObjectValue { traits.labels }
}

/// A Pod or an object that makes pods, read.
struct WorkloadObject: Sendable, Equatable {
  private enum Name {
    static let containerPort: RegoString = "containerPort"
    static let containers: RegoString = "containers"
    static let hostNetwork: RegoString = "hostNetwork"
    static let initContainers: RegoString = "initContainers"
    static let ip: RegoString = "ip"
    static let name: RegoString = "name"
    static let podIP: RegoString = "podIP"
    static let phase: RegoString = "phase"
    static let podIPs: RegoString = "podIPs"
    static let ports: RegoString = "ports"
    static let restartPolicy: RegoString = "restartPolicy"
    static let status: RegoString = "status"
    static let labels: RegoString = "labels"
    static let pod: RegoString = "Pod"
    static let node: RegoString = "Node"
  }

  let own: Workload
  /// The object that manages this one.
  let owner: Workload?
  let traits: PodTraits
  let addresses: [Address]
  let isPod: Bool
  /// Whether a pod has run to its end, and so gave back its address ("Pod Lifecycle", phases Succeeded and Failed).
  let hasEnded: Bool

  /// - Throws: `Misfit` for what the API server would not take.
  init(_ object: Value, reference: ObjectReference, metadata: ObjectMetadata) throws {
    let template = try PodTemplate(of: object, kind: reference.kind)
    let namespace = reference.namespace ?? "default"
    own = Workload(namespace: namespace, name: reference.name, kind: reference.kind.kind)
    isPod = reference.kind.kind == Name.pod
    if let controller = metadata.controller, controller.kind.kind != Name.node, controller.name.utf8Count > 0
    {
      let kind = controller.kind.kind.utf8Count > 0 ? controller.kind.kind : Name.pod
      owner = Workload(namespace: namespace, name: controller.name, kind: kind)
    } else {
      owner = nil
    }
    let podMetadata = FieldReader(template.metadata.object ?? ObjectValue())
    let spec = FieldReader(template.spec.object ?? ObjectValue())
    traits = PodTraits(
      labels: try podMetadata.stringMap(Name.labels) ?? ObjectValue(), ports: try Self.ports(spec),
      isHostNetwork: try spec.boolean(Name.hostNetwork) ?? false)
    let members = FieldReader(object.object ?? ObjectValue())
    addresses = isPod ? try Self.addresses(members) : []
    let phase =
      isPod ? try members.object(Name.status).flatMap { try FieldReader($0).string(Name.phase) } : nil
    hasEnded = phase == "Succeeded" || phase == "Failed"
  }

  private static func ports(_ spec: FieldReader) throws -> [ContainerPort] {
    var ports: [ContainerPort] = []
    _ = try Policy.elements(spec, Name.containers) { _, container in try add(container, to: &ports) }
    _ = try Policy.elements(spec, Name.initContainers) { _, container in
      // One that restarts always is a sidecar, and runs beside the others.
      if try container.string(Name.restartPolicy) == "Always" { try add(container, to: &ports) }
    }
    return ports
  }

  private static func add(_ container: FieldReader, to ports: inout [ContainerPort]) throws {
    _ = try Policy.elements(container, Name.ports) { _, port in
      guard let number = try Policy.number(port, Name.containerPort) else {
        throw Misfit("is missing", at: "containerPort")
      }
      ports.append(
        ContainerPort(
          name: try port.nonEmpty(Name.name), transport: try Policy.transport(port) ?? .tcp, number: number))
    }
  }

  private static func addresses(_ pod: FieldReader) throws -> [Address] {
    try pod.within(Name.status) { (status) throws(FieldError) in
      var texts: [RegoString] = []
      for element in try status.array(Name.podIPs) ?? [] {
        if let members = element.object, let text = try FieldReader(members).nonEmpty(Name.ip) {
          texts.append(text)
        }
      }
      if texts.isEmpty, let text = try status.nonEmpty(Name.podIP) { texts.append(text) }
      return texts.compactMap { Address($0.string) }
    } ?? []
  }
}
