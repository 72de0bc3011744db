import Kubernetes
import Rego

/// A decision for want of an object that the inventory may not have yet, since it is a moment behind the cluster: it counts once the
/// cluster itself has been asked.
public struct UnconfirmedReview: Sendable {
  let decision: Decision
  let request: AdmissionRequest
  let review: Value
  let snapshot: AdmissionSnapshot
  let reader: any LiveReader
  let steps: Int
  let start: ContinuousClock.Instant

  /// Asks the cluster and decides again. Where it cannot be asked for what a policy denies for want of, the decision is a failure
  /// (500), not a violation: nobody knows. A Namespace that it cannot be asked for is as one that is not there.
  public func confirm(until deadline: ContinuousClock.Instant) async -> ReviewAnswer {
    var (snapshot, decision) = (snapshot, decision)
    if decision.missesNamespace {
      // What is left of the time is for what else there may be to ask.
      let half = ContinuousClock.now + (deadline - .now) / 2
      let found = try? await reader.objects(of: Self.namespaces, in: request.namespace, until: half)
      let namespace = found?.first { $0["metadata"]?["name"] == .string(request.namespace) }
      if let namespace {
        snapshot = snapshot.with(namespace: namespace, named: request.namespace)
        guard
          let decided = snapshot.decide(request, review: review, deadline: deadline, steps: steps)
        else { return .tooSlow }
        decision = decided
      }
    }
    if let kinds = snapshot.policies.unconfirmedKinds(of: decision) {
      do {
        for kind in kinds {
          let objects = try await reader.objects(of: kind, in: request.namespace, until: deadline)
          snapshot = snapshot.with(objects, of: kind, in: request.namespace)
        }
        guard
          let decided = snapshot.decide(request, review: review, deadline: deadline, steps: steps)
        else { return .tooSlow }
        decision = decided
      } catch {
        decision.doubt(policies: snapshot.policies.confirmed, because: "\(error)")
        snapshot.annotate(&decision)
      }
    }
    let response = decision.response(to: request).json()
    decision.duration = ContinuousClock.now - start
    return .decided(decision, response: response)
  }

  private static let namespaces = GroupVersionKind(group: "", version: "v1", kind: "Namespace")
}

extension AdmissionSnapshot {
  /// This snapshot with a Namespace besides.
  func with(namespace: Value, named name: RegoString) -> AdmissionSnapshot {
    guard let inventory else { return self }
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Namespace")
    let change = InventoryChange(ObjectReference(kind: kind, namespace: nil, name: name), object: namespace)
    return AdmissionSnapshot(
      policies: policies, inventory: inventory.with(namespace: namespace, named: name),
      model: model?.applying([change], for: policies))
  }

  /// This snapshot with other objects of a kind in a namespace.
  func with(_ objects: [Value], of kind: GroupVersionKind, in namespace: RegoString) -> AdmissionSnapshot {
    guard let inventory else { return self }
    var names: [Value: Value?] = [:]
    let old = inventory.objects(of: kind, in: namespace)
    for name in old.keys { names.updateValue(nil, forKey: name) }
    for object in objects {
      guard case .string(let name)? = object["metadata"]?["name"] else { continue }
      names.updateValue(object, forKey: .string(name))
    }
    let changes = names.compactMap { name, object -> InventoryChange? in
      guard case .string(let name) = name else { return nil }
      return InventoryChange(ObjectReference(kind: kind, namespace: namespace, name: name), object: object)
    }
    return AdmissionSnapshot(
      policies: policies, inventory: inventory.with(old.replacing(names), of: kind, in: namespace),
      model: model?.applying(changes, for: policies))
  }
}

extension Inventory {
  fileprivate func objects(of kind: GroupVersionKind, in namespace: RegoString) -> ObjectValue {
    value["namespace"]?.object?[namespace]?.object?[kind.apiVersion]?.object?[kind.kind]?.object
      ?? ObjectValue()
  }

  /// The inventory with a Namespace besides; its counts stay.
  fileprivate func with(namespace: Value, named name: RegoString) -> Inventory {
    let cluster = value["cluster"]?.object ?? ObjectValue()
    let kinds = cluster["v1"]?.object ?? ObjectValue()
    let namespaces = (kinds["Namespace"]?.object ?? ObjectValue()).inserting(.string(name), namespace)
    let changed = cluster.inserting("v1", .object(kinds.inserting("Namespace", .object(namespaces))))
    return Inventory(
      value: [
        "namespace": value["namespace"] ?? .object(ObjectValue()), "cluster": .object(changed),
      ], counts: counts, namespaceCount: namespaceCount, freshness: freshness)
  }

  /// The inventory with these objects of a kind in a namespace; its counts stay.
  fileprivate func with(
    _ objects: ObjectValue, of kind: GroupVersionKind, in namespace: RegoString
  ) -> Inventory {
    let namespaces = value["namespace"]?.object ?? ObjectValue()
    let versions = namespaces[namespace]?.object ?? ObjectValue()
    let kinds = versions[kind.apiVersion]?.object ?? ObjectValue()
    func set(_ key: RegoString, _ value: ObjectValue, in object: ObjectValue) -> ObjectValue {
      // Policies ask whether there is anything of a kind: nothing of a kind is no such kind.
      object.replacing([.string(key): value.isEmpty ? nil : .object(value)])
    }
    let changed = set(
      namespace, set(kind.apiVersion, set(kind.kind, objects, in: kinds), in: versions), in: namespaces)
    return Inventory(
      value: ["namespace": .object(changed), "cluster": value["cluster"] ?? .object(ObjectValue())],
      counts: counts, namespaceCount: namespaceCount, freshness: freshness)
  }
}

extension PolicySet {
  /// The policies whose denials the cluster itself is asked about, by name, with the kinds.
  var confirmed: [String: Set<GroupVersionKind>] {
    policies.reduce(into: [:]) { confirmed, policy in
      if !policy.settings.confirm.isEmpty { confirmed[policy.name] = Set(policy.settings.confirm) }
    }
  }

  /// The kinds to ask for before a decision denies; nil where it denies in any case, or does not.
  func unconfirmedKinds(of decision: Decision) -> Set<GroupVersionKind>? {
    guard decision.code == 403, !decision.namespace.isEmpty else { return nil }
    var kinds: Set<GroupVersionKind> = []
    for violation in decision.violations {
      guard
        let policy = policies.first(where: { $0.name.utf8.elementsEqual(violation.policy.utf8) }),
        !policy.settings.confirm.isEmpty
      else { return nil }
      kinds.formUnion(policy.settings.confirm)
    }
    return kinds
  }
}
