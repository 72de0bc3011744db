import Admission
import Logging
import Rego
import ServiceLifecycle
import Synchronization
import UnixSignals
import WebhookServer

/// Reads policies, configuration and inventory again on SIGHUP and when their files change. What does not compile changes
/// nothing: what was served before is served on, and log, metric and `/readyz?verbose` say so.
final class Reloader: Service {
  private let flags: Configuration
  private let configurationPath: String?
  private let service: AdmissionService
  /// Where the inventory comes from, if it is a cluster.
  private let cluster: ClusterConnection?
  /// Where the policies of files and those of the cluster are put together.
  private let assembly: PolicyAssembly?
  private let metrics: ServerMetrics
  private let logger: Logger
  private let signals: UnixSignalsSequence
  /// What is wrong with what was read last; empty where it is served.
  private let problems = Mutex<[PolicyProblem]>([])
  private let reloads = Counter()
  private let failures = Counter()

  /// - Parameters:
  ///   - flags: what the command line says, which counts before the file.
  ///   - configurationPath: the configuration file, where there is one.
  ///   - signals: each has everything read again.
  init(
    flags: Configuration, configurationPath: String?, service: AdmissionService, cluster: ClusterConnection?,
    assembly: PolicyAssembly?, metrics: ServerMetrics, logger: Logger, signals: UnixSignalsSequence
  ) {
    self.flags = flags
    self.configurationPath = configurationPath
    self.service = service
    self.cluster = cluster
    self.assembly = assembly
    self.metrics = metrics
    self.logger = logger
    self.signals = signals
    let registry = metrics.registry
    registry.register(
      "portcullis_reloads_total",
      help: "Times that policies and configuration were read again and taken over.", reloads)
    registry.register(
      "portcullis_reload_failures_total",
      help: "Times that policies or configuration could not be used when read again.", failures)
    registry.registerGauge(
      "portcullis_reload_failed",
      help: "1 where what is served is older than its files, which cannot be used."
    ) { [self] in isStale ? 1 : 0 }
    registry.registerGauges(
      "portcullis_policy_set_info",
      help: "Always 1; the label is the hash of all policies and their settings."
    ) { [service] in [(labels: [("hash", service.snapshot.policies.hash)], value: 1)] }
  }

  private var isStale: Bool { problems.withLock { !$0.isEmpty } }

  /// What `/readyz` says of the policies: they serve in any case.
  var readiness: [ReadinessCheck] {
    [
      ReadinessCheck("policies") { [self] in
        let snapshot = service.snapshot
        let policies = snapshot.policies
        var detail = ["\(policies.policies.count) compiled, policy set \(policies.hash)"]
        if !policies.constraints.isEmpty { detail.append("\(policies.constraints.count) constraints") }
        detail += snapshot.remarks
        let problems = problems.withLock { $0 }
        if !problems.isEmpty {
          detail.append(
            "the files as they are now cannot be used, so that those from before serve on: "
              + problems.map(\.description).joined(separator: "; "))
        }
        return .ready(detail.joined(separator: "; "))
      },
      cluster?.readiness
        ?? ReadinessCheck("inventory") { [self] in
          guard let inventory = service.snapshot.inventory else { return .ready("there is no source") }
          return .ready("\(inventory.objectCount) objects loaded")
        },
    ]
  }

  private enum Event {
    case signal
    case tick
  }

  func run() async throws {
    // One after the other, whatever the reason: two readings at a time could end in the wrong order.
    let (events, queue) = AsyncStream.makeStream(of: Event.self)
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        for await _ in self.signals { queue.yield(.signal) }
      }
      tasks.addTask {
        while !Task.isCancelled {
          try? await Task.sleep(for: .seconds(1))
          queue.yield(.tick)
        }
      }
      tasks.addTask { await self.handle(events) }
      try? await gracefulShutdown()
      tasks.cancelAll()
    }
  }

  private func handle(_ events: AsyncStream<Event>) async {
    var watched = paths
    var watch = FileWatch(watched)
    var isChanging = false
    for await event in events {
      let hasChanged = watch.hasChanged()
      switch event {
      case .signal:
        await reload(because: "SIGHUP")
        isChanging = false
      case .tick:
        // Who writes several files is let finish first.
        if isChanging && !hasChanged { await reload(because: "files changed") }
        isChanging = hasChanged
      }
      if paths != watched {
        watched = paths
        watch = FileWatch(watched)
      }
    }
  }

  /// Everything that is read again.
  private var paths: [String] {
    let configuration = (try? flags.filled(from: configurationPath)) ?? flags
    return [configurationPath].compactMap(\.self) + (configuration.policyPaths ?? [])
      + (configuration.inventoryPaths ?? [])
  }

  private func reload(because reason: String) async {
    let flags = flags
    let configurationPath = configurationPath
    let (service, assembly) = (service, assembly)
    let interner = cluster?.interner ?? StringInterner()
    // Compiling takes a while, and this must not be a thread that answers requests.
    let result = await Task.detached(priority: .utility) { () -> Result<Void, PolicyProblems> in
      Result { () throws(PolicyProblems) in
        let configuration = try flags.filled(from: configurationPath)
        if let assembly {
          assembly.replace(base: try configuration.policyBase(interner: interner))
        } else {
          service.replace(with: try configuration.snapshot())
        }
      }
    }.value
    switch result {
    case .success:
      let snapshot = service.snapshot
      metrics.policiesQuarantined.set(Double(snapshot.policies.quarantined.count))
      problems.withLock { $0 = [] }
      reloads.increment()
      logger.notice("reloaded", metadata: ["because": "\(reason)"])
      for line in StartupReport(snapshot).lines { Console.error.write(line: line) }
    case .failure(let error):
      problems.withLock { $0 = error.problems }
      failures.increment()
      logger.error(
        "what was read again cannot be used; what was served before is served on",
        metadata: ["because": "\(reason)"])
      for problem in error.problems { Console.error.write(line: problem.report) }
    }
  }
}
