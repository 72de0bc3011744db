extension Sequence<AllowedConnections> {
  /// A line each, in the order of their bytes.
  public var lines: [String] {
    map(\.description).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
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
