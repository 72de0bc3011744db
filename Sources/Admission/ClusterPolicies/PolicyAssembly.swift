import Rego
import Synchronization

/// Puts the policies of files and those of a cluster together, and has a service judge by them. Files and cluster change apart
/// from each other; whichever changes, the whole follows from what both are then.
public final class PolicyAssembly: Sendable {
  /// Policies of files, and how those of the cluster are to be compiled.
  public struct Base: Sendable {
    public var policies: PolicySet
    public var compiler: PolicyCompiler
    public var overrides: PolicyOverrides

    public init(policies: PolicySet, compiler: PolicyCompiler, overrides: PolicyOverrides) {
      self.policies = policies
      self.compiler = compiler
      self.overrides = overrides
    }
  }

  private struct State {
    var base: Base
    var compiler: ClusterPolicyCompiler
    var objects = PolicyObjects()
    var cluster = ClusterPolicies.none
  }

  private let service: AdmissionService
  /// Decides reviews of policies by what there is.
  public let reviews: PolicyReviewService
  private let state: Mutex<State>

  public init(_ base: Base, service: AdmissionService) {
    self.service = service
    reviews = PolicyReviewService(
      PolicyReviewService.Context(compiler: base.compiler, overrides: base.overrides, base: base.policies))
    state = Mutex(
      State(base: base, compiler: ClusterPolicyCompiler(base.compiler, overrides: base.overrides)))
  }

  /// What the cluster's objects have come to.
  public var cluster: ClusterPolicies { state.withLock { $0.cluster } }

  /// Takes other policies of files, or another configuration.
  public func replace(base: Base) {
    update(isNew: true) { state in
      state.base = base
      state.compiler = ClusterPolicyCompiler(base.compiler, overrides: base.overrides)
    }
  }

  /// Takes other objects of the cluster.
  ///
  /// - Returns: what they have come to, and whether that is anything new.
  @discardableResult
  public func replace(objects: PolicyObjects) -> (cluster: ClusterPolicies, isNew: Bool) {
    update { $0.objects = objects }
  }

  /// Compiles under the lock: two changes at a time could end in the wrong order. Requests do not wait for it.
  @discardableResult
  private func update(
    isNew: Bool = false, _ change: (inout State) -> Void
  ) -> (cluster: ClusterPolicies, isNew: Bool) {
    state.withLock { state in
      let old = state.cluster
      change(&state)
      let cluster = state.compiler.compile(state.objects, beside: state.base.policies)
      state.cluster = cluster
      reviews.update {
        $0 = PolicyReviewService.Context(
          compiler: state.base.compiler, overrides: state.base.overrides, base: state.base.policies,
          objects: state.objects)
        $0.clusterCompiler = state.compiler
      }
      // Objects change in ways that mean nothing here, such as their status.
      let isNew = isNew || cluster.fingerprint != old.fingerprint || cluster.quarantined != old.quarantined
      if isNew { service.replace(policies: state.base.policies.adding(cluster)) }
      return (cluster, isNew)
    }
  }
}
