import Kubernetes
import Rego

/// Collects objects into a ``ClusterModel``, and what is wrong with them.
///
/// Objects of kinds that decide nothing are passed over.
public struct ClusterModelBuilder {
  /// A namespace that differs, or may, from that of the base.
  private struct Draft {
    var content: NamespaceContent
    /// Whether pods and workloads are others, and whether policies are.
    var hasOtherPods = false
    var hasOtherPolicies = false
  }

  /// What the model is made from; empty at first.
  private let base: ClusterModel
  private var drafts: [RegoString: Draft] = [:]
  private var clusterPolicies: [ObjectReference: Policy]
  private var hasOtherClusterPolicies = false
  private var foreignPolicies: [ObjectReference: [ForeignPolicy]]
  private var misread: [ObjectReference: Problem]
  /// In the order in which they were found.
  public private(set) var problems: [Problem] = []

  /// - Parameters:
  ///   - enforcedKinds: the kinds of policies that the cluster's network enforces, as `NetworkPolicy`; nil for all that are known.
  ///     Others count for nothing.
  ///   - isLive: whether the objects are those of a cluster that runs, in which pods that have run to their end are no more.
  public init(enforcedKinds: Set<RegoString>? = nil, isLive: Bool = false) {
    self.init(ClusterModel(enforcedKinds: enforcedKinds, isLive: isLive))
  }

  /// A builder that starts with what is in a model. What is added or removed costs as much as its namespace holds.
  public init(_ model: ClusterModel) {
    base = model
    clusterPolicies = model.clusterPoliciesByKey
    foreignPolicies = model.clusterForeignPolicies
    misread = model.misread
  }

  /// The kinds of policies that are known.
  public static let policyKinds: Set<RegoString> = [
    "NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy",
    "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "CalicoNetworkPolicy", "GlobalNetworkPolicy",
  ]

  /// Whether objects of a kind have a say in which connections are possible.
  public static func decides(_ kind: GroupVersionKind) -> Bool {
    switch kind.group.string {
    case "policy.networking.k8s.io", "cilium.io", "projectcalico.org", "crd.projectcalico.org":
      policyKinds.contains(kind.kind)
    case "networking.k8s.io", "extensions":
      kind.kind == "NetworkPolicy" || kind.kind == "Ingress"
        || KindTable.builtin[kind]?.podTemplatePath != nil
    case "":
      kind.kind == "Namespace" || kind.kind == "Service" || KindTable.builtin[kind]?.podTemplatePath != nil
    case "route.openshift.io": kind.kind == "Route"
    default: KindTable.builtin[kind]?.podTemplatePath != nil
    }
  }

  private func isEnforced(_ kind: GroupVersionKind) -> Bool {
    guard let enforcedKinds = base.enforcedKinds else { return true }
    // Calico calls its own kind as Kubernetes does.
    let isCalico = kind.group.utf8.reversed().starts(with: "projectcalico.org".utf8.reversed())
    let name: RegoString = isCalico && kind.kind == "NetworkPolicy" ? "CalicoNetworkPolicy" : kind.kind
    return !Self.policyKinds.contains(name) || enforcedKinds.contains(name)
  }

  // MARK: Adding

  /// Adds the object of a manifest.
  public mutating func add(_ manifest: Manifest) {
    add(
      manifest.object, reference: manifest.reference, metadata: manifest.metadata, location: manifest.location
    )
  }

  /// Adds an object as the API server shows it. One that is there already is a problem.
  public mutating func add(
    _ object: Value, reference: ObjectReference, metadata: ObjectMetadata, location: Location? = nil
  ) {
    guard let part = read(object, reference, metadata, location) else { return }
    if contains(part, reference) {
      let isWorkload = if case .workload = part { true } else { false }
      problems.append(
        Problem(isWorkload ? .warning : .error, reference, at: location, isWorkload ? Self.last : Self.twice))
    }
    put(part, reference)
  }

  /// Adds an object as the API server shows it, in the place of the one of its kind and name.
  public mutating func set(_ object: Value, reference: ObjectReference, metadata: ObjectMetadata) {
    forgetMisread(reference)
    guard let part = read(object, reference, metadata, nil) else {
      remove(reference)
      noteMisread(reference)
      return
    }
    put(part, reference)
  }

  /// Takes an object out, where it is in.
  public mutating func remove(_ reference: ObjectReference) {
    let key = reference.key
    let namespace = reference.namespace ?? "default"
    forgetMisread(reference)
    switch (key.kind.group.string, key.kind.kind.string) {
    case ("", "Namespace"):
      if content(of: reference.name)?.labels != nil { change(reference.name) { $0.content.labels = nil } }
    case ("networking.k8s.io", "NetworkPolicy"):
      if content(of: namespace)?.policies[reference.name] == nil { return }
      change(namespace) {
        $0.content.policies[reference.name] = nil
        $0.hasOtherPolicies = true
      }
    case ("", "Service"):
      if content(of: namespace)?.services[reference.name] == nil { return }
      change(namespace) { $0.content.services[reference.name] = nil }
    case ("", "Pod"):
      if content(of: namespace)?.pods[reference.name] == nil { return }
      change(namespace) {
        $0.content.pods[reference.name] = nil
        $0.hasOtherPods = true
      }
    default: removeOther(reference, key, namespace)
    }
  }

  private mutating func removeOther(
    _ reference: ObjectReference, _ key: ObjectReference, _ namespace: RegoString
  ) {
    if clusterPolicies.removeValue(forKey: key) != nil {
      hasOtherClusterPolicies = true
      return
    }
    if foreignPolicies.removeValue(forKey: key) != nil { return }
    guard let content = content(of: namespace) else { return }
    if content.foreignPolicies[key] != nil {
      change(namespace) { $0.content.foreignPolicies[key] = nil }
    } else if content.gateways[key] != nil {
      change(namespace) { $0.content.gateways[key] = nil }
    } else if KindTable.builtin[reference.kind]?.podTemplatePath != nil {
      let workload = Workload(namespace: namespace, name: reference.name, kind: reference.kind.kind)
      if content.workloads[workload] == nil { return }
      change(namespace) {
        $0.content.workloads[workload] = nil
        $0.hasOtherPods = true
      }
    }
  }

  private static let twice =
    "there is another one of this kind and name, and which of the two the cluster has cannot be told"
  private static let last = "there is another one of this name; the last one counts"

  // MARK: Reading

  /// What an object says.
  private enum Part {
    case labels(ObjectValue)
    case policy(Policy)
    case clusterPolicy(Policy)
    case service(Service)
    case gateway(Gateway)
    case foreign([ForeignPolicy])
    case workload(WorkloadObject)
  }

  /// Nil for what decides nothing, and for what cannot be understood, which is a problem.
  private mutating func read(
    _ object: Value, _ reference: ObjectReference, _ metadata: ObjectMetadata, _ location: Location?
  ) -> Part? {
    guard let members = object.object, isEnforced(reference.kind) else { return nil }
    do {
      return try part(members, reference, metadata, location)
    } catch {
      problems.append(Problem(.error, reference, at: location, Misfit(error).sentence))
      return nil
    }
  }

  private mutating func part(
    _ object: ObjectValue, _ reference: ObjectReference, _ metadata: ObjectMetadata, _ location: Location?
  ) throws -> Part? {
    let kind = reference.kind
    switch (kind.group.string, kind.kind.string) {
    case ("", "Namespace"): return .labels(metadata.labels)
    case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
      noteUnknownFields(.networkPolicy, object, reference, location)
      return .policy(try Policy.networkPolicy(object, reference: reference, location: location))
    case ("policy.networking.k8s.io", _):
      guard let kind = AdminPolicyKind(kind) else { return nil }
      var reader = AdminPolicyReader(kind, reference: reference, location: location)
      let policy = try reader.read(object)
      problems += reader.warnings
      noteUnknownFields(.adminPolicy, object, reference, location)
      return .clusterPolicy(policy)
    case ("", "Service"): return .service(try Service(object, name: reference.name))
    case ("networking.k8s.io", "Ingress"), ("extensions", "Ingress"):
      return .gateway(try Gateway.ingress(object, reference: reference, location: location))
    case ("route.openshift.io", "Route"):
      return .gateway(try Gateway.route(object, reference: reference, location: location))
    case ("cilium.io", _), ("projectcalico.org", _), ("crd.projectcalico.org", _):
      guard let policies = try ForeignPolicy.read(object, reference: reference, location: location) else {
        return nil
      }
      problems.append(
        Problem(
          .warning, reference, at: location,
          "its rules are not modelled yet: it counts as coverage, and not in connections"))
      return .foreign(policies)
    default:
      guard KindTable.builtin[kind]?.podTemplatePath != nil else { return nil }
      let workload = try WorkloadObject(.object(object), reference: reference, metadata: metadata)
      return workload.hasEnded && base.isLive ? nil : .workload(workload)
    }
  }

  /// Warns about what kubectl would refuse: a misspelt field is passed over, and makes a rule wider than it looks.
  private mutating func noteUnknownFields(
    _ fields: PolicyFields, _ object: ObjectValue, _ reference: ObjectReference, _ location: Location?
  ) {
    // The API server has taken them away.
    if base.isLive { return }
    for path in fields.unknown(in: .object(object)) {
      problems.append(Problem(.warning, reference, at: location, "\(path) is not known: it is passed over"))
    }
  }

  // MARK: Filing

  private func content(of namespace: RegoString) -> NamespaceContent? {
    drafts[namespace]?.content ?? base.namespaces[namespace]?.content
  }

  private mutating func change(_ namespace: RegoString, _ body: (inout Draft) -> Void) {
    var draft = drafts[namespace] ?? Draft(content: base.namespaces[namespace]?.content ?? NamespaceContent())
    // Not held twice, so that changing it copies nothing.
    drafts[namespace] = nil
    body(&draft)
    drafts[namespace] = draft
  }

  private func contains(_ part: Part, _ reference: ObjectReference) -> Bool {
    let key = reference.key
    let content = content(of: reference.namespace ?? "default")
    return switch part {
    case .labels: self.content(of: reference.name)?.labels != nil
    case .policy: content?.policies[reference.name] != nil
    case .clusterPolicy: clusterPolicies[key] != nil
    // Of these the last one counts, and nothing is told.
    case .service, .gateway, .foreign: false
    case .workload(let workload):
      workload.isPod ? content?.pods[reference.name] != nil : content?.workloads[workload.own] != nil
    }
  }

  /// Files what an object says. Where the same is there already the namespace stays as it is.
  private mutating func put(_ part: Part, _ reference: ObjectReference) {
    let key = reference.key
    let namespace = reference.namespace ?? "default"
    switch part {
    case .labels(let labels):
      if content(of: reference.name)?.labels != labels {
        change(reference.name) { $0.content.labels = labels }
      }
    case .policy(let policy):
      if let other = content(of: namespace)?.policies[reference.name], other.isSame(as: policy) { return }
      change(namespace) {
        $0.content.policies[reference.name] = policy
        $0.hasOtherPolicies = true
      }
    case .clusterPolicy(let policy):
      if let other = clusterPolicies[key], other.isSame(as: policy) { return }
      clusterPolicies[key] = policy
      hasOtherClusterPolicies = true
    case .service(let service):
      if content(of: namespace)?.services[reference.name] == service { return }
      change(namespace) { $0.content.services[reference.name] = service }
    case .gateway(let gateway):
      if content(of: namespace)?.gateways[key]?.backends == gateway.backends { return }
      change(namespace) { $0.content.gateways[key] = gateway }
    case .foreign(let policies):
      if reference.namespace == nil {
        foreignPolicies[key] = policies
        return
      }
      if let others = content(of: namespace)?.foreignPolicies[key], others.count == policies.count,
        zip(others, policies).allSatisfy({ $0.isSame(as: $1) })
      {
        return
      }
      change(namespace) { $0.content.foreignPolicies[key] = policies }
    case .workload(let workload):
      let content = content(of: namespace)
      let other = workload.isPod ? content?.pods[reference.name] : content?.workloads[workload.own]
      if other == workload { return }
      change(namespace) {
        if workload.isPod {
          $0.content.pods[reference.name] = workload
        } else {
          $0.content.workloads[workload.own] = workload
        }
        $0.hasOtherPods = true
      }
    }
  }

  /// Remembers that a policy could not be understood, so that answers can tell that they are none.
  private mutating func noteMisread(_ reference: ObjectReference) {
    let key = reference.key
    guard let problem = problems.last, problem.severity == .error, problem.object == reference,
      Self.modelledGroups.contains(key.kind.group), Self.policyKinds.contains(key.kind.kind)
    else { return }
    if let namespace = reference.namespace {
      change(namespace) { $0.content.misread[key] = problem }
    } else {
      misread[key] = problem
    }
  }

  private mutating func forgetMisread(_ reference: ObjectReference) {
    let key = reference.key
    guard let namespace = reference.namespace else {
      misread[key] = nil
      return
    }
    if content(of: namespace)?.misread[key] != nil { change(namespace) { $0.content.misread[key] = nil } }
  }

  /// The groups whose policies' rules are modelled.
  private static let modelledGroups: Set<RegoString> = ["networking.k8s.io", "policy.networking.k8s.io"]

  // MARK: Building

  /// The model of what has been added so far.
  public func build() -> ClusterModel {
    var model = base
    for (name, draft) in drafts {
      let old = base.namespaces[name]
      let new =
        draft.content.isEmpty
        ? nil
        : NamespaceModel(
          name: name, content: draft.content, pods: draft.hasOtherPods ? nil : old?.pods,
          policies: draft.hasOtherPolicies ? nil : old)
      model.namespaces[name] = new
      if draft.content.foreignPolicies.isEmpty {
        model.namespacesWithForeignPolicies.remove(name)
      } else {
        model.namespacesWithForeignPolicies.insert(name)
      }
      model.ingressIndex.replace(name, old?.ingressReach, with: new?.ingressReach)
      model.egressIndex.replace(name, old?.egressReach, with: new?.egressReach)
    }
    if hasOtherClusterPolicies { model.setClusterPolicies(clusterPolicies) }
    model.clusterForeignPolicies = foreignPolicies
    model.misread = misread
    return model
  }
}

extension Policy {
  /// The order of the cluster's policies: the Admin tier by priority, then the Baseline tier, then by name.
  static func precedes(_ left: Policy, _ right: Policy) -> Bool {
    let a = left.rank
    let b = right.rank
    return a == b ? left.reference.name < right.reference.name : a < b
  }

  /// Smaller numbers go first; policies of one rank are of undefined order.
  var rank: Int {
    switch tier {
    case .admin(let priority): priority
    case .networkPolicy: 10_000
    case .baseline(let priority): 20_000 + priority
    }
  }
}
