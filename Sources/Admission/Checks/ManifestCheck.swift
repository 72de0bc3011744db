import Kubernetes
import Rego

/// Judges manifests as if somebody created their objects, with all of them in the inventory: what `check` reports.
public struct ManifestCheck: Sendable {
  /// What one policy says of one manifest.
  public struct Finding: Sendable {
    /// What a finding leads to.
    public enum Effect: String, Sendable, CaseIterable {
      /// The object would be refused.
      case deny
      case warn
      /// Nothing: the policy's enforcement is `dryrun`.
      case dryrun
      /// The policy failed, which refuses the object unless the policy's `onError` is `allow`.
      case failure
    }

    public let object: ObjectReference
    public let location: Location
    public let policy: String
    public let effect: Effect
    public let message: String
  }

  /// What a check came to.
  public struct Report: Sendable {
    /// In the order of the manifests, for each the gravest first.
    public var findings: [Finding] = []
    public var objectCount = 0
    /// How many objects would be refused.
    public var deniedCount = 0
  }

  private let snapshot: AdmissionSnapshot
  private let manifests: [Manifest]
  private let user: AdmissionRequest.UserInfo
  private let budget: Duration

  /// - Parameters:
  ///   - inventory: what else is in the cluster; manifests take the place of objects that are in it already.
  ///   - user: who creates the objects.
  ///   - budget: how long one object may take.
  public init(
    _ manifests: [Manifest], policies: PolicySet, inventory: InventoryBuilder = InventoryBuilder(),
    user: AdmissionRequest.UserInfo, budget: Duration = .seconds(10)
  ) {
    var inventory = inventory
    for (index, manifest) in manifests.enumerated() {
      // What has no name yet gets one that nothing else has.
      let name = manifest.metadata.name ?? RegoString("\(manifest.metadata.displayName)\(index)")
      inventory.add(
        manifest.object, namespace: manifest.reference.namespace, groupVersion: manifest.kind.apiVersion,
        kind: manifest.kind.kind, name: name)
    }
    snapshot = AdmissionSnapshot(policies: policies, inventory: inventory.build())
    self.manifests = manifests
    self.user = user
    self.budget = budget
  }

  /// Judges every manifest.
  ///
  /// - Parameter progress: called after each with how many are done.
  public func report(progress: (Int) -> Void = { _ in }) -> Report {
    var report = Report()
    for manifest in manifests {
      report.add(decision(on: manifest), on: manifest)
      report.objectCount += 1
      progress(report.objectCount)
    }
    return report
  }

  private func decision(on manifest: Manifest) -> Decision {
    let review = CreationReview.make(
      manifest.object, manifest.reference, hasName: manifest.metadata.name != nil, by: user)
    do throws(AdmissionReviewError) {
      let request = try AdmissionRequest(review: review)
      let deadline = ContinuousClock.now + budget
      if let decision = snapshot.decide(request, review: review, deadline: deadline) { return decision }
      return Decision(failure: "no decision was reached in time")
    } catch {
      return Decision(failure: error.description)
    }
  }
}

extension Decision {
  /// A request that could not be judged.
  init(failure: String) {
    self.init()
    allowed = false
    code = 500
    failures = [Finding(policy: "", message: failure)]
  }
}

extension ManifestCheck.Report {
  fileprivate mutating func add(_ decision: Decision, on manifest: Manifest) {
    if !decision.allowed { deniedCount += 1 }
    for (effect, said) in [
      (ManifestCheck.Finding.Effect.deny, decision.violations), (.failure, decision.failures),
      (.warn, decision.warnings), (.dryrun, decision.dryRunViolations),
    ] {
      findings += said.map {
        ManifestCheck.Finding(
          object: manifest.reference, location: manifest.location, policy: $0.policy, effect: effect,
          message: $0.message)
      }
    }
  }
}
