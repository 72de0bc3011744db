extension Sequence<AllowedConnections> {
  /// A line each: addresses by their numbers, then workloads by the bytes of their names, then an ingress controller.
  public var lines: [String] { inOrder.map(\.description) }

  /// As ``lines`` has them.
  public var inOrder: [AllowedConnections] {
    sorted { left, right in
      left.source == right.source
        ? left.destination.isListed(before: right.destination) : left.source.isListed(before: right.source)
    }
  }
}

extension Endpoint {
  /// Whether lists have it before another one.
  func isListed(before other: Endpoint) -> Bool {
    switch (self, other) {
    case (.addresses(let left), .addresses(let right)): left < right
    case (.workload(let left), .workload(let right)):
      left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    case (.addresses, _), (.workload, .ingressController): true
    default: false
    }
  }
}

extension ExposureReport {
  /// The report as the suite prints it below a list: what is exposed on egress, then on ingress, then what is unprotected.
  public var lines: [String] {
    if exposures.isEmpty && unprotected.isEmpty { return [] }
    let width = exposures.map(\.workload.description.utf8.count).max() ?? 0
    var lines = ["Exposure Analysis Result:"]
    for (direction, arrow) in [(Direction.egress, "=>"), (.ingress, "<=")] {
      let section = exposures.filter { $0.direction == direction }.map { exposure in
        let name = exposure.workload.description
        let padding = String(repeating: " ", count: width - name.utf8.count)
        return "\(name)\(padding) \t\(arrow) \t\(exposure.peerText) : \(exposure.connectionsText)"
      }
      if section.isEmpty { continue }
      if lines.count > 1 { lines.append("") }
      lines.append("\(direction.rawValue) Exposure:")
      lines += section.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    if !unprotected.isEmpty {
      lines += ["", "Workloads not protected by network policies:"]
      lines += unprotected.map { "\($0.workload) is not protected on \($0.direction.rawValue)" }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    return lines
  }
}
