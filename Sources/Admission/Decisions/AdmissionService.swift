import Foundation
import Kubernetes
import Rego
import Synchronization

/// Decides reviews by the policies and the inventory of a snapshot, which can be replaced at any time.
public final class AdmissionService: ReviewService {
  private let state: Mutex<AdmissionSnapshot>
  private let lanes = Mutex<[AdmissionService]>([])
  /// How many steps a policy may take on one request, however much time is left.
  private let steps: Int

  public init(_ snapshot: AdmissionSnapshot, steps: Int = .max) {
    state = Mutex(snapshot)
    self.steps = steps
  }

  /// What the next review is judged by.
  public var snapshot: AdmissionSnapshot { state.withLock { $0 } }

  /// Judges by another snapshot from the next review on; those that are being judged end as they began.
  public func replace(with snapshot: AdmissionSnapshot) {
    lanes.withLock { lanes in
      for lane in lanes {
        // Made before the lane is held, whose event loop must not wait for it.
        let replica = snapshot.replica()
        lane.state.withLock { $0 = replica }
      }
      state.withLock { $0 = snapshot }
    }
  }

  /// The same service for the use of one thread. It follows ``replace(with:)``, for as long as this one lives.
  public func lane() -> any ReviewService {
    lanes.withLock { lanes in
      let lane = AdmissionService(snapshot.replica(), steps: steps)
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
      (review, request) = try Self.read(body, for: snapshot.policies)
    } catch let error as JSONError {
      return .malformed("the body is not JSON: \(error)")
    } catch {
      return .malformed("the body is no AdmissionReview that can be answered: \(error)")
    }
    guard
      var decision = snapshot.decide(
        request, review: review, deadline: deadline, steps: steps, acceptsCancellation: isFinal)
    else { return .tooSlow }
    let response = decision.response(to: request).json()
    decision.duration = ContinuousClock.now - start
    return .decided(decision, response: response)
  }
}

extension AdmissionService {
  /// Reads what the policies for the review's kind read of it.
  private static func read(
    _ body: UnsafeRawBufferPointer, for policies: PolicySet
  ) throws -> (Value, AdmissionRequest) {
    if let kind = JSONReader.peekString(at: PolicySet.kindPath, in: body),
      let operation = JSONReader.peek(
        at: PolicySet.operationPath, in: body, AdmissionRequest.Operation.init(utf8:))
    {
      let review = try JSONReader.project(body, shape: policies.shape(forKind: kind, operation))
      let request = try AdmissionRequest(review: review)
      // A body may name them twice: the last counts.
      if request.kind.kind == kind, request.operation == operation { return (review, request) }
    }
    let review = try JSONReader.project(body, shape: policies.shape)
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
    if candidates.isEmpty { return decision }
    let context = BuiltinContext(nowNanoseconds: Self.nanosecondsSince1970(), deadline: deadline)
    let limits = EvaluationLimits(deadline: deadline, steps: steps, memory: Self.evaluationMemory)
    for index in candidates {
      guard policies.isAsked(index, about: request) else { continue }
      let policy = policies.policies[index]
      let verdict = PolicyVerdict(of: policy, input: review, data: data, context: context, limits: limits)
      if verdict.isCancelled, !acceptsCancellation { return nil }
      decision.add(verdict, of: policy)
    }
    if SecretMask.concerns(request), let mask = SecretMask(of: review) { decision.mask(with: mask) }
    decision.conclude()
    return decision
  }

  private static func nanosecondsSince1970() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
