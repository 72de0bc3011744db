/// What was decided at start or reload, for people: policies with kinds and operations, the inventory, addresses.
public struct StartupReport: Sendable, CustomStringConvertible {
  public let snapshot: AdmissionSnapshot
  /// What is served, and where, such as (`reviews`, `https://127.0.0.1:8443/validate`).
  public let addresses: [(purpose: String, address: String)]

  public init(_ snapshot: AdmissionSnapshot, addresses: [(purpose: String, address: String)] = []) {
    self.snapshot = snapshot
    self.addresses = addresses
  }

  /// The report's lines.
  public var lines: [String] {
    var lines = addresses.map { "\($0.purpose): \($0.address)" }
    lines += policyLines
    lines += snapshot.remarks
    lines.append(inventoryLine)
    return lines
  }

  public var description: String { lines.joined(separator: "\n") }

  private var policyLines: [String] {
    let policies = snapshot.policies.policies
    let constraints = snapshot.policies.constraints.count
    if policies.isEmpty {
      return [
        constraints > 0
          ? "policies: \(constraints) constraints" : "policies: none, so that every request is admitted"
      ]
    }
    let rows = policies.map { policy in
      [
        policy.name, policy.settings.enforcement.rawValue,
        policy.operations.map(\.rawValue).joined(separator: ","),
        policy.kinds.map { $0.isEmpty ? "no kind" : $0.joined(separator: ",") } ?? "every kind",
        policy.isBuiltin ? "(built in)" : "(\(policy.files.joined(separator: ", ")))",
      ]
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return ["policies:"]
      + rows.map { row in
        let cells = zip(row, widths).map { cell, width in
          cell + String(repeating: " ", count: width - cell.count)
        }
        return ("  " + cells.joined(separator: "  ")).trimmingSpaces
      } + (constraints > 0 ? ["constraints: \(constraints)"] : [])
  }

  private var inventoryLine: String {
    guard let inventory = snapshot.inventory else { return "inventory: none" }
    let counts = inventory.counts.map(\.description)
    return "inventory: \(inventory.namespaceCount) namespaces with objects; "
      + (counts.isEmpty ? "no objects" : counts.joined(separator: ", "))
  }
}

extension AdmissionSnapshot {
  /// What is worth knowing though it stops nothing, as start-up and `/readyz?verbose` tell it: policies that are quarantined or not
  /// loaded, and policies that see an inventory which is empty for want of a source.
  public var remarks: [String] {
    var remarks = policies.quarantined.map { unused in
      "policy \(unused.name) is quarantined: " + unused.reasons.map(\.description).joined(separator: "; ")
    }
    remarks += policies.notLoaded.map { unused in
      "policy \(unused.name) is not loaded: " + unused.reasons.map(\.description).joined(separator: "; ")
    }
    if inventory == nil {
      remarks += policies.policies.filter(\.readsInventory).map {
        "policy \($0.name) reads data.inventory, which is empty: there is no source of inventory"
      }
    }
    return remarks
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
