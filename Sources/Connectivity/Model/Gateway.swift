import Kubernetes
import Rego

/// A Service, as far as it says which ports of which pods it leads to (Kubernetes API reference, ServiceSpec).
public struct Service: Sendable, Equatable {
  enum PortReference: Sendable, Hashable {
    case number(UInt16)
    case name(RegoString)
  }

  struct Port: Sendable, Equatable {
    let name: RegoString?
    let transport: TransportProtocol
    let number: UInt16
    let target: PortReference
  }

  public let name: RegoString
  /// Nil where it selects no pods.
  let selector: LabelSelector?
  let ports: [Port]
  /// Whether nodes or a load balancer take connections for it.
  let isOpenToOutside: Bool

  /// - Throws: `Misfit` for what the API server would not take.
  init(_ object: ObjectValue, name: RegoString) throws {
    self.name = name
    let spec = FieldReader(try FieldReader(object).object("spec") ?? ObjectValue())
    (selector, ports, isOpenToOutside) = try at("spec") {
      var selector: LabelSelector?
      if let map = try spec.stringMap("selector"), !map.isEmpty,
        try spec.string("type") != "ExternalName"
      {
        selector = try LabelSelector.equality(.object(map))
      }
      let ports = try Policy.elements(spec, "ports") { _, port in
        guard let number = try Policy.number(port, "port") else { throw Misfit("is missing", at: "port") }
        return Port(
          name: try port.nonEmpty("name"), transport: try Policy.transport(port) ?? .tcp, number: number,
          target: try Self.reference(port, "targetPort") ?? .number(number))
      }
      let type = try spec.string("type")
      return (selector, ports, type == "NodePort" || type == "LoadBalancer")
    }
  }

  static func reference(_ object: FieldReader, _ name: RegoString) throws -> PortReference? {
    switch object.value(name) {
    case nil: return nil
    case .string(let text)? where text.utf8Count > 0:
      return UInt16(text.string).map(PortReference.number) ?? .name(text)
    case .string?: return nil
    case .some(let value):
      // 0 is what an absent number is written as.
      if value.int == 0 { return nil }
      return try Policy.number(object, name).map(PortReference.number)
    }
  }

  /// The connections to pods with some ports that the service's ports lead to.
  func connections(to containers: [ContainerPort]) -> ConnectionSet {
    ports.reduce(ConnectionSet.none) { connections, port in
      switch port.target {
      case .number(let number):
        return connections.union(ConnectionSet(port.transport, PortSet(number, number)))
      case .name(let name):
        let named = containers.filter { $0.name == name && $0.transport == port.transport }
        return named.reduce(connections) { $0.union($1.connections) }
      }
    }
  }

  /// The ports of pods that a port of the service leads to; all where none is asked for.
  func targets(of wanted: PortReference?) -> [PortReference] {
    guard let wanted else { return ports.map(\.target) }
    for port in ports {
      switch wanted {
      case .number(let number) where port.number == number: return [port.target]
      case .name(let name) where port.name == name: return [port.target]
      case _ where port.target == wanted: return [port.target]
      default: continue
      }
    }
    return []
  }
}

/// An Ingress or an OpenShift Route: it leads to Services of its namespace.
public struct Gateway: Sendable {
  struct Backend: Sendable, Equatable {
    let service: RegoString
    /// Nil for all ports of the service.
    let port: Service.PortReference?
  }

  public let reference: ObjectReference
  public let location: Location?
  let backends: [Backend]

  /// Reads an Ingress (Kubernetes API reference, IngressSpec).
  static func ingress(
    _ object: ObjectValue, reference: ObjectReference, location: Location?
  ) throws -> Gateway {
    var backends: [Backend] = []
    let spec = FieldReader(try FieldReader(object).object("spec") ?? ObjectValue())
    try at("spec") {
      if let backend = try spec.object("defaultBackend") {
        try at("defaultBackend") { try add(FieldReader(backend), to: &backends) }
      }
      _ = try Policy.elements(spec, "rules") { _, rule in
        guard let http = try rule.object("http") else { return }
        try at("http") {
          _ = try Policy.elements(FieldReader(http), "paths") { _, path in
            guard let backend = try path.object("backend") else { return }
            try at("backend") { try add(FieldReader(backend), to: &backends) }
          }
        }
      }
    }
    return Gateway(reference: reference, location: location, backends: backends)
  }

  private static func add(_ backend: FieldReader, to backends: inout [Backend]) throws {
    if let service = try backend.object("service") {
      let service = FieldReader(service)
      let port = FieldReader(try service.object("port") ?? ObjectValue())
      backends.append(
        Backend(
          service: try service.string("name") ?? "",
          port: try Service.reference(port, "name") ?? Service.reference(port, "number")))
    } else if let name = try backend.nonEmpty("serviceName") {
      // As in extensions/v1beta1 and networking.k8s.io/v1beta1.
      backends.append(Backend(service: name, port: try Service.reference(backend, "servicePort")))
    }
  }

  /// Reads a Route (OpenShift API reference, RouteSpec).
  static func route(
    _ object: ObjectValue, reference: ObjectReference, location: Location?
  ) throws -> Gateway {
    let spec = FieldReader(try FieldReader(object).object("spec") ?? ObjectValue())
    return try at("spec") {
      let port = try Service.reference(
        FieldReader(try spec.object("port") ?? ObjectValue()), "targetPort")
      var targets: [FieldReader] = []
      if let target = try spec.object("to") { targets.append(FieldReader(target)) }
      targets += try Policy.elements(spec, "alternateBackends") { _, backend in backend }
      let backends = try targets.compactMap { target -> Backend? in
        let kind = try target.nonEmpty("kind") ?? "Service"
        guard kind == "Service", let name = try target.nonEmpty("name") else { return nil }
        return Backend(service: name, port: port)
      }
      return Gateway(reference: reference, location: location, backends: backends)
    }
  }
}
