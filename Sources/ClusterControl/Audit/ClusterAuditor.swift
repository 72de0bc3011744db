import Admission
import Kubernetes
import KubernetesClient
import Rego

/// Scans a cluster through its API server, page by page, so that what is scanned need not be in memory.
public struct ClusterAuditor: Sendable {
  private let client: KubernetesClient
  /// Which DaemonSets are those of networks that enforce NetworkPolicy.
  private let networks: [String]
  /// What part of the time is spent on scanning, where requests are to be answered meanwhile.
  private let share: Double

  /// - Parameters:
  ///   - networks: as `AuditScan.enforcingNetworks`.
  ///   - share: from 0 to 1.
  public init(
    _ client: KubernetesClient, networks: [String] = AuditScan.enforcingNetworks, share: Double = 1
  ) {
    self.client = client
    self.networks = networks
    self.share = share
  }

  /// Scans everything that policies name, and all kinds that can be listed where some policy is about any.
  ///
  /// - Parameters:
  ///   - constraints: all of the cluster's.
  ///   - progress: told how many objects are done, and of which kind the next are.
  /// - Throws: `APIError` where the server cannot be asked; kinds that may not be listed are remarks of the report.
  public func scan(
    policies: PolicySet, constraints: [CompiledConstraint], inventory: Inventory?,
    progress: @Sendable (_ count: Int, _ kind: String) -> Void = { _, _ in }
  ) async throws -> AuditReport {
    var scan = AuditScan(
      policies: policies, constraints: constraints, inventory: inventory, networks: networks)
    var count = 0
    let named = AuditScan.kinds(of: policies, constraints)
    let aboutAnyKind = AuditScan.aboutAnyKind(policies, constraints)
    var unread: [String] = []
    for resource in try await resources(of: aboutAnyKind.isEmpty ? named : nil) {
      try Task.checkCancellation()
      progress(count, resource.kind.string)
      // A list that is started anew must not count twice.
      let (before, countBefore) = (scan, count)
      do {
        try await client.list(resource, options: ListOptions()) { page in
          if page.isFirst { (scan, count) = (before, countBefore) }
          let start = ContinuousClock.now
          for object in page.items { scan.add(object) }
          count += page.items.count
          progress(count, resource.kind.string)
          let spent = ContinuousClock.now - start
          if share < 1 { try await Task.sleep(for: spent * (1 / share - 1)) } else { await Task.yield() }
        }
        scan.endKind(resource.kind)
      } catch let error as APIError where error.isForbidden {
        if named.contains(resource.kind) {
          scan.omit("\(resource) cannot be listed: \(error)")
        } else {
          unread.append("\(resource)")
        }
      } catch let error as APIError where error.isNotFound || error.code == 405 {
        // It went since it was asked for, or is none to list.
      }
    }
    if !unread.isEmpty {
      scan.omit(
        "\(Self.listing(aboutAnyKind)) may be about any kind, and these may not be listed: \(Self.listing(unread))"
      )
    }
    return scan.finished()
  }

  private static func listing(_ names: [String]) -> String {
    let rest = names.count - 20
    return names.prefix(20).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }

  /// What makes pods first, then pods, then the rest.
  private static let order: [RegoString] = [
    "Namespace", "CronJob", "Deployment", "StatefulSet", "DaemonSet", "ReplicationController", "ReplicaSet",
    "Job",
    "Pod", "NetworkPolicy",
  ]

  /// The resources of some kinds, or of all, each in one version; never Secrets, whose contents are nobody's business, and never Events.
  func resources(of kinds: Set<RegoString>?) async throws -> [APIResource] {
    var found: [APIResource] = []
    for group in try await client.groups()
    where group.name != "events.k8s.io" && group.name != "metrics.k8s.io" {
      for version in group.versions {
        let resources = try await client.resources(group: group.name, version: version) ?? []
        found += resources.filter { resource in
          (kinds?.contains(resource.kind) ?? true)
            && !(group.name.utf8Count == 0 && ["Secret", "Event"].contains(resource.kind))
            && !(group.name == "extensions" && Self.order.contains(resource.kind))
            && !found.contains { $0.group == resource.group && $0.kind == resource.kind }
        }
      }
    }
    func rank(_ resource: APIResource) -> Int { Self.order.firstIndex(of: resource.kind) ?? Self.order.count }
    return found.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
      .map(\.element)
  }
}
