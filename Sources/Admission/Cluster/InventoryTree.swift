import Kubernetes
import Rego

/// An inventory that changes: of every change only the maps on the way to what is changed are made anew, and those once for however
/// many changes there are between one ``inventory(_:)`` and the next.
struct InventoryTree {
  struct Place: Hashable {
    /// Nil for objects that are the cluster's.
    var namespace: RegoString?
    var name: RegoString
  }

  private typealias ByName = [Value: Value?]
  private typealias ByKind = [RegoString: [RegoString: ByName]]

  private var namespaces = ObjectValue()
  private var cluster = ObjectValue()
  private var counts: [GroupVersionKind: Int] = [:]
  /// By namespace, version, kind and name; nil where the object is no more.
  private var pending: [RegoString?: ByKind] = [:]

  /// Whether something has changed since the last ``inventory(_:)``.
  var hasChanged: Bool { !pending.isEmpty }

  func count(of kind: GroupVersionKind) -> Int { counts[kind] ?? 0 }

  /// The object at a place as it will be, changes included.
  func object(of kind: GroupVersionKind, _ apiVersion: RegoString, at place: Place) -> Value? {
    if let changed = pending[place.namespace]?[apiVersion]?[kind.kind]?[.string(place.name)] {
      return changed
    }
    return names(of: kind, apiVersion, in: place.namespace)?[place.name]
  }

  /// - Parameter object: nil to take out what is there.
  mutating func set(_ object: Value?, of kind: GroupVersionKind, _ apiVersion: RegoString, at place: Place) {
    pending[place.namespace, default: [:]][apiVersion, default: [:]][kind.kind, default: [:]]
      .updateValue(object, forKey: .string(place.name))
  }

  /// The places of the objects of a kind, but for changes that are pending.
  func places(of kind: GroupVersionKind, _ apiVersion: RegoString) -> [Place] {
    var places: [Place] = []
    func add(_ names: ObjectValue?, in namespace: RegoString?) {
      for case .string(let name) in names?.keys ?? [] {
        places.append(Place(namespace: namespace, name: name))
      }
    }
    add(names(of: kind, apiVersion, in: nil), in: nil)
    for case .string(let namespace) in namespaces.keys {
      add(names(of: kind, apiVersion, in: namespace), in: namespace)
    }
    return places
  }

  private func names(
    of kind: GroupVersionKind, _ apiVersion: RegoString, in namespace: RegoString?
  ) -> ObjectValue? {
    let versions = if let namespace { namespaces[namespace]?.object } else { cluster }
    return versions?[apiVersion]?.object?[kind.kind]?.object
  }

  /// The changes since the last ``inventory(_:)``.
  var changes: [InventoryChange] {
    var changes: [InventoryChange] = []
    for (namespace, versions) in pending {
      for (apiVersion, kinds) in versions {
        for (kindName, names) in kinds {
          guard let kind = GroupVersionKind(apiVersion: apiVersion, kind: kindName) else { continue }
          for case (.string(let name), let object) in names {
            changes.append(
              InventoryChange(ObjectReference(kind: kind, namespace: namespace, name: name), object: object))
          }
        }
      }
    }
    return changes
  }

  /// The inventory with all changes.
  mutating func inventory(_ freshness: InventoryFreshness) -> Inventory {
    var changed: [Value: Value?] = [:]
    for (namespace, versions) in pending {
      if let namespace {
        let old = namespaces[namespace]?.object ?? ObjectValue()
        let new = apply(versions, to: old)
        changed.updateValue(new.isEmpty ? nil : .object(new), forKey: .string(namespace))
      } else {
        cluster = apply(versions, to: cluster)
      }
    }
    if !changed.isEmpty { namespaces = namespaces.replacing(changed) }
    pending = [:]
    let sorted = counts.sorted {
      ($0.key.apiVersion, $0.key.kind) < ($1.key.apiVersion, $1.key.kind)
    }
    return Inventory(
      value: ["namespace": .object(namespaces), "cluster": .object(cluster)],
      counts: sorted.map {
        Inventory.KindCount(
          groupVersion: $0.key.apiVersion.string, kind: $0.key.kind.string, count: $0.value)
      }, namespaceCount: namespaces.count, freshness: freshness)
  }

  private mutating func apply(_ changes: ByKind, to versions: ObjectValue) -> ObjectValue {
    var changedVersions: [Value: Value?] = [:]
    for (apiVersion, kinds) in changes {
      let old = versions[apiVersion]?.object ?? ObjectValue()
      var changedKinds: [Value: Value?] = [:]
      for (kind, names) in kinds {
        let before = old[kind]?.object ?? ObjectValue()
        let after = before.replacing(names)
        if let group = GroupVersionKind(apiVersion: apiVersion, kind: kind) {
          let count = (counts[group] ?? 0) + after.count - before.count
          counts[group] = count == 0 ? nil : count
        }
        // Policies ask whether there is anything of a kind: nothing of a kind is no such kind.
        changedKinds.updateValue(after.isEmpty ? nil : .object(after), forKey: .string(kind))
      }
      let new = old.replacing(changedKinds)
      changedVersions.updateValue(new.isEmpty ? nil : .object(new), forKey: .string(apiVersion))
    }
    return versions.replacing(changedVersions)
  }
}
