import Admission

extension Decision {
  /// Renders the decision as one JSON line, line end included. Holds what was asked and answered, never the object.
  func logLine(at time: Timestamp) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(
      400 + violations.reduce(0) { $0 + $1.message.utf8.count + 64 }
        + warnings.reduce(0) { $0 + $1.message.utf8.count + 64 })
    line.append("{\"time\":\"")
    time.appendRFC3339(to: &line)
    line.append("\",\"uid\":")
    line.appendJSON(string: uid)
    line.append(",\"kind\":{\"group\":")
    line.appendJSON(string: kind.group)
    line.append(",\"version\":")
    line.appendJSON(string: kind.version)
    line.append(",\"kind\":")
    line.appendJSON(string: kind.name)
    line.append("}")
    if !subresource.isEmpty {
      line.append(",\"subresource\":")
      line.appendJSON(string: subresource)
    }
    line.append(",\"namespace\":")
    line.appendJSON(string: namespace)
    line.append(",\"name\":")
    line.appendJSON(string: name)
    line.append(",\"operation\":")
    line.appendJSON(string: operation)
    line.append(",\"user\":")
    line.appendJSON(string: user)
    line.append(allowed ? ",\"allowed\":true,\"code\":" : ",\"allowed\":false,\"code\":")
    line.append(decimal: code)
    line.append(",\"policies\":[")
    for (index, policy) in evaluatedPolicies.enumerated() {
      if index > 0 { line.append(",") }
      line.appendJSON(string: policy)
    }
    line.append("]")
    line.append(findings: violations, as: ",\"messages\":")
    line.append(findings: warnings, as: ",\"warnings\":")
    // The rest is rare, and left out where there is none.
    if !dryRunViolations.isEmpty { line.append(findings: dryRunViolations, as: ",\"dryRunViolations\":") }
    if !failures.isEmpty { line.append(findings: failures, as: ",\"failures\":") }
    if !builtinErrors.isEmpty { line.append(findings: builtinErrors, as: ",\"builtinErrors\":") }
    line.append(isDryRun ? ",\"dryRun\":true,\"duration\":" : ",\"dryRun\":false,\"duration\":")
    line.append(seconds: duration)
    line.append("}\n")
    return line
  }
}

extension [UInt8] {
  fileprivate mutating func append(findings: [Decision.Finding], as key: StaticString) {
    append(key)
    append("[")
    for (index, finding) in findings.enumerated() {
      if index > 0 { append(",") }
      append("{\"policy\":")
      appendJSON(string: finding.policy)
      append(",\"message\":")
      appendJSON(string: finding.message)
      append("}")
    }
    append("]")
  }

  /// Appends a duration in seconds with microseconds.
  fileprivate mutating func append(seconds duration: Duration) {
    let (seconds, attoseconds) = duration.components
    append(decimal: Int(seconds))
    append(".")
    append(decimal: Int(attoseconds / 1_000_000_000_000), width: 6)
  }
}
