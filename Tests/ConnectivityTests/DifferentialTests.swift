import Connectivity
import Testing

/// The library's lists beside the judgement of single connections, on clusters made at random.
@Suite("Lists and single connections agree")
struct DifferentialTests {
  static let seedsEach = 500

  @Test("Ten thousand small clusters", arguments: 0..<20)
  func agree(part: Int) throws {
    for offset in 0..<Self.seedsEach {
      let seed = UInt64(part * Self.seedsEach + offset)
      let cluster = SmallCluster(seed: seed)
      let analysis = Analysis(try cluster.model())
      let questions = Questions(cluster, analysis.connections(), seed: seed)
      if let difference = try questions.difference(analysis) {
        Issue.record("seed \(seed): \(difference)")
        return
      }
    }
  }

  @Test("The clusters are of all sorts")
  func variety() throws {
    var kinds: [SmallCluster.Kind: Int] = [:]
    var allowed = 0
    var denied = 0
    for seed in 0..<300 {
      let cluster = SmallCluster(seed: UInt64(seed))
      for policy in cluster.policies { kinds[policy.kind, default: 0] += 1 }
      let judge = NaiveJudge(cluster: cluster)
      for source in cluster.pods {
        for destination in cluster.pods where source.name != destination.name {
          let connection = NaiveJudge.Connection(
            source: .pod(source), destination: .pod(destination), transport: "TCP", port: 80)
          if judge.allows(connection) { allowed += 1 } else { denied += 1 }
        }
      }
    }
    #expect(kinds.count == 5)
    #expect(kinds.values.allSatisfy { $0 > 50 })
    #expect(allowed > 300 && denied > 300)
  }
}

/// Connections to ask about, and the answers of a list.
private struct Questions {
  let cluster: SmallCluster
  private var answers: [[String]: ConnectionSet] = [:]
  private var outside: [String: [(isSource: Bool, range: AddressRange, connections: ConnectionSet)]] = [:]
  private let seed: UInt64

  init(_ cluster: SmallCluster, _ list: [AllowedConnections], seed: UInt64) {
    self.cluster = cluster
    self.seed = seed
    for element in list {
      switch (element.source, element.destination) {
      case (.workload(let source), .workload(let destination)):
        answers[[source.description, destination.description]] = element.connections
      case (.addresses(let range), .workload(let workload)):
        outside[workload.description, default: []].append((true, range, element.connections))
      case (.workload(let workload), .addresses(let range)):
        outside[workload.description, default: []].append((false, range, element.connections))
      default: continue
      }
    }
  }

  private func name(_ pod: SmallCluster.Pod) -> String { "\(pod.namespace)/\(pod.name)[Pod]" }

  private func listed(_ connection: NaiveJudge.Connection) -> ConnectionSet {
    switch (connection.source, connection.destination) {
    case (.pod(let source), .pod(let destination)):
      return answers[[name(source), name(destination)]] ?? .none
    case (.address(let address), .pod(let pod)): return outside(pod, address, isSource: true)
    case (.pod(let pod), .address(let address)): return outside(pod, address, isSource: false)
    case (.address, .address): return .none
    }
  }

  private func outside(_ pod: SmallCluster.Pod, _ address: UInt32, isSource: Bool) -> ConnectionSet {
    outside[name(pod)]?.first { entry in
      guard entry.isSource == isSource, case .v4(let range) = entry.range else { return false }
      return range.lower <= address && address <= range.upper
    }?.connections ?? .none
  }

  /// The first connection about which the two do not agree.
  func difference(_ analysis: Analysis) throws -> String? {
    let judge = NaiveJudge(cluster: cluster)
    var random = SeededGenerator(seed: seed ^ 0x5555)
    let addresses: [UInt32] = [0, 10 << 24, 10 << 24 | 1 << 16, 11 << 24 | 2 << 16 | 7, .max]
    let ends = cluster.pods.map(NaiveJudge.End.pod) + addresses.map(NaiveJudge.End.address)
    for (i, source) in ends.enumerated() {
      for (j, destination) in ends.enumerated() where i != j {
        if i >= cluster.pods.count && j >= cluster.pods.count { continue }
        for _ in 0..<3 {
          let connection = NaiveJudge.Connection(
            source: source, destination: destination,
            transport: SmallCluster.transports.randomElement(using: &random) ?? "TCP",
            port: (SmallCluster.ports + [2, 1000]).randomElement(using: &random) ?? 80)
          let transport = try #require(TransportProtocol(rawValue: connection.transport))
          let isListed = listed(connection).contains(transport, port: UInt16(connection.port))
          if isListed != judge.allows(connection) {
            return "\(connection): the list says \(isListed)"
          }
        }
        // Explaining takes longest; every tenth cluster will do.
        if seed % 10 == 0, let difference = try unexplained(analysis, source, destination) {
          return difference
        }
      }
    }
    return nil
  }

  /// What is said to be why must be the whole, and come to what is listed.
  private func unexplained(
    _ analysis: Analysis, _ source: NaiveJudge.End, _ destination: NaiveJudge.End
  ) throws -> String? {
    func end(_ end: NaiveJudge.End) throws -> Endpoint {
      switch end {
      case .pod(let pod): try analysis.endpoint(named: name(pod))
      case .address(let address): .addresses(AddressRange(Address.v4(address)))
      }
    }
    let explanation = try analysis.explain(from: end(source), to: end(destination))
    let connection = NaiveJudge.Connection(
      source: source, destination: destination, transport: "TCP", port: 1)
    if explanation.allowed != listed(connection) {
      return
        "\(explanation.source) => \(explanation.destination): explained \(explanation.allowed), listed \(listed(connection))"
    }
    for reasons in [explanation.egress, explanation.ingress] where !reasons.isEmpty {
      let all = reasons.reduce(ConnectionSet.none) { $0.union($1.connections) }
      if !all.isAll { return "\(explanation.source) => \(explanation.destination): only \(all) is explained" }
      let allowed = reasons.filter(\.isAllowed).reduce(ConnectionSet.none) { $0.union($1.connections) }
      let denied = reasons.filter { !$0.isAllowed }.reduce(ConnectionSet.none) { $0.union($1.connections) }
      if !allowed.intersection(denied).isEmpty {
        return "\(allowed.intersection(denied)) is allowed and denied"
      }
    }
    return nil
  }
}
