import Admission
import KubernetesClient
import Logging
import Rego
import ServiceLifecycle
import WebhookServer

/// The cluster from which the server has its inventory.
final class ClusterConnection: Service {
  let client: KubernetesClient
  let follower: ClusterFollower
  /// Shared by what is compiled and the inventory, so that their strings are compared by their pointers.
  let interner: StringInterner
  private let live: LiveReads
  private let service: AdmissionService

  /// Nothing counts as read before `ClusterFollower.noteAllPolicies()`: the cluster has policies too.
  ///
  /// - Parameter kinds: what may be followed; nil for what usually is.
  init(
    to configuration: ClientConfiguration, kinds: FollowedKinds?, service: AdmissionService,
    interner: StringInterner, logger: Logger
  ) {
    client = KubernetesClient(
      configuration, userAgent: "portcullis/\(Version.current.number)", logger: logger)
    var options = ClusterFollower.Options()
    options.kinds = kinds ?? .standard
    options.awaitsPolicies = true
    follower = ClusterFollower(
      client, service: service, interner: interner, options: options, logger: logger)
    live = LiveReads(client)
    service.setLiveReader(live)
    self.service = service
    self.interner = interner
  }

  func run() async throws {
    await cancelWhenGracefulShutdown { await self.follower.run() }
    client.close()
  }

  /// What `/readyz` says: not ready before all has been read once; then ready, whatever becomes of the API server.
  var readiness: ReadinessCheck {
    ReadinessCheck("inventory") { [self] in
      let statuses = follower.statuses
      let absent = statuses.filter { $0.phase == .absent }.map(\.kind.description)
      var troubles = statuses.filter { $0.phase != .followed && $0.phase != .absent }.map(\.description)
      if !absent.isEmpty { troubles.append("not known to the API server: \(absent.joined(separator: ", "))") }
      guard follower.isSynced else {
        let server = client.configuration.server
        if !troubles.isEmpty { return .notReady("not read yet: \(troubles.joined(separator: "; "))") }
        return .notReady(
          follower.hasAllPolicies
            ? "waiting for the API server \(server)" : "waiting for what the cluster's policies need")
      }
      var detail = [
        "\(service.snapshot.inventory?.objectCount ?? 0) objects of \(statuses.count - absent.count) kinds followed"
      ]
      let age = follower.freshness.staleSeconds
      if age > 0 { detail.append("\(age)s old, since the API server cannot be followed") }
      return .ready((detail + troubles).joined(separator: "; "))
    }
  }

  func register(in registry: MetricRegistry) {
    registry.registerGauge(
      "portcullis_inventory_stale_seconds",
      help: "For how long the inventory may have been out of date; 0 while the cluster is being followed."
    ) { [follower] in Double(follower.freshness.staleSeconds) }
    registry.registerGauge(
      "portcullis_inventory_objects", help: "Objects of the cluster that decisions can see."
    ) { [service] in Double(service.snapshot.inventory?.objectCount ?? 0) }
    registry.registerGauges(
      "portcullis_inventory_kind_followed",
      help: "1 for kinds that are followed, 0 for those that are absent, forbidden or cannot be read."
    ) { [follower] in
      follower.statuses.map { status in
        let isFollowed = status.phase == .followed
        return (
          labels: [("api_version", status.kind.apiVersion.string), ("kind", status.kind.kind.string)],
          value: isFollowed ? 1 : 0
        )
      }
    }
    registry.registerCounter(
      "portcullis_inventory_events_total", help: "Events of watches so far."
    ) { [follower] in Double(follower.counters.events.load(ordering: .relaxed)) }
    registry.registerCounter(
      "portcullis_live_reads_total",
      help: "Lists that were made because a decision for want of an object had to be confirmed."
    ) { [live] in Double(live.counters.lists.load(ordering: .relaxed)) }
    registry.registerCounter(
      "portcullis_live_read_failures_total",
      help: "Decisions for want of an object that could not be confirmed."
    ) { [live] in Double(live.counters.failures.load(ordering: .relaxed)) }
    registry.registerCounter(
      "portcullis_inventory_published_total", help: "Inventories so far that decisions were given."
    ) { [follower] in Double(follower.counters.published.load(ordering: .relaxed)) }
  }
}
