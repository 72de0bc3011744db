import Kubernetes
import Rego

extension Analysis {
  /// What Ingresses and Routes let an ingress controller reach, as far as policies let some pod of the cluster that has no labels; and
  /// warnings of those that they block.
  ///
  /// Only TCP ports that containers declare count, as the suite has it.
  func gatewayConnections() -> (connections: [AllowedConnections], warnings: [Problem]) {
    let (targets, unserved) = gatewayTargets()
    var warnings = unserved
    var list: [AllowedConnections] = []
    for (workload, groups) in workloads {
      var connections = ConnectionSet.none
      var wanted: Gateway?
      for group in groups {
        guard let target = targets[group] else { continue }
        wanted = target.via
        connections = connections.union(target.connections.intersection(allowedFromController(to: group)))
      }
      if !connections.isEmpty {
        list.append(
          AllowedConnections(
            source: .ingressController, destination: .workload(workload), connections: connections))
      } else if let wanted {
        warnings.append(
          Problem(
            .warning, wanted.reference, at: wanted.location,
            "it leads to \(workload), but policies keep an ingress controller from it"))
      }
    }
    return (list, warnings)
  }

  /// What Ingresses and Routes lead to, by groups, each with one of them; and warnings of those that lead nowhere.
  private func gatewayTargets() -> (
    targets: [Int: (connections: ConnectionSet, via: Gateway)], warnings: [Problem]
  ) {
    var targets: [Int: (connections: ConnectionSet, via: Gateway)] = [:]
    var warnings: [Problem] = []
    for gateway in model.gateways {
      let namespace = gateway.reference.namespace ?? "default"
      for backend in gateway.backends {
        guard let service = model.namespaces[namespace]?.content.services[backend.service] else {
          warnings.append(
            Problem(
              .warning, gateway.reference, at: gateway.location,
              "there is no Service \(namespace)/\(backend.service), which it leads to"))
          continue
        }
        for group in groups(of: service, in: namespace) {
          let connections = Self.connections(
            service.targets(of: backend.port), to: groups[group].traits.ports)
          targets[group] = ((targets[group]?.connections ?? .none).union(connections), gateway)
        }
      }
    }
    return (targets, warnings)
  }

  /// The workloads that Ingresses and Routes lead to, in order.
  public var gatewayWorkloads: [Workload] {
    let targets = gatewayTargets().targets
    return workloads.filter { $0.groups.contains { targets[$0] != nil } }.map(\.workload)
  }

  private func groups(of service: Service, in namespace: RegoString) -> [Int] {
    guard let selector = service.selector else { return [] }
    return groups.indices.filter {
      groups[$0].workload.namespace == namespace && selector.matches(groups[$0].labels)
    }
  }

  private static func connections(
    _ targets: [Service.PortReference], to ports: [ContainerPort]
  ) -> ConnectionSet {
    var connections = ConnectionSet.none
    for target in targets {
      for port in ports where port.transport == .tcp {
        let isMeant =
          switch target {
          case .number(let number): port.number == number
          case .name(let name): port.name == name
          }
        if isMeant { connections = connections.union(port.connections) }
      }
    }
    return connections
  }

  /// The controller is a pod somewhere, of which nothing is known: policies select it by empty or negative selectors only.
  private func allowedFromController(to group: Int) -> ConnectionSet {
    let controller = LabelTest.ingressController
    let ports = groups[group].traits.ports
    var incoming = Evaluation(controller, ports: ports)
    let allowed = incoming.run(ingress[group]).allowed
    var outgoing = Evaluation(GroupTest(group: group, bounds: false), ports: ports)
    return allowed.intersection(outgoing.run(egressProfile(of: controller)).allowed)
  }

  /// What decides about connections from a pod that is not there: NetworkPolicies do not, since its namespace is not there either.
  private func egressProfile(of pod: LabelTest) -> Profile {
    var profile = Profile(.egress)
    for compiled in egressPolicies where pod.isSelected(by: compiled.policy.subject) {
      profile.append(compiled)
    }
    return profile
  }
}

extension LabelTest {
  /// Whatever serves Ingresses and Routes: a pod without labels in a namespace that no policy names.
  static let ingressController = LabelTest(
    namespace: "ingress-controller-ns",
    namespaceLabels: ObjectValue([("kubernetes.io/metadata.name" as Value, "ingress-controller-ns" as Value)]
    ),
    labels: ObjectValue())
}
