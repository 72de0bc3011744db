import Kubernetes
import Rego

/// The builtins that know what the cluster's policies mean. Asked about what they don't know they fail; they are never undefined,
/// which `not` would turn into true.
///
/// They need a ``ClusterQuestion`` as the host of the evaluation. All but `netpol.changes` and its kin answer as the cluster will be
/// with the request admitted.
public enum NetworkPolicyBuiltins {
  public static let all: [Builtin] = [selecting, connections, canConnect, changes, uncovered, lint]

  /// The most connections that one call tells.
  static let limit = 200_000

  static let selecting = Builtin(
    "netpol.selecting", category: "netpol",
    "The policies that select a workload's pods, by the pods' labels and their namespace: NetworkPolicies, those of Cilium and Calico, "
      + "and AdminNetworkPolicies and their kin, which never isolate. None selects pods on their node's network.",
    [workload],
    returns: Builtin.Parameter(
      "policies",
      .array(
        of: .object(
          known: [
            "kind": .string, "name": .string, "isolates": .array(of: .string), "text": .string,
          ], rest: RegoType.KeyValue(.string, .any))),
      "each with kind, namespace (where it has one), name, text, and isolates: the directions Ingress and Egress in which it isolates "
        + "the pods"),
    .contextual { context, operands throws(BuiltinError) in
      let question = try question(context)
      let (object, namespace) = try pods(operands[0], question, isForSelection: true)
      let policies = LiveModel(try question.afterForSelection).selecting(object.traits, in: namespace)
      return .array(policies.map(\.value))
    })

  static let connections = Builtin(
    "netpol.connections", category: "netpol",
    "What may connect to a workload's pods, and to what they may connect, as far as policies have a say.",
    [workload],
    returns: Builtin.Parameter(
      "connections", .object(known: ["ingress": connectionList, "egress": connectionList], rest: nil),
      "the connections to the pods and from them, each with source, destination, ports and the rules that allow it"
    ),
    .contextual { context, operands throws(BuiltinError) in
      let question = try question(context)
      let (object, namespace) = try pods(operands[0], question)
      let model = try question.after
      var values = ConnectionValues([model])
      var members: [(Value, Value)] = []
      for direction in Direction.allCases {
        let found = try interruptible(context) { () throws(ModelChange.Interruption) in
          try LiveModel(model).connections(
            direction, of: namespace.content.workload(of: object), [object.group], in: namespace,
            limit: limit,
            isCancelled: context.isOverdue)
        }
        let list = found.map { values.connection($0.source, $0.destination, $0.connections, $0.rules) }
        members.append((.string(direction.rawValue.lowercased()), .array(list)))
      }
      return .object(ObjectValue(members))
    })

  static let canConnect = Builtin(
    "netpol.can_connect", category: "netpol",
    "Whether policies allow a connection between some pods of two workloads, or between pods and an address. Fails for a workload that "
      + "is not there, and where a policy decides whose meaning is not known.",
    [
      Builtin.Parameter(
        "source", .union([.string, .anyObject]),
        "a workload as NAMESPACE/NAME or NAMESPACE/NAME[KIND], or as netpol.changes has it; an address; or an object that makes pods"
      ),
      Builtin.Parameter("destination", .union([.string, .anyObject]), "the same"),
      Builtin.Parameter(
        "port", .union([.number, .string]), "a number, or the name of a port of the destination's containers"),
      Builtin.Parameter("protocol", .string, "TCP, UDP or SCTP"),
    ],
    returns: Builtin.Parameter("allowed", .boolean, "whether both sides allow it"),
    .contextual { context, operands throws(BuiltinError) in
      .boolean(try ConnectionQuestion(operands, try question(context)).answer())
    })

  static let changes = Builtin(
    "netpol.changes", category: "netpol",
    "The connections that admitting a request adds and removes: of policies, namespaces and their labels, and workloads. What cannot be "
      + "told counts as added where it may be open afterwards and was not for certain before.",
    [request],
    returns: Builtin.Parameter(
      "changes",
      .object(
        known: ["added": connectionList, "removed": connectionList, "warnings": .array(of: .string)],
        rest: nil),
      "the connections, each with source, destination, ports and the rules that allow it; and what about the object is not modelled or not defined"
    ),
    .contextual { context, operands throws(BuiltinError) in
      let question = try question(context)
      let change = try change(operands[0], question)
      guard case .object(let request) = operands[0] else { return nil }
      return try question.answer(request) { () throws(BuiltinError) in try connections(of: change, context) }
    })

  static let uncovered = Builtin(
    "netpol.uncovered", category: "netpol",
    "The workloads that are isolated in some direction now, and that no policy would isolate with the request admitted: what deleting, "
      + "editing or relabelling leaves bare.",
    [request],
    returns: Builtin.Parameter(
      "uncovered",
      .array(
        of: .object(
          known: ["workload": endpoint, "direction": .string, "policies": .array(of: .string)], rest: nil)),
      "each with the workload, the direction Ingress or Egress, and the policies that isolate it now"),
    .contextual { context, operands throws(BuiltinError) in
      let change = try change(operands[0], try question(context))
      var values = ConnectionValues([change.after, change.before])
      return .array(
        change.uncovered().map { one in
          [
            "workload": values.end(.workload(one.workload)), "direction": .string(one.direction.rawValue),
            "policies": .array(one.policies.map { .string("\($0)") }),
          ]
        })
    })

  static let lint = Builtin(
    "netpol.lint", category: "netpol",
    "What of the policy that a request creates or changes has no effect, or not the one that it seems to have. Nothing for other "
      + "objects.",
    [request],
    returns: Builtin.Parameter(
      "sentences", .array(of: .string), "such as: it selects no pods; it allows everything that it could deny"
    ),
    .contextual { context, operands throws(BuiltinError) in
      .array(try change(operands[0], try question(context)).lint().map(Value.string))
    })

  // MARK: Types

  private static let workload = Builtin.Parameter(
    "object", .any, "a Pod, or an object that makes pods, with its apiVersion, kind and namespace")
  private static let request = Builtin.Parameter(
    "request", .anyObject, "the request of an AdmissionReview, such as input.request")

  /// A workload, or addresses.
  private static let endpoint = RegoType.object(
    known: ["type": .string, "text": .string], rest: RegoType.KeyValue(.string, .any))

  private static let connectionList = RegoType.array(
    of: .object(
      known: [
        "source": endpoint, "destination": endpoint, "portsText": .string, "through": .string,
        "ports": .array(
          of: .object(known: ["protocol": .string, "port": .number, "endPort": .number], rest: nil)),
        "rules": .array(
          of: .object(
            known: [
              "kind": .string, "name": .string, "direction": .string, "index": .number, "text": .string,
            ], rest: RegoType.KeyValue(.string, .any))),
      ], rest: nil))

  private static func connections(
    of change: ModelChange, _ context: BuiltinContext
  ) throws(BuiltinError) -> Value {
    let found = try interruptible(context) { () throws(ModelChange.Interruption) in
      try change.connections(limit: limit, isCancelled: context.isOverdue)
    }
    var values = ConnectionValues([change.after, change.before])
    var added: [Value] = []
    var removed: [Value] = []
    for one in found {
      if !one.added.isEmpty {
        added.append(values.connection(one.source, one.destination, one.added, one.addedBy))
      }
      if !one.removed.isEmpty {
        removed.append(values.connection(one.source, one.destination, one.removed, one.removedBy))
      }
    }
    return [
      "added": .array(added), "removed": .array(removed),
      "warnings": .array(change.remarks.map(Value.string)),
    ]
  }

  // MARK: Operands

  private static func question(_ context: BuiltinContext) throws(BuiltinError) -> ClusterQuestion {
    guard let question = context.host as? ClusterQuestion else {
      throw .failed("there are no objects of a cluster to answer from")
    }
    return question
  }

  private static func change(
    _ request: Value, _ question: ClusterQuestion
  ) throws(BuiltinError) -> ModelChange {
    guard case .object(let members) = request else { throw .wrongType(1, expected: "object", got: request) }
    let change = try question.change(members)
    for model in [change.before, change.after] {
      if let problem = model.misread.values.first {
        throw .failed("a policy cannot be understood, so that nothing can be told: \(problem)")
      }
    }
    return change
  }

  /// The pods that an object makes, and their namespace.
  static func pods(
    _ object: Value, _ question: ClusterQuestion, isForSelection: Bool = false
  ) throws(BuiltinError) -> (WorkloadObject, NamespaceModel) {
    let workload: WorkloadObject
    do {
      guard case .string(let apiVersion)? = object["apiVersion"],
        case .string(let kindName)? = object["kind"],
        let kind = GroupVersionKind(apiVersion: apiVersion, kind: kindName)
      else { throw Misfit("the object has no apiVersion and kind to tell whether it is a workload") }
      let metadata = try ObjectMetadata(of: object)
      guard let namespace = metadata.namespace ?? question.namespace else {
        throw Misfit("the object has no namespace")
      }
      workload = try WorkloadObject(
        object, reference: ObjectReference(kind: kind, namespace: namespace, name: metadata.displayName),
        metadata: metadata)
    } catch {
      throw .failed(Misfit(error).sentence)
    }
    let model = isForSelection ? try question.afterForSelection : try question.after
    return (workload, try model.namespace(workload.own.namespace, isForSelection: isForSelection))
  }

  private static func interruptible<Result>(
    _ context: BuiltinContext, _ body: () throws(ModelChange.Interruption) -> Result
  ) throws(BuiltinError) -> Result {
    do throws(ModelChange.Interruption) {
      return try body()
    } catch {
      switch error {
      case .cancelled: throw .cancelled
      case .tooMany(let limit): throw .failed("there are more than \(limit) connections")
      }
    }
  }
}

extension BuiltinContext {
  func isOverdue() -> Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }
}

extension SelectingPolicy {
  fileprivate var value: Value {
    let isolates = Direction.allCases.filter(isolates.contains)
    return .object(
      ObjectValue(
        ConnectionValues.members(of: reference) + [
          ("isolates", .array(isolates.map { .string($0.rawValue) })), ("text", .string("\(reference)")),
        ]))
  }
}

extension WorkloadObject {
  /// The pods as they would be alone.
  var group: PodGroup {
    PodGroup(
      workload: own, traits: traits, addresses: addresses, podCount: isPod && !addresses.isEmpty ? 1 : 0,
      example: own.name)
  }
}

extension BuiltinRegistry {
  /// The builtins of policies: the language's own, Kubernetes', and those that know what network policies mean.
  public static let policies = standard.adding(KubernetesBuiltins.all).adding(NetworkPolicyBuiltins.all)
}
