import Kubernetes
import Rego
import Synchronization

/// Decides reviews of the objects that policies come from: what would be quarantined is refused, with the compiler's message.
///
/// It judges the object alone, beside those that there are; requests about other objects are allowed.
public final class PolicyReviewService: ReviewService {
  /// What an object is judged by.
  public struct Context: Sendable {
    public var compiler: PolicyCompiler
    public var overrides: PolicyOverrides
    /// The policies of files, whose names are taken.
    public var base: PolicySet
    /// The objects that there are.
    public var objects: PolicyObjects
    /// What has compiled these objects, so that they need not be compiled once more.
    var clusterCompiler: ClusterPolicyCompiler?

    public init(
      compiler: PolicyCompiler, overrides: PolicyOverrides = PolicyOverrides(), base: PolicySet = .empty,
      objects: PolicyObjects = PolicyObjects()
    ) {
      self.compiler = compiler
      self.overrides = overrides
      self.base = base
      self.objects = objects
    }
  }

  private let context: Mutex<Context>
  /// How findings call what makes them.
  static let name = "policies"

  public init(_ context: Context) { self.context = Mutex(context) }

  /// Judges by something else from the next review on.
  public func update(_ body: (inout Context) -> Void) { context.withLock { body(&$0) } }

  public func answer(
    _ body: UnsafeRawBufferPointer, deadline: ContinuousClock.Instant, isFinal: Bool
  ) -> ReviewAnswer {
    let start = ContinuousClock.now
    let request: AdmissionRequest
    do {
      request = try AdmissionRequest(review: try JSONReader.value(body))
    } catch let error as JSONError {
      return .malformed("the body is not JSON: \(error)")
    } catch {
      return .malformed("the body is no AdmissionReview that can be answered: \(error)")
    }
    var decision = Decision(request)
    if let object = Self.judgedObject(of: request) {
      decision.evaluatedPolicies.append(Self.name)
      let found = context.withLock { $0 }.findings(about: object)
      decision.violations = found.refusals.map { Decision.Finding(policy: Self.name, message: $0) }
      decision.warnings = found.warnings.map { Decision.Finding(policy: Self.name, message: $0) }
    }
    decision.conclude()
    let response = decision.response(to: request).json()
    decision.duration = ContinuousClock.now - start
    return .decided(decision, response: response)
  }

  /// What a request would make of policies; nil where it makes nothing new of them.
  private static func judgedObject(of request: AdmissionRequest) -> Value? {
    guard request.operation == .create || request.operation == .update,
      request.subResource.utf8Count == 0, let object = request.object,
      request.metadata?.isBeingDeleted != true
    else { return nil }
    let group = request.kind.group
    let isOfPolicies =
      group.utf8Count == 0 && request.kind.kind == "ConfigMap" && PolicyObjects.isPolicy(object)
      || group == RegoString(ConstraintTemplate.group) || group == RegoString(Constraint.group)
    guard isOfPolicies else { return nil }
    // What is there already can be labelled and annotated, and loses its finalizers, though it is broken.
    if let old = request.oldObject, content(of: old) == content(of: object) { return nil }
    // The object says of itself what it is; where it does not, the request does.
    guard case .object(let members) = object else { return nil }
    return .object(
      members.inserting("kind", .string(request.kind.kind))
        .inserting("apiVersion", .string(request.kind.apiVersion)))
  }

  private static func content(of object: Value) -> [Value?] {
    [
      .boolean(PolicyObjects.isPolicy(object)), object["data"], object["binaryData"], object["spec"],
      object["metadata"]?["annotations"]?[SyncRequirement.annotation],
    ]
  }
}

extension PolicyReviewService.Context {
  /// Why an object would be quarantined, or others for its sake, and what is worth a warning.
  fileprivate func findings(about object: Value) -> (refusals: [String], warnings: [String]) {
    let reference = ObjectReference(of: object)
    let before = concerned(by: object)
    let compiler = clusterCompiler?.copy() ?? ClusterPolicyCompiler(compiler, overrides: overrides)
    // First, since it may be known.
    let known = Set(compiler.compile(before, beside: base).quarantined.map(\.object))
    let after = compiler.compile(before.replacing(object), beside: base)
    if let problem = after.problem(with: object) {
      if reference.kind.group == RegoString(Constraint.group), before.templates.isEmpty {
        return ([], problem.reasons.map { "\($0); it has no effect until there is one" })
      }
      return (problem.reasons.map(\.description), [])
    }
    let others = after.quarantined.filter { !known.contains($0.object) }
      .map { "\($0.object) would no longer serve: \($0.message)" }
    // A template is changed before its constraints are.
    return reference.kind.group == RegoString(ConstraintTemplate.group) ? ([], others) : (others, [])
  }

  /// The objects whose fate an object may change.
  private func concerned(by object: Value) -> PolicyObjects {
    let reviewed = ReviewedObject(object)
    let name: RegoString
    switch reviewed.group {
    case RegoString(ConstraintTemplate.group): name = reviewed.name
    case RegoString(Constraint.group): name = RegoString(reviewed.kind.string.lowercased())
    default: return PolicyObjects(configMaps: objects.configMaps)
    }
    return PolicyObjects(
      templates: objects.templates.filter { ReviewedObject($0).name == name },
      constraints: objects.constraints.filter {
        ReviewedObject($0).kind.string.lowercased().utf8.elementsEqual(name.utf8)
          && (reviewed.group == RegoString(ConstraintTemplate.group)
            || ReviewedObject($0).name == reviewed.name)
      })
  }
}
