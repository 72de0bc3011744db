// Measures what it costs to know what network policies mean: the model of an inventory, and the functions that policies call.
//
//     connectivity-benchmark INVENTORY [COUNT]
//
// prints one line of JSON. Times are in microseconds. Each call of a function takes the way that a decision takes: from the request's
// value to the value that a policy reads.

import Admission
import Connectivity
import Foundation
import Kubernetes
import Rego

struct Trouble: Error, CustomStringConvertible {
  let description: String
}

func now() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Kibibytes of a field of `/proc/self/status`; 0 where there is none.
func memory(_ field: String) -> Int {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") } ?? ""
  return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
}

func builtin(_ name: String) throws -> @Sendable (BuiltinContext, [Value]) throws(BuiltinError) -> Value? {
  guard let found = BuiltinRegistry.policies[name], case .contextual(let body) = found.implementation else {
    throw Trouble(description: "there is no function \(name)")
  }
  return body
}

/// Median, 99th percentile and maximum.
func summary(_ durations: [Int]) -> Value {
  let sorted = durations.sorted()
  func at(_ part: Double) -> Value {
    let duration = sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    return .number(Number(duration / 1000))
  }
  return ["p50": at(0.5), "p99": at(0.99), "max": at(1)]
}

struct Requests {
  let inventory: Value
  let namespaces: [RegoString]

  init(_ inventory: Inventory) throws {
    self.inventory = inventory.value
    namespaces = (inventory.value["namespace"]?.object?.keys ?? []).compactMap {
      if case .string(let name) = $0 { name } else { nil }
    }
    if namespaces.isEmpty { throw Trouble(description: "the inventory has no namespaces") }
  }

  private func namespace(_ turn: Int) -> RegoString { namespaces[turn * 7 % namespaces.count] }

  private func request(
    _ operation: Value, _ kind: Value, _ namespace: RegoString, _ name: Value, _ object: Value, _ old: Value
  ) -> Value {
    [
      "operation": operation, "kind": kind, "namespace": .string(namespace), "name": name, "object": object,
      "oldObject": old,
    ]
  }

  /// An edit of a policy: of its ports, its peers, its block, or what it selects.
  func policyEdit(_ turn: Int) throws -> Value {
    let namespace = namespace(turn)
    let policies = inventory["namespace"]?[namespace.string]?["networking.k8s.io/v1"]?["NetworkPolicy"]?
      .object
    guard let policies, policies.count > 0, let old = policies.values[turn % policies.count].object,
      let spec = old["spec"]?.object
    else { throw Trouble(description: "namespace \(namespace) has no policies") }
    let edit: (Value, Value) =
      switch turn / 3 % 4 {
      case 0:
        (
          "ingress",
          [["from": [["podSelector": ["matchLabels": ["role": "client"]]]], "ports": [["port": 9090]]]]
        )
      case 1: ("ingress", [["from": [["namespaceSelector": ["matchLabels": ["env": "prod"]]]]]])
      case 2: ("ingress", [["from": [["ipBlock": ["cidr": "10.0.0.0/8"]]]]])
      default: ("podSelector", ["matchLabels": ["tier": "backend"]])
      }
    let new = old.inserting("spec", .object(spec.inserting(edit.0, edit.1)))
    return request(
      "UPDATE", ["group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"], namespace,
      old["metadata"]?["name"] ?? "", .object(new), .object(old))
  }

  /// The other of two values of a label that half of the namespaces have.
  func relabelling(_ turn: Int) throws -> Value {
    let namespace = namespace(turn)
    guard let old = inventory["cluster"]?["v1"]?["Namespace"]?[namespace.string]?.object,
      let metadata = old["metadata"]?.object, let labels = metadata["labels"]?.object
    else { throw Trouble(description: "there is no namespace \(namespace)") }
    let env: Value = labels["env"] == "prod" ? "dev" : "prod"
    let new = old.inserting(
      "metadata", .object(metadata.inserting("labels", .object(labels.inserting("env", env)))))
    return request(
      "UPDATE", ["group": "", "version": "v1", "kind": "Namespace"], namespace, .string(namespace),
      .object(new),
      .object(old))
  }

  /// A Deployment whose pods a policy selects, or none.
  func deployment(_ turn: Int) -> Value {
    let namespace = namespace(turn)
    let app: Value = turn % 2 == 0 ? .string("app-\(turn % 10)") : .string("lonely-\(turn)")
    let object: Value = [
      "apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": ["name": "fresh", "namespace": .string(namespace)],
      "spec": [
        "template": [
          "metadata": ["labels": ["app": app, "tier": "backend"]],
          "spec": ["containers": [["name": "c", "ports": [["containerPort": 8080]]]]],
        ]
      ],
    ]
    return request(
      "CREATE", ["group": "apps", "version": "v1", "kind": "Deployment"], namespace, "fresh", object, .null)
  }
}

func measure(_ count: Int, _ body: (Int) throws -> Void) rethrows -> [Int] {
  for turn in 0..<min(count, 20) { try body(turn) }
  return try (0..<count).map { turn in
    let start = now()
    try body(turn)
    return now() - start
  }
}

func run() throws {
  let arguments = CommandLine.arguments.dropFirst()
  guard let path = arguments.first else { throw Trouble(description: "usage: INVENTORY [COUNT]") }
  let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 1000
  let inventory = try InventoryLoader.load([path])
  let before = memory("VmRSS")
  let selection = Configuration.BuiltinSelection.named(["protected_workloads"])
  let policies = try PolicyCompiler().compile(try selection.sources)
  var model = ClusterModel(inventory, for: policies)
  var building: [Int] = []
  let held = memory("VmRSS") - before
  for _ in 0..<3 {
    let start = now()
    model = ClusterModel(inventory, for: policies)
    building.append(now() - start)
  }
  let requests = try Requests(inventory)
  let changes = try builtin("netpol.changes")
  let selecting = try builtin("netpol.selecting")
  func call(_ request: Value) throws -> Value? {
    let question = ClusterQuestion(SharedModel(model), request: request.object)
    return try changes(BuiltinContext(nowNanoseconds: 0, host: question), [request])
  }
  var told = 0
  let edits = try (0..<count).map(requests.policyEdit)
  let edited = try measure(count) { told += try call(edits[$0])?["added"]?.array?.count ?? 0 }
  let labels = try (0..<count).map(requests.relabelling)
  let relabelled = try measure(count) { _ = try call(labels[$0]) }
  let deployments = (0..<count).map(requests.deployment)
  let deployed = try measure(count) { told += try call(deployments[$0])?["added"]?.array?.count ?? 0 }
  let objects = deployments.compactMap { $0["object"] }
  // Many calls by one clock, since one is shorter than reading it is exact.
  let context = BuiltinContext(nowNanoseconds: 0, host: ClusterQuestion(SharedModel(model)))
  let start = now()
  for turn in 0..<10 * count { _ = try selecting(context, [objects[turn % count]]) }
  let selected = (now() - start) / (10 * count)
  let result: Value = [
    "namespaces": .int(requests.namespaces.count), "objects": .int(inventory.objectCount),
    "build": .int((building.min() ?? 0) / 1000), "modelKiB": .int(held), "processKiB": .int(memory("VmHWM")),
    "policyEdit": summary(edited), "relabelling": summary(relabelled), "deployment": summary(deployed),
    "selectingNanoseconds": .int(selected), "connectionsTold": .int(told),
  ]
  print(result.json)
}

do {
  try run()
} catch {
  FileHandle.standardError.write(Data("connectivity-benchmark: \(error)\n".utf8))
  exit(2)
}
