import Admission
import ArgumentParser
import ClusterControl
import Foundation
import KubernetesClient
import Logging
import Rego
import Synchronization

struct Audit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judge what exists in a cluster.",
    discussion: """
      Judges every object that policies name as if it were created now, and tells how many workloads policies isolate. Policies \
      are the built-in ones, those of --policies, and those of the cluster: ConfigMaps, and Gatekeeper's templates and \
      constraints. Nothing is written to the cluster. Exits with 1 where something would be refused.

      EXAMPLES
        portcullis audit
        portcullis audit --kubeconfig ~/.kube/config --context production --format json
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
  }

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The cluster's kubeconfig. (default: $KUBECONFIG, or ~/.kube/config)", valueName: "file"))
  var kubeconfig: String?

  @Option(
    name: .long, help: ArgumentHelp("The kubeconfig's context. (default: its current one)", valueName: "name")
  )
  var context: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The namespace of Portcullis in the cluster, where policies are.", valueName: "name"))
  var namespace = "portcullis"

  @Option(name: .shortAndLong, help: "How to print findings.")
  var format = Format.text

  @Option(
    name: .long,
    help: ArgumentHelp(
      "How long to wait for what policies read of the cluster. (default: 2m)", valueName: "duration"))
  var timeout: TimeSpan?

  @OptionGroup(title: "Policies") var options: PolicyOptions

  func run() async throws {
    var logger = Logger(label: "portcullis") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .critical
    let interner = StringInterner()
    let configuration: Configuration
    let target: ClientConfiguration
    let service: AdmissionService
    let base: PolicyAssembly.Base
    do {
      configuration = withCluster(try options.configuration())
      guard let found = try configuration.cluster() else {
        throw CommandFailure("there is no kubeconfig: --kubeconfig, $KUBECONFIG or ~/.kube/config names one")
      }
      target = found
      service = AdmissionService(try configuration.snapshot(followsCluster: true, interner: interner))
      base = PolicyAssembly.Base(
        policies: service.snapshot.policies,
        compiler: configuration.compiler(hasInventory: true, interner: interner),
        overrides: configuration.overrides)
    } catch let error as PolicyProblems {
      throw error.failure
    }
    let cluster = ClusterConnection(
      to: target, kinds: configuration.inventoryKinds.flatMap(FollowedKinds.init), service: service,
      interner: interner, logger: logger)
    let assembly = PolicyAssembly(base, service: service)
    let policies = PolicyFollower(
      cluster.client, assembly: assembly, namespace: configuration.namespace ?? namespace, writes: false,
      logger: logger, completed: { cluster.follower.noteAllPolicies() })
    let following = Task {
      await withTaskGroup(of: Void.self) { tasks in
        tasks.addTask { await cluster.follower.run() }
        tasks.addTask { try? await policies.run() }
      }
    }
    defer { following.cancel() }
    let counter = ScanProgress()
    try await waitUntilRead(cluster, policies, counter)
    let report: AuditReport
    // What cannot be asked now is told of, whatever can be asked later.
    let snapshot = service.snapshot
    do {
      let auditor = ClusterAuditor(
        cluster.client, networks: configuration.enforcingNetworks ?? AuditScan.enforcingNetworks)
      report = try await auditor.scan(
        policies: snapshot.policies, constraints: assembly.cluster.constraints,
        inventory: snapshot.inventory
      ) { count, kind in counter.update("\(count) objects judged (\(kind))") }
    } catch let error as APIError {
      counter.finish()
      throw CommandFailure("\(error)")
    }
    counter.finish()
    let output = AuditOutput(report: report, remarks: snapshot.remarks + report.remarks)
    switch format {
    case .text: Console.output.write(output.text(on: .output))
    case .json: Console.output.write(line: output.json.text)
    }
    for remark in output.remarks { Console.error.write(line: remark) }
    Console.error.write(line: output.summary)
    if report.deniedCount > 0 { throw ExitCode.violations }
  }

  private func withCluster(_ configuration: Configuration) -> Configuration {
    var configuration = configuration
    configuration.inventoryPaths = nil
    configuration.context = context ?? configuration.context
    configuration.kubeconfig = kubeconfig ?? configuration.kubeconfig
    if configuration.kubeconfig == nil, configuration.inCluster == nil {
      let environment = ProcessInfo.processInfo.environment
      let paths = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
      let standard = (environment["HOME"] ?? "") + "/.kube/config"
      configuration.kubeconfig = (paths + [standard]).first { FileManager.default.fileExists(atPath: $0) }
    }
    return configuration
  }

  /// Waits for what policies read of the cluster, and for the policies themselves.
  private func waitUntilRead(
    _ cluster: ClusterConnection, _ policies: PolicyFollower, _ counter: ScanProgress
  ) async throws {
    let end = ContinuousClock.now + (timeout?.duration ?? .seconds(120))
    while !cluster.follower.isSynced || !policies.readiness.isReady {
      if ContinuousClock.now > end {
        counter.finish()
        var reasons = cluster.follower.statuses.filter { $0.phase != .followed }.map(\.description)
        let detail = policies.readiness.detail
        if !detail.isEmpty { reasons.append(detail) }
        throw CommandFailure(
          ["the cluster \(cluster.client.configuration.server) could not be read in time"] + reasons)
      }
      counter.update("waiting for \(cluster.client.configuration.server)")
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}

/// Says on a terminal how far a scan has come that takes over a second.
private final class ScanProgress: Sendable {
  private let isShown = Console.error.isTerminal
  private let state = Mutex((next: ContinuousClock.now + .seconds(1), hasText: false))

  func update(_ text: String) {
    guard isShown else { return }
    let isDue = state.withLock { state in
      guard ContinuousClock.now >= state.next else { return false }
      state = (ContinuousClock.now + .milliseconds(100), true)
      return true
    }
    if isDue { Console.error.write("\r\u{1b}[K\(text)") }
  }

  /// Takes the text away again.
  func finish() {
    if state.withLock({ $0.hasText }) { Console.error.write("\r\u{1b}[K") }
  }
}
