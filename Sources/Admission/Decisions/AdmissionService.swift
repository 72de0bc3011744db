import Connectivity
import Foundation
import Kubernetes
import Rego
import Synchronization

/// Decides reviews by the policies and the inventory of a snapshot, which can be replaced at any time.
public final class AdmissionService: ReviewService {
  private let state: Mutex<AdmissionSnapshot>
  private let lanes = Mutex<[AdmissionService]>([])
  /// All policies there are, and which of them cannot be asked for now.
  private let gate = Mutex(Gate())
  /// How many steps a policy may take on one request, however much time is left.
  private let steps: Int
  private let live: Live

  /// Who is asked before a decision for want of an object counts; one for all lanes.
  private final class Live: Sendable {
    let reader = Mutex<(any LiveReader)?>(nil)
  }

  /// From now on asks the cluster itself before a denial for want of an object counts (``PolicySettings/confirm``), and for a Namespace
  /// that a constraint is to be matched with and the inventory has not.
  public func setLiveReader(_ reader: any LiveReader) { live.reader.withLock { $0 = reader } }

  public init(_ snapshot: AdmissionSnapshot, steps: Int = .max) {
    state = Mutex(snapshot)
    self.steps = steps
    live = Live()
    gate.withLock { $0.policies = snapshot.policies }
  }

  private init(lane snapshot: AdmissionSnapshot, steps: Int, live: Live) {
    state = Mutex(snapshot)
    self.steps = steps
    self.live = live
  }

  /// Says which of the policies cannot be asked for now, and why, by the name of the policy or template.
  public typealias PolicyGate = @Sendable (PolicySet) -> [String: String]

  private struct Gate {
    var policies = PolicySet.empty
    var isOpen: PolicyGate?
    /// What was held back when it was last asked.
    var reasons: [String: String] = [:]
  }

  /// From now on asks which policies cannot be asked, whenever there are others, and after ``refreshPolicies()``.
  public func setGate(_ isOpen: @escaping PolicyGate) {
    gate.withLock { $0.isOpen = isOpen }
    refreshPolicies()
  }

  /// Asks again which policies cannot be asked.
  public func refreshPolicies() {
    lanes.withLock { lanes in
      let gate = gate.withLock { $0 }
      let reasons = gate.isOpen?(gate.policies) ?? [:]
      if reasons == gate.reasons { return }
      self.gate.withLock { $0.reasons = reasons }
      Self.replace(policies: gate.policies.withholding(reasons), of: self, lanes)
    }
  }

  private func openPolicies(_ policies: PolicySet) -> PolicySet {
    let reasons = gate.withLock(\.isOpen)?(policies) ?? [:]
    gate.withLock { gate in
      gate.policies = policies
      gate.reasons = reasons
    }
    return policies.withholding(reasons)
  }

  /// What the next review is judged by.
  public var snapshot: AdmissionSnapshot { state.withLock { $0 } }

  /// Judges by another snapshot from the next review on; those that are being judged end as they began.
  public func replace(with snapshot: AdmissionSnapshot) {
    lanes.withLock { lanes in
      let snapshot = AdmissionSnapshot(
        policies: openPolicies(snapshot.policies), inventory: snapshot.inventory)
      // Made before the lane is held, whose event loop must not wait for it.
      for lane in lanes { lane.set(snapshot.replica()) }
      set(snapshot)
    }
  }

  /// Judges by other policies from the next review on, and by the inventory there is.
  public func replace(policies: PolicySet) {
    lanes.withLock { lanes in Self.replace(policies: openPolicies(policies), of: self, lanes) }
  }

  private static func replace(
    policies: PolicySet, of service: AdmissionService, _ lanes: [AdmissionService]
  ) {
    let old = service.snapshot
    let isModelKept =
      policies.enforcedKinds == old.policies.enforcedKinds && policies.needsPods == old.policies.needsPods
    let new = AdmissionSnapshot(
      policies: policies, inventory: old.inventory, model: isModelKept ? old.model : nil)
    for lane in lanes { lane.set(new.replica()) }
    service.set(new)
  }

  /// Judges by another inventory from the next review on, and by the policies there are: the compiled policies stay, so that this
  /// can be done for every change in a cluster.
  ///
  /// - Parameter changes: what is different from the inventory before; nil where that is not known, and then the model of the
  ///   network is made anew.
  public func replace(inventory: Inventory?, changes: [InventoryChange]? = nil) {
    lanes.withLock { lanes in
      let old = snapshot
      let model = changes.flatMap { old.model?.applying($0, for: old.policies) }
      let new = AdmissionSnapshot(policies: old.policies, inventory: inventory, model: model)
      for lane in lanes {
        lane.set(
          AdmissionSnapshot(policies: lane.snapshot.policies, inventory: inventory, model: new.model))
      }
      set(new)
    }
  }

  private func set(_ snapshot: AdmissionSnapshot) {
    // The old one ends its life outside of the lock, since it may take much with it.
    let old = state.withLock { state in
      defer { state = snapshot }
      return state
    }
    _ = old
  }

  /// The same service for the use of one thread. It follows ``replace(with:)``, for as long as this one lives.
  public func lane() -> any ReviewService {
    lanes.withLock { lanes in
      let lane = AdmissionService(lane: snapshot.replica(), steps: steps, live: live)
      lanes.append(lane)
      return lane
    }
  }

  public func answer(
    _ body: UnsafeRawBufferPointer, deadline: ContinuousClock.Instant, isFinal: Bool
  ) -> ReviewAnswer {
    let start = ContinuousClock.now
    let snapshot = snapshot
    let review: Value
    let request: AdmissionRequest
    do {
      (review, request) = try Self.read(body, for: snapshot)
    } catch let error as JSONError {
      return .malformed("the body is not JSON: \(error)")
    } catch {
      return .malformed("the body is no AdmissionReview that can be answered: \(error)")
    }
    guard
      var decision = snapshot.decide(
        request, review: review, deadline: deadline, steps: steps, acceptsCancellation: isFinal)
    else { return .tooSlow }
    if decision.missesNamespace || snapshot.policies.unconfirmedKinds(of: decision) != nil,
      let reader = live.reader.withLock(\.self)
    {
      return .unconfirmed(
        UnconfirmedReview(
          decision: decision, request: request, review: review, snapshot: snapshot, reader: reader,
          steps: steps, start: start))
    }
    let response = decision.response(to: request).json()
    decision.duration = ContinuousClock.now - start
    return .decided(decision, response: response)
  }
}

extension AdmissionService {
  /// Reads what the policies for the review's kind read of it.
  private static func read(
    _ body: UnsafeRawBufferPointer, for snapshot: AdmissionSnapshot
  ) throws -> (Value, AdmissionRequest) {
    if let kind = JSONReader.peekString(at: PolicySet.kindPath, in: body),
      let operation = JSONReader.peek(
        at: PolicySet.operationPath, in: body, AdmissionRequest.Operation.init(utf8:))
    {
      let review = try JSONReader.project(body, shape: snapshot.policies.shape(forKind: kind, operation))
      let request = try AdmissionRequest(review: review)
      // A body may name them twice: the last counts.
      if request.kind.kind == kind, request.operation == operation { return (review, request) }
    }
    let review = try JSONReader.project(body, shape: snapshot.policies.shape)
    return (review, try AdmissionRequest(review: review))
  }
}

extension AdmissionSnapshot {
  /// How many bytes, roughly, one evaluation may collect.
  private static let evaluationMemory = 64 << 20

  /// Decides a request.
  ///
  /// - Parameters:
  ///   - review: the AdmissionReview of which `request` is the view; at least what policies read of it.
  ///   - acceptsCancellation: whether running out of time is a policy's failure; otherwise it is for another try.
  /// - Returns: nil where time ran out and that is for another try.
  public func decide(
    _ request: AdmissionRequest, review: Value, deadline: ContinuousClock.Instant? = nil, steps: Int = .max,
    acceptsCancellation: Bool = true
  ) -> Decision? {
    var decision = Decision(request)
    let candidates = policies.candidates(forKind: request.kind.kind)
    let constraints = policies.constraints.candidates(forKind: request.kind.kind)
    if candidates.isEmpty, constraints.isEmpty { return decision }
    let context = BuiltinContext(
      nowNanoseconds: Self.nanosecondsSince1970(), deadline: deadline,
      host: policies.askForModel(candidates)
        ? sharedModel.map { ClusterQuestion($0, request: review["request"]?.object) } : nil)
    let limits = EvaluationLimits(deadline: deadline, steps: steps, memory: Self.evaluationMemory)
    for index in candidates {
      guard policies.isAsked(index, about: request) else { continue }
      let policy = policies.policies[index]
      let verdict = PolicyVerdict(of: policy, input: review, data: data, context: context, limits: limits)
      if verdict.isCancelled, !acceptsCancellation { return nil }
      decision.add(verdict, of: policy)
    }
    if !constraints.isEmpty,
      !judge(
        request, review: review, by: constraints, context, limits, acceptsCancellation: acceptsCancellation,
        &decision)
    {
      return nil
    }
    if SecretMask.concerns(request), let mask = SecretMask(of: review) { decision.mask(with: mask) }
    decision.conclude()
    annotate(&decision)
    return decision
  }

  /// Adds what tells the audit log by what was decided.
  func annotate(_ decision: inout Decision) {
    if decision.evaluatedPolicies.isEmpty { return }
    decision.auditAnnotations["policy-set"] = policies.hash
    if let age = inventory?.freshness?.age { decision.auditAnnotations["inventory-age"] = age }
  }

  private static func nanosecondsSince1970() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
