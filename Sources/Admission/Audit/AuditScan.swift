import Connectivity
import Kubernetes
import Rego

/// Judges what exists as if somebody created it now: finds what was there before a policy, and what racing changes let through.
///
/// Owners are to be added before what they own.
public struct AuditScan {
  /// As whom objects are judged that no controller makes.
  public static let user = "system:portcullis:audit"
  /// How many findings are kept in full.
  public static let maximumFindings = 10_000
  /// The DaemonSets of networks that enforce NetworkPolicy, by the beginning of their names.
  public static let enforcingNetworks = [
    "antrea-agent", "anetd", "aws-node", "azure-npm", "calico-node", "canal", "cilium", "kube-ovn-cni",
    "kube-router", "kindnet", "ovnkube-node", "romana-agent", "weave-net",
  ]

  private let snapshot: AdmissionSnapshot
  private let budget: Duration
  private let networks: [String]
  private var report = AuditReport()
  private var model: ClusterModelBuilder
  /// By their uids, the labels of the pods that controllers' objects make.
  private var owned: [RegoString: ObjectValue] = [:]
  private var hasNetwork = false
  /// Whether the DaemonSets that there are have been looked at.
  private var hasDaemonSets = false

  /// - Parameters:
  ///   - policies: those that judge requests.
  ///   - constraints: those of the cluster, of which audit may enforce others than admission does.
  ///   - inventory: what policies read of the cluster.
  ///   - networks: as ``enforcingNetworks``.
  ///   - budget: how long one object may take.
  public init(
    policies: PolicySet, constraints: [CompiledConstraint] = [], inventory: Inventory?,
    networks: [String] = AuditScan.enforcingNetworks, budget: Duration = .seconds(2)
  ) {
    snapshot = AdmissionSnapshot(policies: policies.auditing(constraints), inventory: inventory)
    self.budget = budget
    self.networks = networks
    model = ClusterModelBuilder(enforcedKinds: policies.enforcedKinds, isLive: true)
    report.policySet = policies.hash
  }

  /// Judges an object, which says of itself what it is; what does not is passed over.
  public mutating func add(_ object: Value) {
    guard let reviewed = Self.reference(of: object) else { return }
    let (reference, metadata) = reviewed
    note(object, reference, metadata)
    // What is on its way out is nobody's to mend; until it is gone it counts for others.
    if metadata.isBeingDeleted { return }
    report.add(
      decision(on: object, reference, metadata), on: metadata.uid?.string ?? "", reference, snapshot.policies)
    report.objectCount += 1
  }

  /// The kinds of objects that policies are about, so far as they name any, and those that decide what is covered.
  public static func kinds(of policies: PolicySet, _ constraints: [CompiledConstraint]) -> Set<RegoString> {
    var kinds: Set<RegoString> = ["Namespace", "NetworkPolicy", "Pod"]
    kinds.formUnion(controllers.keys)
    for policy in policies.policies { kinds.formUnion(policy.kindNames ?? []) }
    for constraint in constraints { kinds.formUnion(constraint.constraint.match.kindNames ?? []) }
    return kinds
  }

  /// The policies and constraints that are about objects of any kind.
  public static func aboutAnyKind(_ policies: PolicySet, _ constraints: [CompiledConstraint]) -> [String] {
    policies.policies.filter { $0.kindNames == nil }.map(\.name)
      + constraints.filter {
        $0.constraint.match.kindNames == nil && !$0.enforcement(at: .audit).isEmpty
      }.map(\.name)
  }

  /// Takes note that all objects of a kind have been added, of which there may be none.
  public mutating func endKind(_ kind: RegoString) { if kind == "DaemonSet" { hasDaemonSets = true } }

  /// Takes note of something that could not be looked at.
  public mutating func omit(_ what: String) { report.remarks.append(what) }

  /// What has been found.
  public func finished() -> AuditReport {
    var report = report
    report.coverage = coverage()
    if hasDaemonSets, !hasNetwork {
      report.remarks.append(
        "no DaemonSet of a network is seen that enforces NetworkPolicy (\(networks.joined(separator: ", "))): where none does, "
          + "policies have no effect")
    }
    return report
  }

  // MARK: Objects

  private static func reference(of object: Value) -> (ObjectReference, ObjectMetadata)? {
    guard case .string(let apiVersion)? = object["apiVersion"], case .string(let name)? = object["kind"],
      let kind = GroupVersionKind(apiVersion: apiVersion, kind: name),
      let metadata = try? ObjectMetadata(of: object)
    else { return nil }
    return (
      ObjectReference(kind: kind, namespace: metadata.namespace, name: metadata.displayName), metadata
    )
  }

  private mutating func note(_ object: Value, _ reference: ObjectReference, _ metadata: ObjectMetadata) {
    if ClusterModelBuilder.decides(reference.kind) {
      model.set(object, reference: reference, metadata: metadata)
    }
    if Self.controllers[reference.kind.kind] != nil, let uid = metadata.uid {
      owned[uid] = Self.podLabels(of: object, reference.kind)
    }
    if reference.kind.kind == "DaemonSet" {
      hasDaemonSets = true
      let name = reference.name.string
      hasNetwork = hasNetwork || networks.contains { name.utf8.starts(with: $0.utf8) }
    }
  }

  private static func podLabels(of object: Value, _ kind: GroupVersionKind) -> ObjectValue? {
    guard let template = try? PodTemplate(of: object, kind: kind) else { return nil }
    return template.metadata["labels"]?.object ?? ObjectValue()
  }

  private func decision(
    on object: Value, _ reference: ObjectReference, _ metadata: ObjectMetadata
  ) -> Decision {
    let creator = creator(of: object, reference, metadata)
    let review = CreationReview.make(object, reference, by: creator)
    do throws(AdmissionReviewError) {
      let request = try AdmissionRequest(review: review)
      if let decision = snapshot.decide(request, review: review, deadline: .now + budget) { return decision }
      return Decision(failure: "no decision was reached in time")
    } catch {
      return Decision(failure: error.description)
    }
  }

  /// The users as whom controllers create what they own, by the owner's kind.
  private static let controllers: [RegoString: RegoString] = [
    "CronJob": "system:serviceaccount:kube-system:cronjob-controller",
    "DaemonSet": "system:serviceaccount:kube-system:daemon-set-controller",
    "Deployment": "system:serviceaccount:kube-system:deployment-controller",
    "Job": "system:serviceaccount:kube-system:job-controller",
    "ReplicaSet": "system:serviceaccount:kube-system:replicaset-controller",
    "ReplicationController": "system:serviceaccount:kube-system:replication-controller",
    "StatefulSet": "system:serviceaccount:kube-system:statefulset-controller",
  ]

  /// Who created an object: the controller of its owner where that is there and makes such pods, so that one workload is not found
  /// as many times as it has pods. Anyone can write an ownerReference, so that alone does not count.
  private func creator(
    of object: Value, _ reference: ObjectReference, _ metadata: ObjectMetadata
  ) -> AdmissionRequest.UserInfo {
    if let owner = metadata.controller, let made = owned[owner.uid],
      let user = Self.controllers[owner.kind.kind],
      let labels = Self.podLabels(of: object, reference.kind),
      made.allSatisfy({ labels[$0] == $1 })
    {
      return AdmissionRequest.UserInfo(username: user, groups: ["system:serviceaccounts"])
    }
    return AdmissionRequest.UserInfo(username: RegoString(Self.user), groups: [])
  }

  // MARK: Coverage

  private func coverage() -> [AuditReport.Coverage] {
    var namespaces: [RegoString: AuditReport.Coverage] = [:]
    for workload in Analysis(model.build()).coverage() {
      let namespace = workload.workload.namespace
      var coverage = namespaces[namespace] ?? AuditReport.Coverage(namespace: namespace.string)
      if workload.isHostNetwork {
        coverage.hostNetwork += 1
      } else {
        coverage.workloads += 1
        if workload.covers([.ingress]) { coverage.ingress += 1 }
        if workload.covers([.egress]) { coverage.egress += 1 }
      }
      namespaces[namespace] = coverage
    }
    return namespaces.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension AuditReport {
  fileprivate mutating func add(
    _ decision: Decision, on uid: String, _ reference: ObjectReference, _ policies: PolicySet
  ) {
    if !decision.allowed { deniedCount += 1 }
    let namespace = reference.namespace?.string ?? ""
    for (effect, said) in [
      (Effect.deny, decision.violations), (.failure, decision.failures), (.warn, decision.warnings),
      (.dryrun, decision.dryRunViolations),
    ] {
      for finding in said {
        counts[Key(policy: finding.policy, namespace: namespace, effect: effect), default: 0] += 1
        if findings.count >= AuditScan.maximumFindings {
          omittedCount += 1
          continue
        }
        findings.append(
          Finding(
            object: reference, uid: uid, policy: finding.policy, effect: effect, message: finding.message,
            severity: policies.policies.first { $0.name.utf8.elementsEqual(finding.policy.utf8) }?.settings
              .severity))
      }
    }
  }
}

extension PolicySet {
  /// These policies, with the constraints that are enforced where what exists is scanned.
  func auditing(_ constraints: [CompiledConstraint]) -> PolicySet {
    // What cannot be asked for now cannot be asked here either.
    let withheld = Set(notLoaded.map { RegoString($0.name) })
    let asked = constraints.filter { !withheld.contains(RegoString($0.template.name)) }
    return PolicySet(
      policies: policies, quarantined: quarantined, notLoaded: notLoaded,
      constraints: ConstraintSet(asked, at: .audit), fingerprint: fingerprint)
  }
}
