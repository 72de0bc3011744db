@testable import Connectivity
import Kubernetes
import Rego
import Testing

/// What a change is said to open and close beside the lists of before and after.
@Suite("Changes agree with lists")
struct ChangeTests {
  @Test("A thousand changes of small clusters", arguments: 0..<10)
  func agree(part: Int) throws {
    var kinds: [String: Int] = [:]
    for offset in 0..<100 {
      let seed = UInt64(part * 100 + offset)
      var random = SeededGenerator(seed: seed ^ 0xabcd)
      let before = SmallCluster(seed: seed)
      var after = before
      guard let (object, isGone) = try change(&after, &random) else { continue }
      let (value, reference, metadata) = try SmallCluster.read(object)
      kinds[reference.kind.kind.string, default: 0] += 1
      let model = try before.model()
      let change = try ModelChange(
        ObjectChange(reference, new: isGone ? nil : .init(object: value, metadata: metadata)), to: model)
      let expected = Lists(Analysis(model), Analysis(try after.model()))
      let found = try change.connections(reading: .manifests, bounds: false)
      if let difference = expected.difference(found) {
        Issue.record("seed \(seed), \(reference): \(difference)")
        return
      }
    }
    #expect(kinds.count >= 5, "\(kinds)")
  }

  @Test("In decisions, which know addresses and bounds, changes are those of all pairs", arguments: 0..<6)
  func allPairs(part: Int) throws {
    for offset in 0..<100 {
      let seed = UInt64(10_000 + part * 100 + offset)
      var random = SeededGenerator(seed: seed ^ 0xabcd)
      var cluster = SmallCluster(seed: seed)
      let model = try cluster.model()
      guard let (object, isGone) = try change(&cluster, &random) else { continue }
      let (value, reference, metadata) = try SmallCluster.read(object)
      let change = try ModelChange(
        ObjectChange(reference, new: isGone ? nil : .init(object: value, metadata: metadata)), to: model)
      let found = try change.connections()
      var expected: [String: (added: ConnectionSet, removed: ConnectionSet)] = [:]
      let old = LiveModel(change.before)
      let new = LiveModel(change.after)
      let workloads = Set(
        [old, new].flatMap { $0.model.namespaces.values.flatMap { $0.groups.map(\.workload) } })
      func allowed(_ live: LiveModel, _ source: Workload, _ destination: Workload) -> (
        upper: ConnectionSet, lower: ConnectionSet
      ) {
        guard let from = live.model.namespaces[source.namespace],
          let to = live.model.namespaces[destination.namespace]
        else { return (.none, .none) }
        return live.allowed(
          .egress, of: live.sides(of: from.groups(of: source), in: from, .egress),
          with: live.sides(of: to.groups(of: destination), in: to, .ingress))
      }
      for source in workloads {
        for destination in workloads where source != destination {
          let before = allowed(old, source, destination)
          let after = allowed(new, source, destination)
          let added = after.upper.subtracting(before.lower)
          let removed = before.lower.subtracting(after.upper)
          // Where a pair is as uncertain as it was, it is not of the change's making.
          if before == after { continue }
          if !added.isEmpty || !removed.isEmpty { expected["\(source) \(destination)"] = (added, removed) }
        }
      }
      for one in found {
        guard case .workload(let source) = one.source, case .workload(let destination) = one.destination
        else {
          continue
        }
        let pair = "\(source) \(destination)"
        if let wanted = expected.removeValue(forKey: pair) {
          #expect(wanted == (one.added, one.removed), "seed \(seed), \(reference): \(pair)")
        } else {
          // Told because it cannot be told, before as after.
          let before = allowed(old, source, destination)
          #expect(before.upper != before.lower, "seed \(seed), \(reference): \(pair) is the same")
        }
      }
      #expect(expected.isEmpty, "seed \(seed), \(reference): \(expected.keys.sorted()) are missing")
    }
  }

  /// Changes the cluster; the object that was changed, and whether it is gone.
  private func change(
    _ cluster: inout SmallCluster, _ random: inout SeededGenerator
  ) throws -> (Value, isGone: Bool)? {
    switch Int.random(in: 0...7, using: &random) {
    case 0, 1:
      let index = cluster.policies.firstIndex { $0.kind == .network }
      let name = index.map { cluster.policies[$0].name } ?? "new"
      let namespace = index.map { cluster.policies[$0].namespace } ?? "ns0"
      let policy = SmallCluster.networkPolicy(name, in: namespace, &random)
      if let index { cluster.policies[index] = policy } else { cluster.policies.append(policy) }
      return (policy.value, false)
    case 2:
      guard let index = cluster.policies.indices.randomElement(using: &random) else { return nil }
      let policy = cluster.policies.remove(at: index)
      return (policy.value, true)
    case 3:
      guard let index = cluster.policies.firstIndex(where: { $0.kind != .network }) else { return nil }
      let old = cluster.policies[index]
      let policy = SmallCluster.adminPolicy(old.kind, old.name, priority: old.priority, &random)
      cluster.policies[index] = policy
      return (policy.value, false)
    case 4, 5:
      let name = try #require(cluster.namespaces.keys.sorted().randomElement(using: &random))
      cluster.namespaces[name] = SmallCluster.labels(&random)
        .merging(["kubernetes.io/metadata.name": name]) { $1 }
      return (cluster.namespace(name), false)
    case 6:
      let index = try #require(cluster.pods.indices.randomElement(using: &random))
      cluster.pods[index].labels = SmallCluster.labels(&random)
      cluster.pods[index].ports = SmallCluster.containerPorts(&random)
      return (cluster.pods[index].value, false)
    default:
      if Bool.random(using: &random) {
        let index = try #require(cluster.pods.indices.randomElement(using: &random))
        let pod = cluster.pods.remove(at: index)
        return (pod.value, true)
      }
      let pod = SmallCluster.Pod(
        namespace: "ns0", name: "another", labels: SmallCluster.labels(&random),
        ports: SmallCluster.containerPorts(&random), address: 10 << 24 | 9 << 16)
      cluster.pods.append(pod)
      return (pod.value, false)
    }
  }

  @Test("A policy's edit tells which rule opens what")
  func rules() throws {
    var cluster = SmallCluster()
    cluster.namespaces["shop"] = ["kubernetes.io/metadata.name": "shop"]
    for (index, name) in ["web", "db"].enumerated() {
      cluster.pods.append(
        .init(namespace: "shop", name: name, labels: ["app": name], ports: [], address: UInt32(index)))
    }
    var policy = SmallCluster.Policy(kind: .network, namespace: "shop", name: "db")
    policy.subjectPods.labels["app"] = "db"
    policy.types = ["Ingress"]
    cluster.policies = [policy]
    let model = try cluster.model()
    policy.ingress = [
      .init(
        peers: [.selectors(namespaces: nil, pods: .init(labels: ["app": "web"]))], ports: [.number(nil, 5432)]
      )
    ]
    let (value, reference, metadata) = try SmallCluster.read(policy.value)
    let change = try ModelChange(
      ObjectChange(reference, new: .init(object: value, metadata: metadata)), to: model)
    let found = try change.connections()
    #expect(found.count == 1)
    #expect(found.first?.source.description == "shop/web[Pod]")
    #expect(found.first?.destination.description == "shop/db[Pod]")
    #expect(found.first?.added.description == "TCP 5432")
    #expect(found.first?.removed.isEmpty == true)
    #expect(found.first?.addedBy.map(\.description) == ["NetworkPolicy shop/db ingress[0]"])
    #expect(throws: ModelChange.Interruption.tooMany(limit: 0)) { try change.connections(limit: 0) }
    #expect(throws: ModelChange.Interruption.cancelled) {
      try change.connections(limit: 0) { true }
    }
  }

  @Test("An object that cannot be understood is an error, and not no change")
  func misunderstood() throws {
    var policy = SmallCluster.Policy(kind: .network, namespace: "shop", name: "db")
    policy.types = ["Sideways"]
    let (value, reference, metadata) = try SmallCluster.read(policy.value)
    let model = try SmallCluster().model()
    #expect(throws: Problem.self) {
      try ModelChange(ObjectChange(reference, new: .init(object: value, metadata: metadata)), to: model)
    }
  }
}

/// What the lists of two models say of each two ends.
private struct Lists {
  private struct Ends: Hashable {
    let source: Endpoint
    let destination: Endpoint
  }

  private static let addresses: [UInt32] = [
    0, 10 << 24, 10 << 24 | 1 << 16, 10 << 24 | 3 << 16 | 1, 11 << 24, .max,
  ]
  private let before: [AllowedConnections]
  private let after: [AllowedConnections]

  init(_ before: Analysis, _ after: Analysis) {
    self.before = before.connections()
    self.after = after.connections()
  }

  /// By pairs, with the outside as single addresses.
  private static func pairs(
    _ list: [(source: Endpoint, destination: Endpoint, connections: ConnectionSet)]
  ) -> [Ends: ConnectionSet] {
    var pairs: [Ends: ConnectionSet] = [:]
    for element in list where !element.connections.isEmpty {
      func ends(_ address: UInt32?) -> Ends {
        func end(_ end: Endpoint) -> Endpoint {
          if case .addresses = end, let address { return .addresses(AddressRange(.v4(address))) }
          return end
        }
        return Ends(source: end(element.source), destination: end(element.destination))
      }
      var range: IntervalSet<UInt32>.Interval?
      for case .addresses(.v4(let found)) in [element.source, element.destination] { range = found }
      guard let range else {
        pairs[ends(nil)] = element.connections
        continue
      }
      for address in addresses where range.lower <= address && address <= range.upper {
        pairs[ends(address)] = element.connections
      }
    }
    return pairs
  }

  /// The first pair about which the changes say something else; nil where there is none.
  func difference(_ changes: [ConnectionChange]) -> String? {
    let old = Self.pairs(before.map { ($0.source, $0.destination, $0.connections) })
    let new = Self.pairs(after.map { ($0.source, $0.destination, $0.connections) })
    let added = Self.pairs(changes.map { ($0.source, $0.destination, $0.added) })
    let removed = Self.pairs(changes.map { ($0.source, $0.destination, $0.removed) })
    for ends in Set(old.keys).union(new.keys).union(added.keys).union(removed.keys) {
      let (a, b) = (old[ends] ?? .none, new[ends] ?? .none)
      let (more, less) = (added[ends] ?? .none, removed[ends] ?? .none)
      if more != b.subtracting(a) || less != a.subtracting(b) {
        return
          "\(ends.source) => \(ends.destination): \(a) before, \(b) after, but added \(more), removed \(less)"
      }
    }
    for change in changes where change.added.isEmpty && !change.addedBy.isEmpty {
      return "\(change.source) => \(change.destination): rules for nothing added"
    }
    return nil
  }
}
