import Kubernetes
import Rego
import Synchronization

/// A model to which each request refers, and of which none copies the parts.
public final class SharedModel: Sendable {
  public let model: ClusterModel

  public init(_ model: ClusterModel) { self.model = model }
}

/// What the functions `netpol.*` are asked about during one decision: the cluster as the request finds it, and as it would leave it.
///
/// The host of an evaluation gives it to the builtins as `BuiltinContext.host`.
public final class ClusterQuestion: Sendable {
  private let cluster: SharedModel
  /// The cluster as the request finds it.
  var model: ClusterModel { cluster.model }
  /// What is asked to be admitted; nil where nothing is.
  private let request: ObjectValue?
  /// What is known of a request, so that functions which are asked about the same one compute it once.
  private struct Known {
    let request: ObjectValue
    let change: ModelChange
    /// What `netpol.changes` answers.
    var answer: Value?
  }

  private let known = Mutex<[Known]>([])

  /// - Parameter request: the `request` of an AdmissionReview, with at least what ``NetworkPolicyBuiltins/shape(of:forKind:)`` tells of.
  public init(_ cluster: SharedModel, request: ObjectValue? = nil) {
    self.cluster = cluster
    self.request = request
  }

  /// What a request changes.
  ///
  /// - Throws: `BuiltinError` where it cannot be understood.
  func change(_ request: ObjectValue) throws(BuiltinError) -> ModelChange {
    if let known = known.withLock({ $0.first { $0.request.isIdentical(to: request) }?.change }) {
      return known
    }
    let requested = try RequestedChange(request)
    let change: ModelChange
    if let wanted = requested.change {
      do throws(Problem) {
        change = try ModelChange(wanted, to: model)
      } catch {
        throw .failed(error.description)
      }
    } else {
      change = ModelChange(nothingIn: model, reference: requested.reference)
    }
    known.withLock { $0.append(Known(request: request, change: change)) }
    return change
  }

  /// The answer of `netpol.changes` about a request, computed by `body` where it is not known.
  func answer(
    _ request: ObjectValue, _ body: () throws(BuiltinError) -> Value
  ) throws(BuiltinError) -> Value {
    if let known = known.withLock({ $0.first { $0.request.isIdentical(to: request) }?.answer }) {
      return known
    }
    let answer = try body()
    known.withLock { known in
      if let position = known.firstIndex(where: { $0.request.isIdentical(to: request) }) {
        known[position].answer = answer
      }
    }
    return answer
  }

  /// The cluster with the request applied.
  ///
  /// - Throws: `BuiltinError` where the request cannot be understood.
  var after: ClusterModel {
    get throws(BuiltinError) {
      guard let request else { return model }
      return try change(request).after
    }
  }

  /// The same, for whoever asks which policies select pods: workloads have no effect on that.
  var afterForSelection: ClusterModel {
    get throws(BuiltinError) {
      guard let request, case .string(let kind)? = request["kind"]?["kind"],
        !KindTable.workloadKinds.contains(kind)
      else { return model }
      return try change(request).after
    }
  }

  /// The namespace of the request, for objects that do not say theirs.
  var namespace: RegoString? {
    guard case .string(let name)? = request?["namespace"], name.utf8Count > 0 else { return nil }
    return name
  }
}

extension ClusterModel {
  /// A namespace, which may have nothing in it that is known.
  ///
  /// - Parameter isForSelection: whether only is asked which policies select its pods, and not whom rules are about.
  /// - Throws: `BuiltinError` where something about it is not known that policies ask for.
  func namespace(_ name: RegoString, isForSelection: Bool = false) throws(BuiltinError) -> NamespaceModel {
    if let problem = misread.values.first ?? namespaces[name]?.content.misread.values.first {
      throw .failed("a policy cannot be understood, so that nothing can be told: \(problem)")
    }
    let namespace = namespaces[name] ?? NamespaceModel(name: name, content: NamespaceContent())
    if !namespace.isDeclared, let selector = selectorOfLabels(isForSelection: isForSelection) {
      throw .failed(
        "the labels of namespace \(name) are not known, since the inventory has no object of it, and a policy asks for "
          + "{\(selector.text)}")
    }
    return namespace
  }

  /// Some selector of namespaces that asks for more than their names.
  private func selectorOfLabels(isForSelection: Bool) -> Selector? {
    func asks(_ selector: Selector) -> Bool {
      selector.selector.requirements.contains { $0.key != Self.metadataName }
    }
    if !isForSelection {
      for selector in ingressIndex.bySelector.keys where asks(selector) { return selector }
      for selector in egressIndex.bySelector.keys where asks(selector) { return selector }
    }
    for policy in clusterPolicies {
      let rules = isForSelection ? [] : policy.ingress + policy.egress
      let peers = [policy.subject] + rules.flatMap(\.peers.pods)
      for peer in peers {
        if case .matching(let selector) = peer.namespaces, asks(selector) { return selector }
      }
    }
    return nil
  }

  private static let metadataName: RegoString = "kubernetes.io/metadata.name"
}
