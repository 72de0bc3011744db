import Kubernetes
import Rego

extension NetworkPolicyBuiltins {
  /// Whether some function among names needs the cluster's pods, and not its policies alone.
  public static func needPods(_ functions: Set<String>) -> Bool {
    functions.contains { !$0.utf8.elementsEqual(selecting.name.utf8) }
  }

  /// The functions among the names of builtins.
  public static func functions(among names: Set<String>) -> Set<String> {
    names.filter { name in all.contains { $0.name.utf8.elementsEqual(name.utf8) } }
  }

  /// Whether some function among names is told the whole request, and so knows about every operation.
  public static func judgeRequests(_ functions: Set<String>) -> Bool {
    functions.contains { name in
      [changes, uncovered, lint].contains { $0.name.utf8.elementsEqual(name.utf8) }
    }
  }

  /// What functions read of the review of a request, beside what policies hand to them.
  ///
  /// - Parameters:
  ///   - functions: those that a policy calls.
  ///   - kind: the kind of the request's object; nil where it may be any.
  public static func shape(of functions: Set<String>, forKind kind: RegoString?) -> PathShape {
    if functions.isEmpty { return .none }
    let object: PathShape
    switch kind {
    case nil: object = metadata.union(rest)
    case let kind? where workloads.contains(kind):
      // A workload has no effect on which policies select.
      object = needPods(functions) ? metadata.union(pods) : .none
    case let kind? where others.contains(kind): object = metadata.union(rest)
    default: return .none
    }
    return members([
      "request": members([
        "operation": .all, "name": .all, "namespace": .all, "kind": .all, "object": object,
        "oldObject": object,
      ])
    ])
  }

  private static let workloads = KindTable.workloadKinds

  /// The kinds besides workloads that decide something.
  private static let others = ClusterModelBuilder.policyKinds.union([
    "Namespace", "Service", "Ingress", "Route",
  ])

  private static let rest = members(["spec": .all, "specs": .all, "status": .all])

  private static let metadata = members([
    "apiVersion": .all, "kind": .all,
    "metadata": members([
      "name": .all, "generateName": .all, "namespace": .all, "labels": .all, "ownerReferences": .all,
      "deletionTimestamp": .all,
    ]),
  ])

  private static let pods: PathShape = {
    let ports = elements(members(["containerPort": .all, "name": .all, "protocol": .all]))
    let containers = elements(members(["restartPolicy": .all, "ports": ports]))
    let spec = members(["hostNetwork": .all, "containers": containers, "initContainers": containers])
    let template = members(["metadata": members(["labels": .all]), "spec": spec])
    let job = members(["spec": members(["template": template])])
    return members([
      "spec": spec.union(members(["template": template, "jobTemplate": job])),
      "status": members(["podIP": .all, "podIPs": .all, "phase": .all]),
    ])
  }()

  private static func members(_ members: KeyValuePairs<RegoString, PathShape>) -> PathShape {
    .members(members.map { ($0.key, $0.value) })
  }

  private static func elements(_ shape: PathShape) -> PathShape { .members([], elements: shape) }
}
